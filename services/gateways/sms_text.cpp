#include "services/gateways/sms_text.hpp"

#include "common/base/utf8.hpp"

namespace zhida::gateways {

namespace {

constexpr bool high_surrogate(char16_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}

result<std::u16string> units_of(std::string_view utf8) {
    std::u16string units;
    units.reserve(utf8.size());
    for (std::size_t at = 0; at < utf8.size();) {
        const char32_t c = next_code_point(utf8, at);
        if (c == bad_code_point)
            return failure{errc::invalid, "byte " + std::to_string(at) + " of the text is not UTF-8",
                           "SMS text", ""};
        if (c < 0x10000) {
            units.push_back(static_cast<char16_t>(c));
        } else {
            units.push_back(static_cast<char16_t>(0xD800 + ((c - 0x10000) >> 10)));
            units.push_back(static_cast<char16_t>(0xDC00 + ((c - 0x10000) & 0x3FF)));
        }
    }
    if (units.empty()) return failure{errc::invalid, "the text is empty", "SMS text", ""};
    return units;
}

// Where each part ends.
std::vector<std::size_t> cuts_of(const std::u16string& units) {
    std::vector<std::size_t> ends;
    if (units.size() <= sms_single_units) return {units.size()};
    for (std::size_t at = 0; at < units.size();) {
        std::size_t end = std::min(at + sms_part_units, units.size());
        if (end < units.size() && high_surrogate(units[end - 1])) --end;
        ends.push_back(end);
        at = end;
    }
    return ends;
}

} // namespace

result<std::vector<sms_part>> segment_sms(std::string_view utf8, std::uint8_t ref) {
    const auto units = units_of(utf8);
    if (!units) return units.error();
    const auto ends = cuts_of(*units);
    if (ends.size() > 255)
        return failure{errc::invalid,
                       "the text needs " + std::to_string(ends.size()) + " parts, 255 is the most",
                       "SMS text", "shorten it"};
    std::vector<sms_part> parts;
    parts.reserve(ends.size());
    std::size_t at = 0;
    for (const auto end : ends) {
        sms_part part;
        part.total = static_cast<std::uint8_t>(ends.size());
        part.number = static_cast<std::uint8_t>(parts.size() + 1);
        part.udhi = ends.size() > 1;
        if (part.udhi)
            part.content = {'\x05',
                            '\x00',
                            '\x03',
                            static_cast<char>(ref),
                            static_cast<char>(part.total),
                            static_cast<char>(part.number)};
        for (; at < end; ++at) {
            part.content.push_back(static_cast<char>((*units)[at] >> 8));
            part.content.push_back(static_cast<char>((*units)[at] & 0xFF));
        }
        parts.push_back(std::move(part));
    }
    return parts;
}

result<std::size_t> billed_parts(std::string_view utf8) {
    const auto units = units_of(utf8);
    if (!units) return units.error();
    return cuts_of(*units).size();
}

result<std::size_t> sms_units(std::string_view utf8) {
    const auto units = units_of(utf8);
    if (!units) return units.error();
    return units->size();
}

std::string utf8_of_ucs2(std::string_view content) {
    std::string text;
    const auto unit = [&](std::size_t at) {
        return static_cast<char32_t>(static_cast<std::uint8_t>(content[at]) << 8 |
                                     static_cast<std::uint8_t>(content[at + 1]));
    };
    for (std::size_t at = 0; at + 1 < content.size(); at += 2) {
        char32_t c = unit(at);
        if (c >= 0xD800 && c <= 0xDFFF) {
            const bool paired =
                c <= 0xDBFF && at + 3 < content.size() && unit(at + 2) >= 0xDC00 && unit(at + 2) <= 0xDFFF;
            if (paired) {
                c = 0x10000 + ((c - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
                at += 2;
            } else {
                c = 0xFFFD;
            }
        }
        append_utf8(text, c);
    }
    return text;
}

} // namespace zhida::gateways
