// A CMPP status report as a receipt. Pure.
#pragma once

#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/gateway.hpp"

namespace zhida::gateways::cmpp {

// What its Stat means: `codes`, then cmpp_stats.hpp. `now` stands in where Done_time is no time. Failure
// invalid: no status report (an inbound message), or an unreadable one.
result<receipt> receipt_of(const deliver& d, std::string gateway, wall_time now, const own_codes& codes = {});

} // namespace zhida::gateways::cmpp
