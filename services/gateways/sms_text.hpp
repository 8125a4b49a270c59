// A text as the parts that a mobile network carries. Pure. Source: 3GPP TS 23.040 §9.2.3.24.1 (concatenated
// short messages, 8-bit reference); networks bill each part as a message.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

struct sms_part {
    std::uint8_t total = 1, number = 1; // Pk_total, Pk_number
    bool udhi = false;                  // content starts with the header 05 00 03 ref total number
    std::string content;                // UCS-2 big-endian (Msg_Fmt 8), at most 140 bytes
    bool operator==(const sms_part&) const = default;
};

inline constexpr std::size_t sms_single_units = 70; // UTF-16 units of a text in one part
inline constexpr std::size_t sms_part_units = 67;   // of one part of several
inline constexpr std::uint8_t sms_format_ucs2 = 8;

// `ref` tells the parts of one text from those of another: use the next value for the next text. A surrogate
// pair is never split, so a part may have 66 units. Failure invalid: empty, not UTF-8, or more than 255
// parts.
result<std::vector<sms_part>> segment_sms(std::string_view utf8, std::uint8_t ref);

// How many messages the network will bill, and of how many UTF-16 units the text is: both count signature and
// opt-out words, where they are in it. Failures as above, but no bound.
result<std::size_t> billed_parts(std::string_view utf8);
result<std::size_t> sms_units(std::string_view utf8);

// Big-endian UTF-16 (Msg_Fmt 8) as UTF-8; what is no text becomes U+FFFD. For simulators and logs of tests.
std::string utf8_of_ucs2(std::string_view content);

} // namespace zhida::gateways
