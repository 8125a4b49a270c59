// Retries in simulated time: many short ones, spread, with an end.
#include "services/dispatcher/decide.hpp"
#include "services/dispatcher/outcome.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace zhida::dispatcher {
namespace {

using gateways::send_outcome;
using gateways::send_result;
using ledger::reason;
using ledger::state;

const wall_time start{std::chrono::days(20'000)};

std::uint32_t seconds(wall_time t) {
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}
ledger::record claimed(wall_time at) {
    ledger::record r;
    r.now = state::submitting;
    r.at = 7;
    r.first_submitted = seconds(at);
    return r;
}
send_result answer(send_outcome outcome, const char* code = "", milliseconds after = {}) {
    send_result r;
    r.outcome = outcome;
    r.code = code;
    r.retry_after = after;
    return r;
}

TEST(outcome, each_answer_has_its_record) {
    const auto of = [](const send_result& a) { return outcome_of(claimed(start), a, start, 0.5); };
    EXPECT_EQ(of(answer(send_outcome::accepted)).now, state::submitted);
    EXPECT_EQ(of(answer(send_outcome::accepted)).at, 7U) << "the claim's epoch";
    EXPECT_EQ(of(answer(send_outcome::unknown)).why, reason::no_answer);
    EXPECT_EQ(of(answer(send_outcome::retry)).why, reason::retry_later);
    EXPECT_EQ(of(answer(send_outcome::stopped)).why, reason::gateway_stopped);
    for (const auto& [fault, why] : {std::pair("", reason::rejected),
                                     {"bad_number", reason::bad_number},
                                     {"refused", reason::refused},
                                     {"not_following", reason::not_following},
                                     {"content", reason::content}}) {
        auto a = answer(send_outcome::rejected);
        a.recipient_fault = fault;
        EXPECT_EQ(of(a).now, state::failed);
        EXPECT_EQ(of(a).why, why);
        EXPECT_EQ(of(a).attempts, 0);
    }
}

TEST(outcome, the_delay_doubles_to_a_minute_and_what_the_gateway_asks_for_counts) {
    EXPECT_EQ(retry_delay_ms(0, 0, 0), 500);
    EXPECT_EQ(retry_delay_ms(3, 0, 0), 4000);
    EXPECT_EQ(retry_delay_ms(3, 0, 1), 8000);
    EXPECT_EQ(retry_delay_ms(200, 0, 1), 60'000);
    EXPECT_EQ(retry_delay_ms(0, 5000, 0), 5000);
    EXPECT_EQ(retry_delay_ms(0, 5000, 1), 6250);
    EXPECT_EQ(retry_delay_ms(0, 86'400'000, 1), 86'460'000) << "a day's quota: a minute more at most";
}

RC_GTEST_PROP(outcome, a_try_is_never_sooner_than_asked_and_never_much_later, ()) {
    const int attempts = *rc::gen::inRange(0, 300);
    const std::int64_t asked = *rc::gen::inRange<std::int64_t>(0, 100'000'000);
    const double uniform = *rc::gen::inRange(0, 1000) / 1000.0;
    const auto delay = retry_delay_ms(attempts, asked, uniform);
    RC_ASSERT(delay >= asked);
    RC_ASSERT(delay >= 500);
    RC_ASSERT(delay <= std::max<std::int64_t>(60'000, asked + 60'000));
}

// Tries again and again as the dispatcher does, on a clock that jumps to each next try.
struct tried {
    int times = 0;
    wall_time end;
    ledger::record last;
};
tried until_it_ends(const send_result& refusal, double uniform, milliseconds between = {}) {
    manual_clock time(start);
    tried out;
    profile subject;
    subject.contacts = {{"法人", "19900000001", "oA"}};
    ledger::record r;
    while (!settled(r)) {
        facts f;
        f.via = channel::wechat;
        f.subject = &subject;
        f.now = seconds(time.now());
        f.resend_within = 540;
        const auto d = decide(f, r);
        EXPECT_EQ(d.what, decision::kind::send);
        ++out.times;
        r = outcome_of(d.to, refusal, time.now(), uniform);
        EXPECT_LE(out.times, 1000);
        if (out.times > 1000) break;
        if (r.now == state::held) {
            EXPECT_GT(r.at, seconds(time.now()));
            time.advance(wall_time(std::chrono::seconds(r.at)) - time.now() + between);
        }
    }
    out.end = time.now();
    out.last = r;
    return out;
}

TEST(outcome, a_gateway_that_answers_and_refuses_is_asked_so_often_and_no_more) {
    const auto t = until_it_ends(answer(send_outcome::retry, "cmpp:8"), 0.5);
    EXPECT_EQ(t.times, most_attempts);
    EXPECT_EQ(t.last.now, state::failed);
    EXPECT_EQ(t.last.why, reason::gave_up);
    EXPECT_LT(t.end - start, std::chrono::hours(1));
    EXPECT_GT(t.end - start, std::chrono::minutes(30));
}

TEST(outcome, an_outage_of_hours_does_not_use_the_tries_up) {
    // The circuit lets a message through every five minutes at most.
    const auto t =
        until_it_ends(answer(send_outcome::retry, "local:not_connected"), 0.5, std::chrono::minutes(4));
    EXPECT_GT(t.end - start, std::chrono::hours(12));
    EXPECT_EQ(t.last.why, reason::gave_up);
    EXPECT_EQ(t.last.attempts, most_attempts_while_ailing);
}

TEST(outcome, two_days_after_the_first_try_it_ends_however_few_there_were) {
    const auto t = until_it_ends(answer(send_outcome::stopped, "wechat:45009", std::chrono::hours(10)), 0);
    EXPECT_EQ(t.times, 5);
    EXPECT_EQ(t.last.why, reason::gave_up);
    EXPECT_LE(t.end - start, std::chrono::seconds(retry_within_s));
}

TEST(outcome, what_another_channel_follows_does_not_wait_for_tomorrow) {
    ledger::record claimed;
    claimed.now = state::submitting;
    claimed.first_submitted = seconds(start);
    const auto used_up = answer(send_outcome::stopped, "wechat:45009", std::chrono::hours(3));
    const auto r = outcome_of(claimed, used_up, start, 0.5, true);
    EXPECT_EQ(r.now, state::failed);
    EXPECT_EQ(r.why, reason::quota_used);
    EXPECT_EQ(outcome_of(claimed, used_up, start, 0.5).now, state::held);
    auto doubtful = used_up;
    doubtful.in_doubt = true; // an earlier try may have arrived
    EXPECT_EQ(outcome_of(claimed, doubtful, start, 0.5, true).now, state::held);
    const auto soon = answer(send_outcome::stopped, "wechat:40164", std::chrono::minutes(5));
    EXPECT_EQ(outcome_of(claimed, soon, start, 0.5, true).now, state::held) << "somebody mends that";
}

TEST(outcome, what_has_arrived_has_arrived) {
    ledger::record claimed;
    claimed.now = state::submitting;
    auto taken = answer(send_outcome::accepted, "");
    EXPECT_EQ(outcome_of(claimed, taken, start, 0).now, state::submitted);
    taken.delivered = true;
    EXPECT_EQ(outcome_of(claimed, taken, start, 0).now, state::delivered);
}

TEST(outcome, what_may_have_been_taken_ends_in_doubt_and_not_as_failed) {
    auto a = answer(send_outcome::retry, "http:502");
    a.in_doubt = true;
    auto r = claimed(start);
    r.attempts = most_attempts_while_ailing - 1;
    const auto last = outcome_of(r, a, start, 0.5);
    EXPECT_EQ(last.now, state::unknown);
    EXPECT_EQ(last.why, reason::no_answer);
}

TEST(outcome, those_refused_together_do_not_come_back_together) {
    std::set<std::uint32_t> seconds_of_return;
    for (int i = 0; i < 100; ++i) {
        auto r = claimed(start);
        r.attempts = 8;
        seconds_of_return.insert(outcome_of(r, answer(send_outcome::retry), start, i / 100.0).at);
    }
    EXPECT_GT(seconds_of_return.size(), 25U);
}

} // namespace
} // namespace zhida::dispatcher
