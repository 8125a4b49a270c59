#include "common/model/compact_text.hpp"

#include "common/base/utf8.hpp"

#include <stdexcept>

namespace zhida {

namespace {

constexpr char32_t han_first = 0x4e00, han_last = 0x9fff;
constexpr bool is_han(char32_t c) noexcept {
    return c >= han_first && c <= han_last;
}

} // namespace

std::string compact_text(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size());
    const auto byte = [&](char32_t b) { out += static_cast<char>(b); };
    for (std::size_t at = 0; at < utf8.size();) {
        const char32_t c = next_code_point(utf8, at);
        if (c == bad_code_point) throw std::invalid_argument("compact_text: not UTF-8");
        if (c < 0x80) {
            byte(c);
        } else if (is_han(c)) {
            byte(0x80 + ((c - han_first) >> 8));
            byte((c - han_first) & 0xff);
        } else {
            byte(0xe0 + (c >> 16));
            byte(c >> 8 & 0xff);
            byte(c & 0xff);
        }
    }
    return out;
}

bool expand_text(std::string_view compact, std::string& utf8) {
    utf8.clear();
    utf8.reserve(compact.size() * 3 / 2);
    const auto byte = [&](std::size_t i) {
        return static_cast<char32_t>(static_cast<unsigned char>(compact[i]));
    };
    for (std::size_t at = 0; at < compact.size();) {
        const char32_t first = byte(at);
        const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : 3;
        if (compact.size() - at < length) return false;
        char32_t c = first;
        if (length == 2) {
            c = han_first + ((first - 0x80) << 8 | byte(at + 1));
            if (!is_han(c)) return false;
        } else if (length == 3) {
            c = (first - 0xe0) << 16 | byte(at + 1) << 8 | byte(at + 2);
            if (c < 0x80 || is_han(c) || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return false;
        }
        append_utf8(utf8, c);
        at += length;
    }
    return true;
}

} // namespace zhida
