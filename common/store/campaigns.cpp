#include "common/store/campaigns.hpp"

#include "common/base/log.hpp"
#include "common/store/keys.hpp"

#include <charconv>

namespace zhida::store {

namespace {

// KEYS campaign, campaigns, open_campaigns; ARGV document, created, id, '1' while something is to be done
const io::lua_script& put_script() {
    static const io::lua_script s(R"lua(
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
  if ARGV[4] == '1' then redis.call('SADD', KEYS[3], ARGV[3]) end
end
return 1
)lua");
    return s;
}

// KEYS campaign, open_campaigns; ARGV document, revision it was read with, id
const io::lua_script& change_script() {
    static const io::lua_script s(R"lua(
local held = redis.call('GET', KEYS[1])
if not held then return 'missing' end
if (cjson.decode(held).revision or 0) ~= tonumber(ARGV[2]) then return 'changed' end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[3])
return 'done'
)lua");
    return s;
}

// KEYS campaign, campaigns, open_campaigns; ARGV document, created, id, revision
const io::lua_script& restore_script() {
    static const io::lua_script s(R"lua(
local held = redis.call('GET', KEYS[1])
if held and (cjson.decode(held).revision or 0) >= tonumber(ARGV[4]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
redis.call('SADD', KEYS[3], ARGV[3])
return 1
)lua");
    return s;
}

result<campaign> read(const io::redis_reply& reply, const std::string& id) {
    if (reply.is_nil())
        return failure{errc::not_found, "no campaign " + id, id, "GET /api/v1/campaigns lists them"};
    auto document = parse_json(reply.text);
    if (!document) return document.error();
    return read_campaign(*document);
}

// A part of a field's name; -1 where it is no number.
int number(std::string_view text) {
    int n = -1;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
}

// "s5" -> state 5; "w8:2" -> suppressed because of no_contact; "read"
void add(channel_progress& to, const std::string& field, std::int64_t count) {
    if (field == "read") {
        to.read += count;
    } else if (field[0] == 's') {
        const int s = number(std::string_view(field).substr(1));
        if (s >= 0 && s < ledger::state_count) to.states[static_cast<std::size_t>(s)] += count;
    } else if (const auto colon = field.find(':');
               field[0] == 'w' && colon != std::string::npos && count != 0) {
        const auto now = static_cast<ledger::state>(number(std::string_view(field).substr(1, colon - 1)));
        const auto why = static_cast<ledger::reason>(number(std::string_view(field).substr(colon + 1)));
        for (auto& r : to.reasons)
            if (r.now == now && r.why == why) {
                r.count += count;
                return;
            }
        to.reasons.push_back({now, why, count});
    }
}

} // namespace

asio::awaitable<result<void>> campaigns::put(const campaign& c) {
    auto reply = co_await redis_.eval(
        put_script(), {keys::campaign(c.id), keys::campaigns(), keys::open_campaigns()},
        {to_text(to_json(c)), std::to_string(c.created_ms), c.id, final(c.state) ? "0" : "1"});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> campaigns::restore(const campaign& c) {
    auto reply = co_await redis_.eval(
        restore_script(), {keys::campaign(c.id), keys::campaigns(), keys::open_campaigns()},
        {to_text(to_json(c)), std::to_string(c.created_ms), c.id, std::to_string(c.revision)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::int64_t>> campaigns::place() {
    auto reply = co_await redis_.command({"GET", keys::campaigns_place()});
    if (!reply) co_return reply.error();
    co_return reply->number();
}

asio::awaitable<result<void>> campaigns::keep_place(std::int64_t next) {
    auto reply = co_await redis_.command({"SET", keys::campaigns_place(), std::to_string(next)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<campaign>> campaigns::change(campaign c) {
    const auto before = c.revision++;
    auto reply = co_await redis_.eval(change_script(), {keys::campaign(c.id), keys::open_campaigns()},
                                      {to_text(to_json(c)), std::to_string(before), c.id});
    if (!reply) co_return reply.error();
    if (reply->text == "missing") co_return failure{errc::not_found, "no campaign " + c.id, c.id, ""};
    if (reply->text != "done") {
        // The answer to the same change may have been lost.
        auto now = co_await get(c.id);
        if (!now || to_json(*now) != to_json(c))
            co_return failure{errc::conflict, "campaign " + c.id + " was changed by somebody else", c.id,
                              "look at it again"};
    }
    co_return c;
}

asio::awaitable<result<std::vector<campaign>>> campaigns::open() {
    auto ids = co_await redis_.command({"SMEMBERS", keys::open_campaigns()});
    if (!ids) co_return ids.error();
    std::vector<campaign> found;
    if (ids->items.empty()) co_return found;
    io::redis_args all{"MGET"};
    for (const auto& id : ids->items) all.push_back(keys::campaign(id.text));
    auto documents = co_await redis_.command(std::move(all));
    if (!documents) co_return documents.error();
    for (std::size_t i = 0; i < documents->items.size(); ++i) {
        auto c = read(documents->items[i], ids->items[i].text);
        if (c)
            found.push_back(std::move(*c));
        else
            log::error("a campaign cannot be read",
                       {{"campaign", ids->items[i].text}, {"why", c.error().text()}});
    }
    co_return found;
}

asio::awaitable<result<void>> campaigns::reopen(std::string id) {
    auto reply = co_await redis_.command({"SADD", keys::open_campaigns(), std::move(id)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> campaigns::close(std::string id) {
    auto reply = co_await redis_.command({"SREM", keys::open_campaigns(), std::move(id)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<campaign>> campaigns::get(std::string id) {
    auto reply = co_await redis_.command({"GET", keys::campaign(id)});
    if (!reply) co_return reply.error();
    co_return read(*reply, id);
}

asio::awaitable<result<std::vector<campaign>>> campaigns::list(std::size_t limit, std::int64_t before_ms) {
    const auto below = before_ms == 0 ? std::string("+inf") : "(" + std::to_string(before_ms);
    auto ids = co_await redis_.command(
        {"ZREVRANGEBYSCORE", keys::campaigns(), below, "-inf", "LIMIT", "0", std::to_string(limit)});
    if (!ids) co_return ids.error();
    std::vector<io::redis_args> commands;
    for (const auto& id : ids->items) commands.push_back({"GET", keys::campaign(id.text)});
    std::vector<campaign> found;
    if (commands.empty()) co_return found;
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (std::size_t i = 0; i < replies->size(); ++i) {
        auto c = read((*replies)[i], ids->items[i].text);
        if (c)
            found.push_back(std::move(*c));
        else // one that cannot be read must not hide the others
            log::error("a campaign cannot be read",
                       {{"campaign", ids->items[i].text}, {"why", c.error().text()}});
    }
    co_return found;
}

asio::awaitable<result<std::vector<campaign_progress>>> campaigns::progress_of(std::vector<campaign> of) {
    std::vector<campaign_progress> all;
    for (auto& c : of) {
        std::vector<io::redis_args> commands;
        for (const auto via : c.channels)
            for (int shard = 0; shard < shards_; ++shard)
                commands.push_back({"HGETALL", keys::counters(shard, c.id, via)});
        for (int shard = 0; shard < shards_; ++shard)
            commands.push_back({"STRLEN", keys::audience(shard, c.id)});
        auto replies = co_await redis_.pipeline(std::move(commands));
        if (!replies) co_return replies.error();
        campaign_progress p;
        std::size_t at = 0;
        for (const auto via : c.channels) {
            channel_progress counted;
            counted.via = via;
            for (int shard = 0; shard < shards_; ++shard, ++at) {
                const auto& fields = (*replies)[at].items;
                for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
                    add(counted, fields[i].text, fields[i + 1].number());
            }
            p.channels.push_back(std::move(counted));
        }
        for (; at < replies->size(); ++at) p.audience += (*replies)[at].integer / 4;
        p.about = std::move(c);
        all.push_back(std::move(p));
    }
    co_return all;
}

asio::awaitable<result<std::map<std::pair<int, channel>, state_counts>>>
campaigns::progress_of_shards(campaign c) {
    std::vector<io::redis_args> commands;
    for (const auto via : c.channels)
        for (int shard = 0; shard < shards_; ++shard)
            commands.push_back({"HGETALL", keys::counters(shard, c.id, via)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::map<std::pair<int, channel>, state_counts> found;
    std::size_t at = 0;
    for (const auto via : c.channels)
        for (int shard = 0; shard < shards_; ++shard) {
            const auto& r = (*replies)[at++];
            if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
            channel_progress counted;
            for (std::size_t i = 0; i + 1 < r.items.size(); i += 2)
                add(counted, r.items[i].text, r.items[i + 1].number());
            found[{shard, via}] = counted.states;
        }
    co_return found;
}

asio::awaitable<result<campaign_progress>> campaigns::progress(std::string id, std::size_t items) {
    auto c = co_await get(id);
    if (!c) co_return c.error();
    std::vector<campaign> one;
    one.push_back(std::move(*c));
    auto found = co_await progress_of(std::move(one));
    if (!found) co_return found.error();
    campaign_progress p = std::move(found->front());
    std::vector<io::redis_args> commands;
    for (int shard = 0; shard < shards_; ++shard) commands.push_back({"HGETALL", keys::verdicts(shard, id)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    p.items.resize(items);
    for (const auto& reply : *replies)
        for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2) {
            const auto& field = reply.items[i].text;
            const auto colon = field.find(':');
            const auto item = static_cast<std::size_t>(number(std::string_view(field).substr(0, colon)));
            if (colon == std::string::npos || item >= items) continue;
            const auto kind = field.substr(colon + 1);
            const auto count = reply.items[i + 1].number();
            if (kind == "eligible") p.items[item].eligible += count;
            if (kind == "possible") p.items[item].possible += count;
            if (kind == "one_short") p.items[item].one_short += count;
        }
    co_return p;
}

} // namespace zhida::store
