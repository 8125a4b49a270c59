// What somebody wrote back to our number, whatever gateway brought it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::gateways {

// The content of a short message as UTF-8: by its format (data coding) 0 ASCII, 3 Latin-1, 8 UCS-2
// big-endian, 15 GBK; what is no text becomes U+FFFD; empty: another format (binary). A header (UDH) is not
// content.
std::string inbound_utf8(std::string_view content, std::uint8_t format);

// In lower case, full-width letters and digits as plain ones, without white space around it.
std::u32string folded(std::string_view utf8);

// "R" (拒收请回复R) and what people are used to write instead: T, TD, N, 退订, 拒收 and the like.
bool asks_to_stop(std::string_view utf8);

} // namespace zhida::gateways
