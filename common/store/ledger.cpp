#include "common/store/ledger.hpp"

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger_lua.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace zhida::store {

namespace {

const io::lua_script& freeze_script() {
    static const io::lua_script s(lua::freeze);
    return s;
}
const io::lua_script& load_script() {
    static const io::lua_script s(std::string(lua::bucket) + lua::load);
    return s;
}
const io::lua_script& claim_script() {
    static const io::lua_script s(std::string(lua::prelude) + lua::claim);
    return s;
}
const io::lua_script& apply_script() {
    static const io::lua_script s(std::string(lua::prelude) + lua::apply);
    return s;
}
const io::lua_script& bind_script() {
    static const io::lua_script s(lua::bind);
    return s;
}
const io::lua_script& resolve_script() {
    static const io::lua_script s(lua::resolve);
    return s;
}

void append32(std::string& to, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) to += static_cast<char>(v >> (8 * i) & 0xff);
}

std::uint32_t read32(std::string_view from) {
    std::uint32_t v = 0;
    for (int i = 3; i >= 0; --i) v = v << 8 | static_cast<unsigned char>(from[static_cast<std::size_t>(i)]);
    return v;
}

std::string epoch_field(channel via) {
    return std::string("epoch:") + to_string(via);
}

std::string seconds_kept() {
    return std::to_string(receipts_kept.count());
}

failure broken(std::string what) {
    return {errc::invalid, std::move(what), "redis",
            "the data in Redis is not what this version writes: run zhida ledger verify"};
}

// FENCED and NOPOSITION are answers of ours; everything else is Redis' own.
failure of_script(failure f) {
    if (f.what.find("FENCED") != std::string::npos) f.code = errc::conflict;
    if (f.what.find("NOPOSITION") != std::string::npos) f.code = errc::not_found;
    return f;
}

} // namespace

std::string encode_changes(const std::vector<change>& changes) {
    std::string bytes;
    bytes.reserve(changes.size() * 20);
    for (const auto& c : changes) {
        append32(bytes, c.position);
        bytes += zhida::ledger::encode(c.to);
    }
    return bytes;
}

result<std::vector<change>> decode_changes(std::string_view bytes) {
    if (bytes.size() % 20 != 0)
        return broken("a list of changes has " + std::to_string(bytes.size()) + " bytes");
    std::vector<change> changes(bytes.size() / 20);
    for (std::size_t i = 0; i < changes.size(); ++i) {
        changes[i].position = read32(bytes.substr(i * 20));
        changes[i].to = zhida::ledger::decode(bytes.data() + i * 20 + 4);
    }
    return changes;
}

asio::awaitable<result<std::uint32_t>> ledgers::freeze(int shard, std::string campaign,
                                                       std::vector<channel> channels,
                                                       std::vector<audience_member> members,
                                                       std::map<std::string, std::int64_t> verdicts,
                                                       std::uint32_t epoch) {
    std::vector<std::string> names{keys::audience(shard, campaign), keys::campaigns_of(shard),
                                   keys::verdicts(shard, campaign), keys::shard_state(shard)};
    for (const auto via : channels) {
        names.push_back(keys::ledger(shard, campaign, via));
        names.push_back(keys::counters(shard, campaign, via));
    }
    std::string ordinals, records;
    ordinals.reserve(members.size() * 4);
    records.reserve(members.size() * zhida::ledger::record_size);
    for (const auto& m : members) {
        append32(ordinals, m.ordinal);
        zhida::ledger::record r;
        r.items = m.items;
        records += zhida::ledger::encode(r);
    }
    io::redis_args args{campaign, std::move(ordinals), std::move(records), keys::matching_epoch,
                        std::to_string(epoch)};
    for (const auto& [field, count] : verdicts) {
        args.push_back(field);
        args.push_back(std::to_string(count));
    }
    auto reply = co_await redis_.eval(freeze_script(), std::move(names), std::move(args));
    if (!reply) co_return of_script(reply.error());
    co_return static_cast<std::uint32_t>(reply->integer);
}

asio::awaitable<result<std::vector<chunk_member>>> ledgers::load(int shard, std::string campaign, channel via,
                                                                 std::uint32_t first, std::uint32_t count,
                                                                 bool with_profiles) {
    auto reply = co_await redis_.eval(load_script(),
                                      {keys::audience(shard, campaign), keys::ledger(shard, campaign, via),
                                       keys::ids(shard), keys::opted_out(shard)},
                                      {std::to_string(first), std::to_string(count),
                                       keys::profile_prefix(shard), with_profiles ? "1" : "0"});
    if (!reply) co_return reply.error();
    auto& items = reply->items;
    const std::size_t n = items[0].text.size() / 4;
    if (n != count || items[1].text.size() != n * zhida::ledger::record_size)
        co_return failure{errc::not_found,
                          "recipients " + std::to_string(first) + " to " + std::to_string(first + count - 1) +
                              " of campaign " + campaign + " are not in the ledger",
                          "shard " + std::to_string(shard), "zhida ledger verify tells what is there"};
    std::vector<chunk_member> members(n);
    for (std::size_t i = 0; i < n; ++i) {
        auto& m = members[i];
        m.position = first + static_cast<std::uint32_t>(i);
        m.ordinal = read32(std::string_view(items[0].text).substr(i * 4));
        m.now = zhida::ledger::decode(items[1].text.data() + i * zhida::ledger::record_size);
        if (!with_profiles) continue;
        m.subject_id = std::move(items[2 + i * 3].text);
        m.packed = std::move(items[3 + i * 3].text);
        m.opted_out = items[4 + i * 3].integer == 1;
    }
    co_return members;
}

asio::awaitable<result<std::uint32_t>> ledgers::take_epoch(int shard, channel via) {
    auto reply = co_await redis_.command({"HINCRBY", keys::shard_state(shard), epoch_field(via), "1"});
    if (!reply) co_return reply.error();
    co_return static_cast<std::uint32_t>(reply->integer);
}

asio::awaitable<result<claim_answer>> ledgers::claim(claim_request request) {
    if (request.positions.empty()) co_return claim_answer{};
    std::string positions, ordinals;
    for (const auto p : request.positions) append32(positions, p);
    for (const auto o : request.ordinals) append32(ordinals, o);
    io::redis_args args{epoch_field(request.via),
                        std::to_string(request.epoch),
                        std::to_string(request.now_s),
                        std::to_string(request.resend_within_s),
                        std::move(positions),
                        std::to_string(request.cap.per_day),
                        std::to_string(request.cap.per_week),
                        std::to_string(shanghai_day(wall_time(std::chrono::seconds(request.now_s)))),
                        std::move(ordinals)};
    for (auto& id : request.subject_ids) args.push_back(std::move(id));
    std::vector<std::string> names{keys::ledger(request.shard, request.campaign, request.via),
                                   keys::counters(request.shard, request.campaign, request.via),
                                   keys::shard_state(request.shard), keys::opted_out(request.shard),
                                   keys::sent_counts(request.shard, request.via)};
    if (request.via == channel::wechat) names.push_back(keys::no_grant(request.shard));
    auto reply = co_await redis_.eval(claim_script(), std::move(names), std::move(args));
    if (!reply) co_return of_script(reply.error());
    claim_answer answer;
    for (const char c : reply->items[0].text) answer.outcomes.push_back(static_cast<claim_outcome>(c));
    auto changes = decode_changes(reply->items[1].text);
    if (!changes) co_return changes.error();
    answer.changes = std::move(*changes);
    co_return answer;
}

asio::awaitable<result<std::vector<change>>> ledgers::apply(int shard, std::string campaign, channel via,
                                                            std::vector<change> changes) {
    if (changes.empty()) co_return std::vector<change>{};
    auto reply = co_await redis_.eval(
        apply_script(), {keys::ledger(shard, campaign, via), keys::counters(shard, campaign, via)},
        {encode_changes(changes)});
    if (!reply) co_return of_script(reply.error());
    co_return decode_changes(reply->text);
}

asio::awaitable<result<std::vector<bool>>> ledgers::parts_delivered(std::vector<message_place> parts) {
    std::vector<bool> whole;
    if (parts.empty()) co_return whole;
    std::vector<io::redis_args> commands;
    for (const auto& p : parts) {
        const auto key = keys::parts(p.shard, p.campaign, p.via, p.position);
        commands.push_back({"SADD", key, std::to_string(p.part)});
        commands.push_back({"EXPIRE", key, seconds_kept()});
        commands.push_back({"SCARD", key});
    }
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (std::size_t k = 0; k < 3; ++k)
            if (const auto& r = (*replies)[i * 3 + k]; r.type == io::redis_reply::kind::error)
                co_return failure{errc::refused, r.text, "redis", ""};
        whole.push_back((*replies)[i * 3 + 2].integer >= parts[i].parts);
    }
    co_return whole;
}

asio::awaitable<result<ledgers::matched>> ledgers::matched_until(int shard) {
    auto reply = co_await redis_.command({"HMGET", keys::shard_state(shard), "policy_offset", "day",
                                          "policies_begun", "profiles_begun", "day_begun"});
    if (!reply) co_return reply.error();
    const auto at = [&](std::size_t i) { return reply->items[i].number(); };
    co_return matched{at(0), static_cast<std::int32_t>(at(1)), at(2), at(3),
                      static_cast<std::int32_t>(at(4))};
}

asio::awaitable<result<std::uint32_t>> ledgers::take_matching(int shard) {
    auto reply = co_await redis_.command({"HINCRBY", keys::shard_state(shard), keys::matching_epoch, "1"});
    if (!reply) co_return reply.error();
    co_return static_cast<std::uint32_t>(reply->integer);
}

asio::awaitable<result<std::vector<int>>> ledgers::keep_place(place what, std::vector<owned_shard> of,
                                                              std::int64_t value) {
    constexpr std::array fields = {"policy_offset", "day", "policies_begun", "profiles_begun", "day_begun"};
    if (of.empty()) co_return std::vector<int>{};
    std::vector<io::redis_args> commands;
    commands.reserve(of.size());
    for (const auto& s : of)
        commands.push_back({"EVAL", lua::keep_place, "1", keys::shard_state(s.shard), keys::matching_epoch,
                            std::to_string(s.epoch), fields[static_cast<std::size_t>(what)],
                            std::to_string(value)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<int> taken;
    for (std::size_t i = 0; i < replies->size(); ++i) {
        const auto& r = (*replies)[i];
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
        if (r.integer == 0) taken.push_back(of[i].shard);
    }
    co_return taken;
}

asio::awaitable<result<std::vector<std::string>>> ledgers::campaigns_of(int shard) {
    auto reply = co_await redis_.command({"SMEMBERS", keys::campaigns_of(shard)});
    if (!reply) co_return reply.error();
    std::vector<std::string> names;
    for (auto& item : reply->items) names.push_back(std::move(item.text));
    std::sort(names.begin(), names.end());
    co_return names;
}

asio::awaitable<result<std::string>> ledgers::audience_bytes(int shard, std::string campaign) {
    auto reply = co_await redis_.command({"GET", keys::audience(shard, campaign)});
    if (!reply) co_return reply.error();
    co_return std::move(reply->text);
}

asio::awaitable<result<std::string>> ledgers::ledger_bytes(int shard, std::string campaign, channel via) {
    auto reply = co_await redis_.command({"GET", keys::ledger(shard, campaign, via)});
    if (!reply) co_return reply.error();
    co_return std::move(reply->text);
}

asio::awaitable<result<std::map<std::string, std::int64_t>>>
ledgers::counters(int shard, std::string campaign, channel via) {
    auto reply = co_await redis_.command({"HGETALL", keys::counters(shard, campaign, via)});
    if (!reply) co_return reply.error();
    std::map<std::string, std::int64_t> counts;
    for (std::size_t i = 0; i + 1 < reply->items.size(); i += 2)
        counts[reply->items[i].text] = std::strtoll(reply->items[i + 1].text.c_str(), nullptr, 10);
    co_return counts;
}

std::string to_text(const message_place& p) {
    return zhida::to_text(json::array({p.shard, p.campaign, to_string(p.via), p.position, p.part, p.parts}));
}

result<message_place> read_message_place(std::string_view text) {
    const auto parsed = parse_json(text);
    if (!parsed || !parsed->is_array() || parsed->size() != 6)
        return broken("a message's place cannot be read");
    const auto& v = *parsed;
    message_place p;
    if (!v[0].is_number_integer() || !v[1].is_string() || !v[2].is_string() || !v[3].is_number_unsigned() ||
        !v[4].is_number_integer() || !v[5].is_number_integer() || !parse(v[2].get<std::string>(), p.via))
        return broken("a message's place cannot be read");
    p.shard = v[0].get<int>();
    p.campaign = v[1].get<std::string>();
    p.position = v[3].get<std::uint32_t>();
    p.part = v[4].get<int>();
    p.parts = v[5].get<int>();
    return p;
}

asio::awaitable<result<std::string>> messages::bind(std::string gateway, std::string message_id,
                                                    message_place place) {
    auto reply = co_await redis_.eval(bind_script(),
                                      {keys::message(gateway, message_id), keys::orphan(gateway, message_id)},
                                      {to_text(place), seconds_kept()});
    if (!reply) co_return reply.error();
    co_return std::move(reply->text);
}

asio::awaitable<result<std::optional<message_place>>>
messages::resolve(std::string gateway, std::string message_id, std::string receipt) {
    auto reply = co_await redis_.eval(resolve_script(),
                                      {keys::message(gateway, message_id), keys::orphan(gateway, message_id)},
                                      {std::move(receipt), seconds_kept()});
    if (!reply) co_return reply.error();
    if (reply->is_nil()) co_return std::optional<message_place>{};
    auto place = read_message_place(reply->text);
    if (!place) co_return place.error();
    co_return std::optional<message_place>(std::move(*place));
}

} // namespace zhida::store
