// Which rounds the reminders of a policy are, on one day: pure.
#pragma once

#include "common/model/campaign.hpp"
#include "services/scheduler/reminders.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zhida::scheduler {

struct reminder_rounds {
    std::vector<campaign> make; // each with the id of its reminder: made twice it is one
    struct left_out {
        std::string campaign, why; // why: Chinese
    };
    std::vector<left_out> overdue; // the deadline passed while nobody looked
    std::vector<left_out> not_made;
    std::int32_t handled = 0; // to be kept once the rounds are
};

// Up to which day a policy's reminders were seen to. kept: as it was stored; nothing: never. A new policy, or
// a new version of it, begins on the day it came: its first round says what there is to say. A day that has
// not come, by more than a clock may be ahead, is not believed: from today on, what was made is known by its
// id.
std::int32_t last_handled_day(std::optional<std::int32_t> kept, std::int32_t received, std::int32_t today);

// first: the policy's first round, by its version. Nothing is made where it was withdrawn or cancelled, or
// has not begun: whoever was not told of a policy is not reminded of it. Of reminders for the same people
// that say the same today, after an absence, the latest is made.
reminder_rounds rounds_of(const policy& p, const std::optional<campaign>& first, std::int32_t today,
                          std::int32_t last_handled, const workdays& w, std::int64_t now_ms);

} // namespace zhida::scheduler
