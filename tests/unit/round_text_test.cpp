// What a recipient reads of a further round: that which is new, on every channel the same.
#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"
#include "common/model/round_notice.hpp"
#include "services/dispatcher/round_text.hpp"
#include "tests/support/sms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace zhida::dispatcher {
namespace {

using testing::HasSubstr;
using testing::Not;

std::int32_t day(std::string_view text) {
    std::int32_t d = 0;
    EXPECT_TRUE(parse_date(text, d)) << text;
    return d;
}
const std::int32_t today = day("2026-12-24");

policy a_policy() {
    policy p;
    p.id = "P";
    p.title = "科技创新若干政策";
    p.issuer = "宝山区科委";
    policy_item item;
    item.id = "1";
    item.title = "高企奖励";
    item.benefit = "一次性奖励25万元";
    item.window.end = day("2026-12-31");
    p.items = {item, item};
    p.items[1].id = "2";
    p.items[1].title = "研发补助";
    p.items[1].window.end = day("2026-12-28");
    p.interpretations = {{"文字", "一图读懂", "", "", 1}, {"问答", "申报问答", "", "", 2}};
    return p;
}

reminder_notice a_reminder() {
    reminder_notice r;
    r.item = "1";
    r.kind = reminder_kind::days_before;
    r.day = today;
    r.first_deadline = r.last_deadline = day("2026-12-31");
    return r;
}

std::string sms(std::string_view kind, std::uint16_t items, const reminder_notice* r = nullptr,
                std::int32_t on = today) {
    return tests::text_of(round_words({kind, r}, a_policy(), items, on, "可拨12345核实"));
}

TEST(round_text, of_a_reminder_says_what_is_left_on_the_day_it_is_sent) {
    const auto r = a_reminder();
    const auto text = sms("reminder", 1, &r);
    EXPECT_TRUE(text.starts_with("【直达演示】宝山区科委：办事提醒：“高企奖励”还有7天截止（2026-12-31）"))
        << text;
    for (const char* part : {"企业专属网页", "可拨12345核实", "拒收请回复R"})
        EXPECT_THAT(text, HasSubstr(part));
    EXPECT_THAT(text, Not(HasSubstr("一次性奖励25万元")));
    EXPECT_THAT(text, Not(HasSubstr("http")));
    EXPECT_THAT(sms("reminder", 1, &r, today + 1), HasSubstr("还有6天截止")) << "it waited for the morning";
    EXPECT_THAT(sms("reminder", 1, &r, day("2026-12-31")), HasSubstr("今天截止"));
    EXPECT_THAT(sms("reminder", 1, &r, day("2027-01-02")), HasSubstr("已截止"));
}

TEST(round_text, of_several_own_deadlines_names_no_single_day) {
    auto r = a_reminder();
    r.kind = reminder_kind::licence_expires;
    r.last_deadline = day("2027-01-02");
    const auto text = sms("reminder", 1, &r);
    EXPECT_THAT(text, HasSubstr("“高企奖励”相关证照还有7至9天到期。"));
    EXPECT_THAT(sms("reminder", 1, &r, today + 8), HasSubstr("最多还有1天到期"));
}

TEST(round_text, of_a_deadline_round_counts_to_the_item_that_ends_first) {
    EXPECT_THAT(sms("deadline", 3), HasSubstr("临期提醒：“研发补助”还有4天截止（2026-12-28）"));
    EXPECT_THAT(sms("deadline", 1), HasSubstr("临期提醒：“高企奖励”还有7天截止（2026-12-31）"));
    EXPECT_EQ(sms("deadline", 3, nullptr, day("2027-01-02")), sms("first", 3, nullptr, day("2027-01-02")))
        << "where nothing is left, the whole package says so";
}

TEST(round_text, of_an_interpretation_names_the_newest) {
    EXPECT_THAT(sms("interpretation", 1), HasSubstr("跟踪解读：“科技创新若干政策”有新的解读“申报问答”"));
}

TEST(round_text, of_other_rounds_is_the_first_ones) {
    EXPECT_EQ(sms("first", 1), tests::text_of(package_words(a_policy(), 1, today, "可拨12345核实")));
    EXPECT_EQ(sms("retry", 1), sms("first", 1));
    EXPECT_EQ(sms("correction", 1), tests::text_of(correction_words(a_policy(), "可拨12345核实")));
    EXPECT_EQ(wechat_of_round({"retry"}, a_policy(), 1, today, 0), wechat_fields(a_policy(), 1, today));
    EXPECT_EQ(wechat_of_round({"correction"}, a_policy(), 1, today, 0), wechat_correction(a_policy()));
}

TEST(round_text, fits_the_wechat_template) {
    auto r = a_reminder();
    const auto fields = wechat_of_round({"reminder", &r}, a_policy(), 1, today, 0);
    EXPECT_EQ(fields[0].second, "高企奖励");
    EXPECT_EQ(fields[1].second, "还有7天截止");
    EXPECT_EQ(fields[3].second, "2026-12-31截止");
    r.stage = "一二三四五六七八九十一二三四五六七八九十";
    for (const char* kind : {"reminder", "deadline", "interpretation"})
        for (const auto& [name, value] : wechat_of_round({kind, &r}, a_policy(), 3, today, 2)) {
            EXPECT_LE(std::count_if(value.begin(), value.end(),
                                    [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }),
                      20)
                << kind << " " << name << " " << value;
            EXPECT_FALSE(value.empty()) << kind << " " << name;
        }
}

TEST(round_notice, is_said_in_both_languages) {
    const auto p = a_policy();
    const auto r = a_reminder();
    const auto reminder = notice_of_round("reminder", &r, p, 1, today);
    ASSERT_TRUE(reminder);
    EXPECT_EQ(reminder->zh, "“高企奖励”还有7天截止");
    EXPECT_EQ(reminder->en, "7 days left: 高企奖励");
    EXPECT_EQ(notice_of_round("deadline", nullptr, p, 3, today)->en, "4 days left: 研发补助");
    EXPECT_FALSE(notice_of_round("first", nullptr, p, 1, today));
    auto unknown = r;
    unknown.item = "9";
    EXPECT_FALSE(notice_of_round("reminder", &unknown, p, 1, today));
}

} // namespace
} // namespace zhida::dispatcher
