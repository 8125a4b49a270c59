#include "services/portal/deadline_words.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::portal {
namespace {

std::int32_t day(const char* text) {
    std::int32_t out = 0;
    if (!parse_date(text, out)) throw std::logic_error(text);
    return out;
}

date_window window(std::optional<std::int32_t> start, std::optional<std::int32_t> end) {
    date_window out;
    out.start = start;
    out.end = end;
    return out;
}

std::string said(date_window w, const char* today, language in = language::zh, date_window valid = {}) {
    policy_item item;
    item.window = std::move(w);
    return deadline_text(deadline_of(item, valid, day(today)), in);
}

TEST(portal_deadline, counts_days_down) {
    const auto w = window(std::nullopt, day("2026-12-05"));
    EXPECT_EQ(said(w, "2026-11-23"), "还剩 12 天（2026-12-05 截止）");
    EXPECT_EQ(said(w, "2026-12-05"), "今天截止（2026-12-05）");
    EXPECT_EQ(said(w, "2026-12-06"), "已截止（2026-12-05）");
    EXPECT_EQ(said(w, "2026-12-04", language::en), "1 day left (closes 2026-12-05)");
    EXPECT_EQ(said({}, "2026-12-04"), "未注明截止时间，以原文为准");
    EXPECT_EQ(said(window(day("2026-12-01"), day("2026-12-31")), "2026-11-23"),
              "2026-12-01 开始受理（还有 8 天）");
}

TEST(portal_deadline, warns_in_the_last_week) {
    policy_item item;
    item.window = window(std::nullopt, day("2026-12-08"));
    EXPECT_EQ(deadline_of(item, {}, day("2026-12-01")).now, deadline::kind::soon);
    EXPECT_EQ(deadline_of(item, {}, day("2026-11-30")).now, deadline::kind::open);
}

TEST(portal_deadline, the_stage_that_matters_is_told) {
    date_window w;
    w.stages = {{"第一批", day("2026-03-01"), day("2026-03-31")},
                {"第二批", day("2026-09-01"), day("2026-09-30")}};
    EXPECT_EQ(said(w, "2026-03-10"), "第一批：还剩 21 天（2026-03-31 截止）");
    EXPECT_EQ(said(w, "2026-05-01"), "第二批：2026-09-01 开始受理（还有 123 天）");
    EXPECT_EQ(said(w, "2026-10-01"), "第二批：已截止（2026-09-30）");
}

TEST(portal_deadline, the_end_of_the_policy_ends_its_items) {
    const auto valid = window(std::nullopt, day("2026-06-30"));
    EXPECT_EQ(said({}, "2026-05-01", language::zh, valid), "政策有效期至 2026-06-30");
    EXPECT_EQ(said({}, "2026-07-01", language::zh, valid), "政策已于 2026-06-30 失效");
    EXPECT_EQ(said(window(std::nullopt, day("2026-05-31")), "2026-05-01", language::zh, valid),
              "还剩 30 天（2026-05-31 截止）");
    EXPECT_EQ(said(window(std::nullopt, day("2027-05-31")), "2026-08-01", language::zh, valid),
              "政策已于 2026-06-30 失效");
}

RC_GTEST_PROP(portal_deadline_properties, today_decides_the_state, ()) {
    const auto start = *rc::gen::inRange(20000, 21000);
    const auto end = *rc::gen::inRange(start, start + 100);
    const auto today = *rc::gen::inRange(19900, 21200);
    policy_item item;
    item.window = window(start, end);
    const auto d = deadline_of(item, {}, today);
    if (today < start)
        RC_ASSERT(d.now == deadline::kind::not_yet && today + d.days == start);
    else if (today > end)
        RC_ASSERT(d.now == deadline::kind::closed && today - d.days == end);
    else
        RC_ASSERT((d.now == deadline::kind::open || d.now == deadline::kind::soon) && today + d.days == end);
    RC_ASSERT(!deadline_text(d, language::zh).empty());
}

} // namespace
} // namespace zhida::portal
