// 试发: who is named, how it reads, what it changes in the campaign's history.
#include "common/model/campaign_life.hpp"
#include "services/dispatcher/package_text.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/test_send.hpp"
#include "tests/support/sms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhida {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST(test_send, subjects_are_written_as_people_write_them) {
    EXPECT_THAT(portal::subject_ids_in("A1\r\nB2，C3、 D4;A1,\tE5　F6\n"),
                ElementsAre("A1", "B2", "C3", "D4", "E5", "F6"));
    EXPECT_THAT(portal::subject_ids_in(""), IsEmpty());
    EXPECT_THAT(portal::subject_ids_in(" ，\n"), IsEmpty());
}

TEST(test_send, says_that_it_is_a_test) {
    policy p;
    p.issuer = "区科委";
    policy_item item;
    item.title = "高新技术企业认定奖励资金申报通知";
    p.items = {item};
    EXPECT_THAT(tests::text_of(dispatcher::test_words(p, 1, 20'000, "可拨12345核实")),
                StartsWith("【直达演示】【测试】区科委："));
    const auto fields = dispatcher::wechat_test(p, 1, 20'000);
    ASSERT_FALSE(fields.empty());
    EXPECT_EQ(fields.front().second, "【测试】高新技术企业认定奖励资金申报通知");
    EXPECT_EQ(fields.size(), dispatcher::wechat_fields(p, 1, 20'000).size());
}

campaign a_campaign() {
    campaign c;
    c.id = "P.v1.r1";
    c.policy_id = "P";
    c.title = "政策";
    c.issuer = "区科委";
    c.state = campaign_state::submitted;
    c.channels = {channel::sms};
    return c;
}

TEST(test_send, is_remarked_and_changes_no_state) {
    const actor li{"李雷", "department"};
    const auto before = a_campaign();
    const auto after = remarked(before, campaign_action::test, li, 5, "P.v1.r2：A1");
    EXPECT_EQ(after.state, before.state);
    EXPECT_THAT(after.history,
                ElementsAre(campaign_step{campaign_action::test, "李雷", "department", 5, "P.v1.r2：A1"}));
    EXPECT_TRUE(has_step(after, campaign_action::test));
    EXPECT_FALSE(has_step(after, campaign_action::reject));
    EXPECT_EQ(to_json(read_campaign(to_json(after)).value()), to_json(after));
    for (const auto only_a_remark : {campaign_action::test, campaign_action::override_quiet})
        for (int s = 0; s <= static_cast<int>(campaign_state::withdrawn); ++s) {
            auto c = a_campaign();
            c.state = static_cast<campaign_state>(s);
            EXPECT_FALSE(apply(c, only_a_remark, li, 5).has_value());
        }
}

TEST(test_send, the_chosen_survive_their_json) {
    auto c = a_campaign();
    c.kind = "test";
    c.chosen = {{"91310113MA1T00000X", 7}, {"R1", 4'000'000'000}};
    const auto back = read_campaign(to_json(c));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->chosen, c.chosen);
    auto wrong = to_json(c);
    wrong["chosen"][1]["ordinal"] = -1;
    EXPECT_EQ(read_campaign(wrong).error().where, "/chosen/1/ordinal");
}

TEST(test_send, is_in_nobodys_totals) {
    const auto progress = [](const char* kind) {
        store::campaign_progress p;
        p.about = a_campaign();
        p.about.kind = kind;
        p.audience = 1;
        channel_progress c;
        c.via = channel::sms;
        c.states[static_cast<std::size_t>(ledger::state::delivered)] = 1;
        p.channels = {c};
        return p;
    };
    const auto t = portal::sum({progress("first"), progress("test")});
    EXPECT_EQ(t.campaigns, 1);
    EXPECT_EQ(t.audience, 1);
    EXPECT_EQ(t.channels.at(channel::sms).matched(), 1);
    auto broken = progress("test");
    broken.audience = 3;
    EXPECT_EQ(portal::sum({broken}).imbalance, 2) << "a wrong ledger shows all the same";
}

} // namespace
} // namespace zhida
