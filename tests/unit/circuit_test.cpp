#include "services/gateways/circuit.hpp"
#include "services/gateways/cmpp_results.hpp"
#include "services/gateways/wechat_codes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways {
namespace {

using ms = milliseconds;
using state = circuit::state;
using enum service_sign;

constexpr circuit_limits limits;

steady_time at(std::int64_t millis) {
    return steady_time(ms(millis));
}
send_result answered(send_outcome outcome, const char* code) {
    send_result r;
    r.outcome = outcome;
    r.code = code;
    return r;
}
circuit opened(steady_time now, double uniform = 0) {
    circuit c;
    for (int i = 0; i < limits.in_a_row; ++i) c.hear(ails, now, uniform);
    EXPECT_EQ(c.at(now), state::open);
    return c;
}

TEST(circuit, opens_after_failures_in_a_row_and_lets_one_message_try) {
    circuit c;
    EXPECT_EQ(c.grant(80, at(0)), 80U);
    for (int i = 1; i < limits.in_a_row; ++i) c.hear(ails, at(0), 0);
    c.hear(serves, at(0), 0);
    for (int i = 1; i < limits.in_a_row; ++i) c.hear(ails, at(0), 0);
    EXPECT_EQ(c.at(at(0)), state::closed);
    c.hear(ails, at(0), 0);
    EXPECT_EQ(c.at(at(0)), state::open);
    EXPECT_EQ(c.remaining(at(100)), ms(400));
    EXPECT_FALSE(c.ready(at(499)));
    EXPECT_EQ(c.grant(80, at(499)), 0U);
    EXPECT_EQ(c.at(at(500)), state::half_open);
    EXPECT_EQ(c.grant(80, at(500)), 1U);
    EXPECT_FALSE(c.ready(at(501)));
    EXPECT_EQ(c.grant(80, at(501)), 0U) << "one at a time";
    c.hear(serves, at(600), 0);
    EXPECT_EQ(c.grant(80, at(600)), 80U);
}

TEST(circuit, opens_where_half_of_the_answers_are_failures) {
    circuit c;
    for (int i = 0; i < limits.window; ++i) c.hear(i % 2 == 0 ? serves : ails, at(i), 0);
    EXPECT_EQ(c.at(at(limits.window)), state::open);
    circuit good;
    for (int i = 0; i < 1000; ++i) good.hear(i % 3 == 0 ? ails : serves, at(i), 0);
    EXPECT_EQ(good.at(at(1000)), state::closed) << "a third is not enough";
}

TEST(circuit, each_failed_try_waits_longer_until_it_has_served_for_a_while) {
    auto c = opened(at(0), 0.999999);
    auto now = at(0);
    for (auto most = limits.shortest; most < ms(10'000'000); most *= 2) {
        const auto wait = c.remaining(now);
        EXPECT_LE(wait, std::min(most, limits.longest));
        EXPECT_GE(wait, std::min(most, limits.longest) - ms(2));
        now += wait;
        EXPECT_EQ(c.grant(5, now), 1U);
        c.hear(ails, now, 0.999999);
    }
    now += c.remaining(now);
    c.hear(serves, now, 0);
    for (int i = 0; i < limits.in_a_row; ++i) c.hear(ails, now, 0);
    EXPECT_EQ(c.remaining(now), limits.longest / 2) << "one good answer proves nothing";
    now += c.remaining(now);
    for (int i = 0; i < limits.proven; ++i) c.hear(serves, now, 0);
    for (int i = 0; i < limits.in_a_row; ++i) c.hear(ails, now, 0);
    EXPECT_EQ(c.remaining(now), limits.shortest / 2);
}

TEST(circuit, a_try_that_never_ends_or_that_was_not_made_is_followed_by_another) {
    auto c = opened(at(0));
    EXPECT_EQ(c.grant(1, at(1000)), 1U);
    EXPECT_FALSE(c.ready(at(1000) + limits.answer_within - ms(1)));
    EXPECT_EQ(c.grant(1, at(1000) + limits.answer_within), 1U);
    c.hear(nothing, at(40'000), 0);
    EXPECT_EQ(c.grant(1, at(40'000)), 1U);
}

// Whatever comes in whatever order.
RC_GTEST_PROP(circuit, never_sends_more_than_one_where_the_service_fails_and_never_gives_up, ()) {
    circuit c;
    auto now = at(0);
    std::optional<steady_time> trying;
    const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
        rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(0, 1000), rc::gen::inRange(0, 100)));
    for (const auto& [what, wait, chance] : steps) {
        now += ms(wait * wait / 10);
        const auto before = c.at(now);
        const auto granted = c.grant(50, now);
        if (before == state::closed) {
            RC_ASSERT(granted == 50U);
        } else if (before == state::open) {
            RC_ASSERT(granted == 0U);
        } else if (granted > 0) {
            RC_ASSERT(granted == 1U);
            RC_ASSERT(!trying || now - *trying >= limits.answer_within);
            trying = now;
        }
        const auto sign = static_cast<service_sign>(what);
        const auto opens = c.at(now) != state::open;
        c.hear(sign, now, chance / 100.0);
        if (before != state::open) trying = sign == serves || sign == nothing ? std::nullopt : trying;
        if (before == state::half_open && sign == serves) RC_ASSERT(c.at(now) == state::closed);
        if (sign != ails && before == state::closed) RC_ASSERT(c.at(now) == state::closed);
        if (opens && c.at(now) == state::open) {
            RC_ASSERT(sign == ails);
            RC_ASSERT(c.remaining(now) >= limits.shortest / 2);
            RC_ASSERT(c.remaining(now) <= limits.longest);
            trying.reset();
        }
        RC_ASSERT(c.ready(now + limits.longest + limits.answer_within));
    }
}

TEST(circuit, what_a_recipient_is_refused_for_is_no_failure_of_the_service) {
    for (std::uint32_t result = 0; result < 200; ++result) {
        const auto r = answered(cmpp::reaction_to(result).outcome, "cmpp:");
        EXPECT_NE(sign_of(r), ails) << result;
    }
    for (const auto code : {43101, 43116, 43004, 40003, 47003, 99999})
        EXPECT_EQ(
            sign_of(answered(wechat_reaction_to(code).outcome, ("wechat:" + std::to_string(code)).c_str())),
            serves)
            << code;
    EXPECT_EQ(sign_of(answered(send_outcome::rejected, "local:bad_number")), nothing);
}

TEST(circuit, knows_a_failing_service_from_a_gateway_that_asks_to_slow_down) {
    using enum send_outcome;
    EXPECT_EQ(sign_of(answered(unknown, "")), ails) << "no answer in time";
    EXPECT_EQ(sign_of(answered(unknown, "local:no_answer")), ails);
    EXPECT_EQ(sign_of(answered(unknown, "cmpp:3")), serves);
    EXPECT_EQ(sign_of(answered(retry, "local:not_connected")), ails);
    EXPECT_EQ(sign_of(answered(retry, "local:no_token")), ails);
    EXPECT_EQ(sign_of(answered(retry, "http:503")), ails);
    EXPECT_EQ(sign_of(answered(retry, "wechat:-1")), ails);
    EXPECT_EQ(sign_of(answered(retry, "wechat:45011")), nothing);
    EXPECT_EQ(sign_of(answered(retry, "cmpp:8")), nothing);
    EXPECT_EQ(sign_of(answered(retry, "smpp:88")), nothing);
    EXPECT_EQ(sign_of(answered(retry, "smpp:8")), ails) << "its own system error";
    EXPECT_EQ(sign_of(answered(rejected, "smpp:encode")), nothing);
    EXPECT_EQ(sign_of(answered(unknown, "http:500")), ails);
    EXPECT_EQ(sign_of(answered(retry, "local:full")), nothing);
    EXPECT_EQ(sign_of(answered(stopped, "wechat:45009")), nothing) << "the day's quota has its own end";
}

} // namespace
} // namespace zhida::gateways
