// What each Stat of a CMPP status report means for us, as data. Source: QB-GF-028-2003; codes with digits are
// the networks' own and differ by province. The few that are named are read as is customary and are in no
// specification: ask the gateway's operator. Pure.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/reason_class.hpp"

#include <string_view>

namespace zhida::gateways::cmpp {

struct stat_reaction {
    const char* Stat; // "MK:" stands for every code that begins so
    receipt::meaning meaning;
    reason_class means;
    const char* recipient_fault; // as in send_result
    const char* words;           // Chinese, for the operator
};
const stat_reaction& reaction_to_stat(std::string_view Stat) noexcept;
std::vector<code_reason> stat_reasons();

} // namespace zhida::gateways::cmpp
