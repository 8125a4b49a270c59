// What each Result of a SUBMIT_RESP and each Status of a CONNECT_RESP means for us, as data. Source:
// QB-GF-028-2003 §8.4.3.2 and §8.4.1.2 (10 to 13 came with CMPP 2.1; 100 and above are the gateway's own).
#pragma once

#include "services/gateways/result_reaction.hpp"
#include "services/gateways/session_policies.hpp"

#include <cstdint>

namespace zhida::gateways::cmpp {

const result_reaction& reaction_to(std::uint32_t Result) noexcept;
std::vector<code_reason> result_reasons();

struct status_reaction {
    wire::session_end end; // login_refused (2, 3, 4) or login_failed
    const char* text;
    const char* fix;
};
status_reaction login_refusal(std::uint32_t Status) noexcept;

} // namespace zhida::gateways::cmpp
