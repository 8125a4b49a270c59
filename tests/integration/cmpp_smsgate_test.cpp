// Our client and our simulated gateway against SMSGate, a CMPP implementation that is not ours, in both
// versions: tests/support/smsgate.sh. Skipped where it is not there and Maven Central is not reached.
#include "tests/support/child.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace zhida::gateways {
namespace {

using namespace std::chrono_literals;
using tests::child;
using tests::nth_phone;
using tests::simulated;
using tests::sms_client;

const std::string script = tests::in_source("tests/support/smsgate.sh");

class cmpp_smsgate : public testing::TestWithParam<const char*> {
  public:
    simulated all;
    void SetUp() override {
        static const bool there = std::system(("'" + script + "' fetch").c_str()) == 0;
        if (!there) GTEST_SKIP() << "SMSGate is not there: see what smsgate.sh says";
        all.sms.version = GetParam();
    }
    void TearDown() override { all.stop(); }
    bool said(child& peer, std::string_view beginning, std::ptrdiff_t times = 1) {
        return all.wait_until([&] { return peer.said(beginning) >= times; }, 40s);
    }
};
INSTANTIATE_TEST_SUITE_P(both_versions, cmpp_smsgate, testing::Values("2.0", "3.0"),
                         [](const auto& p) { return std::string(p.param) == "2.0" ? "v20" : "v30"; });

std::string text_of(int characters) {
    std::string text = "【直达演示】";
    for (int i = 6; i < characters; ++i) text += "策";
    return text;
}

TEST_P(cmpp_smsgate, takes_what_our_client_sends_and_is_heard) {
    child gateway({script, "server", all.sms.source_addr, all.sms.secret, GetParam()});
    ASSERT_TRUE(said(gateway, "listening "));
    all.sms.port = std::stoi(gateway.lines.back().substr(10));
    all.sms.keepalive_s = 1; // so that ours asks as well
    {
        all.sms.secret = "888889";
        sms_client stranger(all);
        ASSERT_TRUE(all.wait_until([&] { return stranger.client.status().state == "stopped"; }));
        EXPECT_NE(stranger.client.status().detail.find("Status 3"), std::string::npos)
            << stranger.client.status().detail;
        all.sms.secret = "888888";
    }
    sms_client c(all);
    ASSERT_TRUE(c.connected()) << c.client.status().detail;
    ASSERT_TRUE(said(gateway, "login"));

    const auto one = c.send(nth_phone(1), text_of(30));
    ASSERT_EQ(one.outcome, send_outcome::accepted) << one.detail;
    EXPECT_TRUE(said(gateway, "submit " + nth_phone(1) + " 10690000 1 " + text_of(30))) << gateway.all();
    const auto parts = c.send("+86" + nth_phone(2), text_of(150));
    ASSERT_EQ(parts.outcome, send_outcome::accepted) << parts.detail;
    EXPECT_EQ(parts.message_ids.size(), 3U);
    EXPECT_TRUE(said(gateway, "submit " + nth_phone(2) + " 10690000 3 " + text_of(150))) << gateway.all();

    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 4; }));
    std::multiset<std::string> sent(parts.message_ids.begin(), parts.message_ids.end()), reported;
    sent.insert(one.message_ids.at(0));
    for (const auto& r : c.receipts) {
        reported.insert(r.message_id);
        EXPECT_EQ(r.status, "DELIVRD");
        EXPECT_EQ(r.phone, r.message_id == one.message_ids[0] ? nth_phone(1) : nth_phone(2));
    }
    EXPECT_EQ(reported, sent);
    EXPECT_TRUE(said(gateway, "deliver_resp 0", 4)) << gateway.all();

    gateway.tell("mo 13800000003 退订");
    ASSERT_TRUE(all.wait_until([&] { return c.inbound.size() == 1; }));
    EXPECT_EQ(c.inbound[0].phone, "13800000003");
    EXPECT_EQ(c.inbound[0].text, "退订");
    EXPECT_EQ(c.inbound[0].to, "10690000");
    gateway.tell("mo 13800000003 R"); // which it writes in another format
    ASSERT_TRUE(all.wait_until([&] { return c.inbound.size() == 2; }));
    EXPECT_EQ(c.inbound[1].text, "R");
    EXPECT_TRUE(said(gateway, "deliver_resp 0", 6)) << gateway.all();

    gateway.tell("active_test");
    EXPECT_TRUE(said(gateway, "active_test_resp")) << gateway.all();
    all.on.run_for(1500ms); // ours asks meanwhile
    EXPECT_EQ(c.client.status().state, "connected");

    gateway.tell("terminate");
    EXPECT_TRUE(said(gateway, "terminate_resp")) << gateway.all();
    EXPECT_TRUE(said(gateway, "closed")) << gateway.all();
    ASSERT_TRUE(said(gateway, "login", 2)) << "dialled again\n" << gateway.all();
    ASSERT_TRUE(c.connected());
    ASSERT_TRUE(c.stop(2s));
    EXPECT_TRUE(said(gateway, "closed", 2)) << gateway.all();
}

TEST_P(cmpp_smsgate, sends_through_our_simulated_gateway) {
    all.start([](auto& s) { s.cmpp_options().report_delay = milliseconds(20); });
    const auto port = std::to_string(all.sms.port);
    {
        child stranger({script, "client", port, all.sms.source_addr, "888889", GetParam()});
        EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().refused_logins == 1; }, 40s));
    }
    child sp({script, "client", port, all.sms.source_addr, all.sms.secret, GetParam()});
    ASSERT_TRUE(said(sp, "login"));

    sp.tell("submit " + nth_phone(1) + " 政策礼包");
    ASSERT_TRUE(said(sp, "submit_resp")) << sp.all();
    sp.tell("submit " + nth_phone(2) + " " + text_of(150));
    ASSERT_TRUE(said(sp, "submit_resp", 4)) << sp.all();
    const auto whole = simulator::assembled(all.sim->messages().all());
    ASSERT_EQ(whole.size(), 2U);
    EXPECT_EQ(whole[0].to, nth_phone(1));
    EXPECT_EQ(whole[0].more.at("text"), "政策礼包");
    EXPECT_EQ(whole[1].more.at("text"), text_of(150));
    for (const auto& m : all.sim->messages().all()) {
        EXPECT_TRUE(said(sp, "submit_resp " + m.id + " 0")) << sp.all();
        EXPECT_TRUE(said(sp, "report " + m.id + " DELIVRD " + m.to)) << sp.all();
    }
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().reports_acked == 4; }));

    ASSERT_TRUE(all.sim->cmpp().write_back("13800000003", "退订"));
    EXPECT_TRUE(said(sp, "mo 13800000003 10690000 1 退订")) << sp.all();
    simulator::inbound_message m;
    m.phone = "13800000004";
    m.text = text_of(140);
    m.order = {2, 3, 1};
    ASSERT_TRUE(all.sim->cmpp().write_back(m));
    EXPECT_TRUE(said(sp, "mo 13800000004 10690000 3 " + m.text)) << sp.all();
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().inbound_acked == 4; }));

    sp.tell("active_test");
    EXPECT_TRUE(said(sp, "active_test_resp")) << sp.all();
    EXPECT_EQ(all.sim->cmpp().stats().active_tests, 1);
    sp.tell("terminate");
    EXPECT_TRUE(said(sp, "terminate_resp")) << sp.all();
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().connections == 0; }));
    EXPECT_EQ(all.sim->cmpp().stats().terminates, 1);
    EXPECT_EQ(all.sim->cmpp().stats().garbled, 0);
}

} // namespace
} // namespace zhida::gateways
