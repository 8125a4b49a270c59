#include "common/base/utf8.hpp"
#include "common/model/compact_text.hpp"
#include "common/model/profile.hpp"

#include <algorithm>
#include <bit>

namespace zhida {

namespace {

constexpr char format_version = 2;

// Origins that come a million times take one byte: their place here plus 1. Append only.
constexpr std::string_view known_origins[] = {"synthetic", "import",     "市场监管",  "税务",
                                              "人社",      "公安",       "民政",      "统计",
                                              "科技",      "经济信息化", "大数据中心"};

constexpr std::uint64_t zigzag(std::int64_t v) noexcept {
    return static_cast<std::uint64_t>(v) << 1 ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) noexcept {
    return static_cast<std::int64_t>(v >> 1 ^ (~(v & 1) + 1));
}

void put_varint(std::string& to, std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) to += static_cast<char>(v | 0x80);
    to += static_cast<char>(v);
}

// length * 2 + 1 and the compact form; length * 2 and the bytes as they are where they are not UTF-8, or
// where that is shorter (Greek, Cyrillic).
void put_text(std::string& to, std::string_view text) {
    if (valid_utf8(text))
        if (const auto compact = compact_text(text); compact.size() <= text.size()) {
            put_varint(to, compact.size() * 2 + 1);
            to += compact;
            return;
        }
    put_varint(to, text.size() * 2);
    to += text;
}

class unpacker {
  public:
    explicit unpacker(std::string_view bytes) : rest_(bytes) {}

    bool byte(std::uint8_t& out) {
        if (rest_.empty()) return false;
        out = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return true;
    }
    bool u32(std::uint32_t& out) {
        out = 0;
        for (int i = 0; i < 4; ++i) {
            std::uint8_t b = 0;
            if (!byte(b)) return false;
            out |= static_cast<std::uint32_t>(b) << (8 * i);
        }
        return true;
    }
    // At most ten bytes, and nothing above the 64th bit.
    bool varint(std::uint64_t& out) {
        out = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            std::uint8_t b = 0;
            if (!byte(b) || (shift == 63 && b > 1)) return false;
            out |= static_cast<std::uint64_t>(b & 0x7f) << shift;
            if (b < 0x80) return true;
        }
        return false;
    }
    bool pass_text(std::string_view& bytes, std::uint64_t& head) {
        if (!varint(head) || head >> 1 > rest_.size()) return false;
        bytes = rest_.substr(0, static_cast<std::size_t>(head >> 1));
        rest_.remove_prefix(bytes.size());
        return true;
    }
    bool text(std::string& out) {
        std::uint64_t head = 0;
        std::string_view bytes;
        if (!pass_text(bytes, head)) return false;
        if (head & 1) return expand_text(bytes, out);
        out = bytes;
        return true;
    }
    std::string_view rest() const noexcept { return rest_; }

  private:
    std::string_view rest_;
};

// Type and reachable in one byte.
constexpr bool good_type(std::uint8_t b) noexcept {
    return ((b & 15) == 1 || (b & 15) == 2) && b >> 4 <= (reachable_by::phone | reachable_by::openid);
}

failure damaged(const char* part) {
    return {errc::invalid, std::string("stored profile is damaged at its ") + part, "",
            "import the subject again, or rebuild the shard from zhida.profile"};
}

} // namespace

std::string pack_profile(const profile& p, std::uint32_t ordinal, std::string_view sealed_contacts) {
    std::string out;
    out.reserve(128 + sealed_contacts.size());
    out += format_version;
    for (int i = 0; i < 4; ++i) out += static_cast<char>(ordinal >> (8 * i));
    out +=
        static_cast<char>(static_cast<unsigned>(p.type) | static_cast<unsigned>(reachable(p.contacts)) << 4);
    put_varint(out, zigzag(p.as_of));
    const auto known = std::find(std::begin(known_origins), std::end(known_origins), p.origin);
    if (known != std::end(known_origins)) {
        out += static_cast<char>(known - std::begin(known_origins) + 1);
    } else {
        out += '\0';
        put_text(out, p.origin);
    }
    put_text(out, p.name);
    put_varint(out, p.attributes.known);
    for (auto left = p.attributes.known; left; left &= left - 1)
        put_varint(out, zigzag(p.attributes.value[static_cast<std::size_t>(std::countr_zero(left))]));
    return out.append(sealed_contacts);
}

result<packed_profile> unpack_profile(std::string_view bytes) {
    unpacker in(bytes);
    packed_profile out;
    std::uint8_t version = 0, type = 0, origin = 0;
    std::uint64_t number = 0;
    if (!in.byte(version)) return damaged("beginning: it is empty");
    if (version != format_version)
        return failure{errc::invalid,
                       "stored profile of version " + std::to_string(version) + ", this program reads " +
                           std::to_string(format_version),
                       "", "run the version of zhida that wrote it, or import the subjects again"};
    if (!in.u32(out.ordinal)) return damaged("ordinal");
    if (!in.byte(type) || !good_type(type)) return damaged("type");
    out.subject.type = static_cast<subject_type>(type & 15);
    out.reachable = type >> 4;
    if (!in.varint(number) || unzigzag(number) < INT32_MIN || unzigzag(number) > INT32_MAX)
        return damaged("date");
    out.subject.as_of = static_cast<std::int32_t>(unzigzag(number));
    if (!in.byte(origin) || origin > std::size(known_origins)) return damaged("origin");
    if (origin != 0)
        out.subject.origin = known_origins[origin - 1];
    else if (!in.text(out.subject.origin))
        return damaged("origin");
    if (!in.text(out.subject.name)) return damaged("name");
    auto& row = out.subject.attributes;
    if (!in.varint(row.known)) return damaged("attributes");
    for (auto left = row.known; left; left &= left - 1) {
        if (!in.varint(number)) return damaged("attributes");
        row.value[static_cast<std::size_t>(std::countr_zero(left))] = unzigzag(number);
    }
    out.sealed_contacts = in.rest();
    return out;
}

bool read_facts(std::string_view bytes, packed_facts& out) noexcept {
    unpacker in(bytes);
    std::uint8_t version = 0, type = 0, origin = 0;
    std::uint64_t number = 0;
    std::string_view passed;
    if (!in.byte(version) || version != format_version || !in.u32(out.ordinal) || !in.byte(type) ||
        !good_type(type) || !in.varint(number) || !in.byte(origin) || origin > std::size(known_origins) ||
        (origin == 0 && !in.pass_text(passed, number)) || !in.pass_text(passed, number) ||
        !in.varint(out.attributes.known))
        return false;
    out.type = static_cast<subject_type>(type & 15);
    out.reachable = type >> 4;
    for (auto left = out.attributes.known; left; left &= left - 1) {
        if (!in.varint(number)) return false;
        out.attributes.value[static_cast<std::size_t>(std::countr_zero(left))] = unzigzag(number);
    }
    return true;
}

} // namespace zhida
