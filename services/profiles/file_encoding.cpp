#include "services/profiles/file_encoding.hpp"

#include "common/base/utf8.hpp"

namespace zhida::profiles {

namespace {

// In GBK text nearly nothing is UTF-8 by chance; in UTF-8 text with a few broken bytes nearly all is.
bool mostly_broken_utf8(std::string_view bytes) noexcept {
    std::size_t good = 0, broken = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto before = at;
        if (next_code_point(bytes, at) == bad_code_point)
            ++broken, ++at;
        else if (at - before >= 3)
            ++good;
    }
    return broken > good;
}

} // namespace

bool looks_like_gbk(std::string_view bytes) noexcept {
    std::size_t pairs = 0;
    for (std::size_t at = 0; at < bytes.size();) {
        const auto byte = [&](std::size_t i) {
            return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U;
        };
        if (byte(0) < 0x80) {
            ++at;
            continue;
        }
        if (byte(0) == 0x80 || byte(0) == 0xff) return false;
        if (at + 1 == bytes.size()) break; // cut within a pair
        if (byte(1) >= 0x30 && byte(1) <= 0x39)
            at += 4;
        else if (byte(1) >= 0x40 && byte(1) != 0x7f && byte(1) != 0xff)
            at += 2;
        else
            return false;
        ++pairs;
    }
    return pairs > 0 && mostly_broken_utf8(bytes);
}

result<void> check_encoding(std::string_view head, bool whole) {
    const auto refuse = [](const char* what, const char* fix) -> result<void> {
        return failure{errc::invalid, what, "", fix};
    };
    if (head.starts_with("PK\x03\x04") || head.starts_with("\xd0\xcf\x11\xe0"))
        return refuse("this is a workbook, not CSV", "save it as \"CSV UTF-8 (comma delimited)\"");
    if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff"))
        return refuse("the file is UTF-16, not UTF-8", "convert with iconv -f UTF-16 -t UTF-8");
    if (head.starts_with("\x1f\x8b")) return refuse("the file is packed by gzip", "unpack it with gunzip");
    if (head.find('\0') != head.npos)
        return refuse("the file holds zero bytes: it is no text", "export it as CSV in UTF-8");
    const auto good = valid_utf8_prefix(head);
    if (good == head.size() || (!whole && head.size() - good < 4)) return {};
    if (looks_like_gbk(head))
        return refuse("the file is GBK, not UTF-8", "convert with iconv -f GBK -t UTF-8");
    return {};
}

} // namespace zhida::profiles
