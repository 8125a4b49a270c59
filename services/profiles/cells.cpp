#include "services/profiles/cells.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace zhida::profiles {

namespace {

constexpr std::array<std::string_view, 6> blanks{" ", "\t", "\r", "\n", "\u00a0", "\u3000"};

// The number at the beginning of `rest`, of at most `most` digits; -1: there is none.
int take_number(std::string_view& rest, std::size_t most) {
    int number = 0;
    std::size_t digits = 0;
    for (; digits < most && digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9'; ++digits)
        number = number * 10 + (rest[digits] - '0');
    rest.remove_prefix(digits);
    return digits == 0 ? -1 : number;
}

bool take(std::string_view& rest, std::string_view word) {
    if (word.empty() || !rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    return true;
}

} // namespace

std::string_view trimmed(std::string_view text) noexcept {
    const auto solid = [](char c) { return static_cast<signed char>(c) > ' '; };  // and ASCII
    if (text.empty() || (solid(text.front()) && solid(text.back()))) return text; // most cells
    for (bool more = true; more;) {
        more = false;
        for (const auto blank : blanks) {
            if (text.starts_with(blank)) more = true, text.remove_prefix(blank.size());
            if (text.ends_with(blank)) more = true, text.remove_suffix(blank.size());
        }
    }
    return text;
}

std::string date_cell(std::string_view cell) {
    auto rest = cell;
    const int year = take_number(rest, 4);
    const bool chinese = take(rest, "年");
    const auto separator = rest.substr(0, chinese ? 0 : 1);
    if (year < 1000 || (!chinese && (separator.empty() || !take(rest, separator) ||
                                     std::string_view("/-.").find(separator) == std::string_view::npos)))
        return std::string(cell);
    const int month = take_number(rest, 2);
    if (!take(rest, chinese ? std::string_view("月") : separator)) return std::string(cell);
    const int day = take_number(rest, 2);
    if (chinese) take(rest, "日");
    // A spreadsheet shows midnight with a date that it takes for an instant.
    const auto time = trimmed(rest);
    const bool midnight = time == "0:00" || time == "0:00:00" || time == "00:00" || time == "00:00:00";
    if (month < 0 || day < 0 || !(rest.empty() || (midnight && time.size() < rest.size())))
        return std::string(cell);
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
    return text.data();
}

std::string phone_cell(std::string_view cell) {
    std::string digits;
    for (auto rest = cell; !rest.empty();) {
        if (std::any_of(blanks.begin(), blanks.end(), [&](auto blank) { return take(rest, blank); }) ||
            take(rest, "-"))
            continue;
        digits += rest.front();
        rest.remove_prefix(1);
    }
    for (const std::string_view country : {"+86", "0086", "86"})
        if (digits.size() == country.size() + 11 && digits.starts_with(country))
            return digits.substr(country.size());
    return digits;
}

std::string code_cell(std::string_view cell) {
    std::string code(cell);
    std::transform(code.begin(), code.end(), code.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return code;
}

} // namespace zhida::profiles
