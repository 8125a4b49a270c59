#include "services/ledger_check.hpp"

#include "common/store/campaigns.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger.hpp"

namespace zhida {

namespace asio = boost::asio;

namespace {

struct arrays {
    std::string audience, ledger;
    std::map<std::string, std::int64_t> counters;
};

// One call for the three, so that nothing moves between them.
const io::lua_script& read_script() {
    static const io::lua_script s(R"lua(
return {redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[2]) or '', redis.call('HGETALL', KEYS[3])}
)lua");
    return s;
}

asio::awaitable<result<arrays>> read(io::redis& redis, int shard, std::string campaign, channel via) {
    auto reply = co_await redis.eval(read_script(),
                                     {store::keys::audience(shard, campaign),
                                      store::keys::ledger(shard, campaign, via),
                                      store::keys::counters(shard, campaign, via)},
                                     {});
    if (!reply) co_return reply.error();
    arrays a;
    a.audience = std::move(reply->items[0].text);
    a.ledger = std::move(reply->items[1].text);
    const auto& fields = reply->items[2].items;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        a.counters[fields[i].text] = fields[i + 1].number();
    }
    co_return a;
}

void check(const arrays& a, const std::string& where, ledger_report::of_channel& into,
           std::vector<failure>& errors) {
    const auto members = a.audience.size() / 4;
    const auto records = a.ledger.size() / ledger::record_size;
    if (a.audience.size() % 4 != 0 || a.ledger.size() % ledger::record_size != 0)
        errors.push_back(
            {errc::invalid, "an array ends in the middle of a record", where, "see docs/operations.md"});
    if (members != records)
        errors.push_back({errc::invalid,
                          "audience has " + std::to_string(members) + " members, ledger " +
                              std::to_string(records) + " records",
                          where, "see docs/operations.md"});
    state_counts states{};
    std::map<std::string, std::int64_t> reasons; // by the counter's name
    std::int64_t read = 0;
    for (std::size_t i = 0; i < records; ++i) {
        const auto r = ledger::decode(a.ledger.data() + i * ledger::record_size);
        if (static_cast<unsigned char>(a.ledger[i * ledger::record_size]) >= ledger::state_count)
            errors.push_back(
                {errc::invalid, "record " + std::to_string(i) + " has no known state", where, ""});
        ++states[static_cast<std::size_t>(r.now)];
        if (ledger::has_reason(r.now))
            ++reasons["w" + std::to_string(static_cast<int>(r.now)) + ":" +
                      std::to_string(static_cast<int>(r.why))];
        if (r.engaged & ledger::engagement::read) ++read;
    }
    const auto counted = [&](const std::string& field) {
        const auto found = a.counters.find(field);
        return found == a.counters.end() ? std::int64_t{0} : found->second;
    };
    for (int s = 0; s < ledger::state_count; ++s) {
        const auto in_array = states[static_cast<std::size_t>(s)];
        const auto in_counter = counted("s" + std::to_string(s));
        if (in_array != in_counter)
            errors.push_back({errc::invalid,
                              std::to_string(in_array) + " records are " +
                                  ledger::to_string(static_cast<ledger::state>(s)) + ", the counter says " +
                                  std::to_string(in_counter),
                              where, "see docs/operations.md"});
        into.states[static_cast<std::size_t>(s)] += in_array;
    }
    for (const auto& [field, n] : a.counters)
        if (field.starts_with('w')) reasons.try_emplace(field, 0);
    for (const auto& [field, n] : reasons)
        if (n != counted(field))
            errors.push_back({errc::invalid,
                              std::to_string(n) + " records have the state and reason " + field.substr(1) +
                                  ", the counter says " + std::to_string(counted(field)),
                              where, "see docs/operations.md"});
    if (read != counted("read"))
        errors.push_back(
            {errc::invalid,
             std::to_string(read) + " records are read, the counter says " + std::to_string(counted("read")),
             where, "see docs/operations.md"});
    into.matched += static_cast<std::int64_t>(members);
}

} // namespace

asio::awaitable<result<ledger_report>> check_ledger(io::redis& redis, int shards) {
    store::ledgers ledgers(redis);
    store::campaigns campaigns(redis, shards);
    std::map<std::string, ledger_report::of_campaign> found;
    ledger_report report;
    auto known = co_await campaigns.list(1'000'000);
    if (!known) co_return known.error();
    std::map<std::string, std::vector<channel>> channels;
    for (const auto& c : *known) {
        channels[c.id] = c.channels;
        auto& f = found[c.id];
        f.id = c.id;
        for (const auto via : c.channels) f.channels[via];
    }
    for (int shard = 0; shard < shards; ++shard) {
        auto names = co_await ledgers.campaigns_of(shard);
        if (!names) co_return names.error();
        for (const auto& name : *names) {
            auto listed = channels.find(name);
            if (listed == channels.end()) // published since the list was read?
                if (auto late = co_await campaigns.get(name))
                    listed = channels.emplace(name, late->channels).first;
            if (listed == channels.end()) {
                report.errors.push_back({errc::invalid,
                                         "campaign " + name + " has an audience but no record of its own",
                                         "shard " + std::to_string(shard), "publish its policy again"});
                continue;
            }
            found[name].id = name;
            std::int64_t members = 0;
            for (const auto via : listed->second) {
                auto a = co_await read(redis, shard, name, via);
                if (!a) co_return a.error();
                const auto where = name + "/" + to_string(via) + "/shard " + std::to_string(shard);
                check(*a, where, found[name].channels[via], report.errors);
                members = static_cast<std::int64_t>(a->audience.size() / 4);
            }
            found[name].audience += members;
        }
    }
    for (auto& [id, c] : found) report.campaigns.push_back(std::move(c));
    co_return report;
}

json to_json(const ledger_report& r) {
    json campaigns = json::array();
    for (const auto& c : r.campaigns) {
        json channels = json::object();
        for (const auto& [via, counts] : c.channels) {
            json states = {{"matched", counts.matched}};
            for (int s = 0; s < ledger::state_count; ++s)
                states[ledger::to_string(static_cast<ledger::state>(s))] =
                    counts.states[static_cast<std::size_t>(s)];
            channels[to_string(via)] = std::move(states);
        }
        campaigns.push_back({{"id", c.id}, {"audience", c.audience}, {"channels", std::move(channels)}});
    }
    json errors = json::array();
    for (const auto& e : r.errors) errors.push_back({{"where", e.where}, {"what", e.what}, {"fix", e.fix}});
    return {{"ok", r.errors.empty()}, {"campaigns", std::move(campaigns)}, {"errors", std::move(errors)}};
}

} // namespace zhida
