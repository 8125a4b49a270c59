#include "common/store/policies.hpp"

#include "common/store/keys.hpp"

#include <charconv>

namespace zhida::store {

namespace {

// KEYS policy, policies, policy version; ARGV version, document, received, disclosure, pushed, id
const io::lua_script& put_script() {
    static const io::lua_script s(R"lua(
redis.call('SET', KEYS[3], ARGV[2], 'NX')
local held = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if held >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'document', ARGV[2], 'received_ms', ARGV[3], 'disclosure', ARGV[4],
           'pushed', ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[6])
return 1
)lua");
    return s;
}

io::redis_args fields_of(std::string_view id) {
    return {"HMGET", keys::policy(id), "document", "version", "received_ms", "pushed"};
}

result<stored_policy> read(const io::redis_reply& reply, const std::string& id) {
    if (reply.items.size() != 4 || reply.items[0].is_nil())
        return failure{errc::not_found, "no policy " + id, id,
                       "GET /api/v1/policies lists what was published"};
    auto document = parse_json(reply.items[0].text);
    if (!document) return document.error();
    stored_policy p;
    p.document = std::move(*document);
    p.version = static_cast<int>(reply.items[1].number());
    p.received_ms = reply.items[2].number();
    p.pushed = reply.items[3].text == "1";
    return p;
}

} // namespace

asio::awaitable<result<void>> policies::put(const policy& p, const json& document, std::int64_t received_ms,
                                            bool pushed) {
    auto reply = co_await redis_.eval(
        put_script(), {keys::policy(p.id), keys::policies(), keys::policy_version(p.id, p.version)},
        {std::to_string(p.version), to_text(document), std::to_string(received_ms), p.disclosure,
         pushed ? "1" : "0", p.id});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<stored_policy>> policies::get(std::string id) {
    auto reply = co_await redis_.command(fields_of(id));
    if (!reply) co_return reply.error();
    co_return read(*reply, id);
}

asio::awaitable<result<bool>> policies::may_be_pushed(std::string id) {
    auto reply = co_await redis_.command({"HGET", keys::policy(id), "pushed"});
    if (!reply) co_return reply.error();
    if (reply->is_nil()) co_return failure{errc::not_found, "no policy " + id, id, ""};
    co_return reply->text == "1";
}

asio::awaitable<result<json>> policies::get_version(std::string id, int version) {
    auto reply = co_await redis_.command({"GET", keys::policy_version(id, version)});
    if (!reply) co_return reply.error();
    if (reply->is_nil())
        co_return failure{errc::not_found, "no version " + std::to_string(version) + " of policy " + id, id,
                          ""};
    co_return parse_json(reply->text);
}

asio::awaitable<result<std::vector<stored_policy>>> policies::list(std::size_t limit,
                                                                   std::int64_t before_ms) {
    const auto below = before_ms == 0 ? std::string("+inf") : "(" + std::to_string(before_ms);
    auto ids = co_await redis_.command(
        {"ZREVRANGEBYSCORE", keys::policies(), below, "-inf", "LIMIT", "0", std::to_string(limit)});
    if (!ids) co_return ids.error();
    std::vector<io::redis_args> commands;
    for (const auto& id : ids->items) commands.push_back(fields_of(id.text));
    std::vector<stored_policy> found;
    if (commands.empty()) co_return found;
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (std::size_t i = 0; i < replies->size(); ++i) {
        auto p = read((*replies)[i], ids->items[i].text);
        if (!p) co_return p.error();
        found.push_back(std::move(*p));
    }
    co_return found;
}

asio::awaitable<result<std::vector<std::string>>> policies::ids() {
    auto reply = co_await redis_.command({"ZRANGE", keys::policies(), "0", "-1"});
    if (!reply) co_return reply.error();
    std::vector<std::string> found;
    for (auto& id : reply->items) found.push_back(std::move(id.text));
    co_return found;
}

asio::awaitable<result<std::int64_t>> policies::count() {
    auto reply = co_await redis_.command({"ZCARD", keys::policies()});
    if (!reply) co_return reply.error();
    co_return reply->integer;
}

} // namespace zhida::store
