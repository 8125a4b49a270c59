// What a code of a cloud's SMS service asks of us, the same shape for every vendor. Pure.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/reason_class.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

struct cloud_reaction {
    enum class pause : std::uint8_t {
        none,
        slow_channel,   // a moment for all messages, longer each time it is said again
        until_mended,   // five minutes, then one may try whether somebody has acted
        until_midnight, // a quota of the day (Shanghai's)
    };
    enum class again : std::uint8_t {
        none,
        soon,        // 5 s
        half_minute, //
        minute,      //
        hour,        //
        day,         // 24 h: the vendors' day is a rolling one
        as_said,     // the window that the message names, an hour where it names none
        morning,     // when marketing may be sent: 08:00 in Shanghai
    };

    const char* code; // "Throttling.*" stands for every code that begins so
    send_outcome outcome;
    pause channel;
    again when;                  // of retry
    const char* recipient_fault; // as in send_result
    bool one_number;             // it may be one number's fault that a whole request was refused
    bool alarm;                  // somebody should look
    reason_class means;
    const char* words; // Chinese, for the operator
};

// The row that names the code, else the first one whose beginning it has, else the last row ("*").
const cloud_reaction& find_reaction(std::span<const cloud_reaction> table, std::string_view code) noexcept;
std::vector<code_reason> reasons_of(std::span<const cloud_reaction> table);

// How long until the message may be tried again. `said`: the vendor's Message.
milliseconds wait_of(cloud_reaction::again when, std::string_view said, wall_time now) noexcept;
milliseconds until_shanghai_midnight(wall_time now) noexcept;

// Of a receipt's code. Where no row names it, those of the networks (cmpp_stats.hpp) do.
struct cloud_receipt_code {
    const char* code;
    reason_class means;
    const char* recipient_fault;
    const char* words;
};
// delivered: what the vendor says besides the code, which counts more than it.
std::string receipt_fault(std::span<const cloud_receipt_code> table, std::string_view code, bool delivered);
std::vector<code_reason> reasons_of(std::span<const cloud_receipt_code> table);

} // namespace zhida::gateways
