#include "services/gateways/wechat_token.hpp"
#include "services/simulator/wechat_tokens.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

using tests::loop;
using tests::pause_for;
const wall_time noon(milliseconds(1'790'000'000'000));
constexpr milliseconds two_hours{7'200'000};

struct platform {
    manual_clock time{noon};
    int fetched = 0, loaded = 0, stored = 0;
    std::optional<wechat_token> shared;
    std::optional<failure> down;

    static asio::awaitable<result<wechat_token>> fetch(platform* p) {
        const int mine = ++p->fetched;
        co_await pause_for(std::chrono::milliseconds(5));
        if (p->down) co_return *p->down;
        co_return fetched_token("token" + std::to_string(mine), p->time.now(), two_hours);
    }
    static asio::awaitable<std::optional<wechat_token>> load(platform* p) {
        ++p->loaded;
        co_return p->shared;
    }
    static asio::awaitable<bool> store(platform* p, wechat_token t) {
        ++p->stored;
        p->shared = std::move(t);
        co_return true;
    }
    wechat_token_cache cache(loop& on) {
        return {on.executor(),
                time,
                {[this] { return load(this); }, [this](wechat_token t) { return store(this, std::move(t)); }},
                [this] { return fetch(this); }};
    }
};

asio::awaitable<void> get_into(wechat_token_cache* c, std::string failed, std::vector<std::string>* out) {
    const auto t = co_await c->get(std::move(failed));
    out->push_back(t ? *t : t.error().text());
}

asio::awaitable<bool> take(std::optional<int>* turn, int who) {
    if (!*turn) *turn = who;
    co_return **turn == who;
}
asio::awaitable<void> give(std::optional<int>* turn) {
    turn->reset();
    co_return;
}

TEST(wechat_token_cache, many_callers_share_one_fetch) {
    loop on;
    platform p;
    auto c = p.cache(on);
    std::vector<std::string> got;
    for (int i = 0; i < 20; ++i) asio::co_spawn(on.context(), get_into(&c, "", &got), asio::detached);
    on.run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(got, std::vector<std::string>(20, "token1"));
    EXPECT_EQ(p.fetched, 1);
    EXPECT_EQ(p.stored, 1);
}

TEST(wechat_token_cache, a_failed_token_is_compared_before_it_is_renewed) {
    loop on;
    platform p;
    auto c = p.cache(on);
    EXPECT_EQ(on.run(c.get()).value(), "token1");
    std::vector<std::string> got;
    for (int i = 0; i < 5; ++i) asio::co_spawn(on.context(), get_into(&c, "token1", &got), asio::detached);
    on.run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(got, std::vector<std::string>(5, "token2"));
    // Late news of the old token: it was replaced already.
    EXPECT_EQ(on.run(c.get("token1")).value(), "token2");
    EXPECT_EQ(p.fetched, 2);
}

TEST(wechat_token_cache, another_process_may_have_renewed_it) {
    loop on;
    platform p;
    auto c = p.cache(on);
    EXPECT_EQ(on.run(c.get()).value(), "token1");
    p.shared = fetched_token("theirs", noon, two_hours);
    EXPECT_EQ(on.run(c.get("token1")).value(), "theirs");
    EXPECT_EQ(p.fetched, 1);
}

TEST(wechat_token_cache, is_renewed_beside_its_use_in_its_last_four_minutes) {
    loop on;
    platform p;
    auto c = p.cache(on);
    EXPECT_EQ(on.run(c.get()).value(), "token1");
    p.time.advance(two_hours - milliseconds(240'001));
    EXPECT_EQ(on.run(c.get()).value(), "token1");
    on.run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(p.fetched, 1);
    p.time.advance(milliseconds(1));
    EXPECT_EQ(on.run(c.get()).value(), "token1") << "nobody waits for the new one";
    on.run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(p.fetched, 2);
    EXPECT_EQ(on.run(c.get()).value(), "token2");
}

TEST(wechat_token_cache, where_none_can_be_fetched_the_old_one_is_used_to_its_end) {
    loop on;
    platform p;
    auto c = p.cache(on);
    EXPECT_EQ(on.run(c.get()).value(), "token1");
    p.down = failure{errc::unavailable, "no network", "", ""};
    p.time.advance(two_hours - milliseconds(100'000));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(on.run(c.get()).value(), "token1");
        on.run_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(p.fetched, 2) << "tried again after ten seconds, not with each message";
    p.time.advance(milliseconds(10'000));
    EXPECT_EQ(on.run(c.get()).value(), "token1");
    on.run_for(std::chrono::milliseconds(20));
    EXPECT_EQ(p.fetched, 3);
    p.time.advance(milliseconds(90'000));
    EXPECT_FALSE(on.run(c.get()));
}

// Eight caches that share a store, as eight processes do.
TEST(wechat_token_cache, one_of_many_processes_fetches) {
    loop on;
    platform p;
    std::optional<int> turn;
    std::vector<std::unique_ptr<wechat_token_cache>> all;
    for (int i = 0; i < 8; ++i)
        all.push_back(std::make_unique<wechat_token_cache>(
            on.executor(), p.time,
            wechat_token_store{[&p] { return platform::load(&p); },
                               [&p](wechat_token t) { return platform::store(&p, std::move(t)); },
                               [&turn, i] { return take(&turn, i); }, [&turn] { return give(&turn); }},
            [&p] { return platform::fetch(&p); }));
    std::vector<std::string> got;
    for (auto& c : all) asio::co_spawn(on.context(), get_into(c.get(), "", &got), asio::detached);
    on.run_for(std::chrono::milliseconds(100));
    p.time.advance(milliseconds(50));
    on.run_for(std::chrono::milliseconds(200));
    EXPECT_EQ(got, std::vector<std::string>(8, "token1"));
    EXPECT_EQ(p.fetched, 1);
    // All of them hear that it is not good any more.
    got.clear();
    for (auto& c : all) asio::co_spawn(on.context(), get_into(c.get(), "token1", &got), asio::detached);
    on.run_for(std::chrono::milliseconds(100));
    p.time.advance(milliseconds(50));
    on.run_for(std::chrono::milliseconds(200));
    EXPECT_EQ(got, std::vector<std::string>(8, "token2"));
    EXPECT_EQ(p.fetched, 2);
    EXPECT_FALSE(turn);
}

TEST(wechat_token_cache, a_failed_fetch_fails_those_who_waited_and_the_next_tries_again) {
    loop on;
    platform p;
    auto c = p.cache(on);
    p.down = failure{errc::unavailable, "no network", "", ""};
    std::vector<std::string> got;
    for (int i = 0; i < 3; ++i) asio::co_spawn(on.context(), get_into(&c, "", &got), asio::detached);
    on.run_for(std::chrono::milliseconds(50));
    EXPECT_EQ(got, std::vector<std::string>(3, "no network"));
    EXPECT_EQ(p.fetched, 1);
    p.down.reset();
    EXPECT_EQ(on.run(c.get()).value(), "token2");
}

// Whoever waited is told of that fetch, also where the next one begins before they go on.
TEST(wechat_token_cache, nobody_waits_for_a_fetch_that_is_over) {
    loop on;
    platform p;
    p.down = failure{errc::unavailable, "no network", "", ""};
    auto c = p.cache(on);
    std::vector<std::string> got;
    const auto again = [](wechat_token_cache* cache, std::vector<std::string>* out) -> asio::awaitable<void> {
        for (int i = 0; i < 20; ++i) {
            const auto t = co_await cache->get();
            out->push_back(t ? *t : t.error().text());
        }
    };
    for (int i = 0; i < 10; ++i) asio::co_spawn(on.context(), again(&c, &got), asio::detached);
    on.run_for(std::chrono::milliseconds(1500));
    EXPECT_EQ(got, std::vector<std::string>(200, "no network"));
}

std::string numbered() {
    static int n = 0;
    return "t" + std::to_string(++n);
}

TEST(wechat_tokens, the_simulated_platform_keeps_a_token_stable) {
    simulator::wechat_tokens t(7200, numbered);
    using enum simulator::wechat_tokens::standing;
    auto now = noon;
    const auto first = t.get(now, false);
    EXPECT_EQ(first.expires_in, 7200);
    EXPECT_EQ(t.get(now + milliseconds(6'899'000), false).token, first.token);
    now += milliseconds(6'900'000); // the last five minutes: a new one, the old one lives on to its end
    const auto second = t.get(now, false);
    EXPECT_NE(second.token, first.token);
    EXPECT_EQ(t.check(first.token, now), valid);
    EXPECT_EQ(t.check(first.token, now + milliseconds(300'000)), expired);
    EXPECT_EQ(t.check("other", now), unknown);
    EXPECT_EQ(t.check("", now), unknown);
    // force_refresh: at most every 30 s.
    const auto third = t.get(now, true);
    EXPECT_NE(third.token, second.token);
    EXPECT_EQ(t.get(now + milliseconds(29'999), true).token, third.token);
    EXPECT_NE(t.get(now + milliseconds(30'000), true).token, third.token);
    t.rotate(now);
    EXPECT_EQ(t.check(third.token, now), unknown);
}

TEST(wechat_tokens, force_refresh_works_twenty_times_a_day) {
    simulator::wechat_tokens t(7200, numbered);
    auto now = noon;
    t.get(now, false);
    const auto before = t.made();
    for (int i = 0; i < 40; ++i) t.get(now += milliseconds(30'000), true);
    EXPECT_EQ(t.made() - before, 20);
}

} // namespace
} // namespace zhida::gateways
