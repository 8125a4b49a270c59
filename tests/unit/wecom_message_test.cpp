// What a member reads on WeCom, and what robots tell groups.
#include "services/dispatcher/wecom_message.hpp"
#include "services/scheduler/news_text.hpp"

#include "common/base/clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhida {
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
    return p;
}

gateways::wecom_text text_of(std::string_view kind, std::uint16_t items, std::size_t others = 0,
                             const reminder_notice* r = nullptr) {
    return dispatcher::wecom_of_round({kind, r}, a_policy(), items, today, others, "https://example.org/");
}

TEST(wecom_message, says_what_the_other_channels_say) {
    const auto t = text_of("first", 3, 2);
    EXPECT_EQ(t.title, "科技创新若干政策");
    EXPECT_EQ(t.description, "高企奖励等2项政策\n支持内容：一次性奖励25万元\n办理期限：2026-12-31截止\n"
                             "发布单位：宝山区科委\n另有2份政策礼包");
    EXPECT_EQ(t.url, "https://example.org/");
}

TEST(wecom_message, a_further_round_says_what_is_new) {
    reminder_notice r;
    r.item = "1";
    r.kind = reminder_kind::days_before;
    r.day = today;
    r.first_deadline = r.last_deadline = day("2026-12-31");
    EXPECT_TRUE(text_of("reminder", 1, 0, &r).description.starts_with("“高企奖励”还有7天截止\n"))
        << text_of("reminder", 1, 0, &r).description;
    EXPECT_TRUE(text_of("deadline", 1).description.starts_with("“高企奖励”还有7天截止\n"));
    EXPECT_TRUE(text_of("test", 1).title.starts_with("【测试】"));
    const auto correction = text_of("correction", 1, 3);
    EXPECT_EQ(correction.title, "更正：科技创新若干政策");
    EXPECT_THAT(correction.description, HasSubstr("此前推送已撤回"));
    EXPECT_THAT(correction.description, Not(HasSubstr("25万元")));
}

campaign a_campaign() {
    campaign c;
    c.id = "P.v1.r1";
    c.title = "科技创新[若干](http://evil)政策";
    c.issuer = "宝山区科委";
    return c;
}
std::vector<channel_progress> counts() {
    channel_progress web, wechat;
    wechat.via = channel::wechat;
    web.states[static_cast<std::size_t>(ledger::state::delivered)] = 100;
    wechat.states[static_cast<std::size_t>(ledger::state::delivered)] = 50;
    wechat.states[static_cast<std::size_t>(ledger::state::failed)] = 3;
    wechat.states[static_cast<std::size_t>(ledger::state::suppressed)] = 47;
    return {web, wechat};
}
wall_time evening() {
    wall_time t;
    EXPECT_TRUE(parse_rfc3339("2026-11-23T21:05:00+08:00", t));
    return t;
}

TEST(news_text, tells_whom_a_campaign_is_for_and_whom_it_reached) {
    EXPECT_EQ(scheduler::begin_news(a_campaign(), counts(), evening()),
              "**政策推送开始**\n> 政策：科技创新［若干］(http://evil)政策\n> 发布单位：宝山区科委\n"
              "> 收件人：网页 100，微信 100\n> 任务：P.v1.r1\n> 时间：2026-11-23 21:05");
    auto further = a_campaign();
    further.kind = "interpretation";
    EXPECT_EQ(scheduler::finish_news(further, counts(), evening()),
              "**政策推送完成**\n> 政策：科技创新［若干］(http://evil)政策（跟踪解读）\n"
              "> 发布单位：宝山区科委\n> 网页：送达 100，失败 0，未推送 0\n"
              "> 微信：送达 50，失败 3，未推送 47\n> 任务：P.v1.r1\n> 时间：2026-11-23 21:05");
}

TEST(news_text, tells_what_to_mend_at_a_gateway) {
    const auto stopped =
        scheduler::gateway_news("wecom", "stopped", "wecom:60020 本机地址不在企业可信 IP 中", evening());
    for (const char* part : {"通道已停用：企业微信应用", "wecom:60020 本机地址不在企业可信 IP 中", "白名单"})
        EXPECT_THAT(stopped, HasSubstr(part));
    EXPECT_THAT(scheduler::gateway_news("yidong", "circuit_open", "", evening()),
                HasSubstr("通道故障，暂停发送：短信网关 yidong"));
    EXPECT_THAT(scheduler::gateway_well_news("sms", evening()), HasSubstr("通道已恢复：短信网关"));
    EXPECT_LT(scheduler::gateway_news("sms", "stopped", std::string(9000, 'x'), evening()).size(), 1000U);
}

} // namespace
} // namespace zhida
