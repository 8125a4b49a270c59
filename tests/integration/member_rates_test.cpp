// What the platform would drop without a word is never sent: whatever asks, no window holds more.
#include "common/base/murmur2.hpp"
#include "common/store/keys.hpp"
#include "common/store/member_rates.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace zhida::store {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

const wall_time start(milliseconds(1'790'000'000'000));

class member_rates_test : public testing::Test {
  protected:
    member_rates_test() { loop_.run(redis_.command({"FLUSHDB"})).value(); }
    milliseconds take(const std::string& member, wall_time now, member_limits limits = {}) {
        return loop_.run(rates_.take({member}, limits, now)).value().wait.at(0);
    }

    tests::loop loop_;
    io::redis redis_{loop_.executor(), {tests::redis_url(), milliseconds(5000)}};
    member_rates rates_{redis_, 4};
};

// The most of the times that any window of that length, both ends included, holds.
std::size_t most_in_a_window(std::vector<wall_time> times, milliseconds length) {
    std::sort(times.begin(), times.end());
    std::size_t most = 0, first = 0;
    for (std::size_t last = 0; last < times.size(); ++last) {
        while (times[last] - times[first] > length) ++first;
        most = std::max(most, last - first + 1);
    }
    return most;
}

TEST_F(member_rates_test, a_window_slides) {
    for (int i = 0; i < 30; ++i) EXPECT_EQ(take("a", start + i * 1s), 0ms) << i;
    EXPECT_EQ(take("a", start + 30s), 30'001ms);
    EXPECT_EQ(take("b", start + 30s), 0ms) << "another member";
    EXPECT_EQ(take("a", start + 60s), 1ms);
    EXPECT_EQ(take("a", start + 60'001ms), 0ms);
    EXPECT_EQ(take("a", start + 60'002ms), 999ms);
}

TEST_F(member_rates_test, an_hour_has_its_own_limit_and_little_is_remembered) {
    const member_limits limits{5, 12};
    auto now = start;
    int granted = 0;
    for (; now < start + 1h; now += 5s) granted += take("a", now, limits) == 0ms ? 1 : 0;
    EXPECT_EQ(granted, 12);
    const auto key = keys::member_rate(shard_of("a", 4), "a");
    EXPECT_EQ(loop_.run(redis_.command({"ZCARD", key})).value().integer, 12);
    EXPECT_GT(loop_.run(redis_.command({"PTTL", key})).value().integer, 3'500'000);
}

TEST_F(member_rates_test, the_way_and_other_clocks_are_allowed_for) {
    const member_limits limits{1, 1000, 21s};
    EXPECT_EQ(take("a", start, limits), 0ms);
    EXPECT_EQ(take("a", start + 61s, limits), 20'001ms);
    EXPECT_EQ(take("a", start + 82s, limits), 0ms);
    EXPECT_EQ(take("a", start + 80s, limits), 81'001ms) << "a clock behind ours makes nothing older";
}

TEST_F(member_rates_test, what_was_not_sent_is_given_back_once) {
    const member_limits limits{1, 1000};
    const auto first = loop_.run(rates_.take({"a", "b"}, limits, start)).value();
    EXPECT_EQ(first.wait, (std::vector<milliseconds>{0ms, 0ms}));
    loop_.run(rates_.give_back(first.by, {"a"})).value();
    const auto second = loop_.run(rates_.take({"a", "b"}, limits, start + 1s)).value();
    EXPECT_EQ(second.wait, (std::vector<milliseconds>{0ms, 59'001ms}));
    loop_.run(rates_.give_back(first.by, {"a"})).value();
    EXPECT_EQ(take("a", start + 2s, limits), 59'001ms) << "only what that call was granted";
}

TEST_F(member_rates_test, many_members_are_asked_about_at_once) {
    std::vector<std::string> members;
    for (int i = 0; i < 1000; ++i) members.push_back("m" + std::to_string(i));
    EXPECT_EQ(take("m7", start, {1, 1000}), 0ms);
    const auto all = loop_.run(rates_.take(members, {1, 1000}, start)).value();
    for (std::size_t i = 0; i < members.size(); ++i) EXPECT_EQ(all.wait[i].count() > 0, i == 7) << members[i];
}

// One of several processes that send as fast as they may, each with a connection and a clock of its own.
struct taker {
    taker(tests::loop& on, milliseconds a)
        : redis(on.executor(), {tests::redis_url(), milliseconds(5000)}), ahead(a) {}
    io::redis redis;
    member_rates rates{redis, 4};
    milliseconds ahead; // its clock
    bool ended = false;

    static asio::awaitable<void> run(taker* self, wall_time* now, member_limits limits,
                                     std::map<std::string, std::vector<wall_time>>* granted, unsigned seed) {
        std::minstd_rand random(seed);
        while (*now < start + 4min) {
            std::vector<std::string> members{"a", "b"};
            if (random() % 4 == 0) members.pop_back();
            const auto taken = (co_await self->rates.take(members, limits, *now + self->ahead)).value();
            for (std::size_t i = 0; i < members.size(); ++i) // the others have let time pass meanwhile
                if (taken.wait[i].count() == 0) (*granted)[members[i]].push_back(*now);
            *now += milliseconds(random() % 300);
        }
        self->ended = true;
    }
};

TEST_F(member_rates_test, eight_at_once_never_exceed_any_window) {
    for (const auto skew : {0ms, 40ms}) {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        std::vector<std::unique_ptr<taker>> takers;
        std::map<std::string, std::vector<wall_time>> sent, counted;
        auto now = start;
        const member_limits limits{30, 100, skew > 0ms ? 5s : 0ms};
        for (int i = 0; i < 8; ++i) takers.push_back(std::make_unique<taker>(loop_, skew * i));
        for (unsigned i = 0; i < 8; ++i)
            asio::co_spawn(loop_.context(), taker::run(takers[i].get(), &now, limits, &sent, i + 1),
                           asio::detached);
        const auto until = std::chrono::steady_clock::now() + 60s;
        while (!std::all_of(takers.begin(), takers.end(), [](const auto& t) { return t->ended; })) {
            ASSERT_LT(std::chrono::steady_clock::now(), until);
            loop_.run_for(5ms);
        }
        for (const auto& [member, times] : sent) {
            const auto key = keys::member_rate(shard_of(member, 4), member);
            const auto kept = loop_.run(redis_.command({"ZRANGE", key, "0", "-1", "WITHSCORES"})).value();
            for (std::size_t i = 1; i < kept.items.size(); i += 2)
                counted[member].push_back(wall_time(milliseconds(kept.items[i].number())));
            EXPECT_EQ(times.size(), 100U) << member << ": as many as the hour allows";
            EXPECT_EQ(counted[member].size(), times.size()) << member;
            EXPECT_LE(most_in_a_window(counted[member], 60s + limits.slack), 30U) << member;
            EXPECT_GE(most_in_a_window(counted[member], 60s), 20U) << member << ": the limit is used";
            if (skew > 0ms) EXPECT_LE(most_in_a_window(times, 60s), 30U) << member << ": where it counts";
        }
        for (const auto& t : takers) t->redis.close();
    }
}

} // namespace
} // namespace zhida::store
