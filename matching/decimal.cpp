#include "matching/decimal.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace zhida::matching {

decimal_error parse_decimal(std::string_view text, int decimals, std::int64_t& out) noexcept {
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    std::int64_t value = 0;
    int fraction = -1; // digits after the point; -1 before it
    std::size_t digits = 0;
    bool overflow = false, too_fine = false;
    for (const char c : text) {
        if (c == '.') {
            if (fraction >= 0) return decimal_error::not_a_number;
            fraction = 0;
            continue;
        }
        if (c < '0' || c > '9') return decimal_error::not_a_number;
        ++digits;
        if (fraction == decimals) {
            too_fine = too_fine || c != '0';
            continue;
        }
        if (fraction >= 0) ++fraction;
        if (!overflow) value = value * 10 + (c - '0');
        overflow = overflow || value > largest_coded;
    }
    if (digits == 0 || text.back() == '.' || text.front() == '.') return decimal_error::not_a_number;
    for (int i = fraction < 0 ? 0 : fraction; i < decimals && !overflow; ++i) {
        value *= 10;
        overflow = value > largest_coded;
    }
    if (too_fine) return decimal_error::too_many_decimals;
    if (overflow) return decimal_error::out_of_range;
    out = negative ? -value : value;
    return decimal_error::none;
}

decimal_error parse_decimal(double value, int decimals, std::int64_t& out) {
    if (!std::isfinite(value)) return decimal_error::not_a_number;
    std::array<char, 512> text{}; // the longest, the smallest denormal, has 326 characters
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
    return parse_decimal(std::string_view(text.data(), static_cast<std::size_t>(end - text.data())), decimals,
                         out);
}

std::string format_decimal(std::int64_t value, int decimals) {
    const bool negative = value < 0;
    const auto size = negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    std::string text = std::to_string(size);
    if (decimals > 0) {
        const auto places = static_cast<std::size_t>(decimals);
        if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
        text.insert(text.size() - places, 1, '.');
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
    }
    return negative ? "-" + text : text;
}

} // namespace zhida::matching
