#include "services/gateways/cmpp_inbound.hpp"

#include "common/base/utf8.hpp"
#include "services/gateways/sms_text.hpp"

#include <algorithm>
#include <iterator>

namespace zhida::gateways::cmpp {

namespace {

constexpr std::uint8_t format_ascii = 0, format_latin1 = 3, format_gbk = 15;

constexpr std::u32string_view words_of_refusal[] = {U"r", U"t", U"td", U"n", U"退订", U"拒收"};

// The few characters of GBK that a word of refusal may have; a whole table would serve nothing else.
constexpr std::pair<std::uint16_t, char32_t> gbk_characters[] = {
    {0xA1A1, U'\u3000'}, {0xCDCB, U'退'}, {0xB6A9, U'订'}, {0xBEDC, U'拒'}, {0xCAD5, U'收'},
};

char32_t of_gbk(std::uint16_t pair) {
    if (pair > 0xA3A0 && pair < 0xA3FF) return 0xFF00 + (pair - 0xA3A0); // full-width ASCII
    const auto* found = std::find_if(std::begin(gbk_characters), std::end(gbk_characters),
                                     [&](const auto& c) { return c.first == pair; });
    return found == std::end(gbk_characters) ? 0xFFFD : found->second;
}

std::u32string from_bytes(std::string_view content, bool gbk) {
    std::u32string out;
    for (std::size_t at = 0; at < content.size(); ++at) {
        const auto byte = static_cast<std::uint8_t>(content[at]);
        if (byte < 0x80) {
            out += char32_t{byte};
        } else if (gbk && at + 1 < content.size()) {
            out += of_gbk(static_cast<std::uint16_t>(byte << 8 | static_cast<std::uint8_t>(content[++at])));
        } else {
            out += U'\uFFFD';
        }
    }
    return out;
}

std::u32string from_ucs2(std::string_view content) {
    const auto utf8 = utf8_of_ucs2(content);
    std::u32string out;
    for (std::size_t at = 0; at < utf8.size();) out += next_code_point(utf8, at);
    return out;
}

char32_t plain(char32_t c) {
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
    return c >= U'A' && c <= U'Z' ? c + (U'a' - U'A') : c;
}

bool blank(char32_t c) {
    return c <= U' ' || c == 0xA0 || c == 0x3000 || c == 0xFEFF; // phones and gateways fill up with these
}

} // namespace

std::u32string inbound_text(const deliver& d) {
    std::string_view content = d.Msg_Content;
    if ((d.TP_udhi & 1) != 0 && !content.empty())
        content.remove_prefix(
            std::min<std::size_t>(content.size(), 1U + static_cast<std::uint8_t>(content[0])));
    std::u32string text;
    if (d.Msg_Fmt == sms_format_ucs2)
        text = from_ucs2(content);
    else if (d.Msg_Fmt == format_ascii || d.Msg_Fmt == format_latin1 || d.Msg_Fmt == format_gbk)
        text = from_bytes(content, d.Msg_Fmt == format_gbk);
    std::transform(text.begin(), text.end(), text.begin(), plain);
    const auto first = std::find_if_not(text.begin(), text.end(), blank);
    const auto last = std::find_if_not(text.rbegin(), std::make_reverse_iterator(first), blank).base();
    return {first, last};
}

bool asks_to_stop(const deliver& d) {
    const auto text = inbound_text(d);
    return std::find(std::begin(words_of_refusal), std::end(words_of_refusal), text) !=
           std::end(words_of_refusal);
}

} // namespace zhida::gateways::cmpp
