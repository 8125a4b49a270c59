// Subject ids and the check characters of the unified social credit code (统一社会信用代码).
#include "common/model/profile.hpp"

namespace zhida {

namespace {

// GB 32100-2015 table 1: digits and capitals without I, O, S, V, Z.
constexpr std::string_view uscc_alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

} // namespace

bool valid_subject_id(std::string_view id) noexcept {
    if (id.empty() || id.size() > 24) return false;
    for (const char c : id)
        if (!is_digit(c) && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '-') return false;
    return true;
}

// GB 32100-2015 annex: 31 - (sum of value * 3^i mod 31) mod 31, and 31 counts as 0.
char uscc_check(std::string_view first17) noexcept {
    if (first17.size() != 17) return '\0';
    std::size_t sum = 0, weight = 1;
    for (const char c : first17) {
        const auto value = uscc_alphabet.find(c);
        if (value == std::string_view::npos) return '\0';
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    return uscc_alphabet[(31 - sum % 31) % 31];
}

// GB 11714-1997: 11 - (sum of value * weight) mod 11; 10 is written X, 11 is written 0.
char organisation_check(std::string_view first8) noexcept {
    constexpr std::size_t weights[] = {3, 7, 9, 10, 5, 8, 4, 2};
    if (first8.size() != 8) return '\0';
    std::size_t sum = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        const char c = first8[i];
        if (!is_digit(c) && !(c >= 'A' && c <= 'Z')) return '\0';
        sum += static_cast<std::size_t>(is_digit(c) ? c - '0' : c - 'A' + 10) * weights[i];
    }
    const auto check = (11 - sum % 11) % 11;
    return check == 10 ? 'X' : static_cast<char>('0' + check);
}

bool valid_uscc(std::string_view code) noexcept {
    if (code.size() != 18) return false;
    const char check = uscc_check(code.substr(0, 17));
    if (check == '\0' || check != code[17]) return false;
    for (std::size_t i = 2; i < 8; ++i) // the registering authority's division
        if (!is_digit(code[i])) return false;
    return organisation_check(code.substr(8, 8)) == code[16];
}

} // namespace zhida
