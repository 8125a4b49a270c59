// The CMPP client against the simulated gateway over loopback, in both versions.
#include "tests/support/folders.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

namespace zhida::gateways {
namespace {

using namespace std::chrono_literals;
using tests::nth_phone;
using tests::simulated;
using tests::sms_client;

std::string long_text() {
    std::string text;
    for (int i = 0; i < 150; ++i) text += "策";
    return text;
}

class cmpp : public testing::TestWithParam<const char*> {
  public:
    simulated all;
    void SetUp() override { all.sms.version = GetParam(); }
    void TearDown() override { all.stop(); }
    void fast_reports(simulator::simulator& s) { s.cmpp_options().report_delay = milliseconds(5); }
};
INSTANTIATE_TEST_SUITE_P(both_versions, cmpp, testing::Values("2.0", "3.0"),
                         [](const auto& p) { return std::string(p.param) == "2.0" ? "v20" : "v30"; });

TEST_P(cmpp, one_message_is_accepted_and_reported) {
    all.start([this](auto& s) { fast_reports(s); });
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto r = c.send("+8613800000001", "【直达演示】政策礼包");
    ASSERT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    ASSERT_EQ(r.message_ids.size(), 1U);
    ASSERT_TRUE(all.wait_until([&] { return !c.receipts.empty(); }));
    EXPECT_EQ(c.receipts[0].message_id, r.message_ids[0]);
    EXPECT_EQ(c.receipts[0].phone, "13800000001");
    EXPECT_EQ(c.receipts[0].status, "DELIVRD");
    EXPECT_EQ(c.receipts[0].means, receipt::meaning::delivered);
    ASSERT_EQ(all.sim->messages().all().size(), 1U);
    EXPECT_EQ(all.sim->messages().all()[0].to, "13800000001");
    EXPECT_EQ(all.sim->messages().all()[0].more.at("text"), "【直达演示】政策礼包");
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().reports_acked == 1; }));
}

TEST_P(cmpp, a_burst_keeps_within_the_window) {
    all.sms.window = 16;
    all.sms.response_timeout_s = 30; // also on a busy machine
    all.start([this](auto& s) { fast_reports(s); });
    all.rules(R"({"rules":[{"channel":"sms","jitter_ms":2}]})"); // answers come in another order
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto results = c.send_many(0, 5000, "burst");
    std::set<std::string> ids;
    for (const auto& [phone, r] : results) {
        ASSERT_EQ(r.outcome, send_outcome::accepted) << phone << " " << r.detail;
        ids.insert(r.message_ids.at(0));
    }
    EXPECT_EQ(ids.size(), 5000U);
    const auto s = all.sim->cmpp().stats();
    EXPECT_EQ(s.accepted, 5000);
    EXPECT_EQ(s.window_overruns, 0);
    EXPECT_LE(s.most_in_flight, 16); // never exceeded
    EXPECT_GE(s.most_in_flight, 8);  // and used: how far depends on who of the two ends is faster
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 5000; }));
    for (const auto& r : c.receipts) EXPECT_TRUE(ids.contains(r.message_id));
    const auto status = c.client.status();
    EXPECT_EQ(status.sent, 5000);
    EXPECT_EQ(status.accepted, 5000);
    EXPECT_EQ(status.receipts, 5000);
    EXPECT_EQ(status.in_flight, 0);
}

TEST_P(cmpp, a_long_text_goes_in_parts_over_one_connection) {
    all.sms.connections = 3;
    all.start([this](auto& s) { fast_reports(s); });
    sms_client c(all);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().logins == 3; }));
    const auto text = long_text();
    const auto r = c.send(nth_phone(1), text);
    ASSERT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_EQ(r.message_ids.size(), 3U);
    const auto& parts = all.sim->messages().all();
    ASSERT_EQ(parts.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(parts[i].id, r.message_ids[i]);
        EXPECT_EQ(parts[i].more.at("part"), i + 1);
        EXPECT_EQ(parts[i].more.at("udh_ref"), parts[0].more.at("udh_ref"));
    }
    const auto whole = simulator::assembled(parts);
    ASSERT_EQ(whole.size(), 1U);
    EXPECT_EQ(whole[0].more.at("text"), text);
    // The next long text has another reference.
    ASSERT_EQ(c.send(nth_phone(1), text).outcome, send_outcome::accepted);
    EXPECT_NE(parts[3].more.at("udh_ref"), parts[0].more.at("udh_ref"));
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 6; }));
}

TEST_P(cmpp, a_batch_has_its_results_in_order) {
    all.sms.window = 16;
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*13","result":13},{"channel":"sms","jitter_ms":2}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto short_text = std::make_shared<const sms_body>(plain_body("【直达演示】政策礼包"));
    const auto parts = std::make_shared<const sms_body>(plain_body(long_text()));
    std::vector<sms_copy> batch;
    for (int i = 0; i < 500; ++i) batch.push_back({nth_phone(i), i % 10 == 5 ? parts : short_text});
    batch[20].phone = "nobody";
    batch[30].body = std::make_shared<const sms_body>(plain_body(""));
    const auto results = all.on.run(c.client.send_all(batch));
    ASSERT_EQ(results.size(), 500U);
    std::map<std::string, std::string> ids; // by phone, of first parts
    std::set<std::string> refs;
    for (const auto& m : all.sim->messages().all()) {
        if (m.more.at("part") == 1) ids[m.to] = m.id;
        if (m.more.at("part") == 1 && m.more.contains("udh_ref")) refs.insert(m.more.at("udh_ref").dump());
    }
    for (std::size_t i = 0; i < 500; ++i) {
        if (i == 20 || i == 30 || i % 100 == 13) {
            EXPECT_EQ(results[i].outcome, send_outcome::rejected) << i;
            EXPECT_EQ(results[i].recipient_fault, i == 30 ? "content" : "bad_number") << i;
            continue;
        }
        ASSERT_EQ(results[i].outcome, send_outcome::accepted) << i << " " << results[i].detail;
        EXPECT_EQ(results[i].message_ids.size(), i % 10 == 5 ? 3U : 1U);
        EXPECT_EQ(results[i].message_ids.front(), ids[nth_phone(static_cast<int>(i))]);
    }
    EXPECT_GE(refs.size(), 30U) << "50 phones, each with a counter of its own";
    EXPECT_EQ(all.sim->cmpp().stats().window_overruns, 0);
    EXPECT_EQ(c.client.status().accepted, 493);
    EXPECT_EQ(c.client.status().rejected, 7);
    EXPECT_TRUE(all.on.run(c.client.send_all({})).empty());
}

TEST_P(cmpp, flow_control_slows_the_channel_and_loses_nothing) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","result":8,"times":40}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto began = std::chrono::steady_clock::now();
    const auto results = c.send_many(0, 100, "slow");
    for (const auto& [phone, r] : results) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_EQ(all.sim->messages().all().size(), 100U);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 400ms);
    // Paused, not hammered: no more refusals than the window a pause.
    EXPECT_EQ(all.sim->cmpp().stats().rejected, 40);
    EXPECT_EQ(c.client.status().codes, (std::map<std::string, std::int64_t>{{"cmpp:8", 40}}));
}

TEST_P(cmpp, a_result_of_the_gateways_own_slows_the_channel_where_a_row_says_so) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","result":100,"times":40}]})");
    std::vector<failure> errors;
    const auto table = code_table::read(
        parse_json(R"({"schema":"zhida.sms_codes/1","codes":[{"gateway":"*","protocol":"cmpp",
                       "code":"100-109","class":"slow_down","text":"网关忙"}]})")
            .value(),
        errors);
    all.codes = table.value().of(all.sms.name, "cmpp");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto began = std::chrono::steady_clock::now();
    for (const auto& [phone, r] : c.send_many(0, 100, "slow"))
        EXPECT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_GE(std::chrono::steady_clock::now() - began, 400ms);
    EXPECT_EQ(c.client.status().codes, (std::map<std::string, std::int64_t>{{"cmpp:100", 40}}));
}

TEST_P(cmpp, each_result_has_its_outcome) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*13","result":13},{"channel":"sms","to":"*03","result":3},
                           {"channel":"sms","to":"*09","result":9},{"channel":"sms","to":"*01","result":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(13)).recipient_fault, "bad_number");
    EXPECT_EQ(c.send(nth_phone(3)).outcome, send_outcome::unknown);
    const auto elsewhere = c.send(nth_phone(9));
    EXPECT_EQ(elsewhere.code, "cmpp:9");
    EXPECT_EQ(elsewhere.outcome, send_outcome::rejected);
    EXPECT_TRUE(elsewhere.reroute);
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::rejected);
    const auto bad = c.send("12345");
    EXPECT_EQ(bad.outcome, send_outcome::rejected);
    EXPECT_EQ(bad.code, "cmpp:13");
    EXPECT_FALSE(bad.reroute);
    EXPECT_EQ(c.send("phone").code, "local:bad_number");
    EXPECT_EQ(c.send(nth_phone(2), "").recipient_fault, "content");
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::accepted);
}

TEST_P(cmpp, a_refusal_of_our_settings_stops_the_channel_until_somebody_acts) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","result":7,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto first = c.send(nth_phone(1));
    EXPECT_EQ(first.outcome, send_outcome::stopped);
    EXPECT_EQ(first.code, "cmpp:7");
    const auto second = c.send(nth_phone(2));
    EXPECT_EQ(second.outcome, send_outcome::stopped);
    EXPECT_GT(second.retry_after, milliseconds(1000));
    EXPECT_EQ(c.client.status().state, "stopped");
    EXPECT_EQ(all.sim->cmpp().stats().submits, 1); // the second never left
    c.client.resume();
    EXPECT_EQ(c.send(nth_phone(3)).outcome, send_outcome::accepted);
    EXPECT_EQ(c.client.status().state, "connected");
}

TEST_P(cmpp, a_lost_answer_is_unknown_and_its_slot_is_free_again) {
    all.sms.response_timeout_s = 1;
    all.sms.window = 2;
    all.start([this](auto& s) { fast_reports(s); });
    all.rules(R"({"rules":[{"channel":"sms","to":"*77","drop_response":true}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto r = c.send(nth_phone(77));
    EXPECT_EQ(r.outcome, send_outcome::unknown);
    EXPECT_TRUE(r.message_ids.empty());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
    // It was taken, once, and its report comes: never a second SUBMIT for it.
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 2; }));
    EXPECT_EQ(all.sim->messages().find({"sms", nth_phone(77), 0}).size(), 1U);
    EXPECT_EQ(c.client.status().unknown, 1);
}

TEST_P(cmpp, a_late_answer_changes_nothing) {
    all.sms.response_timeout_s = 1;
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","delay_ms":1300,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::unknown);
    EXPECT_TRUE(all.wait_until([&] { return c.client.status().orphans == 1; }));
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::accepted);
}

TEST_P(cmpp, reports_may_come_early_twice_and_in_any_shape) {
    all.start([this](auto& s) { fast_reports(s); });
    all.rules(R"({"rules":[{"channel":"sms","to":"*1","report":"early","delay_ms":50},
                           {"channel":"sms","to":"*2","report":"duplicate"},
                           {"channel":"sms","to":"*3","report":"other_layout","stat":"UNDELIV"},
                           {"channel":"sms","to":"*4","report":"short_tail","stat":"MK:0001"},
                           {"channel":"sms","to":"*5","report":"none"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    std::map<std::string, std::string> phone_of;
    for (const int n : {1, 2, 3, 4, 5}) {
        const auto r = c.send(nth_phone(n));
        ASSERT_EQ(r.outcome, send_outcome::accepted);
        phone_of[r.message_ids[0]] = nth_phone(n);
        if (n == 1) EXPECT_EQ(c.receipts.size(), 1U); // before the answer to its SUBMIT
    }
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 5; }));
    std::multiset<std::pair<std::string, std::string>> got;
    for (const auto& r : c.receipts) got.emplace(phone_of[r.message_id], r.status);
    EXPECT_EQ(got, (std::multiset<std::pair<std::string, std::string>>{{nth_phone(1), "DELIVRD"},
                                                                       {nth_phone(2), "DELIVRD"},
                                                                       {nth_phone(2), "DELIVRD"},
                                                                       {nth_phone(3), "UNDELIV"},
                                                                       {nth_phone(4), "MK:0001"}}));
}

TEST_P(cmpp, a_report_is_confirmed_only_once_it_is_durable) {
    all.start([this](auto& s) {
        fast_reports(s);
        s.cmpp_options().report_again = milliseconds(100);
    });
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    c.keep = false;
    ASSERT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().reports_sent >= 2; }));
    EXPECT_EQ(all.sim->cmpp().stats().reports_acked, 0);
    c.keep = true;
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().reports_acked == 1; }));
    EXPECT_EQ(c.receipts.size(), 1U);
}

TEST_P(cmpp, what_people_write_back_is_confirmed_once_it_is_durable) {
    all.start([](auto& s) { s.cmpp_options().report_again = milliseconds(200); });
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    c.keep = false;
    ASSERT_TRUE(all.sim->cmpp().write_back("13800000001", "Ｒ ").has_value());
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().inbound_sent >= 2; }));
    EXPECT_EQ(all.sim->cmpp().stats().inbound_acked, 0);
    c.keep = true;
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().inbound_acked == 1; }));
    ASSERT_EQ(c.inbound.size(), 1U);
    EXPECT_EQ(c.inbound[0].phone, "13800000001");
    EXPECT_EQ(c.inbound[0].text, "Ｒ ");
    ASSERT_TRUE(all.sim->cmpp().write_back("13800000002", "谢谢").has_value());
    ASSERT_TRUE(all.sim->cmpp().write_back("13800000002", "请问在哪里办？").has_value());
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().inbound_acked == 3; }));
    EXPECT_EQ(c.inbound.size(), 3U);
    EXPECT_EQ(c.client.status().inbound, 3);
    EXPECT_TRUE(c.receipts.empty());
    EXPECT_FALSE(all.sim->cmpp().write_back("nobody", "R").has_value());
}

TEST_P(cmpp, a_broken_connection_leaves_doubt_and_is_dialled_again) {
    all.start([this](auto& s) { fast_reports(s); });
    all.rules(R"({"rules":[{"channel":"sms","to":"*5","disconnect_after":1,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto r = c.send(nth_phone(5));
    EXPECT_EQ(r.outcome, send_outcome::unknown);
    const auto meanwhile = c.send(nth_phone(6));
    EXPECT_EQ(meanwhile.outcome, send_outcome::retry);
    EXPECT_EQ(meanwhile.code, "local:not_connected");
    EXPECT_GE(meanwhile.retry_after, milliseconds(500));
    EXPECT_NE(c.client.status().state, "connected");
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().logins == 2; }));
    // The report of what was in doubt finds us on the new connection.
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 1; }));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(6)).outcome, send_outcome::accepted);
}

TEST_P(cmpp, the_gateway_may_end_the_session) {
    all.start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    all.sim->cmpp().terminate_all();
    ASSERT_TRUE(
        all.wait_until([&] { return c.client.status().detail.find("CMPP_TERMINATE") != std::string::npos; }));
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().logins == 2; }));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
}

TEST_P(cmpp, refused_logins_say_why_and_are_not_hurried) {
    all.start();
    all.sms.secret = "wrong";
    sms_client c(all);
    ASSERT_TRUE(all.wait_until([&] { return c.client.status().state == "stopped"; }));
    EXPECT_NE(c.client.status().detail.find("Status 3"), std::string::npos) << c.client.status().detail;
    EXPECT_NE(c.client.status().detail.find("sms.secret"), std::string::npos);
    const auto r = c.send(nth_phone(1));
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_GE(r.retry_after, milliseconds(10000));
    all.on.run_for(1500ms);
    EXPECT_EQ(all.sim->cmpp().stats().refused_logins, 1);
}

TEST_P(cmpp, other_login_failures_are_tried_again_soon) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","login_status":5,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(all.wait_until([&] { return c.client.status().state == "down"; }));
    EXPECT_NE(c.client.status().detail.find("Status 5"), std::string::npos) << c.client.status().detail;
    EXPECT_TRUE(c.connected());
}

TEST_P(cmpp, a_gateway_that_does_not_prove_itself_is_used_all_the_same) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","bad_authenticator":true}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
}

TEST_P(cmpp, both_sides_ask_whether_the_other_lives) {
    all.sms.keepalive_s = 1;
    all.start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().active_tests >= 2; }));
    all.sim->cmpp().ask_all();
    all.on.run_for(200ms);
    EXPECT_EQ(c.client.status().state, "connected");
    EXPECT_EQ(all.sim->cmpp().stats().logins, 1);
    EXPECT_EQ(all.sim->cmpp().stats().garbled, 0);
}

TEST_P(cmpp, a_silent_gateway_is_left_and_dialled_again) {
    all.sms.keepalive_s = 1;
    all.sms.response_timeout_s = 1;
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","black_hole":true,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::unknown);
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().logins == 2; }));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::accepted);
}

TEST_P(cmpp, stopping_waits_for_answers_and_logs_out) {
    all.sms.window = 8;
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","delay_ms":150}]})");
    auto c = std::make_unique<sms_client>(all);
    ASSERT_TRUE(c->connected());
    std::map<std::string, send_result> out;
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(all.on.context(), sms_client::into(c.get(), nth_phone(i), "x", &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().submits == 8; }));
    ASSERT_TRUE(c->stop(5s));
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 20; }));
    std::map<send_outcome, int> counts;
    for (const auto& [phone, r] : out) ++counts[r.outcome];
    EXPECT_EQ(counts[send_outcome::accepted], 8); // what was under way
    EXPECT_EQ(counts[send_outcome::retry], 12);   // what had not left
    EXPECT_EQ(all.sim->messages().all().size(), 8U);
    EXPECT_EQ(all.sim->cmpp().stats().terminates, 1);
    EXPECT_EQ(c->send(nth_phone(99)).code, "local:stopping");
}

TEST_P(cmpp, stopping_ends_by_its_deadline) {
    all.start();
    all.rules(R"({"rules":[{"channel":"sms","drop_response":true}]})");
    auto c = std::make_unique<sms_client>(all);
    ASSERT_TRUE(c->connected());
    std::map<std::string, send_result> out;
    asio::co_spawn(all.on.context(), sms_client::into(c.get(), nth_phone(1), "x", &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().submits == 1; }));
    const auto began = std::chrono::steady_clock::now();
    ASSERT_TRUE(c->stop(300ms));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1500ms);
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 1; }));
    EXPECT_EQ(out.begin()->second.outcome, send_outcome::unknown);
}

TEST_P(cmpp, the_rate_is_kept) {
    all.sms.rate_per_s = 50;
    all.start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    c.send_many(0, 120, "rate");
    const auto& taken = all.sim->messages().all();
    ASSERT_EQ(taken.size(), 120U);
    for (std::size_t i = 50; i < taken.size(); ++i)
        EXPECT_GE(taken[i].time_ms - taken[i - 50].time_ms, 990) << i; // 10 ms for the way there
}

TEST(cmpp_client, nobody_listens) {
    simulated all;
    all.start();
    const auto port = all.sms.port;
    all.stop();
    all.sms.port = port;
    sms_client c(all);
    ASSERT_TRUE(all.wait_until([&] { return c.client.status().state == "down"; }));
    EXPECT_NE(c.client.status().detail.find("cannot connect"), std::string::npos);
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::retry);
}

TEST(cmpp_simulator, refuses_what_a_gateway_refuses) {
    simulated all;
    all.sms.window = 4;
    all.start([](auto& s) { s.cmpp_options().window = 2; });
    all.rules(R"({"rules":[{"channel":"sms","delay_ms":100}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto results = c.send_many(0, 4, "over the window");
    for (const auto& [phone, r] : results) EXPECT_EQ(r.outcome, send_outcome::accepted);
    EXPECT_GE(all.sim->cmpp().stats().window_overruns, 2);
    all.stop();
}

TEST(cmpp_simulator, limits_the_connections_of_an_account) {
    simulated all;
    all.sms.connections = 3;
    all.start([](auto& s) { s.cmpp_options().max_connections = 2; });
    sms_client c(all);
    EXPECT_TRUE(all.wait_until(
        [&] { return all.sim->cmpp().stats().logins == 2 && all.sim->cmpp().stats().refused_logins >= 1; }));
    c.stop(500ms);
    all.stop();
}

TEST(cmpp_simulator, remembers_what_it_took_when_it_is_restarted) {
    simulated all;
    all.settings.record_file =
        (std::filesystem::temp_directory_path() / ("zhida_cmpp_" + std::to_string(::getpid()) + ".jsonl"))
            .string();
    const auto remove = [&] {
        std::filesystem::remove(all.settings.record_file);
        std::filesystem::remove(all.settings.record_file + ".reported");
    };
    remove();
    all.start([](auto& s) { s.cmpp_options().report_delay = milliseconds(60'000); });
    std::string id;
    {
        sms_client c(all);
        ASSERT_TRUE(c.connected());
        id = c.send(nth_phone(1)).message_ids.at(0);
    }
    all.stop();
    all.start();
    sms_client c(all);
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 1; }));
    EXPECT_EQ(c.receipts[0].message_id, id);
    EXPECT_EQ(all.sim->messages().all().size(), 1U);
    EXPECT_TRUE(all.wait_until([&] { return all.sim->cmpp().stats().reports_acked == 1; }));
    c.stop(500ms);
    all.stop();
    all.start();
    EXPECT_EQ(all.sim->cmpp().stats().reports_waiting, 0); // confirmed once is enough
    all.stop();
    remove();
}

// Ours too, but from the specification's tables alone and with none of our code: tests/support/cmpp_peer.py.
// One that is not ours: cmpp_smsgate_test.cpp.
TEST(cmpp_simulator, understands_a_peer_that_was_written_apart) {
    for (const char* version : {"2.0", "3.0"}) {
        simulated all;
        all.start([](auto& s) { s.cmpp_options().report_delay = milliseconds(20); });
        const std::string command = "python3 '" + zhida::tests::in_source("tests/support/cmpp_peer.py") +
                                    "' " + std::to_string(all.sms.port) + " 900001 888888 " + version +
                                    " 13912345678 '来自别处的客户端' 2>&1";
        std::FILE* peer = ::popen(command.c_str(), "r");
        ASSERT_NE(peer, nullptr);
        // The peer is gone when it is answered or has given up; reading what it said blocks the loop.
        EXPECT_TRUE(all.wait_until([&] {
            const auto s = all.sim->cmpp().stats();
            return s.logins + s.refused_logins > 0 && s.connections == 0;
        }));
        std::array<char, 4096> text{};
        const auto length = std::fread(text.data(), 1, text.size(), peer);
        EXPECT_EQ(::pclose(peer), 0) << std::string(text.data(), length);
        const std::string said(text.data(), length);
        ASSERT_EQ(all.sim->messages().all().size(), 1U) << said;
        const auto& m = all.sim->messages().all()[0];
        EXPECT_EQ(m.to, "13912345678");
        EXPECT_EQ(m.more.at("text"), "来自别处的客户端");
        EXPECT_EQ(said, "submitted " + m.id + "\nreport " + m.id + " DELIVRD 13912345678\n");
        EXPECT_EQ(all.sim->cmpp().stats().reports_acked, 1);
        all.stop();
    }
}

} // namespace
} // namespace zhida::gateways
