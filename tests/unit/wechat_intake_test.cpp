#include "services/wechat_intake.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

using meaning = gateways::receipt::meaning;

gateways::wechat_event finished(std::string status) {
    gateways::wechat_event e;
    e.type = "event";
    e.event = "templatesendjobfinish";
    e.msg_id = "1700827132819554304";
    e.status = std::move(status);
    e.at = wall_time(milliseconds(1'790'000'000'000));
    return e;
}

TEST(wechat_intake, a_finished_template_message_is_a_receipt) {
    const auto good = receipts_in(finished("success"), "wechat");
    ASSERT_EQ(good.size(), 1U);
    EXPECT_EQ(good[0].gateway, "wechat");
    EXPECT_EQ(good[0].message_id, "1700827132819554304");
    EXPECT_EQ(good[0].means, meaning::delivered);
    EXPECT_TRUE(good[0].pushed);
    const auto blocked = receipts_in(finished("failed:user block"), "wechat");
    EXPECT_EQ(blocked[0].means, meaning::failed);
    EXPECT_EQ(blocked[0].recipient_fault, "refused");
    const auto broken = receipts_in(finished("failed:system failed"), "wechat");
    EXPECT_EQ(broken[0].means, meaning::failed);
    EXPECT_EQ(broken[0].recipient_fault, "");
    auto without = finished("success");
    without.msg_id.clear();
    EXPECT_TRUE(receipts_in(without, "wechat").empty());
}

TEST(wechat_intake, a_sent_subscription_message_is_a_receipt_by_its_code) {
    gateways::wechat_event e;
    e.event = "subscribe_msg_sent_event";
    e.entries = {{"T", "success", "1", 0, "success"},
                 {"T", "failed", "2", 43101, "user refuse"},
                 {"T", "failed", "3", 43004, ""},
                 {"T", "failed", "", 43101, ""}};
    const auto all = receipts_in(e, "miniprogram");
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].means, meaning::delivered);
    EXPECT_EQ(all[1].recipient_fault, "refused");
    EXPECT_EQ(all[2].recipient_fault, "not_following");
    EXPECT_EQ(all[2].status, "failed:43004");
    EXPECT_EQ(all[0].gateway, "miniprogram");
}

TEST(wechat_intake, other_events_tell_of_no_message) {
    for (const char* name : {"subscribe", "unsubscribe", "scan", "click", "masssendjobfinish"}) {
        gateways::wechat_event e;
        e.event = name;
        e.msg_id = "1";
        EXPECT_TRUE(receipts_in(e, "wechat").empty()) << name;
    }
}

} // namespace
} // namespace zhida
