// Which of the chunks that wait goes first: emergencies, then what is urgent, then the rest; of one lane the
// one that has waited longest. Pure.
#pragma once

#include "common/model/policy.hpp"

#include <cstdint>

namespace zhida::dispatcher {

// The lower, the sooner. No age makes up for a lane: the chunks of a large campaign were all handed out at
// one moment, and would go before whatever urgent comes later. It agrees with who yields to whom, by urgency
// alone; else a chunk would yield and be taken again for ever.
constexpr std::int64_t turn_of(campaign_urgency u, std::int64_t arrived_ms) noexcept {
    constexpr std::int64_t lane_ms = 20LL * 365 * 24 * 3600 * 1000; // longer than anything waits
    return arrived_ms - lane_ms * static_cast<std::int64_t>(u);
}

} // namespace zhida::dispatcher
