// Pure parts of the simulated WeChat platform and WeCom.
#include "services/simulator/call_counts.hpp"
#include "services/simulator/wechat_audience.hpp"
#include "services/simulator/wechat_event_xml.hpp"
#include "services/simulator/wechat_send_rules.hpp"
#include "services/simulator/wechat_tokens.hpp"
#include "services/simulator/wecom_message.hpp"
#include "services/simulator/wecom_simulator.hpp"

#include <gtest/gtest.h>

namespace zhida::simulator {
namespace {

// 2026-09-21 12:00 in Shanghai.
const wall_time noon{milliseconds(1'789'963'200'000)};

TEST(wechat_audience, grants_are_spent_one_by_one_or_last) {
    wechat_audience a;
    EXPECT_TRUE(a.follows("o"));
    EXPECT_EQ(a.balance("o", "t"), -1);
    a.everybody_granted = false;
    EXPECT_FALSE(a.granted("o", "t"));
    EXPECT_FALSE(a.refuses("o", "t")) << "who was never asked has not refused";
    a.accept("o", "t", 2, false);
    a.accept("o", "t", 1, false);
    EXPECT_EQ(a.balance("o", "t"), 3);
    EXPECT_FALSE(a.granted("o", "other"));
    for (int i = 0; i < 3; ++i) a.spend("o", "t");
    EXPECT_FALSE(a.granted("o", "t"));
    a.accept("o", "t", 0, true);
    a.spend("o", "t");
    EXPECT_EQ(a.balance("o", "t"), -1);
    a.reject("o", "t");
    EXPECT_TRUE(a.refuses("o", "t"));
    EXPECT_FALSE(a.granted("o", "t"));
    a.set_follows("o", false);
    EXPECT_FALSE(a.follows("o"));
    EXPECT_TRUE(a.follows("p"));
}

TEST(call_counts, days_turn_at_midnight_and_windows_slide) {
    day_counts d;
    d.add("a", noon, 3);
    d.add("b", noon);
    EXPECT_EQ(d.today("a", noon + milliseconds(12 * 3'600'000 - 1)), 3);
    EXPECT_EQ(d.today("b", noon), 1);
    EXPECT_EQ(d.today("a", noon + milliseconds(12 * 3'600'000)), 0);
    window_counts w;
    const milliseconds minute(60'000);
    w.add("a", noon);
    w.add("a", noon + milliseconds(30'000));
    EXPECT_EQ(w.count("a", minute, noon + milliseconds(59'999)), 2);
    EXPECT_EQ(w.count("a", minute, noon + milliseconds(60'000)), 1);
    EXPECT_EQ(w.count("b", minute, noon), 0);
}

std::string made() {
    static int n = 0;
    return std::string(40, 'a') + std::to_string(++n);
}

TEST(wechat_tokens, classic_ones_are_new_each_time_and_two_thousand_a_day) {
    wechat_tokens t(7200, made);
    using enum wechat_tokens::standing;
    const auto stable = t.get(noon, false).token;
    const auto first = t.fresh(noon).value(), second = t.fresh(noon).value();
    EXPECT_EQ(first.expires_in, 7200);
    EXPECT_NE(first.token, second.token);
    EXPECT_EQ(t.check(first.token, noon + milliseconds(299'999)), valid);
    EXPECT_EQ(t.check(first.token, noon + milliseconds(300'000)), expired);
    EXPECT_EQ(t.check(second.token, noon + milliseconds(300'000)), valid);
    EXPECT_EQ(t.get(noon, false).token, stable);
    for (int i = 2; i < 2000; ++i) EXPECT_TRUE(t.fresh(noon));
    EXPECT_FALSE(t.fresh(noon));
    EXPECT_TRUE(t.fresh(noon + milliseconds(12 * 3'600'000)));
    t.rotate(noon);
    EXPECT_EQ(t.check(second.token, noon), unknown);
    EXPECT_EQ(t.check(stable, noon), unknown);
    EXPECT_EQ(t.check("", noon), unknown);
    EXPECT_TRUE(plausible_token(stable));
    EXPECT_FALSE(plausible_token("short"));
    EXPECT_FALSE(plausible_token(std::string(100, '?')));
}

TEST(wechat_send_rules, a_template_of_one_api_is_none_of_the_other) {
    const auto body = [](const char* id) {
        return json{{"touser", "o"}, {"template_id", id}, {"data", {{"thing1", {{"value", "一"}}}}}};
    };
    const auto code = [&](wechat_api api, const wechat_templates& known, const char* id) {
        wechat_send out;
        return read_wechat_send(api, known, body(id), out).errcode;
    };
    using enum wechat_api;
    EXPECT_EQ(code(template_send, {}, "any"), 0);
    EXPECT_EQ(code(template_send, {{"m"}, {"s"}}, "m"), 0);
    EXPECT_EQ(code(template_send, {{"m"}, {"s"}}, "s"), 40037);
    EXPECT_EQ(code(bizsend, {{"m"}, {"s"}}, "m"), 40037);
    EXPECT_EQ(code(bizsend, {{"m"}, {}}, "any"), 0);
    EXPECT_EQ(code(bizsend, {{"m"}, {}}, "m"), 40037);
    EXPECT_EQ(code(subscribe_send, {{}, {"s"}}, "other"), 40037);
}

TEST(wechat_event_xml, texts_cannot_end_their_section) {
    const auto xml = text_xml({"gh", "o", noon}, "a]]>b", 7);
    EXPECT_EQ(xml, "<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[o]]></FromUserName>"
                   "<CreateTime>1789963200</CreateTime><MsgType><![CDATA[text]]></MsgType>"
                   "<Content><![CDATA[a]]]]><![CDATA[>b]]></Content><MsgId>7</MsgId></xml>");
}

TEST(wecom_message, robots_are_read_from_the_settings) {
    EXPECT_EQ(robot_keys("人社=key-1, *= key-2 ,"), (std::set<std::string>{"key-1", "key-2"}));
    EXPECT_TRUE(robot_keys("").empty());
    EXPECT_EQ(robot_name("key-1").find("key-1"), std::string::npos);
    EXPECT_EQ(lower_case("ZhangSan张"), "zhangsan张");
}

} // namespace
} // namespace zhida::simulator
