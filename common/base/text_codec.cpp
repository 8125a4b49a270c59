// base64 and hex of crypto.hpp. OpenSSL's own decoder trims white space and accepts stray padding bits.
#include "common/base/crypto.hpp"

namespace zhida::crypto {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_value(char c) noexcept {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

failure not_base64(std::string why) {
    return {errc::invalid, "not base64: " + std::move(why), "",
            "RFC 4648 section 4: A-Z a-z 0-9 + /, padded with = to a multiple of 4, nothing else"};
}

} // namespace

std::string base64(std::string_view data) {
    std::string out;
    out.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        const std::size_t have = data.size() - i < 3 ? data.size() - i : 3;
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (k < have ? static_cast<unsigned char>(data[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out += k <= have ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

result<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0)
        return not_base64("length " + std::to_string(text.size()) + " is no multiple of 4");
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::size_t digits = 4;
        if (i + 4 == text.size()) // padding stands only at the very end
            while (digits > 2 && text[i + digits - 1] == '=') --digits;
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const int v = k < digits ? base64_value(text[i + k]) : 0;
            if (v < 0) return not_base64("character " + std::to_string(i + k + 1));
            bits = bits << 6 | static_cast<std::uint32_t>(v);
        }
        const std::size_t count = digits - 1;
        if (bits & (0xffffffU >> (8 * count))) return not_base64("its last character has bits to spare");
        for (std::size_t k = 0; k < count; ++k) out += static_cast<char>(bits >> (16 - 8 * k));
    }
    return ok(std::move(out));
}

std::string hex(std::string_view data) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(data.size() * 2);
    for (const char c : data) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

result<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0)
        return failure{errc::invalid, "not hex: an odd number of digits", "", "two digits a byte"};
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            return failure{errc::invalid, "not hex: character " + std::to_string(i + (high < 0 ? 1 : 2)), "",
                           "digits 0-9 and a-f"};
        out += static_cast<char>(high << 4 | low);
    }
    return ok(std::move(out));
}

} // namespace zhida::crypto
