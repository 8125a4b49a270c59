#include "services/inbound_intake.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

const wall_time now{milliseconds(1'795'000'000'000)};

campaign sending(const std::string& department, campaign_state state, std::chrono::hours ago) {
    campaign c;
    c.issuer = department;
    c.channels = {channel::web, channel::sms};
    c.state = state;
    c.created_ms = (now - ago).time_since_epoch().count();
    return c;
}

TEST(inbound, is_a_refusal_or_something_to_read) {
    const auto kind = [](const char* text) {
        gateways::inbound_sms m;
        m.text = text;
        return kind_of(m);
    };
    EXPECT_EQ(kind(" ｔｄ。"), inbound_kind::refusal);
    EXPECT_EQ(kind("谢谢"), inbound_kind::feedback);
    EXPECT_EQ(kind("请问怎么退订"), inbound_kind::feedback) << "a question; somebody shall answer it";
    EXPECT_EQ(kind(""), inbound_kind::nothing);
    EXPECT_EQ(kind("　\r\n"), inbound_kind::nothing);
}

TEST(inbound, belongs_to_the_only_department_that_sends) {
    using enum campaign_state;
    using std::chrono::hours;
    const auto a = sending("甲", running, hours(500)), also_a = sending("甲", finished, hours(71));
    EXPECT_EQ(only_sender_of_sms({}, now), "");
    EXPECT_EQ(only_sender_of_sms({a, also_a}, now), "甲");
    EXPECT_EQ(only_sender_of_sms({a, sending("乙", finished, hours(71))}, now), "");
    EXPECT_EQ(only_sender_of_sms({a, sending("乙", finished, hours(73))}, now), "甲") << "too long ago";
    for (const auto state : {draft, submitted, approved, scheduled, cancelled})
        EXPECT_EQ(only_sender_of_sms({a, sending("乙", state, hours(1))}, now), "甲") << to_string(state);
    auto stopped = sending("乙", cancelled, hours(1));
    stopped.history.push_back({campaign_action::start, "", "", stopped.created_ms, ""});
    EXPECT_EQ(only_sender_of_sms({a, stopped}, now), "") << "it had begun";
    auto by_web = sending("乙", running, hours(1));
    by_web.channels = {channel::web, channel::wechat};
    EXPECT_EQ(only_sender_of_sms({a, by_web}, now), "甲");
    auto test = sending("乙", running, hours(1));
    test.kind = "test";
    EXPECT_EQ(only_sender_of_sms({a, test}, now), "甲") << "to those who test it";
    auto late = sending("乙", finished, hours(500));
    late.history.push_back(
        {campaign_action::finish, "", "", (now - hours(2)).time_since_epoch().count(), ""});
    EXPECT_EQ(only_sender_of_sms({a, late}, now), "");
}

} // namespace
} // namespace zhida
