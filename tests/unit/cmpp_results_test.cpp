#include "services/gateways/cmpp_protocol.hpp"
#include "services/gateways/cmpp_receipt.hpp"
#include "services/gateways/cmpp_results.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways::cmpp {
namespace {

TEST(cmpp_results, each_result_has_its_reaction) {
    using enum send_outcome;
    const struct {
        std::uint32_t result;
        send_outcome outcome;
        const char* fault;
        bool slow, alarm, reroute = false;
    } expected[] = {
        {0, accepted, "", false, false},
        {1, rejected, "", false, true},
        {2, rejected, "", false, true},
        {3, unknown, "", false, true},
        {4, rejected, "", false, true},
        {5, stopped, "", false, true},
        {6, rejected, "", false, true},
        {7, stopped, "", false, true},
        {8, retry, "", true, false},
        {9, rejected, "", false, false, true},
        {10, stopped, "", false, true},
        {11, stopped, "", false, true},
        {12, stopped, "", false, true},
        {13, rejected, "bad_number", false, false},
        {14, rejected, "", false, true},
        {100, rejected, "", false, true},
        {0xFFFFFFFF, rejected, "", false, true},
    };
    for (const auto& e : expected) {
        const auto& r = reaction_to(e.result);
        EXPECT_EQ(r.outcome, e.outcome) << e.result;
        EXPECT_STREQ(r.recipient_fault, e.fault) << e.result;
        EXPECT_EQ(r.slow_channel, e.slow) << e.result;
        EXPECT_EQ(r.alarm, e.alarm) << e.result;
        EXPECT_EQ(r.reroute, e.reroute) << e.result;
    }
}

TEST(cmpp_results, a_login_is_refused_for_good_or_for_now) {
    using wire::session_end;
    for (const std::uint32_t Status : {2U, 3U, 4U})
        EXPECT_EQ(login_refusal(Status).end, session_end::login_refused);
    for (const std::uint32_t Status : {1U, 5U, 6U, 99U})
        EXPECT_EQ(login_refusal(Status).end, session_end::login_failed);
}

// Gateways have 1 there, as the protocol says, or the network's whole octet.
TEST(cmpp_protocol, a_part_that_somebody_wrote_by_either_bit) {
    const protocol p(sms_gateway_config{});
    for (const std::uint8_t TP_udhi : {1, 0x40, 0x41, 0}) {
        deliver d;
        d.Msg_Id = 77;
        d.Src_terminal_Id = "8613800000001";
        d.Dest_Id = "10690000";
        d.TP_udhi = TP_udhi;
        d.Msg_Content = std::string("\x05\x00\x03\xAB\x02\x01xy", 8);
        wire::event e;
        p.read(encode({5, version::v30, d}).value(), {}, e);
        ASSERT_EQ(e.what, wire::event::kind::inbound);
        EXPECT_EQ(e.from.id, 77U);
        EXPECT_EQ(e.wrote.phone, "13800000001");
        EXPECT_EQ(e.wrote.total, TP_udhi == 0 ? 1 : 2);
        EXPECT_EQ(e.wrote.content, TP_udhi == 0 ? d.Msg_Content : "xy");
    }
}

deliver report_of(const char* stat, const char* done, const char* phone) {
    deliver d;
    d.Registered_Delivery = 1;
    d.Msg_Content =
        encode_report({0xB4C5530000010000, stat, "0001010000", done, phone, 0}, version::v20).value();
    return d;
}

TEST(cmpp_receipt, says_what_a_report_means) {
    const wall_time now(milliseconds(1'800'000'000'000));
    using enum receipt::meaning;
    const std::pair<const char*, receipt::meaning> known[] = {
        {"DELIVRD", delivered}, {"ACCEPTD", intermediate}, {"UNDELIV", failed}, {"EXPIRED", failed},
        {"MK:0001", failed},    {"UNKNOWN", failed},       {"AF:4", failed},    {"", failed}};
    for (const auto& [stat, means] : known) {
        const auto r = receipt_of(report_of(stat, "2611232105", "8613800000001"), "sms", now).value();
        EXPECT_EQ(r.means, means) << stat;
        EXPECT_EQ(r.status, stat);
        EXPECT_EQ(r.gateway, "sms");
        EXPECT_EQ(r.message_id, "b4c5530000010000");
        EXPECT_EQ(r.phone, "13800000001");
        EXPECT_EQ(to_rfc3339(r.at), "2026-11-23T21:05:00.000+08:00");
    }
    EXPECT_EQ(receipt_of(report_of("DELIVRD", "0001010000", "13800000001"), "sms", now)->at, now);
}

TEST(cmpp_receipt, refuses_what_is_no_report) {
    deliver mo;
    mo.Msg_Content = "R";
    EXPECT_FALSE(receipt_of(mo, "sms", {}));
    mo.Registered_Delivery = 1;
    EXPECT_NE(receipt_of(mo, "sms", {}).error().text().find("60 or 71"), std::string::npos);
}

TEST(plain_phone, phone_numbers_lose_their_prefix_only) {
    EXPECT_EQ(plain_phone("+8613800000001"), "13800000001");
    EXPECT_EQ(plain_phone("008613800000001"), "13800000001");
    EXPECT_EQ(plain_phone("8613800000001"), "13800000001");
    EXPECT_EQ(plain_phone("13800000001"), "13800000001");
    EXPECT_EQ(plain_phone("86138"), "86138");
}

} // namespace
} // namespace zhida::gateways::cmpp
