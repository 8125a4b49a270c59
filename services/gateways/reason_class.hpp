// What a gateway's code asks of us, the same words for every gateway; docs/gateways.md lists all codes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::gateways {

enum class reason_class : std::uint8_t {
    accepted,
    retry,     // not taken, another try may do
    slow_down, // not taken, because we are too fast
    stop,      // nothing is taken until somebody acts, or the day ends
    permanent, // this recipient or this text never
    opt_out,   // the recipient refuses: nothing more on this channel
    in_doubt,  // may have been taken
    unknown,   // a code that we do not know: the message has failed, and somebody should look
};
const char* to_string(reason_class) noexcept; // "accepted", "retry", "slow_down" ...

// A line of a gateway's table, for people.
struct code_reason {
    std::string code;
    reason_class means = reason_class::unknown;
    std::string words; // Chinese, for the operator
};

} // namespace zhida::gateways
