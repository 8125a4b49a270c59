// A CMPP status report as a receipt. Pure.
#pragma once

#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/gateway.hpp"

namespace zhida::gateways::cmpp {

// Digits without 86, +86 or 0086 in front of a mainland mobile number.
std::string plain_phone(std::string_view phone);

// What its Stat means: cmpp_stats.hpp. `now` stands in where Done_time is no time. Failure invalid: no status
// report (an inbound message), or an unreadable one.
result<receipt> receipt_of(const deliver& d, std::string gateway, wall_time now);

} // namespace zhida::gateways::cmpp
