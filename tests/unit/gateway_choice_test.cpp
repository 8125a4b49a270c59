#include "services/gateways/gateway_choice.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

namespace zhida::gateways {
namespace {

using std::chrono::seconds;

struct given {
    explicit given(std::vector<std::int64_t> weights)
        : choice(std::move(weights)), usable(3, true), parts(3, 0) {}
    void send(int batches, std::size_t each = 10) {
        for (int i = 0; i < batches; ++i) {
            const auto to = choice.pick(usable, now);
            if (!to) return;
            parts[*to] += each;
            choice.charge(*to, each, now);
        }
    }
    void answers(std::size_t gateway, int failed, int served) {
        for (int i = 0; i < failed; ++i) choice.answered(gateway, true, now);
        for (int i = 0; i < served; ++i) choice.answered(gateway, false, now);
    }
    void receipts(std::size_t gateway, milliseconds each, int count) {
        for (int i = 0; i < count; ++i) {
            const auto id = std::to_string(gateway) + "/" + std::to_string(next_id++);
            choice.receipts(gateway).sent(id, now);
            choice.receipts(gateway).heard(id, now + each);
            now += milliseconds(200);
        }
    }
    gateway_choice choice;
    std::vector<bool> usable;
    std::vector<std::size_t> parts;
    steady_time now{seconds(1000)};
    int next_id = 0;
};

TEST(gateway_choice, goes_by_weight_counted_in_parts) {
    given g({1, 2, 3});
    g.send(600);
    EXPECT_EQ(g.parts, (std::vector<std::size_t>{1000, 2000, 3000}));
}

TEST(gateway_choice, one_without_weight_serves_where_no_other_does) {
    given g({1, 0, 1});
    g.send(100);
    EXPECT_EQ(g.parts[1], 0U);
    g.usable = {false, true, false};
    g.send(100);
    EXPECT_EQ(g.parts[1], 1000U);
    g.usable = {true, true, false};
    g.send(100);
    EXPECT_EQ(g.parts[1], 1000U);
    g.usable = {false, false, false};
    EXPECT_EQ(g.choice.pick(g.usable, g.now), std::nullopt);
}

TEST(gateway_choice, one_that_comes_back_does_not_get_all_that_the_others_took) {
    given g({1, 1, 1});
    g.usable = {true, true, false};
    g.send(1000);
    g.usable = {true, true, true};
    g.parts.assign(3, 0);
    g.send(300);
    EXPECT_NEAR(static_cast<double>(g.parts[2]), 1000, 50);
}

TEST(gateway_choice, failures_take_its_share_away_and_it_drifts_back) {
    given g({1, 1, 1});
    g.answers(0, 0, 100);
    g.answers(1, 40, 60);
    EXPECT_EQ(g.choice.health(1, g.now), 0.05) << "some messages go there always";
    EXPECT_EQ(g.choice.health(0, g.now), 1);
    g.send(300);
    EXPECT_LT(g.parts[1], g.parts[0] / 10);
    EXPECT_GT(g.parts[1], 0U);
    double before = 0.05;
    for (int minute = 0; minute < 6; ++minute) {
        g.now += seconds(60);
        const auto health = g.choice.health(1, g.now);
        EXPECT_GE(health, before);
        EXPECT_LT(health - before, 0.7) << "little by little";
        before = health;
    }
    EXPECT_GT(before, 0.9);
}

TEST(gateway_choice, a_single_failure_is_no_rate) {
    given g({1, 1, 1});
    g.answers(0, 1, 0);
    EXPECT_GT(g.choice.health(0, g.now), 0.7);
}

TEST(gateway_choice, slow_receipts_take_its_share_away) {
    given g({1, 1, 1});
    g.receipts(0, seconds(3), 10);
    EXPECT_EQ(g.choice.health(0, g.now), 1) << "alone there is no better one";
    g.receipts(1, seconds(60), 10);
    EXPECT_LT(g.choice.health(1, g.now), 0.2);
    g.receipts(2, seconds(5), 10);
    EXPECT_GT(g.choice.health(2, g.now), 0.9) << "a little slower is no fault";
    g.receipts(1, seconds(3), 40);
    EXPECT_EQ(g.choice.health(1, g.now), 1);
}

TEST(gateway_choice, receipts_that_stop_count_as_slow_ones) {
    given g({1, 1, 1});
    g.receipts(0, seconds(1), 10);
    g.receipts(1, seconds(1), 10);
    for (int i = 0; i < 60; ++i) {
        g.now += seconds(1);
        g.choice.receipts(1).sent("silent" + std::to_string(i), g.now);
        const auto id = "heard" + std::to_string(i);
        g.choice.receipts(0).sent(id, g.now);
        g.choice.receipts(0).heard(id, g.now + seconds(1));
    }
    EXPECT_LT(g.choice.health(1, g.now), 0.2);
    EXPECT_EQ(g.choice.health(0, g.now), 1);
    EXPECT_GE(g.choice.receipts(1).typical(g.now).value(), seconds(59));
}

TEST(gateway_choice, nothing_sent_is_no_silence) {
    given g({1, 1, 1});
    g.receipts(0, seconds(1), 10);
    g.now += std::chrono::hours(10);
    EXPECT_EQ(g.choice.receipts(0).typical(g.now), seconds(1));
}

RC_GTEST_PROP(gateway_choice, shares_follow_the_weights_whatever_the_batches, ()) {
    const auto weights =
        *rc::gen::container<std::vector<std::int64_t>>(3, rc::gen::inRange<std::int64_t>(1, 20));
    given g(weights);
    const auto batches =
        *rc::gen::container<std::vector<std::size_t>>(400, rc::gen::inRange<std::size_t>(1, 50));
    for (const auto parts : batches) g.send(1, parts);
    const auto all = static_cast<double>(std::accumulate(batches.begin(), batches.end(), std::size_t{0}));
    const auto weight = static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::int64_t{0}));
    for (std::size_t i = 0; i < 3; ++i)
        RC_ASSERT(std::abs(static_cast<double>(g.parts[i]) - all * static_cast<double>(weights[i]) / weight) <
                  151);
}

} // namespace
} // namespace zhida::gateways
