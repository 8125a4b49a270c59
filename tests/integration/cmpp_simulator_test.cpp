// What the simulated gateway does wrong on demand, seen by a peer that hides nothing.
#include "tests/support/cmpp_bare_peer.hpp"
#include "tests/support/raw_client.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace zhida::gateways {
namespace {

using namespace std::chrono_literals;
using tests::cmpp_bare_peer;
using tests::nth_phone;
using tests::simulated;
using namespace cmpp;

class cmpp_faults : public testing::TestWithParam<version> {
  public:
    simulated all;
    void TearDown() override { all.stop(); }
    void start(const char* rules = R"({"rules":[]})") {
        all.start([](auto& s) { s.cmpp_options().report_delay = milliseconds(10); });
        all.rules(rules);
    }
    // Result and Msg_Id of the next answer, with its Sequence_Id in p.sequence.
    static submit_resp answer(cmpp_bare_peer& p, std::chrono::milliseconds limit = 5s) {
        return p.next_as<submit_resp>(limit).value_or(submit_resp{0, 255});
    }
};
INSTANTIATE_TEST_SUITE_P(both_versions, cmpp_faults, testing::Values(version::v20, version::v30),
                         [](const auto& p) { return p.param == version::v20 ? "v20" : "v30"; });

TEST_P(cmpp_faults, an_account_may_speak_one_version_only) {
    const bool v30 = GetParam() == version::v30;
    all.start([&](auto& s) { s.cmpp_options().accounts.front().only_version = v30 ? "2.0" : "3.0"; });
    cmpp_bare_peer p(all, GetParam());
    EXPECT_EQ(p.login()->Status, v30 ? 4U : 5U);
    EXPECT_EQ(p.last_frame.size(), v30 ? 30U : 33U) << "refused in the version that it speaks";
    cmpp_bare_peer other(all, v30 ? version::v20 : version::v30);
    EXPECT_EQ(other.login()->Status, 0U);
    // At run time the same, for as often as a rule says.
    all.rules(v30 ? R"({"rules":[{"channel":"sms","to":"900001","only_version":"3.0","times":1}]})"
                  : R"({"rules":[{"channel":"sms","to":"900001","only_version":"2.0","times":1}]})");
    EXPECT_EQ(cmpp_bare_peer(all, v30 ? version::v20 : version::v30).login()->Status, v30 ? 5U : 4U);
}

TEST_P(cmpp_faults, the_gateway_proves_itself_rightly_wrongly_or_not_at_all) {
    start(R"({"rules":[{"channel":"sms","to":"900001","bad_authenticator":true,"times":1},
                       {"channel":"sms","to":"900001","blank_authenticator":true,"times":1}]})");
    std::vector<bool> proved, blank;
    for (int i = 0; i < 3; ++i) {
        cmpp_bare_peer p(all, GetParam());
        const auto asked = p.request();
        p.send(1, asked);
        const auto r = p.next_as<connect_resp>();
        ASSERT_TRUE(r);
        EXPECT_EQ(r->Status, 0U);
        proved.push_back(ismg_proved(*r, asked.AuthenticatorSource, "888888"));
        blank.push_back(r->AuthenticatorISMG == digest{});
    }
    EXPECT_EQ(proved, (std::vector{false, false, true}));
    EXPECT_EQ(blank, (std::vector{false, true, false}));
}

TEST_P(cmpp_faults, each_login_status_comes_by_a_rule_or_by_itself) {
    start();
    for (const std::uint32_t status : {1U, 2U, 3U, 4U, 5U, 6U}) {
        all.rules(("{\"rules\":[{\"channel\":\"sms\",\"to\":\"9*\",\"times\":1,\"login_status\":" +
                   std::to_string(status) + "}]}")
                      .c_str());
        cmpp_bare_peer p(all, GetParam());
        EXPECT_EQ(p.login()->Status, status);
        EXPECT_FALSE(p.next(2s));
        EXPECT_TRUE(p.closed);
    }
    EXPECT_EQ(cmpp_bare_peer(all, GetParam()).login("another")->Status, 3U);
    cmpp_bare_peer stranger(all, GetParam());
    auto r = stranger.request();
    r.Source_Addr = "900002";
    stranger.send(1, r);
    EXPECT_EQ(stranger.next_as<connect_resp>()->Status, 2U);
    all.sim->cmpp().limit(std::nullopt, 1);
    cmpp_bare_peer first(all, GetParam()), second(all, GetParam());
    EXPECT_EQ(first.login()->Status, 0U);
    EXPECT_EQ(second.login()->Status, 5U);
}

TEST_P(cmpp_faults, numbers_have_results_of_their_own_and_the_window_has_an_end) {
    start(R"({"rules":[{"channel":"sms","to":"138*8","result":8,"times":1},
                       {"channel":"sms","to":"138*13","result":13},{"channel":"sms","to":"139*","result":199}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    for (const auto& [phone, result] :
         std::vector<std::pair<const char*, std::uint32_t>>{{"13800000008", 8},
                                                            {"13800000008", 0},
                                                            {"8613800000013", 13},
                                                            {"13900000000", 199},
                                                            {"12", 13}}) {
        p.submit(7, phone);
        EXPECT_EQ(answer(p).Result, result) << phone;
        if (result == 0) EXPECT_TRUE(p.report());
    }
    all.sim->cmpp().limit(2, std::nullopt);
    all.rules(R"({"replace":true,"rules":[{"channel":"sms","delay_ms":100,"report":"none"}]})");
    for (std::uint32_t i = 0; i < 3; ++i) p.submit(20 + i, nth_phone(1));
    EXPECT_EQ(answer(p).Result, 8U);
    EXPECT_EQ(p.sequence, 22U);
    EXPECT_EQ(answer(p).Result, 0U);
    EXPECT_EQ(answer(p).Result, 0U);
}

TEST_P(cmpp_faults, answers_come_late_not_at_all_twice_or_in_another_order) {
    start(R"({"rules":[{"channel":"sms","to":"*1","response":"after_next","report":"none"},
                       {"channel":"sms","to":"*2","report":"none"},
                       {"channel":"sms","to":"*3","response":"duplicate","report":"none"},
                       {"channel":"sms","to":"*4","drop_response":true,"report":"none"},
                       {"channel":"sms","to":"*5","response":"wrong_sequence","report":"none"},
                       {"channel":"sms","to":"*6","delay_ms":300,"report":"none"}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    std::vector<std::uint32_t> numbers;
    const auto listen = [&] {
        answer(p);
        numbers.push_back(p.sequence);
    };
    p.submit(101, nth_phone(1));
    EXPECT_FALSE(p.next(200ms)) << "it waits for the next";
    p.submit(102, nth_phone(2));
    listen();
    listen();
    EXPECT_EQ(numbers, (std::vector{102U, 101U}));
    p.submit(103, nth_phone(1));
    EXPECT_EQ(answer(p, 3s).Result, 0U) << "not for ever";
    p.submit(104, nth_phone(3));
    const auto one = answer(p), again = answer(p);
    EXPECT_EQ(one, again);
    EXPECT_EQ(p.sequence, 104U);
    p.submit(105, nth_phone(4));
    EXPECT_FALSE(p.next(200ms));
    p.submit(106, nth_phone(5));
    EXPECT_EQ(answer(p).Result, 0U);
    EXPECT_NE(p.sequence, 106U);
    p.submit(107, nth_phone(6));
    EXPECT_FALSE(p.next(150ms));
    EXPECT_EQ(answer(p).Result, 0U);
    EXPECT_EQ(all.sim->messages().all().size(), 7U) << "all were taken";
}

TEST_P(cmpp_faults, two_messages_may_get_one_id) {
    start(R"({"rules":[{"channel":"sms","to":"*2","response":"same_id"}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    p.submit(1, nth_phone(1));
    const auto first = answer(p);
    EXPECT_TRUE(p.report());
    p.submit(2, nth_phone(2));
    EXPECT_EQ(answer(p), first);
    const auto r = p.report();
    EXPECT_EQ(r->Msg_Id, first.Msg_Id);
    EXPECT_EQ(r->Dest_terminal_Id, nth_phone(2));
}

TEST_P(cmpp_faults, reports_come_late_not_at_all_twice_first_or_in_another_order) {
    start(R"({"rules":[{"channel":"sms","to":"*1","report":"after_next"},
                       {"channel":"sms","to":"*3","report":"duplicate"},
                       {"channel":"sms","to":"*4","report":"none"},
                       {"channel":"sms","to":"*5","report":"early","delay_ms":50},
                       {"channel":"sms","to":"*6","report_delay_ms":400}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    const auto phone = [&] { return p.report(3s).value_or(status_report{}).Dest_terminal_Id; };
    p.submit(1, nth_phone(1));
    answer(p);
    EXPECT_FALSE(p.next(150ms));
    p.submit(2, nth_phone(2));
    answer(p);
    EXPECT_EQ(phone(), nth_phone(2));
    EXPECT_EQ(phone(), nth_phone(1));
    p.submit(3, nth_phone(1));
    answer(p);
    EXPECT_EQ(phone(), nth_phone(1)) << "a second later at the latest";
    p.submit(4, nth_phone(3));
    answer(p);
    EXPECT_EQ(phone(), nth_phone(3));
    EXPECT_EQ(phone(), nth_phone(3));
    p.submit(5, nth_phone(4));
    answer(p);
    EXPECT_FALSE(p.next(150ms));
    p.submit(6, nth_phone(5));
    EXPECT_EQ(phone(), nth_phone(5));
    EXPECT_EQ(answer(p).Result, 0U) << "after its report";
    p.submit(7, nth_phone(6));
    answer(p);
    EXPECT_FALSE(p.next(150ms));
    EXPECT_EQ(phone(), nth_phone(6));
}

TEST_P(cmpp_faults, reports_contradict_each_other_and_come_in_other_shapes) {
    start(R"({"rules":[{"channel":"sms","to":"*1","stat":"DELIVRD","then_stat":"UNDELIV"},
                       {"channel":"sms","to":"*2","stat":"UNDELIV","then_stat":"DELIVRD"},
                       {"channel":"sms","to":"*3","report":"other_layout"},
                       {"channel":"sms","to":"*4","report":"short_tail"}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    std::vector<std::string> stats;
    std::set<std::uint64_t> ids;
    for (const int n : {1, 2}) {
        p.submit(9, nth_phone(n));
        ids.insert(answer(p).Msg_Id);
        for (int i = 0; i < 2; ++i) {
            const auto r = p.report().value_or(status_report{});
            stats.push_back(r.Stat);
            EXPECT_TRUE(ids.contains(r.Msg_Id));
        }
    }
    EXPECT_EQ(stats, (std::vector<std::string>{"DELIVRD", "UNDELIV", "UNDELIV", "DELIVRD"}));
    const bool v30 = GetParam() == version::v30;
    p.submit(10, nth_phone(3));
    answer(p);
    EXPECT_EQ(p.next_as<deliver>()->Msg_Content.size(), v30 ? 60U : 71U);
    p.submit(11, nth_phone(4));
    answer(p);
    EXPECT_TRUE(p.next_as<deliver>());
    EXPECT_EQ(p.last_frame.size(), v30 ? 160U : 137U) << "180 and 145 without their tails";
}

TEST_P(cmpp_faults, bytes_come_one_by_one_or_all_together) {
    start(R"({"rules":[{"channel":"sms","to":"900001","writes":"bytes","times":1},
                       {"channel":"sms","to":"900001","writes":"together","times":1}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    p.submit(1, nth_phone(1));
    EXPECT_EQ(answer(p).Result, 0U);
    EXPECT_TRUE(p.report());
    EXPECT_GT(p.reads.size(), 20U) << "in small pieces";
    cmpp_bare_peer q(all, GetParam());
    q.login();
    q.reads.clear();
    for (std::uint32_t i = 1; i <= 5; ++i) q.submit(i, nth_phone(2));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(answer(q).Result, 0U);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(q.report());
    EXPECT_LE(q.reads.size(), 3U) << "answers and reports in one";
}

TEST_P(cmpp_faults, the_gateway_asks_answers_badly_and_says_goodbye) {
    start(R"({"rules":[{"channel":"sms","to":"900001","active_test":"none","times":1},
                       {"channel":"sms","to":"900001","active_test":"bare","times":1}]})");
    cmpp_bare_peer mute(all, GetParam()), bare(all, GetParam()), right(all, GetParam());
    mute.login();
    bare.login();
    right.login();
    for (auto* p : {&mute, &bare, &right}) p->send(77, active_test{});
    EXPECT_FALSE(mute.next(200ms));
    EXPECT_TRUE(bare.next_as<active_test_resp>());
    EXPECT_EQ(bare.last_frame.size(), 12U);
    EXPECT_TRUE(right.next_as<active_test_resp>());
    EXPECT_EQ(right.last_frame.size(), 13U);
    all.sim->cmpp().ask_all();
    EXPECT_TRUE(right.next_as<active_test>());
    all.sim->cmpp().terminate_all();
    EXPECT_TRUE(right.next_as<terminate>());
    right.send(right.sequence, terminate_resp{});
    EXPECT_FALSE(right.next(2s));
    EXPECT_TRUE(right.closed);
}

TEST_P(cmpp_faults, the_gateway_sends_what_nobody_can_read) {
    start(R"({"rules":[{"channel":"sms","to":"*1","pdu_before":"unknown_pdu","report":"none"}]})");
    cmpp_bare_peer p(all, GetParam());
    p.login();
    p.submit(1, nth_phone(1));
    const auto unknown = p.next();
    ASSERT_TRUE(unknown);
    EXPECT_TRUE(std::holds_alternative<other>(unknown->body));
    EXPECT_EQ(answer(p).Result, 0U) << "behind it";
    all.sim->cmpp().send_bad("orphan_response");
    EXPECT_EQ(answer(p).Result, 0U);
    all.sim->cmpp().send_bad("malformed_pdu");
    EXPECT_FALSE(p.next(2s));
    EXPECT_EQ(p.last_frame.size(), 100U) << "a frame, and nothing in it";
    all.sim->cmpp().send_bad("oversized_pdu");
    EXPECT_FALSE(p.next(2s));
    EXPECT_TRUE(p.broken);
    cmpp_bare_peer q(all, GetParam());
    q.login();
    all.sim->cmpp().send_bad("undersized_pdu");
    EXPECT_FALSE(q.next(2s));
    EXPECT_TRUE(q.broken);
}

TEST_P(cmpp_faults, people_write_in_one_part_or_in_several_in_any_order) {
    start();
    cmpp_bare_peer p(all, GetParam());
    p.login();
    const auto part = [&] {
        auto d = p.next_as<deliver>().value_or(deliver{});
        p.send(p.sequence, deliver_resp{d.Msg_Id, 0});
        return d;
    };
    for (const char* word : {"R", "T", "退订"}) {
        ASSERT_TRUE(all.sim->cmpp().write_back("13800000001", word));
        const auto d = part();
        EXPECT_EQ(d.Src_terminal_Id, "13800000001");
        EXPECT_EQ(d.Dest_Id, all.sms.src_id);
        EXPECT_EQ(d.Registered_Delivery, 0);
        EXPECT_EQ(utf8_of_ucs2(d.Msg_Content), word);
    }
    simulator::inbound_message m;
    m.phone = "13800000002";
    for (int i = 0; i < 70; ++i) m.text += "甲乙";
    m.to = "1069000001";
    m.ref = 9;
    m.order = {3, 1, 1}; // out of order, one twice, one missing
    m.formats = {"gbk", "ucs2"};
    ASSERT_TRUE(all.sim->cmpp().write_back(m));
    const auto third = part(), first = part(), again = part();
    EXPECT_EQ(third.Msg_Content.substr(0, 6), std::string("\x05\x00\x03\x09\x03\x03", 6));
    EXPECT_EQ(third.Dest_Id, "1069000001");
    EXPECT_EQ(third.Msg_Fmt, 8);
    EXPECT_EQ(first.Msg_Fmt, 15);
    EXPECT_EQ(first.TP_udhi, 1);
    EXPECT_EQ(first.Msg_Content.substr(0, 6), std::string("\x05\x00\x03\x09\x03\x01", 6));
    EXPECT_EQ(first.Msg_Content.size(), 6U + 2 * 67);
    EXPECT_EQ(again.Msg_Content, first.Msg_Content);
    // The same reference for another text of the same person.
    m.order = {1};
    m.wide_ref = true;
    ASSERT_TRUE(all.sim->cmpp().write_back(m));
    EXPECT_EQ(part().Msg_Content.substr(0, 7), std::string("\x06\x08\x04\x00\x09\x03\x01", 7));
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().inbound_acked == 7; }));
}

// What is above is asked for in memory; here over HTTP, as other processes do.
// Of a POST to the control endpoints.
int status_of(simulated& all, const char* path, const std::string& body) {
    int status = 0;
    std::thread other([&] { // a blocking client beside the loop
        status =
            tests::fetch(all.sim->wechat_port(), "POST", path, {{"Content-Type", "application/json"}}, body)
                .status;
    });
    all.wait_until([&] { return status != 0; });
    other.join();
    return status;
}

TEST(cmpp_faults, are_told_over_http) {
    simulated all;
    all.start();
    cmpp_bare_peer p(all, version::v30);
    const auto post = [&](const char* path, const std::string& body) { return status_of(all, path, body); };
    p.login();
    EXPECT_EQ(post("/sim/faults", R"({"do":["unknown_pdu"],"cmpp_window":1,"cmpp_connections":1,
        "rules":[{"channel":"sms","response":"duplicate","then_stat":"UNDELIV"}]})"),
              200);
    EXPECT_TRUE(std::holds_alternative<other>(p.next().value_or(pdu{}).body));
    EXPECT_EQ(cmpp_bare_peer(all, version::v30).login()->Status, 5U);
    EXPECT_EQ(
        post("/sim/inbound", R"({"phone":"13800000001","text":"T","formats":["ascii"],"to":"10690000123"})"),
        200);
    EXPECT_EQ(p.next_as<deliver>().value_or(deliver{}).Dest_Id, "10690000123");
    for (const char* wrong : {R"({"phone":"1","text":"T"})", R"({"phone":"13800000001","text":""})",
                              R"({"phone":"13800000001","text":"退","formats":["ascii"]})",
                              R"({"phone":"13800000001","text":"T","formats":["morse"]})",
                              R"({"phone":"13800000001","text":"T","order":[2]})",
                              R"({"phone":"13800000001","text":"T","account":"900009"})"})
        EXPECT_EQ(post("/sim/inbound", wrong), 400) << wrong;
    for (const char* wrong : {R"({"do":["nonsense"]})", R"({"rules":[{"channel":"sms","response":"late"}]})",
                              R"({"rules":[{"channel":"sms","pdu_before":"x"}]})",
                              R"({"rules":[{"channel":"sms","writes":"words"}]})"})
        EXPECT_EQ(post("/sim/faults", wrong), 400) << wrong;
    all.stop();
}

TEST(cmpp_faults, what_smpp_lacks_is_refused_over_http) {
    simulated all;
    auto& g = all.sms.gateways["second"];
    g = all.sms;
    g.name = "second";
    g.protocol = "smpp";
    g.source_addr = "login2";
    all.start();
    const auto post = [&](const char* path, const std::string& body) { return status_of(all, path, body); };
    const auto rule = [](const std::string& members) {
        return R"({"rules":[{"channel":"sms",)" + members + "}]}";
    };
    for (const char* wrong :
         {R"("to":"login2","bad_authenticator":true)", R"("to":"login2","only_version":"2.0")",
          R"("gateway":"second","active_test":"bare")", R"("gateway":"second","report":"short_tail")"})
        EXPECT_EQ(post("/sim/faults", rule(wrong)), 400) << wrong;
    for (const char* right :
         {R"("to":"login2","writes":"bytes")", R"("gateway":"second","active_test":"none")",
          R"("gateway":"second","response":"duplicate","then_stat":"UNDELIV","report":"tlv_only")",
          R"("to":"139*","report":"short_tail")"})
        EXPECT_EQ(post("/sim/faults", rule(right)), 200) << right;
    for (const char* wrong : {R"("formats":["ucs2"])", R"("ref":1)", R"("wide_ref":true)", R"("order":[1])"})
        for (const char* protocol : {"smpp", "aliyun", "tencent"})
            EXPECT_EQ(post("/sim/inbound", std::string(R"({"phone":"13800000001","text":"T","protocol":")") +
                                               protocol + R"(",)" + wrong + "}"),
                      400)
                << protocol << wrong;
    EXPECT_EQ(post("/sim/inbound",
                   R"({"phone":"13800000001","text":"T","protocol":"smpp","to":"1069","account":"login2"})"),
              200);
    all.stop();
}

TEST_P(cmpp_faults, each_account_has_its_own_window) {
    auto& g = all.sms.gateways["narrow"];
    g = all.sms;
    g.name = "narrow";
    g.source_addr = "900002";
    g.window = 1;
    all.sms.gateways["wide"] = all.sms;
    all.sms.gateways["wide"].name = "wide";
    start(R"({"rules":[{"channel":"sms","gateway":"narrow","delay_ms":100,"report":"none"},
                       {"channel":"sms","delay_ms":100,"report":"none"}]})");
    const auto results = [&](const char* account) {
        all.sms.source_addr = account; // of the peer, from here on
        cmpp_bare_peer p(all, GetParam());
        EXPECT_EQ(p.login()->Status, 0U);
        for (std::uint32_t i = 0; i < 2; ++i) p.submit(20 + i, nth_phone(1));
        return std::vector<std::uint32_t>{answer(p).Result, answer(p).Result};
    };
    EXPECT_EQ(results("900002"), (std::vector<std::uint32_t>{8, 0}));
    EXPECT_EQ(results("900001"), (std::vector<std::uint32_t>{0, 0}));
}

} // namespace
} // namespace zhida::gateways
