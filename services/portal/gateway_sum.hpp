// A gateway as all processes that speak to it see it together. Pure.
#pragma once

#include "common/base/json.hpp"

#include <vector>

namespace zhida::portal {

// Of statuses as to_json(gateway_status) writes them, at least one, one a process: counters, codes,
// connections, in_flight, window and rate_per_s added up (rate 0 where one has no limit, -1 where all have
// nothing); the best `state`, but the worst `circuit` and the longest `receipt_ms`, the mean `health`, the
// latest `since_ms`; every `detail` once. And "processes": how many, "states": {state: how many}.
json gateway_of_processes(const std::vector<json>& statuses);

} // namespace zhida::portal
