// Policies for benchmarks that run the whole service.
#pragma once

#include "common/base/json.hpp"

#include <string>

namespace zhida::bench {

// True of every subject, whether its data are known or not: an item for enterprises, one for residents.
json policy_for_everyone(const std::string& id);
// For the enterprises with exactly so many employees; the text names the policy, so that no two are alike.
json policy_for_few(const std::string& id, int headcount);

} // namespace zhida::bench
