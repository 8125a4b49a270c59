#include "common/store/ledger.hpp"

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "common/base/little_endian.hpp"
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
    static const io::lua_script s(std::string(lua::run_id) + lua::load);
    return s;
}
const io::lua_script& records_script() {
    static const io::lua_script s(lua::records_at);
    return s;
}
const io::lua_script& commit_script() {
    static const io::lua_script s(std::string(lua::run_id) + lua::commit);
    return s;
}

std::string epoch_field(channel via) {
    return std::string("epoch:") + to_string(via);
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
        changes[i].position = get32(bytes, i * 20);
        changes[i].to = zhida::ledger::decode(bytes.data() + i * 20 + 4);
    }
    return changes;
}

asio::awaitable<result<ledgers::frozen_now>> ledgers::freeze(int shard, std::string campaign,
                                                             std::vector<channel> channels,
                                                             std::vector<audience_member> members,
                                                             std::map<std::string, std::int64_t> verdicts,
                                                             std::uint32_t epoch, bool waiting) {
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
        if (waiting) {
            r.now = zhida::ledger::state::held;
            r.why = zhida::ledger::reason::waiting_turn;
        }
        records += zhida::ledger::encode(r);
    }
    io::redis_args args{campaign,
                        std::move(ordinals),
                        std::move(records),
                        keys::matching_epoch,
                        std::to_string(epoch),
                        waiting ? "1" : "0"};
    for (const auto& [field, count] : verdicts) {
        args.push_back(field);
        args.push_back(std::to_string(count));
    }
    auto reply = co_await redis_.eval(freeze_script(), std::move(names), std::move(args));
    if (!reply) co_return of_script(reply.error());
    co_return frozen_now{static_cast<std::uint32_t>(reply->items[0].integer), reply->items[1].integer == 1};
}

asio::awaitable<result<ledgers::frozen_part>> ledgers::frozen_in(int shard, std::string campaign,
                                                                 channel via) {
    std::vector<io::redis_args> commands{{"GET", keys::audience(shard, campaign)},
                                         {"GET", keys::ledger(shard, campaign, via)},
                                         {"HGETALL", keys::verdicts(shard, campaign)}};
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (const auto& r : *replies)
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
    const std::string_view audience = (*replies)[0].text, records = (*replies)[1].text;
    const auto size = audience.size() / 4;
    if (records.size() < size * zhida::ledger::record_size)
        co_return broken("the ledger of " + campaign + " is shorter than its audience");
    frozen_part found;
    found.members.reserve(size);
    for (std::size_t i = 0; i < size; ++i)
        found.members.push_back(
            {get32(audience, i * 4),
             zhida::ledger::decode(records.data() + i * zhida::ledger::record_size).items});
    const auto& fields = (*replies)[2].items;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
        if (fields[i].text.find(':') != std::string::npos) // the others say that it is frozen, and told
            found.verdicts[fields[i].text] = fields[i + 1].number();
    co_return found;
}

namespace {

// Bucket by bucket, as several members share one.
asio::awaitable<result<void>> read_profiles(io::redis& redis, int shard, std::vector<chunk_member>& members) {
    std::array<std::vector<chunk_member*>, keys::profile_buckets> in_bucket;
    for (auto& m : members)
        in_bucket[static_cast<std::size_t>(keys::profile_bucket(m.subject_id))].push_back(&m);
    std::vector<io::redis_args> commands;
    for (int b = 0; b < keys::profile_buckets; ++b) {
        const auto& mine = in_bucket[static_cast<std::size_t>(b)];
        if (mine.empty()) continue;
        auto& command = commands.emplace_back(io::redis_args{"HMGET", keys::profiles(shard, b)});
        for (const auto* m : mine) command.push_back(m->subject_id);
    }
    auto replies = co_await redis.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::size_t next = 0;
    for (const auto& mine : in_bucket) {
        if (mine.empty()) continue;
        auto& reply = (*replies)[next++];
        if (reply.type == io::redis_reply::kind::error)
            co_return failure{errc::refused, std::move(reply.text), "redis", ""};
        for (std::size_t i = 0; i < mine.size() && i < reply.items.size(); ++i)
            mine[i]->packed = std::move(reply.items[i].text);
    }
    co_return result<void>{};
}

} // namespace

asio::awaitable<result<loaded_chunk>> ledgers::load(int shard, std::string campaign, channel via,
                                                    std::uint32_t first, std::uint32_t count,
                                                    bool with_subjects) {
    auto reply = co_await redis_.eval(
        load_script(),
        {keys::audience(shard, campaign), keys::ledger(shard, campaign, via), keys::ids(shard),
         keys::opted_out(shard), keys::no_grant(shard), keys::preferences(shard), keys::shard_state(shard),
         keys::sent_counts(shard, via), keys::stopped_campaigns(shard), keys::refused_numbers(shard)},
        {std::to_string(first), std::to_string(count), with_subjects ? "1" : "0", campaign});
    if (!reply) co_return reply.error();
    auto& items = reply->items;
    const std::string_view audience = items[3].text, records = items[4].text, sent = items[5].text;
    const auto lowest = items[6].integer;
    const std::size_t n = audience.size() / 4;
    if (n != count || records.size() != n * zhida::ledger::record_size)
        co_return failure{errc::not_found,
                          "recipients " + std::to_string(first) + " to " + std::to_string(first + count - 1) +
                              " of campaign " + campaign + " are not in the ledger",
                          "shard " + std::to_string(shard), "zhida ledger verify tells what is there"};
    loaded_chunk out;
    const auto& state = items[2].text; // "<revision> <state>"
    const bool runs = state.empty() || state.ends_with(" running");
    out.as_of = {items[0].text, items[1].text, runs ? std::string() : state.substr(state.find(' ') + 1)};
    out.members.resize(n);
    out.any_preferences = items[7].integer == 1;
    out.any_refused_number = items[8].integer == 1;
    constexpr std::size_t header = 11, id_size = 24;
    const std::string_view ids = with_subjects && n > 0 ? std::string_view(items[9].text) : "";
    const std::string_view flags = with_subjects && n > 0 ? std::string_view(items[10].text) : "";
    for (std::size_t i = 0; i < n; ++i) {
        auto& m = out.members[i];
        m.position = first + static_cast<std::uint32_t>(i);
        m.ordinal = get32(audience, i * 4);
        m.now = zhida::ledger::decode(records.data() + i * zhida::ledger::record_size);
        if (!with_subjects) continue;
        const auto id = ids.substr(i * id_size, id_size);
        m.subject_id = id.substr(0, std::min(id.find('\0'), id.size()));
        m.opted_out = (flags[i] & 1) != 0;
        m.no_grant = (flags[i] & 2) != 0;
        if (out.any_preferences) m.preferences = std::move(items[header + i].text);
        const auto at = (lowest < 0 ? i : m.ordinal - static_cast<std::size_t>(lowest)) * sent_count::size;
        if (at < sent.size()) m.sent = sent_count::read(sent.substr(at, sent_count::size));
    }
    if (with_subjects)
        if (auto found = co_await read_profiles(redis_, shard, out.members); !found) co_return found.error();
    co_return out;
}

asio::awaitable<result<std::uint32_t>> ledgers::take_epoch(int shard, channel via) {
    auto reply = co_await redis_.command({"HINCRBY", keys::shard_state(shard), epoch_field(via), "1"});
    if (!reply) co_return reply.error();
    co_return static_cast<std::uint32_t>(reply->integer);
}

namespace {

// Runs of neighbours: u32 first, u32 count, then what `part` gives of each, one list after another.
template <class Of, class... Parts>
std::string runs_of(std::size_t size, Of number, Parts... part) {
    std::string out;
    for (std::size_t i = 0; i < size;) {
        std::size_t end = i + 1;
        while (end < size && number(end) == number(end - 1) + 1) ++end;
        append32(out, number(i));
        append32(out, static_cast<std::uint32_t>(end - i));
        const auto list = [&](auto& p) {
            for (auto k = i; k < end; ++k) out += p(k);
        };
        (list(part), ...);
        i = end;
    }
    return out;
}

// By how much the counters change: "s<state>", "w<state>:<reason>" and "read".
std::map<std::string, std::int64_t> differences(const std::vector<replacement>& records) {
    std::array<std::int64_t, zhida::ledger::state_count> states{};
    std::map<std::pair<int, int>, std::int64_t> reasons;
    std::int64_t read = 0;
    const auto count = [&](const zhida::ledger::record& r, std::int64_t by) {
        states[static_cast<std::size_t>(r.now)] += by;
        if (has_reason(r.now)) reasons[{static_cast<int>(r.now), static_cast<int>(r.why)}] += by;
        if ((r.engaged & zhida::ledger::engagement::read) != 0) read += by;
    };
    for (const auto& r : records) {
        count(r.from, -1);
        count(r.to, 1);
    }
    std::map<std::string, std::int64_t> fields;
    for (std::size_t s = 0; s < states.size(); ++s)
        if (states[s] != 0) fields["s" + std::to_string(s)] = states[s];
    for (const auto& [of, by] : reasons)
        if (by != 0) fields["w" + std::to_string(of.first) + ":" + std::to_string(of.second)] = by;
    if (read != 0) fields["read"] = read;
    return fields;
}

commit_outcome outcome_named(const std::string& text) noexcept {
    if (text == "done") return commit_outcome::done;
    if (text == "fenced") return commit_outcome::fenced;
    if (text == "server") return commit_outcome::server;
    if (text == "stopped") return commit_outcome::stopped;
    return commit_outcome::changed;
}

} // namespace

asio::awaitable<result<commit_outcome>> ledgers::commit(commit_request request) {
    const auto& records = request.records;
    if (records.empty() && !request.claim) co_return commit_outcome::done;
    auto runs = runs_of(
        records.size(), [&](std::size_t i) { return records[i].position; },
        [&](std::size_t i) { return zhida::ledger::encode(records[i].from); },
        [&](std::size_t i) { return zhida::ledger::encode(records[i].to); });
    const auto& known = appended_[request.shard];
    const bool noted = known.next > 0 && !known.server.empty();
    io::redis_args args{std::move(runs), noted ? std::to_string(known.next) : std::string(),
                        noted ? known.server : std::string()};
    if (request.claim) {
        const auto& sent = request.claim->sent;
        args.insert(args.end(), {epoch_field(request.via), std::to_string(request.claim->epoch),
                                 request.claim->as_of.server, request.claim->as_of.consents, request.campaign,
                                 runs_of(
                                     sent.size(), [&](std::size_t i) { return sent[i].first; },
                                     [&](std::size_t i) { return sent[i].second.bytes(); })});
    } else {
        args.insert(args.end(), 6, "");
    }
    for (const auto& [field, by] : differences(records)) {
        args.push_back(field);
        args.push_back(std::to_string(by));
    }
    auto reply = co_await redis_.eval(
        commit_script(),
        {keys::ledger(request.shard, request.campaign, request.via),
         keys::counters(request.shard, request.campaign, request.via), keys::shard_state(request.shard),
         keys::sent_counts(request.shard, request.via), keys::stopped_campaigns(request.shard)},
        std::move(args));
    if (!reply) co_return of_script(reply.error());
    co_return outcome_named(reply->text);
}

asio::awaitable<result<void>> ledgers::record(int shard, std::string campaign, channel via,
                                              std::vector<replacement> outcomes) {
    std::vector<change> changes;
    changes.reserve(outcomes.size());
    for (auto& o : outcomes) {
        changes.push_back({o.position, o.to});
        o.to = zhida::ledger::merge(o.from, o.to);
    }
    auto done = co_await commit({shard, campaign, via, std::move(outcomes), {}});
    if (!done) co_return done.error();
    if (*done == commit_outcome::done) co_return result<void>{};
    auto merged = co_await apply(shard, std::move(campaign), via, std::move(changes));
    if (!merged) co_return merged.error();
    co_return result<void>{};
}

asio::awaitable<result<std::vector<change>>> ledgers::apply(int shard, std::string campaign, channel via,
                                                            std::vector<change> changes) {
    if (changes.empty()) co_return std::vector<change>{};
    std::map<std::uint32_t, std::vector<zhida::ledger::record>> wanted; // in the order they were asked for
    for (const auto& c : changes) wanted[c.position].push_back(c.to);
    std::string positions;
    for (const auto& [position, to] : wanted) append32(positions, position);
    constexpr int most_turns = 1000; // others write at the same time, but not for ever
    for (int turn = 0; turn < most_turns; ++turn) {
        auto held = co_await redis_.eval(records_script(), {keys::ledger(shard, campaign, via)}, {positions});
        if (!held) co_return of_script(held.error());
        commit_request request{shard, campaign, via, {}, {}};
        std::vector<change> merged;
        std::size_t i = 0;
        for (const auto& [position, to] : wanted) {
            const auto before = zhida::ledger::decode(held->text.data() + i++ * zhida::ledger::record_size);
            auto after = before;
            for (const auto& one : to) after = zhida::ledger::merge(after, one);
            if (after == before) continue;
            request.records.push_back({position, before, after});
            merged.push_back({position, after});
        }
        auto outcome = co_await commit(std::move(request));
        if (!outcome) co_return outcome.error();
        if (*outcome == commit_outcome::done) co_return merged;
    }
    co_return failure{errc::unavailable, "the ledger changes faster than it can be read",
                      "shard " + std::to_string(shard), ""};
}

void ledgers::appended(int shard, std::int64_t offset) {
    auto& known = appended_[shard].next;
    known = std::max(known, offset + 1);
}

void ledgers::brought_up(int shard, std::string server) {
    appended_[shard].server = std::move(server);
}

asio::awaitable<result<ledgers::log_place>> ledgers::delivery_place(int shard) {
    auto reply =
        co_await redis_.command({"HMGET", keys::shard_state(shard), "delivery_offset", "delivery_server"});
    if (!reply) co_return reply.error();
    co_return log_place{reply->items[0].number(), std::move(reply->items[1].text)};
}

namespace {

std::string due_member(const ledgers::due_chunk& c) {
    return std::string(to_string(c.via)) + "/" + std::to_string(c.first) + "/" + std::to_string(c.count) +
           "/" + c.campaign;
}

std::optional<ledgers::due_chunk> read_due(std::string_view member) {
    ledgers::due_chunk c;
    const auto next = [&] {
        const auto slash = std::min(member.find('/'), member.size());
        const auto part = member.substr(0, slash);
        member.remove_prefix(std::min(slash + 1, member.size()));
        return part;
    };
    const auto number = [&](std::uint32_t& to) {
        const auto text = next();
        const auto read = std::from_chars(text.data(), text.data() + text.size(), to);
        return read.ec == std::errc() && read.ptr == text.data() + text.size();
    };
    if (!parse(next(), c.via) || !number(c.first) || !number(c.count) || member.empty()) return std::nullopt;
    c.campaign = member;
    return c;
}

} // namespace

asio::awaitable<result<void>> ledgers::put_due(int shard, due_chunk chunk, bool keep_earlier) {
    io::redis_args note{"ZADD", keys::due(shard)};
    if (keep_earlier) note.push_back("LT");
    note.push_back(std::to_string(chunk.at));
    note.push_back(due_member(chunk));
    auto reply = co_await redis_.command(std::move(note));
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::vector<std::pair<int, ledgers::due_chunk>>>>
ledgers::due_until(int shards, std::uint32_t now) {
    std::vector<io::redis_args> commands;
    for (int shard = 0; shard < shards; ++shard)
        commands.push_back({"ZRANGEBYSCORE", keys::due(shard), "-inf", std::to_string(now), "WITHSCORES",
                            "LIMIT", "0", "256"});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    std::vector<std::pair<int, due_chunk>> found;
    for (int shard = 0; shard < shards; ++shard) {
        const auto& r = (*replies)[static_cast<std::size_t>(shard)];
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
        for (std::size_t i = 0; i + 1 < r.items.size(); i += 2)
            if (auto c = read_due(r.items[i].text)) {
                c->at = static_cast<std::uint32_t>(r.items[i + 1].number());
                found.emplace_back(shard, std::move(*c));
            }
    }
    co_return found;
}

asio::awaitable<result<void>> ledgers::drop_due(std::vector<std::pair<int, due_chunk>> chunks) {
    std::vector<io::redis_args> commands;
    for (const auto& [shard, c] : chunks)
        commands.push_back(
            {"EVAL", lua::drop_due, "1", keys::due(shard), due_member(c), std::to_string(c.at)});
    if (commands.empty()) co_return result<void>{};
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (const auto& r : *replies)
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
    co_return result<void>{};
}

asio::awaitable<result<void>> ledgers::keep_delivery_place(int shard, log_place place) {
    static const io::lua_script script(std::string(lua::run_id) + lua::keep_delivery_place);
    auto reply = co_await redis_.eval(script, {keys::shard_state(shard)},
                                      {std::to_string(place.next), std::move(place.server)});
    if (!reply) co_return reply.error();
    co_return result<void>{};
}

asio::awaitable<result<std::string>> ledgers::server() {
    static const io::lua_script script(std::string(lua::run_id) + "return run_id()");
    auto reply = co_await redis_.eval(script, {}, {});
    if (!reply) co_return reply.error();
    co_return std::move(reply->text);
}

asio::awaitable<result<void>> ledgers::told(std::vector<int> shards, std::string campaign) {
    std::vector<io::redis_args> commands;
    for (const int shard : shards) commands.push_back({"HSET", keys::verdicts(shard, campaign), "told", "1"});
    if (commands.empty()) co_return result<void>{};
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (const auto& r : *replies)
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
    co_return result<void>{};
}

asio::awaitable<result<ledgers::frozen_shards>> ledgers::frozen(std::string campaign, int shards) {
    std::vector<io::redis_args> commands;
    for (int shard = 0; shard < shards; ++shard) {
        commands.push_back({"HEXISTS", keys::verdicts(shard, campaign), "told"});
        commands.push_back({"STRLEN", keys::audience(shard, campaign)});
    }
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    frozen_shards found;
    for (std::size_t i = 0; i + 1 < replies->size(); i += 2) {
        if ((*replies)[i].type == io::redis_reply::kind::error)
            co_return failure{errc::refused, (*replies)[i].text, "redis", ""};
        if ((*replies)[i].integer == 0) found.missing.push_back(static_cast<int>(i / 2));
        found.audience += (*replies)[i + 1].integer / 4;
    }
    co_return found;
}

asio::awaitable<result<void>> ledgers::keep_sent(int shard, channel via,
                                                 std::vector<std::pair<std::uint32_t, sent_count>> sent,
                                                 std::uint32_t epoch) {
    std::vector<io::redis_args> commands;
    for (const auto& [ordinal, count] : sent)
        commands.push_back({"SETRANGE", keys::sent_counts(shard, via),
                            std::to_string(std::uint64_t{ordinal} * sent_count::size), count.bytes()});
    if (epoch != 0)
        commands.push_back({"EVAL", lua::keep_highest, "1", keys::shard_state(shard), epoch_field(via),
                            std::to_string(epoch)});
    if (commands.empty()) co_return result<void>{};
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (const auto& r : *replies)
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
    co_return result<void>{};
}

asio::awaitable<result<void>> ledgers::tell_state(std::string campaign, campaign_state state,
                                                  std::int64_t revision, int shards) {
    std::vector<io::redis_args> commands;
    for (int shard = 0; shard < shards; ++shard)
        commands.push_back({"EVAL", lua::tell_state, "1", keys::stopped_campaigns(shard), campaign,
                            std::to_string(revision), to_string(state)});
    auto replies = co_await redis_.pipeline(std::move(commands));
    if (!replies) co_return replies.error();
    for (const auto& r : *replies)
        if (r.type == io::redis_reply::kind::error) co_return failure{errc::refused, r.text, "redis", ""};
    co_return result<void>{};
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

} // namespace zhida::store
