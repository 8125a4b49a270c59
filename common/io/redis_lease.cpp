#include "common/io/redis_lease.hpp"

#include "common/base/log.hpp"
#include "common/base/process_identity.hpp"
#include "common/io/redis_log_schema.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <random>

namespace zhida::io {

namespace schema = redis_log_schema;

namespace {

// KEYS: lease. ARGV: our token, lifetime, holder that is dead or "". Gives {holder, ms left} where it is
// held.
const lua_script& take_script() {
    static const lua_script script(R"(
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] or (ARGV[3] ~= '' and holder == ARGV[3]) then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 'ours'
end
return {holder, redis.call('PTTL', KEYS[1])}
)");
    return script;
}

// KEYS: lease, offsets. ARGV: our token, lifetime, field, offset, ... A lease that ran out and that nobody
// took is ours again.
const lua_script& keep_script() {
    static const lua_script script(R"(
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return holder end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
)");
    return script;
}

const lua_script& release_script() {
    static const lua_script script(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0");
    return script;
}

std::string identity_in(const std::string& token) {
    return token.substr(0, token.rfind('#'));
}

} // namespace

redis_lease::redis_lease(std::shared_ptr<redis> connection, std::string group)
    : redis_(std::move(connection)), group_(std::move(group)), key_(schema::lease_key(group_)),
      offsets_key_(schema::offsets_key(group_)) {
    std::random_device random; // tells the consumers of one process apart
    token_ = process_identity() + "#" + std::to_string(random()) + std::to_string(random());
}

failure redis_lease::held(const std::string& holder) const {
    return {errc::conflict,
            "consumer group '" + group_ + "' is consumed by " + describe_process(identity_in(holder)) +
                " already",
            "event log on Redis",
            "stop the other one; to share the work among processes use event_log.driver = \"kafka\""};
}

asio::awaitable<result<void>> redis_lease::acquire() {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    std::string dead, seen;
    std::int64_t left = 0;
    for (;;) {
        const auto answer =
            co_await redis_->eval(take_script(), {key_}, {token_, std::to_string(lifetime.count()), dead});
        if (!answer) co_return answer.error();
        if (answer->type != redis_reply::kind::array) co_return result<void>();
        const auto holder = answer->items.at(0).text;
        const auto left_now = answer->items.at(1).integer;
        switch (state_of(identity_in(holder))) {
        case process_state::alive:
            co_return held(holder);
        case process_state::dead:
            dead = holder;
            continue;
        case process_state::unknown:
            break;
        }
        // From elsewhere: if it lives it renews the lease, which then has longer to live than before.
        if (holder == seen && left_now > left) co_return held(holder);
        seen = holder;
        left = left_now;
        if (stopped_) co_return failure{errc::cancelled, "told to stop", "", ""};
        timer.expires_after(std::chrono::milliseconds(500));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

asio::awaitable<result<void>> redis_lease::keep(std::map<std::string, std::int64_t> offsets) {
    redis_args args{token_, std::to_string(lifetime.count())};
    for (const auto& [field, offset] : offsets) {
        args.push_back(field);
        args.push_back(std::to_string(offset));
    }
    const auto answer = co_await redis_->eval(keep_script(), {key_, offsets_key_}, std::move(args));
    if (!answer) co_return answer.error();
    if (answer->type == redis_reply::kind::text) co_return held(answer->text);
    co_return result<void>();
}

asio::awaitable<void> redis_lease::release() {
    const auto answer = co_await redis_->eval(release_script(), {key_}, {token_});
    if (!answer && answer.error().code != errc::cancelled)
        log::warn("event_log.lease_not_released",
                  {{"group", group_}, {"reason", answer.error().text()}, {"runs_out_ms", lifetime.count()}});
}

} // namespace zhida::io
