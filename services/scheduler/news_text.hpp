// What robots tell in their groups: of campaigns to the departments, of gateways to the operators. Markdown,
// Chinese. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida::scheduler {

std::string begin_news(const campaign& c, const std::vector<channel_progress>& channels, wall_time now);
std::string finish_news(const campaign& c, const std::vector<channel_progress>& channels, wall_time now);

// state: "stopped" or "circuit_open"; detail: what the gateway said, hence what to mend.
std::string gateway_news(std::string_view gateway, std::string_view state, std::string_view detail,
                         wall_time now);
std::string gateway_well_news(std::string_view gateway, wall_time now);

} // namespace zhida::scheduler
