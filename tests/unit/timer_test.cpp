#include "common/io/timer.hpp"

#include "tests/support/loop.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

namespace zhida::io {
namespace {

using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

asio::awaitable<void> sleep_and_tell(const clock& c, milliseconds time, bool& woken) {
    co_await sleep_for(c, time);
    woken = true;
}

TEST(timer, follows_the_clock_that_it_is_given) {
    tests::loop loop;
    manual_clock c{wall_time{}};
    bool woken = false;
    asio::co_spawn(loop.context(), sleep_and_tell(c, 60s, woken), [](std::exception_ptr) {});
    loop.run_for(5ms);
    c.advance(59999ms);
    c.jump_to(wall_time(1000h)); // the wall clock does not matter
    loop.run_for(5ms);
    EXPECT_FALSE(woken);
    c.advance(1ms);
    loop.run_for(50ms);
    EXPECT_TRUE(woken);
}

TEST(timer, sleeps_in_real_time) {
    tests::loop loop;
    const system_clock c;
    const auto begin = std::chrono::steady_clock::now();
    loop.run(sleep_for(c, 20ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
    loop.run(sleep_for(c, 0ms));
    loop.run(sleep_for(c, -5ms));
}

asio::awaitable<bool> first_ends(const clock& c) {
    co_return (co_await (sleep_for(c, 5ms) || sleep_for(c, 1h))).index() == 0;
}

TEST(timer, can_be_cancelled) {
    tests::loop loop;
    EXPECT_TRUE(loop.run(first_ends(system_clock())));
}

} // namespace
} // namespace zhida::io
