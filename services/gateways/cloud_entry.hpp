// What vendors push and what we need of it: a member that only helps must not cost the entry. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

#include <string>
#include <string_view>

namespace zhida::gateways {

// A text, cut to so many bytes, or a whole number as one; "" where it is missing or anything else.
std::string text_if_any(json_reader& in, std::string_view member, std::size_t most_bytes);
// "2017-01-01 00:00:00" of Shanghai; `now` where it is none, or lies in another century.
wall_time time_if_any(json_reader& in, std::string_view member, wall_time now);
// Seconds since 1970, likewise.
wall_time seconds_if_any(json_reader& in, std::string_view member, wall_time now);
// parse_json, and once more with U+FFFD for what is no character: half an emoji of one person must not cost
// what the others wrote.
result<json> parse_pushed(std::string_view body);

} // namespace zhida::gateways
