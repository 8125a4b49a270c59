#include "services/simulator/inbound_parts.hpp"

#include "services/gateways/sms_text.hpp"

#include <algorithm>

#include <iconv.h>

namespace zhida::simulator {

namespace {

constexpr std::size_t udh_bytes = 6; // 05 00 03 ref total number

failure wrong(std::string what, const char* where, std::string fix = "") {
    return {errc::invalid, std::move(what), where, std::move(fix)};
}

// Empty where a character is missing there, or the system has no such table.
std::string gbk_of(const std::string& utf8) {
    const iconv_t to = ::iconv_open("GBK", "UTF-8");
    if (reinterpret_cast<std::intptr_t>(to) == -1) return {};
    std::string in = utf8, out(utf8.size(), '\0'); // no character is longer in GBK
    char *from = in.data(), *into = out.data();
    std::size_t left = in.size(), room = out.size();
    const auto done = ::iconv(to, &from, &left, &into, &room);
    ::iconv_close(to);
    if (done == static_cast<std::size_t>(-1)) return {};
    out.resize(out.size() - room);
    return out;
}

result<inbound_part> part_in(const std::string& format, const gateways::sms_part& p) {
    const auto head = p.udhi ? p.content.substr(0, udh_bytes) : std::string();
    const auto body = p.content.substr(head.size());
    if (format == "ucs2") return inbound_part{gateways::sms_format_ucs2, p.udhi, p.content};
    const auto utf8 = gateways::utf8_of_ucs2(body);
    if (format == "gbk") {
        auto gbk = gbk_of(utf8);
        if (gbk.empty()) return wrong("cannot be said in GBK: " + utf8, "text");
        return inbound_part{15, p.udhi, head + gbk};
    }
    if (format != "ascii") return wrong("no such format: " + format, "formats", "ucs2, gbk or ascii");
    if (std::any_of(utf8.begin(), utf8.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; }))
        return wrong("cannot be said in ASCII: " + utf8, "text");
    return inbound_part{0, p.udhi, head + utf8};
}

void widen(inbound_part& p, std::int64_t ref) {
    p.content.replace(
        0, 4, {'\x06', '\x08', '\x04', static_cast<char>(ref >> 8 & 255), static_cast<char>(ref & 255)});
}

} // namespace

result<std::vector<inbound_part>> inbound_parts(const inbound_message& m, std::uint8_t next_ref) {
    if (m.phone.size() != 11 || m.phone[0] != '1' ||
        !std::all_of(m.phone.begin(), m.phone.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return wrong("must be a number of eleven digits", "phone");
    const auto ref = m.ref.value_or(next_ref);
    const auto whole = gateways::segment_sms(m.text, static_cast<std::uint8_t>(ref));
    if (!whole) return whole.error();
    std::vector<inbound_part> all;
    for (std::size_t i = 0; i < whole->size(); ++i) {
        auto part =
            part_in(m.formats.empty() ? "ucs2" : m.formats[std::min(i, m.formats.size() - 1)], whole->at(i));
        if (!part) return part.error();
        if (m.wide_ref && part->udhi) widen(*part, ref);
        all.push_back(std::move(*part));
    }
    if (m.order.empty()) return all;
    std::vector<inbound_part> out;
    for (const auto n : m.order) {
        if (n < 1 || n > static_cast<std::int64_t>(all.size()))
            return wrong("there is no part " + std::to_string(n) + " of " + std::to_string(all.size()),
                         "order");
        out.push_back(all[static_cast<std::size_t>(n - 1)]);
    }
    return out;
}

} // namespace zhida::simulator
