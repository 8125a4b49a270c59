#include "services/dispatcher/lanes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::dispatcher {
namespace {

using enum campaign_urgency;
constexpr std::int64_t now = 1'795'000'000'000, hour = 3'600'000;

TEST(lanes, bulk_never_goes_before_what_is_urgent_however_long_it_has_waited) {
    EXPECT_LT(turn_of(urgent, now), turn_of(normal, now - 40 * hour));
    EXPECT_LT(turn_of(emergency, now), turn_of(urgent, now - 40 * hour));
    EXPECT_LT(turn_of(normal, now - 1), turn_of(normal, now)) << "of one lane the older";
}

// A chunk yields to whatever is more urgent: that must then be taken first.
RC_GTEST_PROP(lanes, who_is_yielded_to_goes_first, ()) {
    const auto any = [] {
        return std::pair(static_cast<campaign_urgency>(*rc::gen::inRange(0, 3)),
                         now - *rc::gen::inRange<std::int64_t>(0, 10'000 * hour));
    };
    const auto a = any(), b = any();
    if (a.first > b.first) RC_ASSERT(turn_of(a.first, a.second) < turn_of(b.first, b.second));
    if (a.first == b.first)
        RC_ASSERT((turn_of(a.first, a.second) < turn_of(b.first, b.second)) == (a.second < b.second));
}

} // namespace
} // namespace zhida::dispatcher
