#include "common/store/wechat_addresses.hpp"

#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/store/keys.hpp"

#include <charconv>

namespace zhida::store {

namespace {

wechat_standing read(const io::redis_reply& follows, const io::redis_reply& of_template) {
    wechat_standing s;
    if (!follows.is_nil()) s.follows = follows.text.starts_with("1");
    if (of_template.is_nil() || of_template.text.empty()) return s;
    const std::string_view text = of_template.text;
    using templates = wechat_standing::templates;
    if (text == "L") {
        s.of_template = templates::lasting;
        return s;
    }
    std::int64_t number = 0;
    const bool refused = text.front() == 'R';
    std::from_chars(text.data() + (refused ? 1 : 0), text.data() + text.size(), number);
    s.of_template = refused ? templates::refused : templates::counted;
    if (refused)
        s.refused_since = wall_time(milliseconds(number * 1000));
    else
        s.left = number;
    return s;
}

std::string of_template(const std::string& digest, const std::string& template_id) {
    return digest + ":t:" + template_id;
}

const io::lua_script& spend_script() {
    static const io::lua_script s(R"lua(
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '')
if not left or left < 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', left - 1))
return 1
)lua");
    return s;
}
// Not to who has refused meanwhile, or has a lasting grant now.
const io::lua_script& give_back_script() {
    static const io::lua_script s(R"lua(
local left = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '')
if left then redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', left + 1)) end
return 0
)lua");
    return s;
}

} // namespace

asio::awaitable<result<std::vector<wechat_standing>>> wechat_addresses::standings(std::vector<asked> of) {
    std::vector<wechat_standing> out(of.size());
    std::map<int, std::vector<std::size_t>> by_shard;
    for (std::size_t i = 0; i < of.size(); ++i) by_shard[shard_of(of[i].digest, shards_)].push_back(i);
    std::vector<io::redis_args> commands;
    for (const auto& [shard, which] : by_shard) {
        auto& get = commands.emplace_back(io::redis_args{"HMGET", keys::wechat_addresses(shard)});
        for (const auto i : which) {
            get.push_back(of[i].digest + ":f");
            get.push_back(of_template(of[i].digest, of[i].template_id));
        }
    }
    if (commands.empty()) co_return out;
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::size_t at = 0;
    for (const auto& [shard, which] : by_shard) {
        const auto& reply = (*replies)[at++];
        if (reply.type == io::redis_reply::kind::error || reply.items.size() != 2 * which.size())
            co_return failure{errc::refused, reply.text, keys::wechat_addresses(shard), ""};
        for (std::size_t k = 0; k < which.size(); ++k)
            out[which[k]] = read(reply.items[2 * k], reply.items[2 * k + 1]);
    }
    co_return out;
}

asio::awaitable<result<bool>> wechat_addresses::spend(std::string digest, std::string template_id) {
    const auto key = keys::wechat_addresses(shard_of(digest, shards_));
    auto reply = co_await redis_.eval(spend_script(), {key}, {of_template(digest, template_id)});
    if (!reply) co_return reply.error();
    co_return reply->integer == 1;
}

asio::awaitable<result<void>> wechat_addresses::give_back(std::string digest, std::string template_id) {
    const auto key = keys::wechat_addresses(shard_of(digest, shards_));
    auto reply = co_await redis_.eval(give_back_script(), {key}, {of_template(digest, template_id)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::map<std::string, bound_contacts>>>
wechat_addresses::bound_of(int shard, std::vector<std::string> subject_ids) {
    std::map<std::string, bound_contacts> out;
    if (subject_ids.empty()) co_return out;
    io::redis_args ask{"SMISMEMBER", keys::bound(shard)};
    ask.insert(ask.end(), subject_ids.begin(), subject_ids.end());
    auto members = co_await redis_.command(std::move(ask));
    if (!members) co_return members.error();
    std::vector<io::redis_args> commands;
    std::vector<std::string> which;
    for (std::size_t i = 0; i < members->items.size() && i < subject_ids.size(); ++i) {
        if (members->items[i].integer != 1) continue;
        commands.push_back({"HGETALL", keys::bindings(shard, subject_ids[i])});
        which.push_back(std::move(subject_ids[i]));
    }
    if (commands.empty()) co_return out;
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (std::size_t i = 0; i < replies->size(); ++i) {
        const auto& reply = (*replies)[i];
        if (reply.type == io::redis_reply::kind::error)
            co_return failure{errc::refused, reply.text, "bindings", ""};
        auto& of = out[which[i]];
        for (std::size_t k = 0; k + 1 < reply.items.size(); k += 2) {
            const auto& sealed = reply.items[k + 1].text;
            if (sealed.empty()) {
                of.unbound.push_back(reply.items[k].text);
                continue;
            }
            auto opened = open_contacts(sealed, sealer_, which[i]);
            if (opened)
                of.contacts.insert(of.contacts.end(), opened->begin(), opened->end());
            else
                log::error("a binding cannot be opened",
                           {{"subject", log::masked(which[i])},
                            {"fix", "is this the key that it was sealed with?"}});
        }
    }
    co_return out;
}

asio::awaitable<result<void>> wechat_addresses::put_refusing(std::string digest, std::string subject_id) {
    auto reply = co_await redis_.command(
        {"SADD", keys::wechat_refusing(shard_of(digest, shards_), digest), std::move(subject_id)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::vector<std::string>>> wechat_addresses::refusing(std::string digest) {
    const auto key = keys::wechat_refusing(shard_of(digest, shards_), digest);
    auto reply = co_await redis_.command({"SMEMBERS", key});
    if (!reply) co_return reply.error();
    std::vector<std::string> out;
    for (auto& item : reply->items) out.push_back(std::move(item.text));
    co_return out;
}

} // namespace zhida::store
