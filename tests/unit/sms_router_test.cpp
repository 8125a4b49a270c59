#include "services/gateways/sms_router.hpp"

#include "common/io/timer.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace zhida::gateways {
namespace {

using ::testing::ElementsAre;

// A gateway that answers what it is told to, or nothing.
class scripted final : public sms_gateway {
  public:
    scripted(const clock& time, receipt_sink s) : sink(std::move(s)), time_(time) {}
    asio::awaitable<void> run() override { co_return; }
    void stop(milliseconds) override {}
    asio::awaitable<std::vector<send_result>> send_all(std::vector<sms_copy> messages) override {
        sent += messages.size();
        while (black_hole) co_await io::sleep_for(time_, milliseconds(5));
        std::vector<send_result> results(messages.size(), answer);
        for (auto& r : results)
            if (r.outcome == send_outcome::accepted) r.message_ids = {std::to_string(next_id++)};
        co_return results;
    }
    gateway_status status() const override {
        gateway_status s;
        s.state = up ? "connected" : "down";
        return s;
    }
    void share(std::size_t, std::size_t) override {}
    headroom free() const override { return room; }

    receipt_sink sink;
    send_result answer{send_outcome::accepted, {}, "", "", milliseconds(0), ""};
    headroom room;
    bool up = true, black_hole = false;
    std::size_t sent = 0;
    int next_id = 1;

  private:
    const clock& time_;
};

class sms_router_test : public ::testing::Test {
  protected:
    void with(std::vector<std::string> names, std::vector<std::int64_t> weights) {
        std::vector<sms_gateway_config> settings(names.size());
        for (std::size_t i = 0; i < names.size(); ++i) {
            settings[i].name = names[i];
            settings[i].weight = weights[i];
            settings[i].window = 40;
        }
        router = std::make_unique<sms_router>(
            on.executor(), time, settings,
            [this](std::vector<receipt> some) -> asio::awaitable<bool> {
                std::move(some.begin(), some.end(), std::back_inserter(heard));
                co_return true;
            },
            [](std::vector<inbound_sms>) -> asio::awaitable<bool> { co_return true; },
            [this](const sms_gateway_config& g, receipt_sink s, inbound_sink) {
                auto made = std::make_unique<scripted>(time, std::move(s));
                gateway[g.name] = made.get();
                return made;
            });
    }
    std::vector<send_result> send(std::size_t count) {
        return on.run([](sms_router& r, std::size_t n) -> asio::awaitable<std::vector<send_result>> {
            auto place = co_await r.admit();
            co_return co_await r.send_all(copies(n), std::move(place));
        }(*router, count));
    }
    static std::vector<sms_copy> copies(std::size_t n) {
        static const auto body = std::make_shared<const sms_body>(plain_body("【合成】你好"));
        return std::vector<sms_copy>(n, {"13800000001", body});
    }
    static send_result saying(send_outcome outcome, std::string code, std::string fault = "") {
        send_result r;
        r.outcome = outcome;
        r.code = std::move(code);
        r.recipient_fault = std::move(fault);
        return r;
    }

    tests::loop on;
    system_clock time;
    std::unique_ptr<sms_router> router;
    std::map<std::string, scripted*> gateway;
    std::vector<receipt> heard;
};

TEST_F(sms_router_test, a_single_gateway_named_sms_keeps_its_message_ids) {
    with({"sms"}, {1});
    EXPECT_THAT(send(1).front().message_ids, ElementsAre("1"));
    EXPECT_EQ(router->batches(), 4U);
}

TEST_F(sms_router_test, ids_and_receipts_of_several_carry_the_name) {
    with({"a", "b"}, {1, 0});
    EXPECT_THAT(send(1).front().message_ids, ElementsAre("a/1"));
    receipt r;
    r.gateway = "b";
    r.message_id = "1";
    on.run(gateway["b"]->sink({r}));
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].message_id, "b/1");
    EXPECT_EQ(heard[0].gateway, "sms");
}

TEST_F(sms_router_test, receipts_that_came_past_the_client_count_for_its_gateway) {
    with({"a", "sms"}, {1, 1});
    std::vector<std::string> ids;
    for (int i = 0; i < 8; ++i) {
        ids.push_back(send(1).front().message_ids.front());
        on.run(io::sleep_for(time, milliseconds(60))); // not every message is followed
    }
    for (const auto& id : ids) router->heard(id);
    for (const auto& s : router->statuses()) {
        EXPECT_EQ(s.receipts, 4) << s.name;
        EXPECT_GE(s.receipt_ms, 0) << s.name;
    }
}

TEST_F(sms_router_test, weights_share_the_messages) {
    with({"a", "b"}, {3, 1});
    for (int i = 0; i < 40; ++i) send(10);
    EXPECT_EQ(gateway["a"]->sent, 300U);
    EXPECT_EQ(gateway["b"]->sent, 100U);
}

TEST_F(sms_router_test, one_that_is_down_gets_nothing) {
    with({"a", "b"}, {1, 1});
    gateway["a"]->up = false;
    for (int i = 0; i < 10; ++i) send(10);
    EXPECT_EQ(gateway["a"]->sent, 0U);
    gateway["b"]->up = false;
    EXPECT_FALSE(router->ready());
    EXPECT_EQ(on.run(router->admit()).room, 0U);
}

TEST_F(sms_router_test, what_was_surely_not_taken_goes_to_another_once) {
    with({"a", "b"}, {1, 0});
    for (const auto& refusal :
         {saying(send_outcome::stopped, "cmpp:7"), saying(send_outcome::retry, "local:not_connected"),
          saying(send_outcome::rejected, "cmpp:13", "bad_number")}) {
        gateway["a"]->answer = refusal;
        const auto results = send(2);
        EXPECT_EQ(results[0].outcome, send_outcome::accepted) << refusal.code;
        EXPECT_EQ(results[1].outcome, send_outcome::accepted) << refusal.code;
    }
    auto elsewhere = saying(send_outcome::rejected, "cmpp:9");
    elsewhere.reroute = true;
    gateway["a"]->answer = elsewhere;
    EXPECT_EQ(send(1).front().outcome, send_outcome::accepted);
    EXPECT_EQ(gateway["b"]->sent, 7U);
}

// Held for a moment, not for as long as the account is stopped: its recipient can be reached.
TEST_F(sms_router_test, a_stopped_account_does_not_stop_the_channel) {
    with({"a", "b"}, {1, 0});
    gateway["a"]->answer = saying(send_outcome::stopped, "cmpp:7");
    gateway["a"]->answer.retry_after = std::chrono::minutes(5);
    std::vector<sms_router::place> all; // every place of the other
    for (std::size_t i = 0; i < 2 * sms_router::batches_at_once - 1; ++i)
        all.push_back(on.run(router->admit()));
    all.push_back(on.run(router->admit()));
    std::swap(all.front(), all.back());
    auto at = std::move(all.back());
    ASSERT_EQ(at.held->gateway, 0U);
    const auto waits = on.run(router->send_all(copies(1), std::move(at))).front();
    EXPECT_EQ(waits.outcome, send_outcome::retry);
    EXPECT_EQ(waits.retry_after, std::chrono::seconds(1));
    EXPECT_EQ(waits.code, "cmpp:7");
    EXPECT_EQ(gateway["b"]->sent, 0U);
}

TEST_F(sms_router_test, what_may_have_been_taken_goes_nowhere_else) {
    with({"a", "b"}, {1, 0});
    gateway["a"]->answer = saying(send_outcome::unknown, "");
    EXPECT_EQ(send(1).front().outcome, send_outcome::unknown);
    gateway["a"]->answer = saying(send_outcome::rejected, "cmpp:6", "content");
    EXPECT_EQ(send(1).front().outcome, send_outcome::rejected);
    auto in_part = saying(send_outcome::rejected, "cmpp:13", "bad_number");
    in_part.message_ids = {"7", ""};
    gateway["a"]->answer = in_part;
    EXPECT_EQ(send(1).front().message_ids.size(), 2U) << "its first part is on its way";
    auto doubtful = saying(send_outcome::retry, "local:x");
    doubtful.in_doubt = true;
    gateway["a"]->answer = doubtful;
    EXPECT_EQ(send(1).front().outcome, send_outcome::retry);
    EXPECT_EQ(gateway["b"]->sent, 0U);
}

TEST_F(sms_router_test, a_number_that_both_refuse_is_a_bad_number) {
    with({"a", "b"}, {1, 0});
    gateway["a"]->answer = saying(send_outcome::rejected, "cmpp:13", "bad_number");
    gateway["b"]->answer = saying(send_outcome::rejected, "cmpp:1");
    const auto result = send(1).front();
    EXPECT_EQ(result.recipient_fault, "bad_number");
    EXPECT_EQ(result.code, "cmpp:13");
}

TEST_F(sms_router_test, one_that_answers_nothing_holds_its_own_places_and_no_others) {
    with({"hole", "b"}, {1, 1});
    gateway["hole"]->black_hole = true;
    std::size_t ended = 0;
    const auto one = [](sms_router& r, std::size_t& done) -> asio::awaitable<void> {
        auto place = co_await r.admit();
        (void)co_await r.send_all(copies(10), std::move(place));
        ++done;
    };
    constexpr std::size_t all = 200;
    for (std::size_t i = 0; i < all; ++i) asio::co_spawn(on.context(), one(*router, ended), asio::detached);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (ended < all - sms_router::batches_at_once && std::chrono::steady_clock::now() < until)
        on.run_for(milliseconds(2));
    EXPECT_EQ(ended, all - sms_router::batches_at_once);
    EXPECT_EQ(gateway["hole"]->sent, 10 * sms_router::batches_at_once);
    gateway["hole"]->black_hole = false;
    while (ended < all && std::chrono::steady_clock::now() < until) on.run_for(milliseconds(2));
    EXPECT_EQ(ended, all);
}

// What is claimed goes at once: what an account's rate does not let go now is not admitted.
TEST_F(sms_router_test, no_more_is_admitted_than_the_rate_lets_go) {
    with({"a"}, {1});
    gateway["a"]->room = {12, milliseconds(0)};
    const auto first = on.run(router->admit());
    EXPECT_EQ(first.room, 10U); // a quarter of the window
    auto second = std::make_unique<sms_router::place>(on.run(router->admit()));
    EXPECT_EQ(second->room, 2U);
    std::optional<sms_router::place> third;
    asio::co_spawn(
        on.context(),
        [](sms_router& r, std::optional<sms_router::place>& to) -> asio::awaitable<void> {
            to = co_await r.admit();
        }(*router, third),
        asio::detached);
    on.run_for(milliseconds(20));
    EXPECT_FALSE(third);
    second.reset(); // without a message: somebody else may have its room
    on.run_for(milliseconds(20));
    ASSERT_TRUE(third);
    EXPECT_EQ(third->room, 2U);
}

// The one message that may try is not sent after all: another may try at once.
TEST_F(sms_router_test, a_try_that_is_not_made_is_given_back) {
    with({"a"}, {1});
    gateway["a"]->answer = saying(send_outcome::retry, "local:not_connected");
    for (int i = 0; i < 5; ++i) send(1);
    EXPECT_EQ(router->statuses()[0].circuit, "open");
    while (router->statuses()[0].circuit == "open") on.run(io::sleep_for(time, milliseconds(20)));
    EXPECT_EQ(on.run(router->admit()).room, 1U); // and dropped
    EXPECT_EQ(on.run(router->admit()).room, 1U);
}

TEST_F(sms_router_test, one_whose_rate_is_used_up_leaves_its_turn_to_another) {
    with({"a", "b"}, {100, 1});
    gateway["a"]->room = {0, milliseconds(500)};
    for (int i = 0; i < 5; ++i) send(10);
    EXPECT_EQ(gateway["a"]->sent, 0U);
    EXPECT_EQ(gateway["b"]->sent, 50U);
}

TEST_F(sms_router_test, a_circuit_opens_for_one_gateway_alone) {
    with({"a", "b"}, {1, 1});
    gateway["a"]->answer = saying(send_outcome::retry, "local:not_connected");
    for (int i = 0; i < 20; ++i) send(10);
    const auto before = gateway["a"]->sent;
    for (int i = 0; i < 20; ++i) send(10);
    EXPECT_EQ(gateway["a"]->sent, before);
    for (const auto& s : router->statuses()) EXPECT_EQ(s.circuit == "closed", s.state == "connected");
    EXPECT_EQ(router->statuses()[0].state, "circuit_open");
    EXPECT_TRUE(router->ready());
}

} // namespace
} // namespace zhida::gateways
