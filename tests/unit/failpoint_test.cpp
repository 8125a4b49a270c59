#include "common/base/failpoint.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace zhida::failpoint {
namespace {

static_assert(known("claim.before"));
static_assert(!known("claim.befor"));

// Where failpoints are off, the macro leaves nothing: what cannot be evaluated at compile time would not do
// here.
#ifndef ZHIDA_FAILPOINTS
constexpr int passes_without_a_trace() {
    ZHIDA_FAILPOINT("claim.before");
    return 1;
}
static_assert(passes_without_a_trace() == 1);
#endif

// What is asked for is read once: only in a child of its own.
void ask(const char* what) {
    setenv("ZHIDA_FAILPOINT", what, 1);
}

TEST(failpoint, no_name_comes_twice) {
    for (const auto* a = std::begin(names); a != std::end(names); ++a)
        for (const auto* b = a + 1; b != std::end(names); ++b) EXPECT_NE(*a, *b);
}

TEST(failpoint_death, dies_at_its_turn_alone) {
    const auto three_times = [] {
        ask("claim.before:3");
        hit("claim.before");
        hit("claim.after");
        hit("claim.before");
        std::fputs("still here\n", stderr);
        hit("claim.before");
    };
    EXPECT_EXIT(three_times(), testing::KilledBySignal(SIGKILL), "still here");
}

TEST(failpoint_death, says_what_is_wrong) {
    const auto order = [](const char* text) {
        ask(text);
        check_order();
    };
    EXPECT_EXIT(order("claim.before"), testing::ExitedWithCode(2), "not name:turn");
    EXPECT_EXIT(order("claim.before:0"), testing::ExitedWithCode(2), "not name:turn");
    EXPECT_EXIT(order("claim.before:1:wait"), testing::ExitedWithCode(2), "not name:turn");
    EXPECT_EXIT(order("claim.befor:1"), testing::ExitedWithCode(2), "no step of that name");
}

TEST(failpoint_death, waits) {
    const auto twice = [] {
        ask("claim.before:1:wait=50");
        const auto began = std::chrono::steady_clock::now();
        hit("claim.before");
        hit("claim.before");
        const auto took = std::chrono::steady_clock::now() - began;
        std::_Exit(took >= std::chrono::milliseconds(50) ? 0 : 1);
    };
    EXPECT_EXIT(twice(), testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace zhida::failpoint
