// The campaign that a published policy begins with. Pure: every matcher makes the same, and the first is
// kept.
#pragma once

#include "common/model/campaign.hpp"

#include <cstdint>
#include <string>

namespace zhida::matcher {

// A draft that ends when nothing of the policy can be claimed any more. publisher: empty where nobody said,
// the issuer then counts as having drafted it; received_ms: when the policy event was appended.
campaign first_round(const policy& p, const std::string& publisher, std::int64_t received_ms);

} // namespace zhida::matcher
