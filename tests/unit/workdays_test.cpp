// Working days: China's holidays, and weekends where they are not known.
#include "common/base/clock.hpp"
#include "common/model/workdays.hpp"
#include "tests/support/json_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida {
namespace {

using testing::ElementsAre;

std::int32_t day(std::string_view text) {
    std::int32_t d = 0;
    EXPECT_TRUE(parse_date(text, d)) << text;
    return d;
}

workdays china() {
    std::vector<failure> errors;
    return workdays::read(tests::config_file("calendar/holidays.json"), errors).value();
}

TEST(workdays, follow_the_notices_of_2025_and_2026) {
    const auto w = china();
    EXPECT_THAT(w.known_years(), ElementsAre(2025, 2026));
    for (const auto* off :
         {"2025-01-01", "2025-01-28", "2025-02-04", "2025-05-31", "2025-10-08", "2026-01-02", "2026-02-15",
          "2026-02-23", "2026-06-19", "2026-09-25", "2026-10-07", "2026-11-28"})
        EXPECT_FALSE(w.is_workday(day(off))) << off;
    for (const auto* on : {"2025-01-02", "2025-01-26", "2025-04-27", "2025-10-11", "2026-01-04", "2026-02-14",
                           "2026-02-24", "2026-05-09", "2026-09-20", "2026-10-10", "2026-11-27"})
        EXPECT_TRUE(w.is_workday(day(on))) << on;
}

TEST(workdays, of_a_year_have_the_number_that_follows_from_the_notice) {
    const auto w = china();
    const auto count = [&](int year) {
        int n = 0;
        for (auto d = day(std::to_string(year) + "-01-01"); d <= day(std::to_string(year) + "-12-31"); ++d)
            n += w.is_workday(d) ? 1 : 0;
        return n;
    };
    EXPECT_EQ(count(2025), 248);
    EXPECT_EQ(count(2026), 248);
}

TEST(workdays, of_years_without_a_notice_are_monday_to_friday) {
    const auto w = china();
    EXPECT_TRUE(w.is_workday(day("2031-01-01"))) << "a Wednesday";
    EXPECT_FALSE(w.is_workday(day("2031-01-04")));
    EXPECT_FALSE(workdays().is_workday(day("1969-12-28"))) << "a Sunday before the first day of all";
    EXPECT_TRUE(workdays().is_workday(day("1969-12-29")));
}

TEST(workdays, are_counted_back_over_a_holiday) {
    const auto w = china();
    EXPECT_EQ(w.minus_workdays(day("2026-10-08"), 1), day("2026-09-30"));
    EXPECT_EQ(w.minus_workdays(day("2026-10-09"), 3), day("2026-09-29"));
    EXPECT_EQ(w.minus_workdays(day("2026-02-24"), 1), day("2026-02-14")) << "a Saturday that was worked";
    EXPECT_EQ(w.minus_workdays(day("2026-11-29"), 0), day("2026-11-29")) << "a Sunday";
    EXPECT_EQ(w.minus_workdays(day("2026-11-29"), 1), day("2026-11-27"));
}

RC_GTEST_PROP(workdays, counting_back_lands_on_the_nth_working_day, ()) {
    static const auto w = china();
    const auto from = *rc::gen::inRange(day("2024-06-01"), day("2027-06-01"));
    const int n = *rc::gen::inRange(1, 300);
    const auto to = w.minus_workdays(from, n);
    RC_ASSERT(w.is_workday(to));
    int between = 0;
    for (auto d = to; d < from; ++d) between += w.is_workday(d) ? 1 : 0;
    RC_ASSERT(between == n);
}

TEST(workdays, a_broken_calendar_says_where) {
    const auto where = [](const json& change) {
        auto document = tests::config_file("calendar/holidays.json");
        document.merge_patch(change);
        std::vector<failure> errors;
        EXPECT_FALSE(workdays::read(document, errors).has_value());
        return errors.empty() ? "" : errors[0].where;
    };
    EXPECT_EQ(where({{"schema", "x"}}), "/schema");
    EXPECT_EQ(where({{"years", {{{"year", 2027}, {"source", "s"}, {"off", json::array()}, {"work", {1}}}}}}),
              "/years/0/work/0");
    EXPECT_EQ(where({{"years",
                      {{{"year", 2027},
                        {"source", "s"},
                        {"work", json::array()},
                        {"off", {{{"name", "n"}, {"start", "2027-01-03"}, {"end", "2027-01-01"}}}}}}}}),
              "/years/0/off/0/end");
    std::vector<failure> errors;
    EXPECT_FALSE(workdays::read(json(1), errors).has_value());
}

} // namespace
} // namespace zhida
