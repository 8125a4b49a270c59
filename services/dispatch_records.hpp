// What the scheduler hands out and dispatchers carry: a chunk of a campaign's recipients, on one channel.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/model/campaign.hpp"

#include <string>
#include <vector>

namespace zhida {

struct dispatch_chunk {
    std::string campaign;
    int shard = 0;
    channel via = channel::web;
    std::uint32_t first = 0, count = 0; // positions in the shard's audience; 1..1024
    campaign_urgency urgency = campaign_urgency::normal;
};

// The event that hands it out, on the partition of its shard.
io::log_message dispatch_message(const dispatch_chunk& c, wall_time now);
// The event's data; every error with its pointer.
result<dispatch_chunk> read_dispatch(const json& data, std::vector<failure>& errors);

} // namespace zhida
