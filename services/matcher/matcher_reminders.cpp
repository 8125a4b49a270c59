// Audiences of reminders that concern some of an item's subjects only, by a date of their own: matched as
// things are now, where the shard's rows are.
#include "services/matcher/matcher.hpp"

#include "common/base/little_endian.hpp"
#include "common/base/log.hpp"
#include "common/store/audit.hpp"
#include "services/persist.hpp"

#include <algorithm>

namespace zhida::matcher {

namespace {

constexpr auto tick = milliseconds(500);

// Also what was submitted by hand before all of its audience was there: it begins with all of it.
bool wants_matching(const campaign& c) noexcept {
    const bool begun =
        final(c.state) || c.state == campaign_state::running || c.state == campaign_state::paused;
    return !begun && c.base.empty() && c.reminder && !c.reminder->concerns.is_null();
}

// A reminder's item and whom it concerns of the item's subjects.
struct reminded_item {
    policy of;
    std::size_t number = 0;
    matching::condition condition;
};

// Those whose date is known, also where the policy is pushed to whoever may qualify.
result<reminded_item> read_reminded(const result<json>& document, const reminder_notice& r,
                                    const matching::catalogue& catalogue) {
    if (!document) return document.error();
    std::vector<failure> errors;
    auto p = read_policy(*document, errors);
    if (!p) return p.error();
    const auto* item = p->find_item(r.item);
    if (!item) return failure{errc::invalid, "the policy has no item " + r.item, "/items", ""};
    const auto known = [](const json& property) {
        const json unknown = {{"op", "isNull"}, {"args", json::array({property})}};
        return json{{"op", "not"}, {"args", json::array({unknown})}};
    };
    const json all = {{"op", "and"},
                      {"args", json::array({item->eligibility, r.concerns, known(r.concerns["args"][0])})}};
    matching::condition_limits limits; // a document's, and what comes on top here
    limits.depth += 1;
    limits.nodes += 4;
    auto condition = matching::condition::compile(all, item->subject, catalogue, errors, "", limits);
    if (!condition) return condition.error();
    const auto number = static_cast<std::size_t>(item - p->items.data());
    return reminded_item{std::move(*p), number, std::move(*condition)};
}

} // namespace

asio::awaitable<void> matcher::follow_reminders() {
    while (!stopping_) {
        co_await io::sleep_for(clock_, tick);
        if (stopping_) break;
        auto open = co_await campaigns_.open();
        if (!open) continue; // whoever else reads Redis says so
        std::erase_if(*open, [](const campaign& c) { return !wants_matching(c); });
        std::erase_if(reminders_frozen_, [&](const auto& done) {
            return std::none_of(open->begin(), open->end(),
                                [&](const campaign& c) { return c.id == done.first; });
        });
        for (const auto& c : *open) must(co_await match_reminder(c));
    }
}

asio::awaitable<bool> matcher::match_reminder(const campaign& c) {
    const auto turn = co_await turn_.lock();
    std::vector<int> mine;
    for (const auto& [number, s] : shards_)
        if (up_to_date(s) && in_step(s) && !reminders_frozen_.contains({c.id, number}))
            mine.push_back(number);
    if (mine.empty()) co_return true;
    auto document = co_await persist(clock_, stopping_, "reading a policy",
                                     [&] { return policies_.get_version(c.policy_id, c.policy_version); });
    if (!document && stopping_) co_return false;
    const auto about = read_reminded(document, *c.reminder, catalogue_);
    if (!about) {
        // The catalogue may have changed since the policy was published: nobody can be matched.
        log::error("a reminder cannot be matched: cancel it",
                   {{"campaign", c.id}, {"why", about.error().text()}});
        for (const int number : mine) reminders_frozen_.emplace(c.id, number);
        co_return true;
    }
    const auto& item = about->of.items[about->number];
    for (const int number : std::vector<int>(mine)) {
        const auto& s = shards_.at(number);
        item_plans plans(about->of.items.size());
        plans[about->number].emplace(about->condition, layouts_.of(item.subject), s.day);
        auto selected = select_audience(about->of, plans, s.subjects, scan_space_);
        auto frozen = co_await persist(clock_, stopping_, "freezing the audience", [&] {
            return ledgers_.freeze(number, c.id, c.channels, selected.members, selected.verdicts, s.epoch,
                                   c.routing.how == channel_routing::mode::fallback);
        });
        if (!frozen && frozen.error().code == errc::conflict) {
            drop(number, "another process has taken it"); // its owner freezes it
            std::erase(mine, number);
            continue;
        }
        if (!frozen || !co_await tell_frozen(number, c, about->number, std::move(selected.verdicts)))
            co_return false;
        subjects_matched_.Increment(static_cast<double>(frozen->size));
        reminders_frozen_.emplace(c.id, number);
    }
    auto told = co_await persist(clock_, stopping_, "telling the audience",
                                 [&] { return ledgers_.told(mine, c.id); });
    co_return told.has_value();
}

// The audience that was frozen first is the one that holds, also where the process before us froze it and did
// not come to tell it.
asio::awaitable<bool> matcher::tell_frozen(int number, const campaign& c, std::size_t item,
                                           std::map<std::string, std::int64_t> verdicts) {
    const auto bit = static_cast<std::uint16_t>(1U << item);
    auto audience = co_await persist(clock_, stopping_, "reading the audience",
                                     [&] { return ledgers_.audience_bytes(number, c.id); });
    if (!audience) co_return false;
    std::vector<store::audience_member> members;
    for (std::size_t at = 0; at + 4 <= audience->size(); at += 4)
        members.push_back({get32(*audience, at), bit});
    auto messages = audience_messages({number, c.id, c.channels, std::move(members), std::move(verdicts),
                                       c.routing.how == channel_routing::mode::fallback, 0, 0},
                                      clock_.now());
    auto appended = co_await persist(clock_, stopping_, "telling the audience",
                                     [&] { return log_->append_all(messages); });
    if (!appended) co_return false;
    ledgers_.appended(number, appended->back());
    co_return true;
}

} // namespace zhida::matcher
