// Exact decimals: numbers are whole multiples of 10^-decimals, never rounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::matching {

// No value of an attribute is further from zero than this, coded, so that sums and products cannot overflow.
inline constexpr std::int64_t largest_coded = 1'000'000'000'000'000;

enum class decimal_error { none, not_a_number, too_many_decimals, out_of_range };

// "12.5" with 2 decimals is 1250. An optional sign, digits, an optional fraction; trailing zeros of the
// fraction are free. No exponent, no separators.
decimal_error parse_decimal(std::string_view text, int decimals, std::int64_t& out) noexcept;
// The same of a double, taken as the shortest decimal that reads back as it: what the author wrote.
decimal_error parse_decimal(double value, int decimals, std::int64_t& out);

// 1250 with 2 decimals is "12.5".
std::string format_decimal(std::int64_t value, int decimals);

} // namespace zhida::matching
