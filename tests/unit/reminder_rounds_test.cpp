// Which rounds a scheduler makes of several policies' reminders, day by day, over restarts and jumps of the
// clock. What is kept is a set of campaigns by id and the last day of each policy, as in Redis.
#include "common/base/clock.hpp"
#include "common/model/campaign_recipients.hpp"
#include "services/scheduler/reminder_rounds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
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

policy ends_on(const std::string& id, std::string_view end) {
    policy p;
    p.id = id;
    p.title = "政策" + id;
    p.issuer = "宝山区科委";
    p.disclosure = "主动公开";
    policy_item item;
    item.id = "1";
    item.title = "高企奖励";
    item.mode = "申请享受";
    item.window.end = day(end);
    p.items = {item};
    return p;
}

campaign first_of(const policy& p) {
    campaign c;
    c.id = campaign_id(p.id, p.version, 1);
    c.state = campaign_state::finished;
    c.channels = {channel::web, channel::sms};
    c.drafted_by = "李科员";
    return c;
}

// A scheduler with what it keeps. Between making rounds and keeping the day it may crash.
struct installation {
    std::vector<policy> policies;
    std::int32_t received = day("2026-11-01");
    std::map<std::string, std::int32_t> kept{};
    std::map<std::string, std::string> made{}; // campaign -> title
    int overdue = 0;

    std::vector<std::string> look(std::int32_t today, bool crash = false) {
        std::vector<std::string> now;
        for (const auto& p : policies) {
            const auto at = kept.find(p.id);
            const auto last = last_handled_day(at == kept.end() ? std::nullopt : std::optional(at->second),
                                               received, today);
            const auto rounds = rounds_of(p, first_of(p), today, last, workdays(), 1);
            for (const auto& c : rounds.make)
                if (made.emplace(c.id, c.title).second) now.push_back(c.id);
            overdue += static_cast<int>(rounds.overdue.size());
            if (!crash) kept[p.id] = rounds.handled;
        }
        return now;
    }
};

TEST(reminder_rounds, are_made_on_their_day_once) {
    installation it{{ends_on("A", "2026-12-31"), ends_on("B", "2026-12-08")}};
    std::map<std::string, std::vector<std::string>> by_day;
    for (auto today = day("2026-11-20"); today <= day("2027-01-05"); ++today)
        for (int looks = 0; looks < 3; ++looks)
            for (const auto& id : it.look(today)) by_day[format_date(today)].push_back(id);
    EXPECT_THAT(by_day["2026-12-01"], ElementsAre("A.v1.r1.1-d30-20261201", "B.v1.r1.1-d7-20261201"));
    EXPECT_THAT(by_day["2026-12-07"], ElementsAre("B.v1.r1.1-d1-20261207"));
    EXPECT_THAT(by_day["2026-12-24"], ElementsAre("A.v1.r1.1-d7-20261224"));
    EXPECT_THAT(by_day["2026-12-30"], ElementsAre("A.v1.r1.1-d1-20261230"));
    EXPECT_THAT(it.made, SizeIs(6)); // and B's thirtieth day, which came before its first look
    EXPECT_EQ(it.overdue, 0);
    EXPECT_EQ(it.made["A.v1.r1.1-d7-20261224"], "“高企奖励”还有7天截止");
}

TEST(reminder_rounds, survive_crashes_and_a_clock_that_goes_back_or_ahead) {
    installation it{{ends_on("A", "2026-12-31")}};
    const auto seventh = day("2026-12-24");
    it.look(seventh - 2);
    EXPECT_THAT(it.look(seventh, true), ElementsAre("A.v1.r1.1-d7-20261224"));
    EXPECT_THAT(it.look(seventh), IsEmpty()) << "made again under the same id";
    EXPECT_THAT(it.look(seventh - 1), IsEmpty()) << "a day back";
    EXPECT_THAT(it.look(seventh), IsEmpty()) << "and forward again";
    EXPECT_THAT(it.look(day("2026-12-30")), ElementsAre("A.v1.r1.1-d1-20261230"));
    EXPECT_THAT(it.look(day("2026-12-29")), IsEmpty());
    EXPECT_THAT(it.look(day("2026-12-31")), IsEmpty());
    EXPECT_THAT(it.made, SizeIs(3));
}

TEST(reminder_rounds, go_on_after_a_clock_that_was_far_ahead) {
    installation it{{ends_on("A", "2026-12-31")}};
    it.look(day("2026-11-20"));
    it.look(day("2027-06-01")); // all overdue, as it seemed
    EXPECT_EQ(it.overdue, 3);
    EXPECT_THAT(it.look(day("2026-12-01")), ElementsAre("A.v1.r1.1-d30-20261201"));
    EXPECT_THAT(it.look(day("2026-12-24")), ElementsAre("A.v1.r1.1-d7-20261224"));
}

TEST(reminder_rounds, after_an_absence_say_the_same_once_and_count_what_is_overdue) {
    installation it{{ends_on("A", "2026-12-31"), ends_on("B", "2026-12-10")}};
    it.look(day("2026-11-05"));
    EXPECT_THAT(it.look(day("2026-12-29")), ElementsAre("A.v1.r1.1-d7-20261224"));
    EXPECT_EQ(it.made["A.v1.r1.1-d7-20261224"], "“高企奖励”还有2天截止");
    EXPECT_EQ(it.overdue, 3);
    EXPECT_THAT(it.look(day("2026-12-30")), ElementsAre("A.v1.r1.1-d1-20261230"));
}

TEST(reminder_rounds, of_a_new_version_begin_on_the_day_it_came) {
    const auto today = day("2026-12-24");
    EXPECT_EQ(last_handled_day(std::nullopt, today, today), today);
    EXPECT_EQ(last_handled_day(today - 1, today, today), today);
    EXPECT_EQ(last_handled_day(today - 1, today - 9, today), today - 1);
    EXPECT_EQ(last_handled_day(today + 1, today - 9, today), today + 1);
    EXPECT_EQ(last_handled_day(today + 2, today - 9, today), today - 1);
}

TEST(reminder_rounds, take_the_first_rounds_audience_or_say_whom_they_concern) {
    auto p = ends_on("A", "2026-12-31");
    p.items[0].reminders.expires_from = subject_deadline{"ent.hightech_valid_to", 0};
    const auto today = day("2026-12-24");
    const auto rounds = rounds_of(p, first_of(p), today, today - 1, workdays(), 7);
    std::map<std::string, campaign> by_id;
    for (const auto& c : rounds.make) by_id[c.id] = c;
    const auto& window = by_id.at("A.v1.r1.1-d7-20261224");
    EXPECT_EQ(window.kind, "reminder");
    EXPECT_EQ(window.base, "A.v1.r1");
    EXPECT_EQ(window.state, campaign_state::draft) << "rules of approval are asked";
    EXPECT_THAT(window.channels, ElementsAre(channel::web, channel::sms));
    EXPECT_EQ(window.drafted_by, "李科员");
    EXPECT_EQ(window.reminder->item, "1");
    EXPECT_TRUE(window.reminder->concerns.is_null());
    EXPECT_EQ(to_rfc3339(wall_time(milliseconds(window.expires_ms))), "2027-01-01T00:00:00.000+08:00");
    const auto& own = by_id.at("A.v1.r1.1-licence30-20261224");
    EXPECT_EQ(own.base, "") << "matched anew";
    EXPECT_EQ(own.reminder->concerns["args"][1]["date"], "2027-01-23");
}

TEST(reminder_rounds, are_not_made_of_what_was_withdrawn_or_not_sent) {
    const auto p = ends_on("A", "2026-12-31");
    const auto today = day("2026-12-24");
    auto first = first_of(p);
    for (const auto state : {campaign_state::draft, campaign_state::submitted, campaign_state::cancelled,
                             campaign_state::withdrawn}) {
        first.state = state;
        const auto rounds = rounds_of(p, first, today, today - 1, workdays(), 7);
        EXPECT_THAT(rounds.make, IsEmpty());
        ASSERT_THAT(rounds.not_made, SizeIs(1));
        EXPECT_THAT(rounds.not_made[0].why, HasSubstr(label(state)));
        EXPECT_EQ(rounds.handled, today);
    }
    EXPECT_THAT(rounds_of(p, std::nullopt, today, today - 1, workdays(), 7).make, IsEmpty());
}

TEST(reminder_rounds, leave_out_who_has_seen_to_it) {
    ledger::record r;
    r.items = 2;
    EXPECT_FALSE(seen_to(2, std::vector{r}));
    r.engaged = ledger::engagement::read;
    EXPECT_FALSE(seen_to(2, std::vector{r}));
    r.engaged = ledger::engagement::applied;
    EXPECT_TRUE(seen_to(2, std::vector{ledger::record{}, r}));
    r.items = 3;
    EXPECT_FALSE(seen_to(2, std::vector{r})) << "perhaps for the other item";
}

} // namespace
} // namespace zhida::scheduler
