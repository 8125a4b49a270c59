// What each Result of a SUBMIT_RESP and each Status of a CONNECT_RESP means for us, as data. Source:
// QB-GF-028-2003 §8.4.3.2 and §8.4.1.2 (10 to 13 came with CMPP 2.1; 100 and above are the gateway's own).
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/reason_class.hpp"

#include <cstdint>

namespace zhida::gateways::cmpp {

struct result_reaction {
    std::uint32_t Result;
    send_outcome outcome;
    const char* recipient_fault; // as in send_result
    bool slow_channel;           // every message waits, not only this one
    bool alarm;                  // somebody should look: our bug or our configuration
    const char* text;
    reason_class means;
    const char* words; // Chinese, for the operator
};
const result_reaction& reaction_to(std::uint32_t Result) noexcept;
std::vector<code_reason> result_reasons();

// Why a session ended or could not begin.
enum class session_end {
    network,       // not reachable, or the connection broke
    login_refused, // Status 2, 3, 4: nothing changes until somebody acts
    login_failed,  // Status 1, 5 and above; or no answer to CONNECT
    terminated,    // the gateway said TERMINATE
    silent,        // no answer to ACTIVE_TEST, or too many requests without an answer
    garbled,       // bytes that are not CMPP
    stopped,       // we were told to
};
struct status_reaction {
    session_end end;
    const char* text;
    const char* fix;
};
status_reaction login_refusal(std::uint32_t Status) noexcept;

} // namespace zhida::gateways::cmpp
