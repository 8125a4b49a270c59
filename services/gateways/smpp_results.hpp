// What each command_status of SMPP means for us, as data: of a submit_sm_resp (or the generic_nack that
// stands for it) and of a bind_transceiver_resp. Source: SMPP 3.4 issue 1.2, clause 5.1.3; 0x400 to 0x4FF are
// the SMSC's own.
#pragma once

#include "services/gateways/result_reaction.hpp"
#include "services/gateways/session_policies.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace zhida::gateways::smpp {

const result_reaction& reaction_to(std::uint32_t command_status) noexcept;
std::vector<code_reason> result_reasons();

struct bind_reaction {
    wire::session_end end; // login_refused where nothing changes until somebody acts, else login_failed
    const char* text;
    const char* fix;
};
bind_reaction bind_refusal(std::uint32_t command_status) noexcept;

// What the stat of a delivery receipt means (appendix B, clause 5.2.28). What is not named is looked up among
// the codes of the networks, which gateways in China pass on: cmpp_stats.hpp.
struct stat_reaction {
    const char* stat;
    gateways::receipt::meaning meaning;
    reason_class means;
    const char* recipient_fault; // as in send_result
    const char* words;           // Chinese, for the operator
};
stat_reaction reaction_to_stat(std::string_view stat) noexcept;
std::vector<code_reason> stat_reasons();

} // namespace zhida::gateways::smpp
