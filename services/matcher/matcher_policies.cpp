// Policy events and days: judged against the rows of the shards.
#include "services/matcher/matcher.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/audit.hpp"
#include "services/campaign_changes.hpp"
#include "services/matcher/first_round.hpp"
#include "services/persist.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::matcher {

std::shared_ptr<const standing_items> matcher::standing(std::int64_t until, std::int32_t day) {
    if (!standing_ || standing_->until() != until || standing_->day() != day)
        standing_ = std::make_shared<const standing_items>(policy_log_, until, day);
    return standing_;
}

namespace {
constexpr const char* taken_by_another = "another process has taken it";
}

void matcher::drop(int number, const char* why) {
    log::warn("shard given up, to be taken again if it is ours", {{"shard", number}, {"why", why}});
    shards_.erase(number);
    dropped_.insert(number);
}

asio::awaitable<bool> matcher::keep(store::ledgers::place what, std::vector<int>& shards,
                                    std::int64_t value) {
    std::vector<store::ledgers::owned_shard> owned;
    owned.reserve(shards.size());
    for (const int number : shards) owned.push_back({number, shards_.at(number).epoch});
    auto taken = co_await persist(clock_, stopping_, "storing the shards' place",
                                  [&] { return ledgers_.keep_place(what, owned, value); });
    if (!taken) co_return false;
    for (const int number : *taken) {
        drop(number, taken_by_another);
        std::erase(shards, number);
    }
    co_return true;
}

// A policy that was begun comes first, on the shard's own day: its audience may be frozen as of that day, and
// the days after it tell whoever they change.
asio::awaitable<bool> matcher::judge_pending() {
    co_return co_await judge_policies(how_far::begun) && co_await judge_days() &&
        co_await judge_policies(how_far::all);
}

asio::awaitable<bool> matcher::judge_policies(how_far most) {
    // A shard without a day has judged nothing yet: it has begun nothing either.
    const auto until = [this, most](const shard& s) {
        if (!may_move_on(s) || s.day == 0) return s.policy_offset;
        return most == how_far::all ? policy_log_.end() : s.policies_begun;
    };
    const auto& events = policy_log_.events();
    std::int64_t lowest = policy_log_.end();
    for (const auto& [number, s] : shards_)
        if (s.policy_offset < until(s)) lowest = std::min(lowest, s.policy_offset);
    for (std::size_t i = policy_log_.from(lowest); i < events.size(); ++i) {
        const auto offset = events[i].record.offset;
        std::vector<int> behind;
        for (const auto& [number, s] : shards_)
            if (s.policy_offset <= offset && offset < until(s)) behind.push_back(number);
        if (!behind.empty() && !co_await judge(events[i], std::move(behind))) co_return false;
    }
    co_return true;
}

// Days come one after another; after a long absence in one step. What was begun is done to its end, so that
// it says the same as before.
asio::awaitable<bool> matcher::judge_days() {
    constexpr std::int32_t most_steps = 31;
    const auto next_of = [this](const shard& s) {
        if (s.day_begun > s.day) return s.day_begun;
        return s.day == 0 || day_ - s.day > most_steps ? day_ : s.day + 1;
    };
    while (true) {
        std::vector<int> shards; // those that are furthest behind
        std::int32_t from = day_, to = 0;
        for (const auto& [number, s] : shards_) {
            if (!may_move_on(s) || days_done(s)) continue;
            const auto next = next_of(s);
            if (!shards.empty() && (s.day > from || (s.day == from && next > to))) continue;
            if (shards.empty() || s.day < from || next < to) shards.clear();
            from = s.day;
            to = next;
            shards.push_back(number);
        }
        if (shards.empty()) co_return true;
        // Before the first day nothing was judged that could have changed.
        if (from != 0 && !co_await tell_day(shards, from, to)) co_return false;
        std::erase_if(shards, [this](int number) { return !shards_.contains(number); });
        if (!co_await keep(store::ledgers::place::day, shards, to)) co_return false;
        for (const int number : shards) shards_.at(number).day = to;
    }
}

asio::awaitable<bool> matcher::tell_day(const std::vector<int>& shards, std::int32_t from, std::int32_t to) {
    for (const int number : shards) {
        const auto& s = shards_.at(number);
        const auto items = standing(s.policy_offset, to);
        const auto changes = compare_days(*items, s.subjects, from);
        if (changes.empty()) continue;
        std::vector<std::uint32_t> ordinals;
        ordinals.reserve(changes.size());
        for (const auto& c : changes) ordinals.push_back(c.ordinal);
        auto ids = co_await persist(clock_, stopping_, "asking for ids",
                                    [&] { return profiles_.ids(number, ordinals); });
        if (!ids) co_return false;
        std::vector<int> begun{number};
        if (!co_await keep(store::ledgers::place::day_begun, begun, to)) co_return false;
        if (begun.empty()) continue;
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
    co_return true;
}

asio::awaitable<bool> matcher::judge(const policy_event& event, std::vector<int> shards) {
    const auto next = event.record.offset + 1;
    if (!co_await drop_lost(shards)) co_return false;
    if (shards.empty()) co_return true;
    if (!event.checked) {
        // One of the matchers buries it: the owner of the first shard.
        if (shards.front() == 0 && !co_await bury_record(event.record, event.errors)) co_return false;
    } else if (!event.repeated) {
        // From here on the audience may be frozen: whoever owns the shard next judges no profile before that.
        if (!co_await keep(store::ledgers::place::policies_begun, shards, next)) co_return false;
        if (!shards.empty() && !co_await push(event, shards)) co_return false;
    }
    if (!co_await keep(store::ledgers::place::policy_offset, shards, next)) co_return false;
    for (const int number : shards) shards_.at(number).policy_offset = next;
    policies_judged_.Increment(static_cast<double>(shards.size()));
    co_return true;
}

asio::awaitable<bool> matcher::push(const policy_event& event, std::vector<int>& shards) {
    ZHIDA_FAILPOINT("policy.read");
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
    auto c = first_round(p, event.publisher, received);
    // Each shard is judged on its own day, which another process may have begun a moment before this one.
    std::map<std::int32_t, item_plans> plans;
    bool any_stands = false;
    for (const int number : shards) {
        const auto day = shards_.at(number).day;
        if (plans.contains(day)) continue;
        const auto& made = plans.emplace(day, plans_of(p, conditions, layouts_, day)).first->second;
        any_stands = any_stands || std::any_of(made.begin(), made.end(), [](const auto& i) { return !!i; });
    }
    if (!any_stands) {
        c.state = campaign_state::finished; // before it began
        log::info("policy is over, nobody is told of it", {{"policy", p.id}, {"version", p.version}});
    }
    auto put = co_await persist(clock_, stopping_, "keeping the campaign", [&] { return campaigns_.put(c); });
    if (!put) co_return false;
    auto known = co_await persist(clock_, stopping_, "telling the campaign",
                                  [&] { return log_->append(campaign_message(c, clock_.now())); });
    if (!known) co_return false;
    ZHIDA_FAILPOINT("campaign.put");

    const auto started = clock_.steady_now();
    std::int64_t matched = 0;
    std::vector<io::log_message> messages;
    const auto mine = shards;
    for (const int number : mine) {
        const auto& s = shards_.at(number);
        auto selected = select_audience(p, plans.at(s.day), s.subjects, scan_space_);
        auto frozen = co_await persist(clock_, stopping_, "freezing the audience", [&] {
            return ledgers_.freeze(number, c.id, c.channels, selected.members, selected.verdicts, s.epoch,
                                   c.routing.how == channel_routing::mode::fallback);
        });
        if (!frozen && frozen.error().code == errc::conflict) {
            drop(number, taken_by_another); // its owner freezes it, by newer rows
            std::erase(shards, number);
            continue;
        }
        if (!frozen) co_return false;
        matched += frozen->size;
        // Whoever was here before may have frozen it by other rows, or was interrupted before it was told:
        // what is told is what holds.
        if (frozen->before) {
            auto held = co_await persist(clock_, stopping_, "reading the audience", [&] {
                return ledgers_.frozen_in(number, c.id, c.channels.front());
            });
            if (!held) co_return false;
            selected.members = std::move(held->members);
            selected.verdicts = std::move(held->verdicts);
        }
        auto parts = audience_messages({number, c.id, c.channels, std::move(selected.members),
                                        std::move(selected.verdicts),
                                        c.routing.how == channel_routing::mode::fallback, 0, 0},
                                       clock_.now());
        std::move(parts.begin(), parts.end(), std::back_inserter(messages));
    }
    ZHIDA_FAILPOINT("audience.frozen");
    // Before the scheduler may begin, so that the log has an audience before its deliveries.
    auto appended = co_await persist(clock_, stopping_, "telling the audience",
                                     [&] { return log_->append_all(messages); });
    if (!appended) co_return false;
    for (std::size_t i = 0; i < messages.size(); ++i)
        ledgers_.appended(messages[i].partition, (*appended)[i]);
    auto told = co_await persist(clock_, stopping_, "telling the audience",
                                 [&] { return ledgers_.told(shards, c.id); });
    if (!told) co_return false;
    subjects_matched_.Increment(static_cast<double>(matched));
    log::info("policy matched", {{"policy", p.id},
                                 {"version", p.version},
                                 {"shards", shards.size()},
                                 {"matched", matched},
                                 {"ms", (clock_.steady_now() - started).count()}});
    co_return true;
}

} // namespace zhida::matcher
