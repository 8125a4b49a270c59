#include "services/scheduler/reminders.hpp"

#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

namespace zhida::scheduler {

namespace {

using day_t = std::int32_t;
using maybe_day = std::optional<day_t>;

constexpr day_t longest_absence = 366;

maybe_day earlier(maybe_day a, maybe_day b) noexcept {
    return !a ? b : !b ? a : std::min(*a, *b);
}

std::chrono::year_month_day civil(day_t day) noexcept {
    return std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
}

// That day of the month, or its last one.
day_t day_of_month(std::chrono::year_month month, int n) noexcept {
    const auto last = std::chrono::year_month_day(month / std::chrono::last);
    const auto day = std::min(std::chrono::day(static_cast<unsigned>(n)), last.day());
    return static_cast<day_t>(std::chrono::sys_days(month / day).time_since_epoch().count());
}

class finder {
  public:
    finder(const policy& p, day_t today, day_t last_handled, const workdays& w)
        : policy_(p), today_(today), after_(std::max(last_handled, today - longest_absence)), workdays_(w) {
        out_.handled = std::max(last_handled, today);
    }

    due_reminders find() {
        if (policy_.may_be_pushed() && after_ < today_)
            for (std::size_t i = 0; i < policy_.items.size(); ++i) of_item(i);
        const auto by_item_and_day = [](const reminder& a, const reminder& b) {
            return std::tie(a.item, a.day, a.campaign) < std::tie(b.item, b.day, b.campaign);
        };
        std::sort(out_.due.begin(), out_.due.end(), by_item_and_day);
        return std::move(out_);
    }

  private:
    void of_item(std::size_t index) {
        item_ = index;
        const auto& item = policy_.items[index];
        end_ = earlier(item.window.end, policy_.valid.end);
        of_policy_ = end_ && end_ != item.window.end;
        if (item.mode == "申请享受") {
            of_window(item);
            if (item.reminders.monthly) of_months(item, *item.reminders.monthly);
        }
        if (item.reminders.within_days_of)
            of_subjects(item, *item.reminders.within_days_of, reminder_kind::own_deadline, "own");
        if (item.reminders.expires_from)
            of_subjects(item, *item.reminders.expires_from, reminder_kind::licence_expires, "licence");
    }

    void of_window(const policy_item& item) {
        const auto& window = item.window;
        if (window.start) opens(reminder_kind::window_opens, *window.start, end_, "", "opens");
        if (end_) countdown(item, reminder_kind::days_before, window.start, *end_, "", "d");
        for (const auto& stage : window.stages) {
            const auto stage_end = earlier(stage.end, end_);
            // The window that opens on the same day says so.
            if (stage.start && stage.start != window.start)
                opens(reminder_kind::stage_opens, *stage.start, stage_end, stage.name, "stage");
            if (stage.end)
                countdown(item, reminder_kind::days_before, stage.start, *stage_end, stage.name, "d");
        }
    }

    void of_months(const policy_item& item, const item_reminders::days_of_month& days) {
        const auto first = civil(after_ + 1), last = civil(today_);
        const std::chrono::year_month until = last.year() / last.month();
        for (std::chrono::year_month month = first.year() / first.month(); month <= until;
             month += std::chrono::months(1)) {
            const auto open = day_of_month(month, days.from), close = day_of_month(month, days.to);
            const bool before = item.window.start && open <= *item.window.start; // the window itself opens
            if (before ? close < *item.window.start : end_ && open > *end_) continue;
            if (!before) opens(reminder_kind::month_opens, open, earlier(close, end_), "", "month");
            // Where all of it ends in this month, that is counted down to.
            if (!end_ || close < *end_)
                countdown(item, reminder_kind::month_closes, before ? *item.window.start : open, close, "",
                          "m");
        }
    }

    // A day on which a subject of today's audience has its own deadline, before which it is reminded.
    void of_subjects(const policy_item& item, const subject_deadline& of, reminder_kind kind,
                     const char* name) {
        for (const int n : item.reminders.days_before)
            for (auto day = after_ + 1; day <= today_; ++day) {
                if ((end_ && day > *end_) || (policy_.valid.start && day < *policy_.valid.start)) continue;
                auto [from, to] = deadlines_of(day, n, item.reminders.working_days);
                if (to < from) continue;
                auto r = made(kind, day, to, "", name + std::to_string(n));
                r.days_before = n;
                if (to >= today_) from = std::max(from, today_); // for the others it is too late
                r.first_deadline = from;
                r.concerns = on_days(of.attribute, from - of.days, to - of.days);
                add(std::move(r));
            }
    }

    // The deadlines, first and last, of which this is the day n days before; first > last: there is none.
    std::pair<day_t, day_t> deadlines_of(day_t day, int n, bool working) const {
        if (!working || n == 0) return {day + n, day + n};
        if (!workdays_.is_workday(day)) return {1, 0};
        auto from = day + 1; // [day, from) holds one working day
        for (int counted = 1; counted < n; ++from)
            if (workdays_.is_workday(from)) ++counted;
        auto to = from;
        while (!workdays_.is_workday(to)) ++to;
        return {from, to};
    }

    static json on_days(const std::string& attribute, day_t from, day_t to) {
        const auto date = [](day_t d) { return json{{"date", format_date(d)}}; };
        const json property = {{"property", attribute}};
        if (from == to) return {{"op", "="}, {"args", json::array({property, date(from)})}};
        return {{"op", "between"}, {"args", json::array({property, date(from), date(to)})}};
    }

    void opens(reminder_kind kind, day_t day, maybe_day deadline, const std::string& stage,
               const char* name) {
        if (!in_range(day)) return;
        add(made(kind, day, deadline, stage, name));
    }

    void countdown(const policy_item& item, reminder_kind kind, maybe_day start, day_t deadline,
                   const std::string& stage, const char* name) {
        for (const int n : item.reminders.days_before) {
            const auto day =
                item.reminders.working_days ? workdays_.minus_workdays(deadline, n) : deadline - n;
            // On the day it opens, and before, that is the news.
            if (!in_range(day) || (start && day <= *start)) continue;
            auto r = made(kind, day, deadline, stage, name + std::to_string(n));
            r.days_before = n;
            r.of_policy = of_policy_ && stage.empty() && kind == reminder_kind::days_before;
            add(std::move(r));
        }
    }

    bool in_range(day_t day) const noexcept { return day > after_ && day <= today_; }

    reminder made(reminder_kind kind, day_t day, maybe_day deadline, const std::string& stage,
                  const std::string& name) const {
        reminder r;
        r.item = item_;
        r.kind = kind;
        r.day = day;
        r.first_deadline = r.deadline = deadline;
        r.stage = stage;
        r.campaign = reminder_campaign_id(policy_.id, policy_.version, policy_.items[item_].id, name, day);
        return r;
    }

    void add(reminder r) {
        if (!known_.insert(r.campaign).second) return; // two stages that end on one day
        const auto& item = policy_.items[item_];
        const auto notice = notice_of(policy_, r);
        r.title_zh = reminder_title_zh(notice, item.title, today_);
        r.title_en = reminder_title_en(notice, item.title, today_);
        if (r.deadline && *r.deadline < today_) {
            auto why = "期限 " + format_date(*r.deadline) + " 已过，提醒日为 " + format_date(r.day);
            out_.dropped.push_back({std::move(r), std::move(why)});
        } else {
            out_.due.push_back(std::move(r));
        }
    }

    const policy& policy_;
    const day_t today_, after_;
    const workdays& workdays_;
    std::size_t item_ = 0;
    maybe_day end_; // of the item at hand: the last day on which it can be claimed
    bool of_policy_ = false;
    std::set<std::string> known_;
    due_reminders out_;
};

} // namespace

reminder_notice notice_of(const policy& p, const reminder& r) {
    return {p.items[r.item].id, r.kind,  r.day,       r.first_deadline,
            r.deadline,         r.stage, r.of_policy, r.concerns};
}

due_reminders reminders_due(const policy& p, std::int32_t today, std::int32_t last_handled,
                            const workdays& w) {
    return finder(p, today, last_handled, w).find();
}

} // namespace zhida::scheduler
