// What a gateway's answer to a submitted part means for us: a line of a protocol's table.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/reason_class.hpp"

#include <cstdint>

namespace zhida::gateways {

struct result_reaction {
    std::uint32_t code; // CMPP: Result, SMPP: command_status
    send_outcome outcome;
    const char* recipient_fault; // as in send_result
    bool slow_channel;           // every message waits, not only this one
    bool alarm;                  // somebody should look: our bug or our configuration
    const char* text;
    reason_class means;
    const char* words;    // Chinese, for the operator
    bool reroute = false; // as in send_result
};

} // namespace zhida::gateways
