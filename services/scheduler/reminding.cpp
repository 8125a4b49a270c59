#include "services/scheduler/reminding.hpp"

#include "common/base/log.hpp"
#include "services/scheduler/reminder_rounds.hpp"

#include <algorithm>
#include <chrono>

namespace zhida::scheduler {

namespace {

constexpr auto try_again = milliseconds(5000);

std::int32_t minute_of(const std::string& text) {
    std::int32_t minute = 0;
    parse_time_of_day(text, minute); // checked with the configuration
    return minute;
}

bool unreadable(const failure& f) noexcept {
    return f.code == errc::invalid || f.code == errc::not_found;
}

// Working days of a year whose holidays are not known are counted by weekends.
void warn_of_unknown_year(const workdays& days, std::int32_t today) {
    const auto year =
        static_cast<int>(std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(today))).year());
    const auto& known = days.known_years();
    if (std::find(known.begin(), known.end(), year) == known.end())
        log::warn("the holidays of this year are not known: working days are counted by weekends",
                  {{"year", year}, {"fix", "add the year to calendar/holidays.json"}});
}

} // namespace

reminding::reminding(const config& c, const clock& time, const workdays& days, io::redis& redis,
                     store::campaigns& campaigns, store::policies& policies, campaign_changes& changes,
                     metrics& meters)
    : time_(time), workdays_(days), at_(minute_of(c.reminders.at)), campaigns_(campaigns),
      policies_(policies), days_(redis), changes_(changes),
      made_(meters.counter("zhida_reminders_total", "Rounds made of reminders")),
      overdue_(meters.counter("zhida_reminders_overdue_total",
                              "Reminders not sent because their deadline had passed")) {}

asio::awaitable<result<void>> reminding::look() {
    const auto now = time_.now();
    const auto today = shanghai_day(now);
    if (done_ == today || minutes_of_shanghai_day(now) < at_ || time_.steady_now() < next_try_)
        co_return result<void>{};
    next_try_ = time_.steady_now() + try_again;
    auto ids = co_await policies_.ids();
    if (!ids) co_return ids.error();
    auto kept = co_await days_.all();
    if (!kept) co_return kept.error();
    warn_of_unknown_year(workdays_, today);
    for (const auto& id : *ids) {
        const auto day = kept->find(id);
        auto looked =
            co_await look_at(id, day == kept->end() ? std::nullopt : std::optional(day->second), today);
        if (!looked) co_return looked.error();
    }
    done_ = today;
    next_try_ = {};
    co_return result<void>{};
}

asio::awaitable<result<void>> reminding::look_at(std::string id, std::optional<std::int32_t> kept,
                                                 std::int32_t today) {
    // One that cannot be read must not hold up the others.
    const auto passed_over = [&id](const failure& why) {
        log::error("a policy cannot be read, its reminders are not made",
                   {{"policy", id}, {"why", why.text()}});
        return result<void>{};
    };
    auto stored = co_await policies_.get(id);
    if (!stored) co_return unreadable(stored.error()) ? passed_over(stored.error()) : stored.error();
    std::vector<failure> errors;
    const auto p = read_policy(stored->document, errors);
    if (!p) co_return passed_over(p.error());
    if (kept && *kept > today + 1)
        log::error("reminders were made on a day that has not come: was a clock wrong? Going on from today",
                   {{"policy", id}, {"handled", format_date(*kept)}, {"today", format_date(today)}});
    const auto received = shanghai_day(wall_time(milliseconds(stored->received_ms)));
    auto first = co_await campaigns_.get(campaign_id(p->id, p->version, 1));
    if (!first && first.error().code == errc::invalid) co_return passed_over(first.error());
    if (!first && first.error().code != errc::not_found) co_return first.error();
    const auto rounds =
        rounds_of(*p, first ? std::optional(*first) : std::nullopt, today,
                  last_handled_day(kept, received, today), workdays_, time_.now().time_since_epoch().count());
    for (const auto& c : rounds.make) {
        auto made = co_await changes_.make_once(c);
        if (!made) co_return made.error();
        if (!*made) continue;
        made_.Increment();
        log::info("reminder made", {{"campaign", c.id}, {"title", c.title}});
    }
    for (const auto& [campaign, why] : rounds.not_made)
        log::info("reminder not made", {{"campaign", campaign}, {"why", why}});
    for (const auto& [campaign, why] : rounds.overdue) {
        overdue_.Increment();
        log::warn("reminder overdue, not sent", {{"campaign", campaign}, {"why", why}});
    }
    if (kept != rounds.handled) co_return co_await days_.keep(std::move(id), rounds.handled);
    co_return result<void>{};
}

} // namespace zhida::scheduler
