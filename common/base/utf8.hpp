// UTF-8 as RFC 3629 defines it: shortest form, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zhida {

inline constexpr char32_t bad_code_point = 0xffffffff;

// The code point at `at`, which moves behind it; bad_code_point (and `at` stays) where the bytes are not
// UTF-8 or end too early.
char32_t next_code_point(std::string_view text, std::size_t& at) noexcept;
void append_utf8(std::string& to, char32_t code_point);

// Length of the longest prefix that is UTF-8; text.size() where all of it is.
std::size_t valid_utf8_prefix(std::string_view text) noexcept;
inline bool valid_utf8(std::string_view text) noexcept {
    return valid_utf8_prefix(text) == text.size();
}

} // namespace zhida
