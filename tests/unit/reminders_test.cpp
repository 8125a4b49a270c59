// Which reminders are due, whatever the absence and however the clock jumps.
#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"
#include "matching/condition.hpp"
#include "services/scheduler/reminders.hpp"
#include "tests/support/json_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace zhida::scheduler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::int32_t day(std::string_view text) {
    std::int32_t d = 0;
    EXPECT_TRUE(parse_date(text, d)) << text;
    return d;
}

const workdays& china() {
    static const auto w = [] {
        std::vector<failure> errors;
        return workdays::read(tests::config_file("calendar/holidays.json"), errors).value();
    }();
    return w;
}

policy a_policy() {
    policy p;
    p.id = "BS-006";
    p.version = 2;
    p.disclosure = "主动公开";
    policy_item item;
    item.id = "1";
    item.title = "高企奖励";
    item.mode = "申请享受";
    p.items = {item};
    return p;
}

// Looks every day from the day after `from` to `to`.
std::vector<reminder> daily(const policy& p, std::string_view from, std::string_view to) {
    std::vector<reminder> all;
    auto handled = day(from);
    for (auto today = handled + 1; today <= day(to); ++today) {
        auto found = reminders_due(p, today, handled, china());
        EXPECT_THAT(found.dropped, IsEmpty());
        handled = found.handled;
        for (auto& r : found.due) {
            EXPECT_EQ(r.day, today);
            all.push_back(std::move(r));
        }
    }
    return all;
}

std::vector<std::string> ids(const std::vector<reminder>& all) {
    std::vector<std::string> out;
    const std::string head = "BS-006.v2.r1.";
    for (const auto& r : all) {
        EXPECT_TRUE(r.campaign.starts_with(head)) << r.campaign;
        const auto parts = parse_campaign_id_parts(r.campaign);
        EXPECT_TRUE(parts && parts->policy == "BS-006" && parts->version == 2) << r.campaign;
        out.push_back(r.campaign.substr(head.size()));
    }
    return out;
}

TEST(reminders, of_a_window_say_that_it_opens_and_when_it_ends) {
    auto p = a_policy();
    p.items[0].window.start = day("2026-11-01");
    p.items[0].window.end = day("2026-12-31");
    const auto all = daily(p, "2026-10-01", "2027-02-01");
    EXPECT_THAT(ids(all),
                ElementsAre("1-opens-20261101", "1-d30-20261201", "1-d7-20261224", "1-d1-20261230"));
    EXPECT_EQ(all[0].title_zh, "“高企奖励”今天开始办理，12月31日截止");
    EXPECT_EQ(all[0].title_en, "Open from today, until 2026-12-31: 高企奖励");
    EXPECT_EQ(all[1].title_zh, "“高企奖励”还有30天截止");
    EXPECT_EQ(all[1].days_before, 30);
    EXPECT_EQ(all[3].title_zh, "“高企奖励”明天截止");
    EXPECT_EQ(all[3].title_en, "1 day left: 高企奖励");
    EXPECT_TRUE(all[0].concerns.is_null());
}

TEST(reminders, of_stages_name_them_once_a_day) {
    auto p = a_policy();
    auto& item = p.items[0];
    item.reminders.days_before = {1};
    item.window.start = day("2026-03-01");
    item.window.end = day("2026-05-31");
    item.window.stages = {{"第一批", day("2026-03-01"), day("2026-03-31")},
                          {"第二批", day("2026-04-10"), day("2026-05-31")},
                          {"备案", day("2026-04-10"), std::nullopt}};
    const auto all = daily(p, "2026-01-01", "2026-12-31");
    EXPECT_THAT(ids(all),
                ElementsAre("1-opens-20260301", "1-d1-20260330", "1-stage-20260410", "1-d1-20260530"));
    EXPECT_EQ(all[1].title_zh, "“高企奖励”的“第一批”明天截止");
    EXPECT_EQ(all[2].stage, "第二批");
    EXPECT_EQ(all[3].stage, "") << "that all of it ends is said first";
}

TEST(reminders, count_working_days_back_over_a_holiday) {
    auto p = a_policy();
    p.items[0].window.end = day("2026-10-09"); // a Friday
    p.items[0].reminders.working_days = true;
    p.items[0].reminders.days_before = {3, 0};
    EXPECT_THAT(ids(daily(p, "2026-09-01", "2026-10-31")), ElementsAre("1-d3-20260929", "1-d0-20261009"));
}

TEST(reminders, of_a_policy_that_ends_say_so) {
    auto p = a_policy();
    p.valid.end = day("2026-12-31");
    p.items[0].window.end = day("2027-06-30");
    const auto all = daily(p, "2026-12-01", "2027-12-01");
    EXPECT_THAT(ids(all), ElementsAre("1-d7-20261224", "1-d1-20261230"));
    EXPECT_EQ(all[0].title_zh, "“高企奖励”的政策还有7天到期");
}

TEST(reminders, of_each_month_open_and_close) {
    auto p = a_policy();
    p.items[0].window.start = day("2026-01-20");
    p.items[0].window.end = day("2026-04-20");
    p.items[0].reminders.days_before = {7, 1};
    p.items[0].reminders.monthly = item_reminders::days_of_month{15, 31};
    const auto all = daily(p, "2026-01-01", "2026-12-31");
    EXPECT_THAT(ids(all),
                ElementsAre("1-opens-20260120", "1-m7-20260124", "1-m1-20260130", "1-month-20260215",
                            "1-m7-20260221", "1-m1-20260227", "1-month-20260315", "1-m7-20260324",
                            "1-m1-20260330", "1-d7-20260413", "1-month-20260415", "1-d1-20260419"));
    EXPECT_EQ(all[3].title_zh, "“高企奖励”本月今天开始办理，2月28日截止");
    EXPECT_EQ(all[4].title_zh, "“高企奖励”本月还有7天截止");
}

TEST(reminders, of_a_date_of_the_subjects_own_select_whom_they_concern) {
    auto p = a_policy();
    p.items[0].reminders.days_before = {30, 1};
    p.items[0].reminders.within_days_of = subject_deadline{"ent.established", 90};
    p.items[0].reminders.expires_from = subject_deadline{"ent.hightech_valid_to", 0};
    const auto all = daily(p, "2026-11-23", "2026-11-24");
    EXPECT_THAT(ids(all), ElementsAre("1-licence1-20261124", "1-licence30-20261124", "1-own1-20261124",
                                      "1-own30-20261124"));
    EXPECT_EQ(
        all[3].concerns,
        json::parse(R"({"op": "=", "args": [{"property": "ent.established"}, {"date": "2026-09-25"}]})"))
        << "2026-12-24 is 90 days later";
    EXPECT_EQ(all[0].concerns["args"][1]["date"], "2026-11-25");
    EXPECT_EQ(all[1].title_zh, "“高企奖励”相关证照还有30天到期");
    EXPECT_EQ(all[2].title_zh, "“高企奖励”您的办理期限明天截止");
}

TEST(reminders, in_working_days_concern_a_weekend_on_the_friday) {
    auto p = a_policy();
    auto& r = p.items[0].reminders;
    r.days_before = {1};
    r.working_days = true;
    r.expires_from = subject_deadline{"ent.hightech_valid_to", 0};
    const auto all = daily(p, "2026-11-19", "2026-11-24"); // 21 and 22 are a weekend
    EXPECT_THAT(ids(all), ElementsAre("1-licence1-20261120", "1-licence1-20261123", "1-licence1-20261124"));
    EXPECT_EQ(all[0].concerns["op"], "between");
    EXPECT_EQ(all[0].concerns["args"][1]["date"], "2026-11-21");
    EXPECT_EQ(all[0].concerns["args"][2]["date"], "2026-11-23");
    EXPECT_EQ(all[0].title_zh, "“高企奖励”相关证照还有1至3天到期");
    const auto catalogue = matching::catalogue::load(tests::config_path("catalogue")).value();
    for (const auto& one : all) {
        std::vector<failure> errors;
        EXPECT_TRUE(matching::condition::compile(one.concerns, subject_type::enterprise, catalogue, errors)
                        .has_value())
            << to_text(one.concerns);
    }
}

TEST(reminders, that_come_late_say_what_is_left_and_those_too_late_are_dropped) {
    auto p = a_policy();
    p.items[0].window.start = day("2026-11-01");
    p.items[0].window.end = day("2026-12-31");
    const auto late = reminders_due(p, day("2026-12-29"), day("2026-10-01"), china());
    EXPECT_THAT(ids(late.due), ElementsAre("1-opens-20261101", "1-d30-20261201", "1-d7-20261224"));
    EXPECT_EQ(late.due[0].title_zh, "“高企奖励”已开始办理，12月31日截止");
    EXPECT_EQ(late.due[1].title_zh, "“高企奖励”还有2天截止");
    const auto over = reminders_due(p, day("2027-01-01"), late.handled, china());
    EXPECT_THAT(over.due, IsEmpty());
    ASSERT_THAT(over.dropped, SizeIs(1));
    EXPECT_THAT(over.dropped[0].why, HasSubstr("2026-12-31 已过"));
}

TEST(reminders, are_not_sent_of_what_is_not_public_or_needs_no_application) {
    auto p = a_policy();
    p.items[0].window.end = day("2026-12-31");
    p.items[0].mode = "免申即享";
    EXPECT_THAT(daily(p, "2026-11-01", "2026-12-31"), IsEmpty());
    p.items[0].mode = "申请享受";
    p.disclosure = "依申请公开";
    EXPECT_THAT(daily(p, "2026-11-01", "2026-12-31"), IsEmpty());
}

TEST(reminders, of_a_clock_gone_mad_are_bounded) {
    auto p = a_policy();
    p.items[0].reminders.expires_from = subject_deadline{"ent.hightech_valid_to", 0};
    const auto found = reminders_due(p, day("2026-11-24"), INT32_MIN, china());
    EXPECT_LE(found.due.size() + found.dropped.size(), 3U * 366);
    EXPECT_THAT(reminders_due(p, day("2026-11-24"), INT32_MAX, china()).due, IsEmpty());
}

// ---- absences and jumps

policy any_policy() {
    auto p = a_policy();
    const auto maybe_day = []() -> std::optional<std::int32_t> {
        if (!*rc::gen::arbitrary<bool>()) return std::nullopt;
        return *rc::gen::inRange(day("2026-01-01"), day("2026-08-01"));
    };
    const auto items = *rc::gen::inRange(1, 3);
    p.items.resize(static_cast<std::size_t>(items), p.items[0]);
    p.valid.end = maybe_day();
    for (int i = 0; i < items; ++i) {
        auto& item = p.items[static_cast<std::size_t>(i)];
        item.id = std::to_string(i + 1);
        item.window.start = maybe_day();
        item.window.end = maybe_day();
        for (int s = *rc::gen::inRange(0, 3); s > 0; --s)
            item.window.stages.push_back({"阶段" + std::to_string(s), maybe_day(), maybe_day()});
        item.reminders.working_days = *rc::gen::arbitrary<bool>();
        item.reminders.days_before = *rc::gen::unique<std::vector<int>>(3, rc::gen::inRange(0, 60));
        if (*rc::gen::arbitrary<bool>())
            item.reminders.monthly =
                item_reminders::days_of_month{*rc::gen::inRange(1, 15), *rc::gen::inRange(15, 32)};
        if (*rc::gen::arbitrary<bool>())
            item.reminders.expires_from = subject_deadline{"ent.hightech_valid_to", 0};
    }
    return p;
}

RC_GTEST_PROP(reminders, fire_once_whatever_the_absence_and_the_clock, ()) {
    const auto p = any_policy();
    const auto first = day("2026-01-01"), last = day("2026-06-01");
    std::map<std::string, reminder> expected;
    for (auto today = first + 1; today <= last; ++today)
        for (auto& r : reminders_due(p, today, today - 1, china()).due) expected.emplace(r.campaign, r);

    std::multiset<std::string> fired, dropped;
    auto handled = first;
    for (auto now = first; now < last;) {
        now = std::min(last, now + *rc::gen::element(0, 1, 1, 1, 2, 5, 40));
        // The clock may be a day off, either way.
        const auto today = std::clamp(now + *rc::gen::element(0, 0, 0, -1, 1), first, last);
        const auto found = reminders_due(p, today, handled, china());
        RC_ASSERT(found.handled >= handled);
        handled = found.handled;
        for (const auto& r : found.due) {
            RC_ASSERT(!r.deadline || *r.deadline >= today);
            fired.insert(r.campaign);
        }
        for (const auto& r : found.dropped) {
            RC_ASSERT(r.what.deadline && *r.what.deadline < today);
            RC_ASSERT(!r.why.empty());
            dropped.insert(r.what.campaign);
        }
    }
    for (auto today = handled + 1; today <= last; ++today)
        for (const auto& r : reminders_due(p, today, today - 1, china()).due) fired.insert(r.campaign);
    for (const auto& [id, r] : expected) RC_ASSERT(fired.count(id) + dropped.count(id) == 1);
    for (const auto& id : fired) RC_ASSERT(expected.contains(id));
}

RC_GTEST_PROP(reminders, in_working_days_reach_each_deadline_once, ()) {
    auto p = a_policy();
    const int n = *rc::gen::inRange(0, 40);
    p.items[0].reminders.days_before = {n};
    p.items[0].reminders.working_days = true;
    p.items[0].reminders.within_days_of = subject_deadline{"ent.established", *rc::gen::inRange(0, 100)};
    const auto deadline = *rc::gen::inRange(day("2026-03-01"), day("2026-12-31"));
    const auto own = format_date(deadline - p.items[0].reminders.within_days_of->days);
    std::vector<std::int32_t> days;
    for (auto today = deadline - 80; today <= deadline; ++today)
        for (const auto& r : reminders_due(p, today, today - 1, china()).due) {
            const auto& args = r.concerns["args"];
            const auto from = args[1]["date"].get<std::string>();
            const auto to = args.size() == 3 ? args[2]["date"].get<std::string>() : from;
            if (from <= own && own <= to) days.push_back(today);
        }
    RC_ASSERT(days == std::vector<std::int32_t>{china().minus_workdays(deadline, n)});
}

} // namespace
} // namespace zhida::scheduler
