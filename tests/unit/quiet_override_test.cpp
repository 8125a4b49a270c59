#include "common/model/campaign_life.hpp"
#include "services/scheduler/quiet_override.hpp"

#include <gtest/gtest.h>

namespace zhida::scheduler {
namespace {

constexpr dispatcher::quiet_hours night{21 * 60, 8 * 60};

wall_time at(const char* text) {
    wall_time t;
    EXPECT_TRUE(parse_rfc3339(text, t));
    return t;
}
campaign emergency() {
    campaign c;
    c.urgency = campaign_urgency::emergency;
    c.state = campaign_state::running;
    c.channels = {channel::web, channel::sms};
    c.approved_by = "王芳";
    return c;
}

TEST(quiet_override, is_remarked_once_when_an_emergency_runs_at_night) {
    const auto midnight = at("2026-11-24T00:30:00+08:00"), noon = at("2026-11-24T12:00:00+08:00");
    auto c = emergency();
    EXPECT_TRUE(overrides_quiet(c, night, midnight));
    EXPECT_FALSE(overrides_quiet(c, night, noon));
    EXPECT_FALSE(overrides_quiet(c, {}, midnight)) << "there are no quiet hours";
    c = remarked(c, campaign_action::override_quiet, the_system(), 5, override_note(c, {}));
    EXPECT_FALSE(overrides_quiet(c, night, midnight));
    EXPECT_EQ(c.state, campaign_state::running);
    EXPECT_EQ(c.history.back().role, "system");
}

TEST(quiet_override, concerns_only_what_goes_out_and_can_wake_somebody) {
    const auto midnight = at("2026-11-24T00:30:00+08:00");
    auto urgent = emergency(), paused = emergency(), web = emergency();
    urgent.urgency = campaign_urgency::urgent;
    paused.state = campaign_state::paused;
    web.channels = {channel::web};
    for (const auto& c : {urgent, paused, web}) EXPECT_FALSE(overrides_quiet(c, night, midnight));
}

TEST(quiet_override, names_the_hours_and_who_approved) {
    auto c = emergency();
    EXPECT_EQ(override_note(c, {}), "应急推送，静默时段（21:00至08:00）内照常发送；批准人：王芳");
    c.approved_by = "rule";
    EXPECT_EQ(override_note(c, {}), "应急推送，静默时段（21:00至08:00）内照常发送；未经人工审批");
}

} // namespace
} // namespace zhida::scheduler
