// The SMPP client against the simulated SMSC, and against one that is told byte by byte what to say.
#include "services/gateways/smpp_codec.hpp"
#include "tests/support/gateways.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
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

class smpp_client_test : public testing::Test {
  public:
    simulated all;
    void SetUp() override { all.sms.protocol = "smpp"; }
    void TearDown() override { all.stop(); }
    void start() {
        all.start([](auto& s) { s.smpp_options().receipt_delay = milliseconds(5); });
    }
};

TEST_F(smpp_client_test, one_message_is_accepted_and_reported) {
    start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.client.status().protocol, "SMPP 3.4");
    EXPECT_EQ(c.client.status().connections, 1);
    EXPECT_TRUE(c.client.ready());
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
    EXPECT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().receipts_acked == 1; }));
}

TEST_F(smpp_client_test, ids_are_compared_in_one_form) {
    start();
    all.rules(
        R"({"rules":[{"channel":"sms","to":"*1","ids":"upper"},{"channel":"sms","to":"*2","ids":"zeros"},
                           {"channel":"sms","to":"*3","ids":"upper","report":"text_only"},
                           {"channel":"sms","to":"*4","ids":"zeros","report":"tlv_only"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    std::set<std::string> sent, reported;
    for (const int n : {1, 2, 3, 4, 5}) sent.insert(c.send(nth_phone(n)).message_ids.at(0));
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 5; }));
    for (const auto& r : c.receipts) reported.insert(r.message_id);
    EXPECT_EQ(reported, sent);
}

TEST_F(smpp_client_test, ids_may_be_decimal_in_receipts) {
    all.sms.receipt_ids = "decimal_of_hex";
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*1","ids":"hex_and_decimal","report":"text_only"},
                           {"channel":"sms","ids":"hex_and_decimal"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    std::set<std::string> sent, reported;
    for (const int n : {1, 2}) sent.insert(c.send(nth_phone(n)).message_ids.at(0));
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 2; }));
    for (const auto& r : c.receipts) reported.insert(r.message_id);
    EXPECT_EQ(reported, sent);
}

TEST_F(smpp_client_test, a_burst_keeps_within_the_window) {
    all.sms.window = 16;
    all.sms.response_timeout_s = 30;
    start();
    all.rules(R"({"rules":[{"channel":"sms","jitter_ms":2}]})"); // answers come in another order
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto results = c.send_many(0, 2000, "burst");
    std::set<std::string> ids;
    for (const auto& [phone, r] : results) {
        ASSERT_EQ(r.outcome, send_outcome::accepted) << phone << " " << r.detail;
        ids.insert(r.message_ids.at(0));
    }
    EXPECT_EQ(ids.size(), 2000U);
    const auto s = all.sim->smpp().stats();
    EXPECT_EQ(s.accepted, 2000);
    EXPECT_EQ(s.window_overruns, 0);
    EXPECT_LE(s.most_in_flight, 16);
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 2000; }));
    for (const auto& r : c.receipts) EXPECT_TRUE(ids.contains(r.message_id));
    EXPECT_EQ(c.client.status().receipts, 2000);
    EXPECT_TRUE(c.client.status().codes.empty());
}

TEST_F(smpp_client_test, a_long_text_goes_in_parts) {
    start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto r = c.send(nth_phone(1), long_text());
    ASSERT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_EQ(r.message_ids.size(), 3U);
    const auto whole = simulator::assembled(all.sim->messages().all());
    ASSERT_EQ(whole.size(), 1U);
    EXPECT_EQ(whole[0].more.at("text"), long_text());
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 3; }));
}

TEST_F(smpp_client_test, a_long_text_goes_whole_where_it_is_set) {
    all.sms.long_text = "payload";
    all.sms.rate_per_s = 6;
    start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 3; ++i) {
        const auto r = c.send(nth_phone(1), long_text());
        ASSERT_EQ(r.outcome, send_outcome::accepted) << r.detail;
        EXPECT_EQ(r.message_ids.size(), 1U);
    }
    EXPECT_GE(std::chrono::steady_clock::now() - began, 1000ms) << "each is three parts of the rate";
    ASSERT_EQ(all.sim->messages().all().size(), 3U);
    EXPECT_EQ(all.sim->messages().all()[0].more.at("text"), long_text());
    EXPECT_EQ(c.client.status().rate_per_s, 6);
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 3; }));
}

TEST_F(smpp_client_test, flow_control_slows_the_channel_and_loses_nothing) {
    start();
    all.rules(
        R"({"rules":[{"channel":"sms","result":88,"times":20},{"channel":"sms","result":20,"times":20}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto began = std::chrono::steady_clock::now();
    const auto results = c.send_many(0, 100, "slow");
    for (const auto& [phone, r] : results) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_EQ(all.sim->messages().all().size(), 100U);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 400ms);
    EXPECT_EQ(c.client.status().codes,
              (std::map<std::string, std::int64_t>{{"smpp:20", 20}, {"smpp:88", 20}}));
}

TEST_F(smpp_client_test, each_status_has_its_outcome) {
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*11","result":11},{"channel":"sms","to":"*08","result":8},
                           {"channel":"sms","to":"*45","result":69},{"channel":"sms","to":"*99","result":1025}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(11)).recipient_fault, "bad_number");
    EXPECT_EQ(c.send(nth_phone(8)).outcome, send_outcome::retry);
    EXPECT_EQ(c.send(nth_phone(45)).outcome, send_outcome::rejected);
    const auto own = c.send(nth_phone(99));
    EXPECT_EQ(own.code, "smpp:1025");
    EXPECT_EQ(own.outcome, send_outcome::rejected);
    EXPECT_EQ(c.send("phone").code, "local:bad_number");
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::accepted);
    EXPECT_EQ(c.client.status().codes.at("smpp:1025"), 1);
}

TEST_F(smpp_client_test, a_refusal_of_our_settings_stops_the_channel_until_somebody_acts) {
    start();
    all.rules(R"({"rules":[{"channel":"sms","result":10,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::stopped);
    EXPECT_EQ(c.send(nth_phone(2)).code, "smpp:10");
    EXPECT_EQ(c.client.status().state, "stopped");
    EXPECT_FALSE(c.client.ready());
    EXPECT_EQ(all.sim->smpp().stats().submits, 1);
    c.client.resume();
    EXPECT_EQ(c.send(nth_phone(3)).outcome, send_outcome::accepted);
}

TEST_F(smpp_client_test, a_lost_answer_is_unknown_and_its_slot_is_free_again) {
    all.sms.response_timeout_s = 1;
    all.sms.window = 2;
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*77","drop_response":true}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto r = c.send(nth_phone(77));
    EXPECT_EQ(r.outcome, send_outcome::unknown);
    EXPECT_NE(r.detail.find("submit_sm_resp"), std::string::npos);
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 2; }));
    EXPECT_EQ(all.sim->messages().find({"sms", nth_phone(77), 0}).size(), 1U);
}

TEST_F(smpp_client_test, receipts_may_come_early_twice_and_in_any_shape) {
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*1","report":"early","delay_ms":50},
                           {"channel":"sms","to":"*2","report":"duplicate"},
                           {"channel":"sms","to":"*3","report":"text_only","stat":"UNDELIV"},
                           {"channel":"sms","to":"*4","report":"tlv_only","stat":"EXPIRED"},
                           {"channel":"sms","to":"*5","report":"none"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    std::map<std::string, std::string> phone_of;
    for (const int n : {1, 2, 3, 4, 5}) {
        const auto r = c.send(nth_phone(n));
        ASSERT_EQ(r.outcome, send_outcome::accepted);
        phone_of[r.message_ids[0]] = nth_phone(n);
        if (n == 1) EXPECT_EQ(c.receipts.size(), 1U);
    }
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 5; }));
    std::multiset<std::pair<std::string, std::string>> got;
    for (const auto& r : c.receipts) got.emplace(phone_of[r.message_id], r.status);
    EXPECT_EQ(got, (std::multiset<std::pair<std::string, std::string>>{{nth_phone(1), "DELIVRD"},
                                                                       {nth_phone(2), "DELIVRD"},
                                                                       {nth_phone(2), "DELIVRD"},
                                                                       {nth_phone(3), "UNDELIV"},
                                                                       {nth_phone(4), "EXPIRED"}}));
}

TEST_F(smpp_client_test, what_comes_is_confirmed_once_it_is_durable) {
    all.start([](auto& s) {
        s.smpp_options().receipt_delay = milliseconds(5);
        s.smpp_options().receipt_again = milliseconds(200);
    });
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    c.keep = false;
    ASSERT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
    ASSERT_TRUE(all.sim->smpp().write_back("13800000001", "Ｒ ").has_value());
    ASSERT_TRUE(all.wait_until([&] {
        return all.sim->smpp().stats().receipts_sent >= 2 && all.sim->smpp().stats().inbound_sent >= 2;
    }));
    EXPECT_EQ(all.sim->smpp().stats().receipts_acked, 0);
    EXPECT_EQ(all.sim->smpp().stats().inbound_acked, 0);
    c.keep = true;
    ASSERT_TRUE(all.wait_until([&] {
        return all.sim->smpp().stats().receipts_acked == 1 && all.sim->smpp().stats().inbound_acked == 1;
    }));
    EXPECT_EQ(c.receipts.size(), 1U);
    ASSERT_EQ(c.inbound.size(), 1U);
    EXPECT_EQ(c.inbound[0].phone, "13800000001");
    EXPECT_EQ(c.inbound[0].text, "Ｒ ");
    ASSERT_TRUE(all.sim->smpp().write_back("13800000002", long_text()).has_value());
    ASSERT_TRUE(all.wait_until([&] { return c.inbound.size() == 2; }));
    EXPECT_EQ(c.inbound[1].text, long_text());
}

TEST_F(smpp_client_test, a_broken_connection_leaves_doubt_and_is_dialled_again) {
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*5","disconnect_after":1,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(5)).outcome, send_outcome::unknown);
    EXPECT_EQ(c.send(nth_phone(6)).code, "local:not_connected");
    EXPECT_EQ(c.client.status().connections, 0);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().binds == 2; }));
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 1; }));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(6)).outcome, send_outcome::accepted);
}

TEST_F(smpp_client_test, the_gateway_may_unbind) {
    start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    all.sim->smpp().unbind_all();
    ASSERT_TRUE(all.wait_until([&] { return c.client.status().detail.find("unbind") != std::string::npos; }));
    ASSERT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().binds == 2; }));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
}

TEST_F(smpp_client_test, refused_logins_say_why_and_are_not_hurried) {
    start();
    all.sms.secret = "wrong";
    all.sms.name = "east";
    sms_client c(all);
    ASSERT_TRUE(all.wait_until([&] { return c.client.status().state == "stopped"; }));
    EXPECT_NE(c.client.status().detail.find("sms_gateway.east.secret"), std::string::npos)
        << c.client.status().detail;
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::stopped);
    all.on.run_for(1500ms);
    EXPECT_EQ(all.sim->smpp().stats().refused_binds, 1);
}

TEST_F(smpp_client_test, both_sides_ask_whether_the_other_lives) {
    all.sms.keepalive_s = 1;
    start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    ASSERT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().enquire_links >= 2; }));
    all.sim->smpp().ask_all();
    all.on.run_for(200ms);
    EXPECT_EQ(c.client.status().state, "connected");
    EXPECT_EQ(all.sim->smpp().stats().binds, 1);
    EXPECT_EQ(all.sim->smpp().stats().garbled, 0);
}

TEST_F(smpp_client_test, a_silent_gateway_is_left_and_dialled_again) {
    all.sms.keepalive_s = 1;
    all.sms.response_timeout_s = 1;
    start();
    all.rules(R"({"rules":[{"channel":"sms","black_hole":true,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::unknown);
    EXPECT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().binds == 2; }));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::accepted);
}

TEST_F(smpp_client_test, stopping_waits_for_answers_and_unbinds) {
    all.sms.window = 8;
    start();
    all.rules(R"({"rules":[{"channel":"sms","delay_ms":150}]})");
    auto c = std::make_unique<sms_client>(all);
    ASSERT_TRUE(c->connected());
    std::map<std::string, send_result> out;
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(all.on.context(), sms_client::into(c.get(), nth_phone(i), "x", &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->smpp().stats().submits == 8; }));
    ASSERT_TRUE(c->stop(5s));
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 20; }));
    std::map<send_outcome, int> counts;
    for (const auto& [phone, r] : out) ++counts[r.outcome];
    EXPECT_EQ(counts[send_outcome::accepted], 8);
    EXPECT_EQ(counts[send_outcome::retry], 12);
    EXPECT_EQ(all.sim->smpp().stats().unbinds, 1);
}

// ---- an SMSC that says what the test wants

class scripted_smsc {
  public:
    explicit scripted_smsc(simulated& s)
        : all(s), acceptor_(s.on.context(), {asio::ip::make_address("127.0.0.1"), 0}),
          socket_(s.on.context()) {
        all.sms.protocol = "smpp";
        all.sms.port = acceptor_.local_endpoint().port();
    }
    // Takes the connection and the bind.
    void bind() {
        all.on.run(accept(this));
        const auto asked = next();
        EXPECT_TRUE(std::holds_alternative<smpp::bind>(asked.body));
        send(smpp::encode({0, asked.sequence_number, smpp::bind_resp{}}).value());
    }
    void send(std::string bytes) { all.on.run(write(this, std::move(bytes))); }
    smpp::pdu next() { return all.on.run(read(this)); }
    // Whether nothing has come within the time.
    bool quiet(std::chrono::milliseconds time) {
        all.on.run_for(time);
        return socket_.available() == 0 && splitter_.buffered() == 0;
    }

  private:
    static asio::awaitable<void> accept(scripted_smsc* self) {
        self->socket_ = co_await self->acceptor_.async_accept(asio::use_awaitable);
        self->socket_.set_option(asio::ip::tcp::no_delay(true));
    }
    static asio::awaitable<void> write(scripted_smsc* self, std::string bytes) {
        co_await asio::async_write(self->socket_, asio::buffer(bytes), asio::use_awaitable);
    }
    static asio::awaitable<smpp::pdu> read(scripted_smsc* self) {
        for (;;) {
            const auto frame = self->splitter_.next().value();
            if (!frame.empty()) co_return smpp::decode(frame).value();
            std::array<char, 4096> bytes{};
            const auto count =
                co_await self->socket_.async_read_some(asio::buffer(bytes), asio::use_awaitable);
            self->splitter_.feed({bytes.data(), count});
        }
    }

    simulated& all;
    asio::ip::tcp::acceptor acceptor_;
    asio::ip::tcp::socket socket_;
    smpp::frame_splitter splitter_;
};

smpp::deliver_sm written_back(std::string content) {
    smpp::deliver_sm d;
    d.source_addr = "8613800000001";
    d.destination_addr = "10690000";
    d.short_message = std::move(content);
    return d;
}
smpp::deliver_sm receipt_for(const std::string& id) {
    auto d = written_back("id:" + id +
                          " sub:001 dlvrd:001 submit date:2611230905 done date:2611230906 "
                          "stat:DELIVRD err:000 text:");
    d.esm_class = smpp::esm_delivery_receipt;
    return d;
}

TEST(smpp_session, frames_cut_at_every_byte) {
    simulated all;
    scripted_smsc smsc(all);
    sms_client c(all);
    smsc.bind();
    ASSERT_TRUE(c.connected());
    const auto stream = smpp::encode({0, 1, smpp::enquire_link{}}).value() +
                        smpp::encode({0, 2, receipt_for("1")}).value() +
                        smpp::encode({0, 3, written_back("R")}).value() +
                        smpp::encode({0, 4, smpp::other{0x103, "data_sm"}}).value();
    for (std::size_t at = 1; at < stream.size(); ++at) {
        smsc.send(stream.substr(0, at));
        all.on.run_for(1ms);
        smsc.send(stream.substr(at));
        // Answers come in the order in which each is known; each question has one.
        std::multiset<std::pair<std::uint32_t, std::size_t>> answers;
        for (int i = 0; i < 4; ++i) {
            const auto p = smsc.next();
            answers.emplace(p.sequence_number, p.body.index());
        }
        using body = decltype(smpp::pdu::body);
        ASSERT_EQ(answers, (std::multiset<std::pair<std::uint32_t, std::size_t>>{
                               {1, body(smpp::enquire_link_resp{}).index()},
                               {2, body(smpp::deliver_sm_resp{}).index()},
                               {3, body(smpp::deliver_sm_resp{}).index()},
                               {4, body(smpp::generic_nack{}).index()}}))
            << at;
        ASSERT_EQ(c.receipts.size(), at);
        ASSERT_EQ(c.inbound.size(), at);
    }
    EXPECT_EQ(c.inbound.back().text, "R");
    EXPECT_EQ(c.inbound.back().to, "10690000");
}

TEST(smpp_session, a_generic_nack_answers_what_it_names) {
    simulated all;
    scripted_smsc smsc(all);
    sms_client c(all);
    smsc.bind();
    ASSERT_TRUE(c.connected());
    std::map<std::string, send_result> out;
    asio::co_spawn(all.on.context(), sms_client::into(&c, nth_phone(1), "x", &out), asio::detached);
    const auto asked = smsc.next();
    EXPECT_GE(asked.sequence_number, 1U);
    EXPECT_LE(asked.sequence_number, 0x7FFFFFFFU);
    smsc.send(smpp::encode({0, asked.sequence_number + 5, smpp::submit_sm_resp{"1", {}}}).value() +
              smpp::encode({3, asked.sequence_number, smpp::generic_nack{}}).value());
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 1; }));
    EXPECT_EQ(out.begin()->second.outcome, send_outcome::rejected);
    EXPECT_EQ(out.begin()->second.code, "smpp:3");
    EXPECT_EQ(c.client.status().orphans, 1);
    EXPECT_EQ(c.client.status().state, "connected");
}

TEST(smpp_session, parts_are_confirmed_when_their_text_is_durable) {
    simulated all;
    scripted_smsc smsc(all);
    sms_client c(all);
    smsc.bind();
    ASSERT_TRUE(c.connected());
    const auto part = [](std::uint32_t sequence, char number, const char* text) {
        auto d = written_back(std::string("\x05\x00\x03\x2A\x02", 5) + number + text);
        d.esm_class = smpp::esm_udhi;
        return smpp::encode({0, sequence, d}).value();
    };
    smsc.send(part(7, '\2', "退订？"));
    EXPECT_TRUE(smsc.quiet(300ms));
    EXPECT_TRUE(c.inbound.empty());
    smsc.send(part(8, '\1', "how do I "));
    std::set<std::uint32_t> confirmed{smsc.next().sequence_number, smsc.next().sequence_number};
    EXPECT_EQ(confirmed, (std::set<std::uint32_t>{7, 8}));
    ASSERT_EQ(c.inbound.size(), 1U);
    EXPECT_EQ(c.inbound[0].text.substr(0, 9), "how do I ");
    // What waits for its rest is confirmed after some seconds, and given out when the client ends.
    smsc.send(part(9, '\1', "half"));
    EXPECT_EQ(smsc.next().sequence_number, 9U);
    EXPECT_EQ(c.inbound.size(), 1U);
    c.stop(100ms);
    ASSERT_EQ(c.inbound.size(), 2U);
    EXPECT_EQ(c.inbound[1].text, "half");
}

TEST(smpp_session, bytes_that_are_no_smpp_end_it) {
    simulated all;
    scripted_smsc smsc(all);
    sms_client c(all);
    smsc.bind();
    ASSERT_TRUE(c.connected());
    smsc.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    ASSERT_TRUE(all.wait_until([&] {
        return c.client.status().detail.find("does not speak SMPP") != std::string::npos;
    })) << c.client.status().detail;
}

} // namespace
} // namespace zhida::gateways
