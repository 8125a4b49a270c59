#include "common/base/config.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/session_policies.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace zhida::gateways::wire {
namespace {

using ms = milliseconds;
steady_time at(std::int64_t millis) {
    return steady_time(ms(millis));
}

TEST(reconnect_policy, doubles_from_one_second_to_sixty) {
    reconnect_policy p;
    for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60, 60})
        EXPECT_EQ(p.next_delay(session_end::network, ms(0), 0.999999).count() / 1000.0 + 0.001, seconds)
            << seconds;
}

TEST(reconnect_policy, waits_long_at_once_where_the_login_was_refused) {
    reconnect_policy p;
    EXPECT_GE(p.next_delay(session_end::login_refused, ms(0), 0), ms(30000));
}

TEST(reconnect_policy, starts_again_after_a_session_that_stood) {
    reconnect_policy p;
    for (int i = 0; i < 10; ++i) p.next_delay(session_end::network, ms(10), 0);
    EXPECT_EQ(p.next_delay(session_end::terminated, ms(60000), 0), ms(500));
    EXPECT_EQ(p.next_delay(session_end::network, ms(59999), 0), ms(1000));
    EXPECT_EQ(p.next_delay(session_end::stopped, ms(0), 0), ms(0));
}

RC_GTEST_PROP(reconnect_policy, never_faster_than_half_a_second_nor_slower_than_sixty, ()) {
    reconnect_policy p;
    const auto tries = *rc::gen::inRange(1, 50);
    for (int i = 0; i < tries; ++i) {
        const auto uniform = *rc::gen::inRange(0, 1000) / 1000.0;
        const auto d = p.next_delay(session_end::network, ms(0), uniform);
        RC_ASSERT(d >= ms(500) && d <= ms(60000));
    }
}

TEST(request_window, bounds_what_is_under_way_and_frees_late_slots) {
    request_window<std::string> w(2);
    w.open(7, "a", at(100));
    EXPECT_FALSE(w.full());
    w.open(8, "b", at(200));
    EXPECT_TRUE(w.full());
    EXPECT_EQ(w.close(9), std::nullopt);
    EXPECT_EQ(w.next_deadline(at(1000)), at(100));
    EXPECT_EQ(w.close(7), "a");
    EXPECT_EQ(w.next_deadline(at(1000)), at(200));
    EXPECT_EQ(w.next_deadline(at(150)), at(150));
    EXPECT_EQ(w.close(7), std::nullopt); // a repeated answer
    EXPECT_TRUE(w.take_expired(at(199)).empty());
    EXPECT_EQ(w.take_expired(at(200)), std::vector<std::string>{"b"});
    EXPECT_EQ(w.in_flight(), 0U);
    w.open(0xFFFFFFFF, "c", at(300));
    w.open(0, "d", at(300));
    EXPECT_EQ(w.take_all().size(), 2U);
}

// Answers in any order, some never, numbers that jump and wrap: as a plain map would have it.
RC_GTEST_PROP(request_window, knows_each_request_until_it_is_answered, ()) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 9);
    request_window<int> w(size);
    std::map<std::uint32_t, int> model;
    auto next = *rc::gen::arbitrary<std::uint32_t>();
    for (int i = 0; i < 200; ++i) {
        if (model.size() < size && *rc::gen::inRange(0, 3) > 0) {
            const auto least = next + *rc::gen::elementOf(std::vector<std::uint32_t>{1, 1, 1, 2, 16});
            next = w.next_free(least);
            RC_ASSERT(next - least <= size);
            RC_ASSERT(!model.contains(next));
            w.open(next, i, at(i));
            model[next] = i;
        } else {
            auto asked = next - *rc::gen::inRange<std::uint32_t>(0, 40);
            if (!model.empty() && *rc::gen::inRange(0, 2) == 0)
                asked = std::next(model.begin(), *rc::gen::inRange<int>(0, static_cast<int>(model.size())))
                            ->first;
            const auto found = model.find(asked);
            RC_ASSERT(w.close(asked) ==
                      (found == model.end() ? std::nullopt : std::optional<int>(found->second)));
            model.erase(asked);
        }
        RC_ASSERT(w.in_flight() == model.size());
        RC_ASSERT(w.full() == (model.size() == size));
    }
    RC_ASSERT(w.take_all().size() == model.size());
    RC_ASSERT(w.in_flight() == 0U);
}

TEST(request_window, numbers_stay_in_their_range) {
    request_window<int> w(4, {1, 0x7FFFFFFF});
    EXPECT_EQ(w.next_free(0), 1U);
    EXPECT_EQ(w.next_free(0xFFFFFFFF), 1U);
    EXPECT_EQ(w.next_free(0x7FFFFFFF), 0x7FFFFFFFU);
    w.open(0x7FFFFFFF, 0, at(1));
    w.open(1, 1, at(1));
    EXPECT_EQ(w.next_free(0x7FFFFFFF), 2U);
    EXPECT_EQ(w.next_free(0x80000000), 2U);
}

TEST(throttle, pauses_longer_each_time_and_forgets_after_success) {
    throttle t;
    EXPECT_EQ(t.wait(at(0)), ms(0));
    t.refused(at(0));
    t.refused(at(10)); // the rest of the same burst
    EXPECT_EQ(t.wait(at(0)), ms(200));
    EXPECT_EQ(t.wait(at(150)), ms(50));
    t.refused(at(200));
    EXPECT_EQ(t.wait(at(200)), ms(400));
    std::int64_t now = 600;
    for (int i = 0; i < 10; ++i) {
        t.refused(at(now));
        EXPECT_LE(t.wait(at(now)), throttle::longest);
        now += t.wait(at(now)).count();
    }
    EXPECT_EQ(t.wait(at(now - 1)), ms(1));
    t.accepted(at(now));
    t.refused(at(now));
    EXPECT_EQ(t.wait(at(now)), ms(200));
}

constexpr auto span = part_rate::counted_over;

TEST(part_rate, zero_is_no_limit) {
    part_rate r(0, at(0));
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(r.wait(at(0)), ms(0));
        r.used(at(0));
    }
}

RC_GTEST_PROP(part_rate, no_second_has_more_than_the_limit, ()) {
    const auto limit = *rc::gen::inRange<std::int64_t>(1, 20);
    part_rate r(limit, at(0));
    std::vector<std::int64_t> sent;
    std::int64_t now = 0;
    for (int i = 0; i < 100; ++i) {
        now += *rc::gen::inRange<std::int64_t>(0, 120);
        if (const auto w = r.wait(at(now)); w.count() > 0) {
            RC_ASSERT(w <= span);
            now += w.count();
            RC_ASSERT(r.wait(at(now)) == ms(0)); // what it said is exact
        }
        r.used(at(now));
        sent.push_back(now);
    }
    RC_ASSERT(sent.front() >= span.count());
    for (std::size_t i = static_cast<std::size_t>(limit); i < sent.size(); ++i)
        RC_ASSERT(sent[i] - sent[i - static_cast<std::size_t>(limit)] >= span.count());
}

TEST(part_rate, a_whole_text_waits_until_all_its_parts_fit) {
    part_rate r(10, at(-span.count()));
    r.used(at(0), 4);
    r.used(at(300), 4);
    EXPECT_EQ(r.wait(at(400), 2), ms(0));
    EXPECT_EQ(r.wait(at(400), 3), ms(610));
    EXPECT_EQ(r.wait(at(400), 7), ms(910));
    EXPECT_EQ(r.wait(at(400), 50), ms(910)) << "more than a second has: after a free second";
    r.used(at(1310), 50);
    EXPECT_EQ(r.wait(at(1311)), span - ms(1));
}

// Processes that share an account, while shards go from one to another: nobody sends by a shard before the
// other has given it up, and all together keep the rate.
RC_GTEST_PROP(part_rate, processes_together_keep_the_rate, ()) {
    constexpr std::size_t shards = 8;
    const auto limit = *rc::gen::inRange<std::int64_t>(8, 40);
    const auto count = *rc::gen::inRange<std::size_t>(1, 4);
    std::vector<part_rate> rates(count, part_rate(limit, at(-span.count())));
    std::vector<std::size_t> owned(count, 0);
    for (auto& r : rates) r.share(0, shards, at(0));
    owned[0] = shards;
    rates[0].share(shards, shards, at(0));
    std::vector<std::int64_t> sent;
    for (std::int64_t now = 0; now < 5000; now += *rc::gen::inRange<std::int64_t>(1, 40)) {
        if (*rc::gen::inRange(0, 15) == 0) { // some shards change hands, all at once
            const auto from = *rc::gen::inRange<std::size_t>(0, count),
                       to = *rc::gen::inRange<std::size_t>(0, count);
            const auto some = *rc::gen::inRange<std::size_t>(0, owned[from] + 1);
            owned[from] -= some;
            rates[from].share(owned[from], shards, at(now));
            owned[to] += some;
            rates[to].share(owned[to], shards, at(now));
        }
        for (auto& r : rates)
            for (int tries = *rc::gen::inRange(0, 10); tries > 0 && r.wait(at(now)) == ms(0); --tries) {
                r.used(at(now));
                sent.push_back(now);
            }
    }
    for (std::size_t i = static_cast<std::size_t>(limit); i < sent.size(); ++i)
        RC_ASSERT(sent[i] - sent[i - static_cast<std::size_t>(limit)] >= span.count());
}

TEST(part_rate, says_whether_it_has_no_limit_or_nothing) {
    EXPECT_EQ(part_rate(0, at(0)).limit(), part_rate::no_limit);
    part_rate r(10, at(-span.count()));
    EXPECT_EQ(r.limit(), 10);
    r.share(0, 4, at(0));
    EXPECT_EQ(r.limit(), part_rate::nothing);
    r.share(1, 40, at(1));
    (void)r.wait(at(1 + span.count()));
    EXPECT_EQ(r.limit(), 1);
    part_rate unlimited(0, at(0));
    unlimited.share(0, 4, at(0));
    EXPECT_EQ(unlimited.limit(), part_rate::no_limit);
}

TEST(part_rate, a_share_grows_a_second_later_and_shrinks_at_once) {
    part_rate r(10, at(-span.count()));
    r.share(0, 4, at(0));
    EXPECT_GT(r.wait(at(0)), ms(0));
    r.share(2, 4, at(100));
    EXPECT_EQ(r.wait(at(100)), span);
    int now_at_once = 0;
    for (; r.wait(at(1110)) == ms(0); ++now_at_once) r.used(at(1110));
    EXPECT_EQ(now_at_once, 5);
    r.share(1, 4, at(1200));
    EXPECT_GT(r.wait(at(2119)), ms(0));
    for (now_at_once = 0; r.wait(at(2120)) == ms(0); ++now_at_once) r.used(at(2120));
    EXPECT_EQ(now_at_once, 2);
    part_rate slow(2, at(-span.count()));
    slow.share(1, 64, at(0));
    EXPECT_EQ(slow.wait(at(0)), ms(0)) << "one a second at the least";
}

TEST(keepalive, asks_three_times_then_gives_up) {
    using enum keepalive::action;
    keepalive k(ms(30000), ms(10000), at(0));
    EXPECT_EQ(k.due(at(29999)), none);
    EXPECT_EQ(k.due(at(30000)), ask);
    EXPECT_EQ(k.next(), at(40000));
    EXPECT_EQ(k.due(at(39999)), none);
    EXPECT_EQ(k.due(at(40000)), ask);
    EXPECT_EQ(k.due(at(50000)), ask);
    EXPECT_EQ(k.due(at(60000)), give_up);
    k.heard(at(59000));
    EXPECT_EQ(k.due(at(60000)), none);
    EXPECT_EQ(k.next(), at(89000));
}

// From the last word of the gateway to the end of the session, asked once a second as a session asks.
TEST(keepalive, a_silent_gateway_is_noticed_within_thirty_seconds_by_default) {
    using enum keepalive::action;
    const keepalive::timing times(sms_gateway_config().keepalive_s);
    EXPECT_LE(times.noticed_within(), ms(30000));
    EXPECT_LE(times.unacknowledged, ms(30000));
    keepalive k(times, at(0));
    std::vector<std::int64_t> asked;
    auto said = none;
    std::int64_t now = 0;
    for (; said != give_up; now += 1000) {
        said = k.due(at(now));
        if (said == ask) asked.push_back(now);
    }
    EXPECT_EQ(asked, (std::vector<std::int64_t>{10000, 15000, 20000}));
    EXPECT_EQ(now - 1000, times.noticed_within().count());
}

TEST(keepalive, has_time_for_an_answer_and_no_more_whatever_is_set) {
    for (std::int64_t s = 1; s <= 30; ++s) {
        const keepalive::timing times(s);
        EXPECT_GE(times.answer_within, ms(1000)) << s;
        EXPECT_LE(times.noticed_within(), ms(s * 1000 + 15000)) << s;
    }
}

TEST(channel_stop, keeps_the_longest_stop_and_ends_by_itself_or_by_hand) {
    const wall_time now(ms(1'000'000));
    channel_stop s;
    EXPECT_FALSE(s.stopped(now));
    s.stop(now, ms(5000), "cmpp:7", "service id wrong");
    s.stop(now, ms(100), "cmpp:5", "fee code wrong");
    EXPECT_TRUE(s.stopped(now + ms(4999)));
    EXPECT_EQ(s.remaining(now), ms(5000));
    EXPECT_EQ(s.code(), "cmpp:7");
    EXPECT_FALSE(s.stopped(now + ms(5000)));
    s.stop(now, ms(9000), "cmpp:5", "fee code wrong");
    s.resume();
    EXPECT_FALSE(s.stopped(now));
}

} // namespace
} // namespace zhida::gateways::wire
