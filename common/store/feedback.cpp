#include "common/store/feedback.hpp"

#include "common/base/json.hpp"
#include "common/base/log.hpp"
#include "common/store/keys.hpp"

#include <algorithm>
#include <chrono>

namespace zhida::store {

namespace {

constexpr std::chrono::seconds seen_by_id = std::chrono::hours(72), seen_by_words = std::chrono::minutes(10);

// KEYS: seen, last, of the department, departments. ARGV: seconds, milliseconds now, message, department,
// most.
const io::lua_script& add_script() {
    static const io::lua_script s(R"(
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
local number = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[2]) or '0') + 1)
number = string.format('%.0f', number)
redis.call('SET', KEYS[2], number)
redis.call('ZADD', KEYS[3], number, ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[5]))
redis.call('SADD', KEYS[4], ARGV[4])
return 1)");
    return s;
}

// KEYS: from, to, departments. ARGV: number, department, most.
const io::lua_script& assign_script() {
    static const io::lua_script s(R"(
local found = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
redis.call('ZREM', KEYS[1], found[1])
redis.call('ZADD', KEYS[2], ARGV[1], found[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[3]))
redis.call('SADD', KEYS[3], ARGV[2])
return 1)");
    return s;
}

std::string bound_to(const std::string& digest) {
    return "feedback " + digest;
}

// Both sealed texts belong to this message, so that they cannot change places.
std::string sealed_text(const feedback_message& m, const std::string& digest, const crypto::sealer& by) {
    return to_text({{"digest", digest},
                    {"gateway", m.gateway},
                    {"to", m.to},
                    {"at_ms", m.at.time_since_epoch().count()},
                    {"phone", crypto::base64(by.seal(m.phone, bound_to(digest)))},
                    {"text", crypto::base64(by.seal(m.text, bound_to(digest)))}});
}

result<feedback_message> opened(std::string_view stored, const crypto::sealer& by) {
    const auto document = parse_json(stored);
    if (!document) return document.error();
    std::vector<failure> errors;
    json_reader in(*document, "", errors);
    if (!in.is_object()) return errors.front();
    feedback_message m;
    const auto digest = in.text("digest", true).value_or("");
    m.gateway = in.text("gateway", true).value_or("");
    m.to = in.text("to", false).value_or("");
    m.at = wall_time(milliseconds(in.integer("at_ms", true, INT64_MIN, INT64_MAX).value_or(0)));
    for (auto [name, text] : {std::pair("phone", &m.phone), std::pair("text", &m.text)}) {
        const auto sealed = crypto::from_base64(in.text(name, true, 1 << 20).value_or(""));
        if (!errors.empty()) return errors.front();
        if (!sealed) return sealed.error();
        auto plain = by.open(*sealed, bound_to(digest));
        if (!plain) return plain.error();
        *text = std::move(*plain);
    }
    return m;
}

} // namespace

asio::awaitable<result<bool>> feedback::add(feedback_message m, wall_time now) {
    const auto digest = sealer_.lookup_hash(to_text({"feedback", m.gateway, m.phone, m.to, m.text, m.id}));
    const auto keep = m.id.empty() ? seen_by_words : seen_by_id;
    auto added =
        co_await redis_.eval(add_script(),
                             {keys::feedback_seen(digest), keys::feedback_last(),
                              keys::feedback(m.department), keys::feedback_departments()},
                             {std::to_string(keep.count()), std::to_string(now.time_since_epoch().count()),
                              sealed_text(m, digest, sealer_), m.department, std::to_string(most_feedback)});
    if (!added) co_return added.error();
    co_return added->integer == 1;
}

asio::awaitable<result<std::vector<std::string>>> feedback::departments() {
    auto reply = co_await redis_.command({"SMEMBERS", keys::feedback_departments()});
    if (!reply) co_return reply.error();
    std::vector<std::string> names;
    names.reserve(reply->items.size());
    for (auto& r : reply->items) names.push_back(std::move(r.text));
    std::sort(names.begin(), names.end());
    co_return names;
}

asio::awaitable<result<feedback_page>> feedback::list(std::vector<std::string> departments, std::size_t limit,
                                                      std::int64_t before) {
    feedback_page page;
    if (departments.empty()) co_return page;
    std::vector<io::redis_args> commands;
    commands.reserve(departments.size());
    for (const auto& d : departments) // one more than asked for: whether there is a next page
        commands.push_back({"ZREVRANGEBYSCORE", keys::feedback(d),
                            before > 0 ? "(" + std::to_string(before) : std::string("+inf"), "-inf",
                            "WITHSCORES", "LIMIT", "0", std::to_string(limit + 1)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    struct found {
        std::int64_t number;
        const std::string* department;
        const std::string* stored;
    };
    std::vector<found> all;
    for (std::size_t i = 0; i < replies->size(); ++i) {
        const auto& r = (*replies)[i];
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
        for (std::size_t k = 0; k + 1 < r.items.size(); k += 2)
            all.push_back({r.items[k + 1].number(), &departments[i], &r.items[k].text});
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
    if (all.size() > limit) {
        all.resize(limit);
        page.before = all.back().number;
    }
    for (const auto& f : all) {
        auto m = opened(*f.stored, sealer_);
        if (!m) { // of another contact key, or damaged: the others are shown
            log::warn("feedback_unreadable", {{"number", f.number}, {"why", m.error().text()}});
            continue;
        }
        m->number = f.number;
        m->department = *f.department;
        page.messages.push_back(std::move(*m));
    }
    co_return page;
}

asio::awaitable<result<bool>> feedback::assign(std::int64_t number, std::string department) {
    if (department.empty()) co_return failure{errc::invalid, "no department is named", "department", ""};
    auto moved = co_await redis_.eval(
        assign_script(), {keys::feedback(""), keys::feedback(department), keys::feedback_departments()},
        {std::to_string(number), department, std::to_string(most_feedback)});
    if (!moved) co_return moved.error();
    co_return moved->integer == 1;
}

} // namespace zhida::store
