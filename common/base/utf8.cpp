#include "common/base/utf8.hpp"

#include <cstring>

namespace zhida {

char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    if (at >= text.size()) return bad_code_point;
    const std::uint32_t first = byte(at);
    if (first < 0x80) return byte(at++);
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return bad_code_point;
    std::uint32_t c = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const std::uint32_t next = byte(at + i);
        if ((next & 0xc0) != 0x80) return bad_code_point;
        c = c << 6 | (next & 0x3f);
    }
    constexpr std::uint32_t shortest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < shortest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return bad_code_point;
    at += length;
    return c;
}

void append_utf8(std::string& to, char32_t c) {
    const auto tail = [&](int shift) { to += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
    if (c < 0x80) {
        to += static_cast<char>(c);
    } else if (c < 0x800) {
        to += static_cast<char>(0xc0 | (c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        to += static_cast<char>(0xe0 | (c >> 12));
        tail(6);
        tail(0);
    } else {
        to += static_cast<char>(0xf0 | (c >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
}

std::size_t valid_utf8_prefix(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        std::uint64_t eight = 0; // most bytes of a register's export are ASCII
        if (text.size() - at >= sizeof eight) {
            std::memcpy(&eight, text.data() + at, sizeof eight);
            if (!(eight & 0x8080808080808080U)) {
                at += sizeof eight;
                continue;
            }
        }
        if (next_code_point(text, at) == bad_code_point) return at;
    }
    return at;
}

} // namespace zhida
