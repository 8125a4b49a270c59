// Policy events and days: judged against the rows of the shards.
#include "services/matcher/matcher.hpp"

#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "services/persist.hpp"

namespace zhida::matcher {

const standing_items& matcher::standing() {
    if (!standing_ || standing_->log_end() != policy_log_.end() || standing_->day() != day_)
        standing_.emplace(policy_log_, day_);
    return *standing_;
}

asio::awaitable<bool> matcher::judge_pending() {
    if (!co_await judge_days()) co_return false;
    const auto& events = policy_log_.events();
    std::int64_t lowest = policy_log_.end();
    for (const auto& [number, s] : shards_)
        if (in_step(s)) lowest = std::min(lowest, s.policy_offset);
    for (std::size_t i = policy_log_.from(lowest); i < events.size(); ++i) {
        std::vector<int> behind;
        for (const auto& [number, s] : shards_)
            if (in_step(s) && s.policy_offset <= events[i].record.offset) behind.push_back(number);
        if (!behind.empty() && !co_await judge(events[i], std::move(behind))) co_return false;
    }
    co_return true;
}

// Days come one after another, so that a day that is judged again after a crash says the same; after a long
// absence in one step.
asio::awaitable<bool> matcher::judge_days() {
    constexpr std::int32_t most_steps = 31;
    while (true) {
        std::vector<int> shards; // those that are furthest behind
        std::int32_t from = day_;
        for (const auto& [number, s] : shards_) {
            if (!in_step(s) || s.day > from || s.day >= day_) continue;
            if (s.day < from) shards.clear();
            from = s.day;
            shards.push_back(number);
        }
        if (shards.empty()) co_return true;
        const bool first = from == 0; // nothing was judged before today
        const auto to = first || day_ - from > most_steps ? day_ : from + 1;
        const standing_items items(policy_log_, to);
        for (const int number : shards) {
            if (first) break;
            const auto& s = shards_.at(number);
            const auto changes = compare_days(items, s.subjects, from, s.policy_offset);
            if (changes.empty()) continue;
            std::vector<std::uint32_t> ordinals;
            for (const auto& c : changes) ordinals.push_back(c.ordinal);
            auto ids = co_await persist(clock_, stopping_, "asking for ids",
                                        [&] { return profiles_.ids(number, ordinals); });
            if (!ids) co_return false;
            std::vector<io::log_message> messages;
            for (std::size_t i = 0; i < changes.size(); ++i) {
                messages.push_back(
                    match_event((*ids)[i], {number, -1, to}, changes[i].what, to_rfc3339(clock_.now())));
                changes_told_.Increment(
                    static_cast<double>(changes[i].what.newly.size() + changes[i].what.no_longer.size()));
            }
            auto told = co_await persist(clock_, stopping_, "telling whom the day made eligible",
                                         [&] { return log_->append_all(messages); });
            if (!told) co_return false;
        }
        auto stored = co_await persist(clock_, stopping_, "storing the shards' day",
                                       [&] { return ledgers_.set_days(shards, to); });
        if (!stored) co_return false;
        for (const int number : shards) shards_.at(number).day = to;
    }
}

asio::awaitable<bool> matcher::judge(const policy_event& event, std::vector<int> shards) {
    const auto next = event.record.offset + 1;
    if (!event.checked) {
        // One of the matchers buries it: the owner of the first shard.
        if (shards.front() == 0 && !co_await bury_record(event.record, event.errors)) co_return false;
    } else if (!event.repeated) {
        if (!co_await push(event, shards)) co_return false;
    }
    auto stored = co_await persist(clock_, stopping_, "storing the shards' place",
                                   [&] { return ledgers_.set_policy_offsets(shards, next); });
    if (!stored) co_return false;
    for (const int number : shards) shards_.at(number).policy_offset = next;
    policies_judged_.Increment(static_cast<double>(shards.size()));
    co_return true;
}

asio::awaitable<bool> matcher::push(const policy_event& event, std::vector<int> shards) {
    const auto& [p, conditions] = *event.checked;
    const auto received = event.record.timestamp_ms;
    auto kept = co_await persist(clock_, stopping_, "keeping the policy", [&] {
        return policies_.put(p, event.document, received, p.may_be_pushed());
    });
    if (!kept) co_return false;
    if (!p.may_be_pushed()) {
        log::info("policy kept, not pushed", {{"policy", p.id}, {"disclosure", p.disclosure}});
        co_return true;
    }
    campaign c;
    c.policy_id = p.id;
    c.policy_version = p.version;
    c.id = campaign_id(p.id, p.version, c.round);
    c.title = p.title;
    c.issuer = p.issuer;
    c.channels = p.channels;
    c.created_ms = received;
    auto put = co_await persist(clock_, stopping_, "keeping the campaign", [&] { return campaigns_.put(c); });
    if (!put) co_return false;

    const auto started = clock_.steady_now();
    const auto chunk = static_cast<std::uint32_t>(config_.dispatch.chunk);
    std::int64_t matched = 0;
    std::vector<io::log_message> messages;
    const auto plans = plans_of(p, conditions, layouts_, day_);
    for (const int number : shards) {
        auto selected = select_audience(p, plans, shards_.at(number).subjects, scan_space_);
        auto size = co_await persist(clock_, stopping_, "freezing the audience", [&] {
            return ledgers_.freeze(number, c.id, c.channels, selected.members, selected.verdicts);
        });
        if (!size) co_return false;
        matched += *size;
        for (const auto via : c.channels)
            for (std::uint32_t first = 0; first < *size; first += chunk) {
                cloud_event e;
                e.id =
                    c.id + "/" + std::to_string(number) + "/" + to_string(via) + "/" + std::to_string(first);
                e.source = "/zhida/matcher";
                e.type = event_type::dispatch_chunk;
                e.subject = c.id;
                e.time = to_rfc3339(clock_.now());
                e.data = {{"campaign", c.id},
                          {"shard", number},
                          {"channel", to_string(via)},
                          {"first", first},
                          {"count", std::min(chunk, *size - first)}};
                auto encoded = encode_event(e);
                messages.push_back(
                    {topics::dispatch(via), number, c.id, std::move(encoded.value), encoded.headers});
            }
    }
    auto appended = co_await persist(clock_, stopping_, "handing out dispatch records",
                                     [&] { return log_->append_all(messages); });
    if (!appended) co_return false;
    subjects_matched_.Increment(static_cast<double>(matched));
    log::info("policy matched", {{"policy", p.id},
                                 {"version", p.version},
                                 {"shards", shards.size()},
                                 {"matched", matched},
                                 {"records", messages.size()},
                                 {"ms", (clock_.steady_now() - started).count()}});
    co_return true;
}

} // namespace zhida::matcher
