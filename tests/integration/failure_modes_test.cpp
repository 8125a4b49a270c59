// What gateways and networks do to a client, one test for each way that it was seen: the receipt that comes
// first, the answer that never does, the two servers on one account. Each is short; what is behind it has
// tests of its own.
#include "common/store/messages.hpp"
#include "services/gateways/cmpp_receipt.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/receipts.hpp"
#include "tests/support/gateways.hpp"
#include "tests/support/servers.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

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

class failure_modes : public testing::Test {
  public:
    simulated all;
    std::optional<wechat_token> shared_token;
    void TearDown() override { all.stop(); }
    void start(const char* rules = R"({"rules":[]})") {
        all.start([](auto& s) { s.cmpp_options().report_delay = milliseconds(5); });
        all.rules(rules);
    }
    simulator::cmpp_simulator& gateway() { return all.sim->cmpp(); }
    bool logins_are(std::int64_t count) {
        return all.wait_until([&] { return gateway().stats().logins == count; });
    }
    // What a delivery that was submitted has become when these receipts have come, in their order.
    static ledger::record after(const std::vector<receipt>& receipts) {
        ledger::record r;
        r.now = ledger::state::submitted;
        for (const auto& heard : receipts) {
            auto data = parse_json(receipt_text(heard)).value();
            data["place"] = store::to_text({1, "P.v1.r1", channel::sms, 9, 1, 1});
            std::vector<failure> errors;
            r = ledger::merge(r, record_of(read_receipt(data, errors).value()));
        }
        return r;
    }
    std::vector<receipt> of(const sms_client& c, const std::string& message_id) {
        std::vector<receipt> out;
        for (const auto& r : c.receipts)
            if (r.message_id == message_id) out.push_back(r);
        return out;
    }

    static asio::awaitable<std::optional<wechat_token>> load(failure_modes* self) {
        co_return self->shared_token;
    }
    static asio::awaitable<bool> keep(failure_modes* self, wechat_token t) {
        self->shared_token = std::move(t);
        co_return true;
    }
    // One process of several that share a token.
    std::unique_ptr<wechat_client> wechat() {
        return std::make_unique<wechat_client>(
            all.on.executor(), all.time, all.wechat,
            wechat_token_store{[this] { return load(this); },
                               [this](wechat_token t) { return keep(this, std::move(t)); }});
    }
    static asio::awaitable<void> into(wechat_client* c, std::string openid, std::vector<send_result>* out) {
        out->push_back(
            co_await c->send({openid, "https://example.org/p/1", {{"thing1", "措施"}}, "c-" + openid, ""}));
    }
    std::vector<send_result> push(wechat_client& c, const std::string& prefix, std::size_t count = 1) {
        std::vector<send_result> out;
        for (std::size_t i = 0; i < count; ++i)
            asio::co_spawn(all.on.context(), into(&c, prefix + std::to_string(i), &out), asio::detached);
        EXPECT_TRUE(all.wait_until([&] { return out.size() == count; }));
        return out;
    }
};

// On the connection that submitted, before its answer; or on another of the account. Nobody knows the id yet,
// so the receipt is kept until somebody does.
TEST_F(failure_modes, m01_receipt_before_submit_resp) {
    all.sms.connections = 2;
    start(R"({"rules":[{"channel":"sms","to":"*1","report":"early","delay_ms":50},
                       {"channel":"sms","to":"*2","report":"elsewhere"}]})");
    sms_client c(all);
    ASSERT_TRUE(logins_are(2) && c.connected());
    const auto first = c.send(nth_phone(1));
    ASSERT_EQ(c.receipts.size(), 1U) << "heard before the answer";
    EXPECT_EQ(first.message_ids, std::vector{c.receipts[0].message_id});
    const auto second = c.send(nth_phone(2));
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 2; }));
    EXPECT_EQ(second.message_ids, std::vector{c.receipts[1].message_id});
    EXPECT_EQ(c.client.status().orphans, 0);

    io::redis redis(all.on.executor(), {tests::redis_url(), milliseconds(5000)});
    all.on.run(redis.command({"FLUSHDB"})).value();
    store::messages known(redis);
    const auto text = receipt_text(c.receipts[0]);
    EXPECT_TRUE(all.on.run(known.resolve("sms", c.receipts[0].message_id, text)).value().empty());
    const store::message_place place{1, "P.v1.r1", channel::sms, 9, 1, 1};
    EXPECT_EQ(all.on.run(known.bind("sms", {{first.message_ids[0], place}})).value(), std::vector{text});
}

// Requests, answers and parts on several connections: each connection knows what it asked.
TEST_F(failure_modes, m02_answers_on_several_connections) {
    all.sms.connections = 3;
    start(R"({"rules":[{"channel":"sms","jitter_ms":20,"report":"elsewhere"}]})");
    sms_client c(all);
    ASSERT_TRUE(logins_are(3));
    gateway().send_bad("orphan_response"); // one on each
    for (const auto& [phone, r] : c.send_many(0, 60, long_text())) {
        ASSERT_EQ(r.outcome, send_outcome::accepted) << r.detail;
        std::vector<std::string> taken;
        for (const auto& m : all.sim->messages().find({"sms", phone, 0})) taken.push_back(m.id);
        EXPECT_EQ(r.message_ids, taken) << "of its own parts, in their order";
    }
    EXPECT_EQ(c.client.status().orphans, 3);
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 180; }));
}

// Twice, contradicting each other, or again after a reconnect: the first that is final stays.
TEST_F(failure_modes, m03_duplicate_and_conflicting_receipts) {
    all.start([](auto& s) {
        s.cmpp_options().report_delay = milliseconds(5);
        s.cmpp_options().report_again = milliseconds(100);
    });
    all.rules(R"({"rules":[{"channel":"sms","to":"*1","stat":"DELIVRD","then_stat":"UNDELIV"},
                           {"channel":"sms","to":"*2","stat":"UNDELIV","then_stat":"DELIVRD"},
                           {"channel":"sms","to":"*3","report":"duplicate"},
                           {"channel":"sms","to":"*4","stat":"ACCEPTD","then_stat":"DELIVRD"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    const auto ends_as = [&](int n) {
        const auto id = c.send(nth_phone(n)).message_ids.at(0);
        EXPECT_TRUE(all.wait_until([&] { return of(c, id).size() == 2; })) << n;
        auto heard = of(c, id);
        EXPECT_EQ(std::count_if(heard.begin(), heard.end(),
                                [](const auto& r) { return r.means == receipt::meaning::intermediate; }),
                  n == 4 ? 1 : 0);
        // What is not final says nothing: the receipts' worker leaves it out.
        std::erase_if(heard, [](const auto& r) { return r.means == receipt::meaning::intermediate; });
        return after(heard).now;
    };
    EXPECT_EQ(ends_as(1), ledger::state::delivered);
    EXPECT_EQ(ends_as(2), ledger::state::failed);
    EXPECT_EQ(ends_as(3), ledger::state::delivered);
    EXPECT_EQ(ends_as(4), ledger::state::delivered);
    c.keep = false; // not confirmed, so the gateway has it still
    const auto old = c.send(nth_phone(5)).message_ids.at(0);
    gateway().disconnect_all();
    ASSERT_TRUE(logins_are(2));
    c.keep = true;
    ASSERT_TRUE(all.wait_until([&] { return of(c, old).size() == 1; }));
    EXPECT_EQ(after(of(c, old)).now, ledger::state::delivered);
}

// No receipt at all is doubt, never a failure; one that comes late still counts.
TEST_F(failure_modes, m04_no_receipt_at_all) {
    start(R"({"rules":[{"channel":"sms","report":"none"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    ASSERT_EQ(c.send(nth_phone(1)).outcome, send_outcome::accepted);
    all.on.run_for(100ms);
    EXPECT_TRUE(c.receipts.empty());
    EXPECT_EQ(after({}).now, ledger::state::submitted);
    ledger::record doubt;
    doubt.now = ledger::state::unknown;
    doubt.why = ledger::reason::no_receipt;
    const auto waited = ledger::merge(after({}), doubt);
    EXPECT_EQ(waited.now, ledger::state::unknown);
    EXPECT_EQ(waited.why, ledger::reason::no_receipt);
    EXPECT_FALSE(ledger::terminal(waited.now));
    ledger::record delivered;
    delivered.now = ledger::state::delivered;
    EXPECT_EQ(ledger::merge(waited, delivered).now, ledger::state::delivered);
}

// Lost answers free their places in the window; many in a row end the connection.
TEST_F(failure_modes, m05_window_stall) {
    all.sms.window = 2;
    all.sms.response_timeout_s = 1;
    start(R"({"rules":[{"channel":"sms","to":"*7","drop_response":true}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    auto out = c.send_many(6, 2, "x");
    EXPECT_EQ(out[nth_phone(7)].outcome, send_outcome::unknown);
    EXPECT_EQ(out[nth_phone(6)].outcome, send_outcome::accepted);
    EXPECT_EQ(c.send(nth_phone(8)).outcome, send_outcome::accepted) << "the window is open again";
    EXPECT_EQ(gateway().stats().logins, 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(c.send(nth_phone(7)).outcome, send_outcome::unknown);
    EXPECT_TRUE(logins_are(2));
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(9)).outcome, send_outcome::accepted);
    EXPECT_EQ(c.client.status().in_flight, 0);
}

// Not sent, refused, and nobody knows are three things; what may have been taken is never sent again by
// itself.
TEST_F(failure_modes, m06_timeout_is_ambiguous) {
    all.sms.response_timeout_s = 1;
    all.wechat.timeout_ms = 300;
    start(
        R"({"rules":[{"channel":"sms","to":"*1","drop_response":true},{"channel":"sms","to":"*2","result":13},
                       {"channel":"wechat","drop_response":true,"times":1}]})");
    sms_client c(all);
    EXPECT_EQ(c.send(nth_phone(3)).outcome, send_outcome::retry)
        << "it cannot have left: there is no connection";
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::unknown);
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::rejected);
    all.on.run_for(1500ms);
    EXPECT_EQ(all.sim->messages().find({"sms", nth_phone(1), 0}).size(), 1U);
    EXPECT_EQ(gateway().stats().submits, 2);
    // WeChat drops what has the same client_msg_id, so there a second try is harmless.
    const auto w = wechat();
    const auto lost = push(*w, "oUser")[0];
    EXPECT_EQ(lost.outcome, send_outcome::retry);
    EXPECT_TRUE(lost.in_doubt) << "again with the same id, and only as long as that is known";
    EXPECT_EQ(push(*w, "oUser")[0].outcome, send_outcome::accepted);
    EXPECT_EQ(all.sim->messages().find({"wechat", "oUser0", 0}).size(), 1U);
    w->close();
}

// A login that was refused is not hurried, others wait longer each time; each connection has one who dials.
TEST_F(failure_modes, m07_reconnect_storm) {
    for (const auto why : {wire::session_end::login_refused, wire::session_end::network}) {
        wire::reconnect_policy early, late;
        std::vector<std::int64_t> from, to;
        for (int i = 0; i < 8; ++i) {
            from.push_back(early.next_delay(why, milliseconds(0), 0).count());
            to.push_back(late.next_delay(why, milliseconds(0), 0.999).count());
            EXPECT_GE(to.back(), from.back() * 3 / 2) << "spread, so that many do not come at once";
        }
        EXPECT_GE(from.front(), why == wire::session_end::network ? 500 : 30'000);
        EXPECT_LE(to.front(), why == wire::session_end::network ? 1'000 : 60'000);
        EXPECT_GE(from.back(), 30'000);
        EXPECT_LE(to.back(), 60'000);
    }
    all.sms.connections = 2;
    start();
    for (const char* status : {"2", "3", "4"}) {
        const auto before = gateway().stats().refused_logins;
        all.rules(("{\"replace\":true,\"rules\":[{\"channel\":\"sms\",\"login_status\":" +
                   std::string(status) + "}]}")
                      .c_str());
        sms_client c(all);
        ASSERT_TRUE(all.wait_until([&] { return gateway().stats().refused_logins == before + 2; }));
        all.on.run_for(1300ms);
        EXPECT_EQ(gateway().stats().refused_logins, before + 2) << "one try of each connection";
        EXPECT_EQ(c.client.status().state, "stopped");
        EXPECT_NE(c.client.status().detail.find("Status " + std::string(status)), std::string::npos)
            << c.client.status().detail;
        c.client.resume(); // somebody has mended it: at once, and still one who dials for each
        ASSERT_TRUE(all.wait_until([&] { return gateway().stats().refused_logins == before + 4; }));
        all.on.run_for(300ms);
        EXPECT_EQ(gateway().stats().refused_logins, before + 4);
    }
    const auto before = gateway().stats().refused_logins;
    all.rules(R"({"replace":true,"rules":[{"channel":"sms","login_status":5}]})");
    sms_client c(all);
    all.on.run_for(3500ms);
    EXPECT_GE(gateway().stats().refused_logins, before + 4)
        << "it may be another process that goes on living";
    EXPECT_LE(gateway().stats().refused_logins, before + 6) << "after 1 and 2 s at the most, each";
}

// Result 8 slows all, not the one message that was refused; what is too old goes back to its sender.
TEST_F(failure_modes, m08_throttling) {
    all.sms.response_timeout_s = 3;
    all.sms.rate_per_s = 30;
    start(R"({"rules":[{"channel":"sms","to":"13800000001","result":8,"times":2}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    // The rate counts parts: thirty in any second, ten long texts.
    std::map<std::string, send_result> out = c.send_many(20, 15, long_text());
    const auto& taken = all.sim->messages().all();
    ASSERT_EQ(taken.size(), 45U);
    EXPECT_GE(taken[30].time_ms - taken[0].time_ms, 990 - 20);
    // Refused twice: 200 and 400 ms in which nothing goes out at all.
    out.clear();
    for (int i = 1; i < 9; ++i)
        asio::co_spawn(all.on.context(), sms_client::into(&c, nth_phone(i), "x", &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return gateway().stats().rejected == 1; }));
    all.on.run_for(20ms);
    const auto so_far = gateway().stats().submits;
    all.on.run_for(100ms);
    EXPECT_EQ(gateway().stats().submits, so_far) << "the whole queue waits";
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 8; }));
    for (const auto& [phone, r] : out) EXPECT_EQ(r.outcome, send_outcome::accepted) << phone << r.detail;
    // For ever: each goes back by its own time, and is not tried behind its sender's back.
    all.rules(R"({"replace":true,"rules":[{"channel":"sms","result":8}]})");
    const auto began = std::chrono::steady_clock::now();
    for (const auto& [phone, r] : c.send_many(40, 5, "x"))
        EXPECT_EQ(r.outcome, send_outcome::retry) << r.detail;
    EXPECT_LT(std::chrono::steady_clock::now() - began, 9s);
    all.rules(R"({"replace":true,"rules":[]})");
    const auto left = gateway().stats().submits;
    all.on.run_for(500ms);
    EXPECT_EQ(gateway().stats().submits, left);
}

// An id is eight bytes that mean nothing: all of them kept, zeros in front too, never as a number.
TEST_F(failure_modes, m09_id_mismatch) {
    for (const std::uint64_t Msg_Id : {std::uint64_t{0xFEDCBA9876543210}, std::uint64_t{0x00000000000000A0},
                                       std::uint64_t{0x0123456789ABCDEF}}) {
        for (const auto v : {cmpp::version::v20, cmpp::version::v30}) {
            std::uint32_t number = 0;
            cmpp::submit_resp answer;
            ASSERT_TRUE(cmpp::read_submit_resp(cmpp::encode({7, v, cmpp::submit_resp{Msg_Id, 0}}).value(),
                                               number, answer));
            cmpp::status_report report;
            report.Msg_Id = Msg_Id;
            report.Stat = "DELIVRD";
            cmpp::deliver d;
            d.Registered_Delivery = 1;
            d.Msg_Content = cmpp::encode_report(report, v).value();
            const auto heard = cmpp::receipt_of(d, "sms", all.time.now()).value();
            EXPECT_EQ(heard.message_id, cmpp::id_text(answer.Msg_Id));
            EXPECT_EQ(heard.message_id.size(), 16U);
            const auto kept = parse_json(receipt_text(heard)).value();
            EXPECT_EQ(kept.at("message_id"), cmpp::id_text(Msg_Id)) << "text in JSON";
        }
    }
    EXPECT_EQ(cmpp::id_text(0xA0), "00000000000000a0");
    // One id for two messages: both have it, and the phone tells which is meant.
    start(R"({"rules":[{"channel":"sms","to":"*2","response":"same_id"}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(1)).message_ids, c.send(nth_phone(2)).message_ids);
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 2; }));
    EXPECT_NE(c.receipts[0].phone, c.receipts[1].phone);
}

// Two processes on one account: either hears the receipts of both, and neither takes the other's answers.
TEST_F(failure_modes, m10_account_shared_by_two_servers) {
    start(R"({"rules":[{"channel":"sms","to":"*3","result":3},{"channel":"sms","report":"elsewhere"}]})");
    sms_client one(all), other(all);
    ASSERT_TRUE(logins_are(2) && one.connected() && other.connected());
    const auto a = one.send(nth_phone(1)), b = other.send(nth_phone(2));
    ASSERT_TRUE(all.wait_until([&] { return one.receipts.size() == 1 && other.receipts.size() == 1; }));
    EXPECT_EQ(a.message_ids, std::vector{other.receipts[0].message_id});
    EXPECT_EQ(b.message_ids, std::vector{one.receipts[0].message_id});
    EXPECT_EQ(one.client.status().orphans + other.client.status().orphans, 0);
    // A number that both have used: the first may have been taken, so it is not sent under another.
    EXPECT_EQ(one.send(nth_phone(3)).outcome, send_outcome::unknown);
    EXPECT_EQ(gateway().stats().submits, 3);
}

// Bytes one by one or many PDUs at once, PDUs that nobody knows or can read, lengths that none has.
TEST_F(failure_modes, m11_framing) {
    all.sms.keepalive_s = 1;
    start(R"({"rules":[{"channel":"sms","to":"900001","writes":"bytes","active_test":"bare","times":1},
                       {"channel":"sms","to":"900001","writes":"together","times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    for (const char* name : {"unknown_pdu", "malformed_pdu", "orphan_response"}) gateway().send_bad(name);
    for (const auto& [phone, r] : c.send_many(0, 5, "x"))
        EXPECT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    ASSERT_TRUE(all.wait_until([&] { return c.receipts.size() == 5; }));
    ASSERT_TRUE(all.wait_until([&] { return gateway().stats().active_tests >= 2; }));
    EXPECT_EQ(gateway().stats().logins, 1) << "none of it ends the session";
    gateway().send_bad("oversized_pdu");
    ASSERT_TRUE(logins_are(2)) << "nothing behind it can be read";
    ASSERT_TRUE(c.connected());
    for (const auto& [phone, r] : c.send_many(5, 50, "x"))
        EXPECT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() == 55; }));
    gateway().send_bad("undersized_pdu");
    EXPECT_TRUE(logins_are(3));
    EXPECT_EQ(gateway().stats().garbled, 0) << "and ours are right";
}

// One part refused: the message has failed, what was taken keeps its ids, and none of it is sent again. Parts
// that come back in any order, twice or under one reference are put together; what stays in pieces is kept.
TEST_F(failure_modes, m12_long_sms) {
    start(R"({"rules":[{"channel":"sms","to":"*2","result":13,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    ASSERT_EQ(c.send(nth_phone(1), long_text()).message_ids.size(), 3U);
    ASSERT_EQ(c.send(nth_phone(1), long_text()).message_ids.size(), 3U);
    std::set<std::string> refs;
    for (const auto& m : all.sim->messages().all()) refs.insert(m.more.at("udh_ref").dump());
    EXPECT_EQ(refs.size(), 2U) << "a reference of its own for the next text to the same number";
    const auto broken = c.send(nth_phone(2), long_text());
    EXPECT_EQ(broken.outcome, send_outcome::rejected);
    EXPECT_EQ(broken.message_ids.size(), 3U);
    EXPECT_EQ(broken.message_ids[0], "");
    EXPECT_NE(broken.message_ids[1], "");
    EXPECT_EQ(gateway().stats().submits, 9);

    simulator::inbound_message m;
    m.phone = "13800000003";
    m.text = long_text();
    m.ref = 7;
    m.order = {3, 1, 1, 2};
    m.formats = {"gbk", "ucs2"};
    ASSERT_TRUE(gateway().write_back(m));
    ASSERT_TRUE(all.wait_until([&] { return gateway().stats().inbound_acked == 4; }));
    ASSERT_EQ(c.inbound.size(), 1U);
    EXPECT_EQ(c.inbound[0].text, long_text());
    m.order = {1, 2}; // of another text, under the same reference; its third never comes
    ASSERT_TRUE(gateway().write_back(m));
    ASSERT_TRUE(all.wait_until([&] { return gateway().stats().inbound_acked == 6; }));
    EXPECT_EQ(c.inbound.size(), 1U);
    c.stop(500ms);
    ASSERT_EQ(c.inbound.size(), 2U) << "confirmed, so it is kept as it is";
    EXPECT_TRUE(long_text().starts_with(c.inbound[1].text)) << c.inbound[1].text;
}

// However many ask in however many processes, one fetches, and nobody takes a good token from another.
TEST_F(failure_modes, m13_access_token) {
    all.wechat.timeout_ms = 30'000; // a busy machine is not what this is about
    start();
    const auto one = wechat(), other = wechat();
    for (const auto& r : push(*one, "oA", 50)) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code;
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 1);
    for (const auto& r : push(*other, "oB", 50)) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code;
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 1) << "the second process takes the shared one";
    all.sim->wechat().rotate_token();
    for (const auto& r : push(*one, "oC", 50)) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code;
    const auto now = shared_token->value;
    for (const auto& r : push(*other, "oD", 50)) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code;
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 2) << "it looks at the shared one before it fetches";
    EXPECT_EQ(shared_token->value, now);
    const auto restarted = wechat();
    EXPECT_EQ(push(*restarted, "oE")[0].outcome, send_outcome::accepted);
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 2);
    for (const auto* c : {&one, &other, &restarted}) (*c)->close();
}

// The day's quota used up by somebody else, and bursts of -1: the one stops all, the other is tried again
// later under the same id.
TEST_F(failure_modes, m14_quota_and_busy_platform) {
    start(R"({"rules":[{"channel":"wechat","to":"oBusy*","errcode":-1,"times":3}]})");
    const auto w = wechat();
    for (const auto& r : push(*w, "oBusy", 3)) {
        EXPECT_EQ(r.outcome, send_outcome::retry);
        EXPECT_EQ(r.code, "wechat:-1");
    }
    EXPECT_EQ(w->status().state, "connected") << "one who is busy is not one who is closed";
    EXPECT_EQ(push(*w, "oBusy")[0].outcome, send_outcome::accepted);
    all.sim->wechat().set_daily_quota(0);
    const auto r = push(*w, "oUser")[0];
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(r.code, "wechat:45009");
    const auto asked = all.sim->wechat().stats().sends;
    for (const auto& later : push(*w, "oLater", 20)) EXPECT_EQ(later.outcome, send_outcome::stopped);
    EXPECT_EQ(all.sim->wechat().stats().sends, asked) << "nobody hammers it";
    w->close();
}

// HTTP 200 says nothing: the code within decides, of each recipient for itself.
TEST_F(failure_modes, m15_200_with_an_error_inside) {
    start(R"({"rules":[{"channel":"wechat","to":"oRefuses*","errcode":43101},
                       {"channel":"wechat","to":"oOdd*","errcode":99999},
                       {"channel":"wechat","to":"oTwice*","errcode":40241}]})");
    const auto w = wechat();
    const auto refuses = push(*w, "oRefuses")[0];
    EXPECT_EQ(refuses.outcome, send_outcome::rejected);
    EXPECT_EQ(refuses.recipient_fault, "refused");
    EXPECT_EQ(push(*w, "oOdd")[0].outcome, send_outcome::rejected)
        << "an unknown code is never tried blindly";
    EXPECT_EQ(push(*w, "oTwice")[0].outcome, send_outcome::accepted) << "it was sent before";
    EXPECT_EQ(push(*w, "oUser")[0].outcome, send_outcome::accepted);
    w->close();
}

// TERMINATE from the gateway, and one that is gone without a word: heard of within the keepalive, and the
// kernel gives up by itself.
TEST_F(failure_modes, m16_half_open_connections) {
    all.sms.keepalive_s = 1;
    all.sms.response_timeout_s = 1;
    start(R"({"rules":[{"channel":"sms","to":"*1","black_hole":true,"times":1}]})");
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    std::vector<unsigned> timeouts;
    for (int fd = 3; fd < 1024; ++fd) { // our end of the connection
        sockaddr_in to{};
        socklen_t size = sizeof to;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&to), &size) != 0 || to.sin_family != AF_INET ||
            ntohs(to.sin_port) != all.sms.port)
            continue;
        unsigned timeout = 0;
        size = sizeof timeout;
        ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, &size), 0);
        timeouts.push_back(timeout);
    }
    EXPECT_EQ(timeouts, std::vector{2000U});
    gateway().terminate_all();
    ASSERT_TRUE(logins_are(2));
    ASSERT_TRUE(c.connected());
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(c.send(nth_phone(1)).outcome, send_outcome::unknown);
    ASSERT_TRUE(logins_are(3));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s) << "asked three times, then dialled again";
    ASSERT_TRUE(c.connected());
    EXPECT_EQ(c.send(nth_phone(2)).outcome, send_outcome::accepted);
}

// With the settings as they come: an answer may take its minute, a gateway that is gone is left long before.
TEST_F(failure_modes, m16_half_open_is_noticed_within_thirty_seconds) {
    all.sms.response_timeout_s = sms_gateway_config().response_timeout_s;
    start(R"({"rules":[{"channel":"sms","to":"*1","black_hole":true,"times":1}]})");
    manual_clock time(all.time.now());
    sms_client c(all, time);
    ASSERT_TRUE(c.connected());
    std::map<std::string, send_result> out;
    asio::co_spawn(all.on.context(), sms_client::into(&c, nth_phone(1), "x", &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return gateway().stats().submits == 1; }));
    const auto gone = time.steady_now();
    while (out.empty() && time.steady_now() - gone < 60s) {
        time.advance(100ms);
        all.on.run_for(5ms);
    }
    EXPECT_LE(time.steady_now() - gone, 30s);
    EXPECT_GE(time.steady_now() - gone, 20s) << "and not for a mere pause";
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out.begin()->second.outcome, send_outcome::unknown);
    const auto again = all.wait_until([&] {
        time.advance(100ms);
        return gateway().stats().logins == 2;
    });
    EXPECT_TRUE(again);
}

// Our own event log is slow, so that we read nothing for a while: the gateway is there all the same.
TEST_F(failure_modes, m16_who_does_not_read_does_not_call_it_silence) {
    all.sms.keepalive_s = 1;
    all.sms.response_timeout_s = 30;
    start();
    sms_client c(all);
    ASSERT_TRUE(c.connected());
    c.slow = 6s;
    const auto sent = c.send_many(0, 1200, "x");
    EXPECT_TRUE(all.wait_until([&] { return c.receipts.size() >= sent.size(); }));
    EXPECT_EQ(gateway().stats().logins, 1);
}

} // namespace
} // namespace zhida::gateways
