// A subject's attributes. Values are whole numbers, coded by the catalogue:
//   integer, decimal   the number times 10^decimals of the attribute
//   boolean            0 or 1
//   date               days since 1970-01-01
//   enum               number of the term in the attribute's vocabulary
//   set                bit n for the term with number n (at most 63 terms)
//   code               up to eight characters as base-256 digits, first character highest (pack_code);
//                      division codes (up to 12 digits) as the decimal number
#pragma once

#include "common/base/error.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::crypto {
class sealer;
}

namespace zhida {

enum class subject_type : std::uint8_t { enterprise = 1, resident = 2 };
const char* to_string(subject_type) noexcept; // "enterprise", "resident"
bool parse(std::string_view text, subject_type& out) noexcept;

inline constexpr int max_attributes = 64; // of one subject type

struct attribute_row {
    std::uint64_t known = 0; // bit n: attribute n has a value
    std::array<std::int64_t, max_attributes> value{};

    bool has(int n) const noexcept { return known >> n & 1; }
    void set(int n, std::int64_t v) noexcept {
        known |= std::uint64_t{1} << n;
        value[static_cast<std::size_t>(n)] = v;
    }
    bool operator==(const attribute_row&) const = default;
};

struct contact {
    std::string role;   // 法人, 财务, 人事, 本人, 家属 ...
    std::string phone;  // mainland mobile number, 11 digits; may be empty
    std::string openid; // a WeChat address (wechat_address.hpp); may be empty
    bool operator==(const contact&) const = default;
};

struct profile {
    std::string id; // 统一社会信用代码, or a resident's id: 1 to 24 of [0-9A-Za-z-]
    subject_type type = subject_type::enterprise;
    std::string name;       // may be empty
    std::string origin;     // which register or import the row came from; may be empty
    std::int32_t as_of = 0; // day the facts were taken, days since 1970-01-01; 0: nobody said
    attribute_row attributes;
    std::vector<contact> contacts;
    bool operator==(const profile&) const = default;
};

// A subject id that may be stored: 1 to 24 characters of [0-9A-Za-z-].
bool valid_subject_id(std::string_view id) noexcept;
// GB 32100-2015: 18 characters of its alphabet, division digits, check characters right. False for lower
// case.
bool valid_uscc(std::string_view code) noexcept;
// The check character for the first 17; '\0' where one is not of the alphabet.
char uscc_check(std::string_view first17) noexcept;
// Of the organisation code within (GB 11714), for the first 8 of 9.
char organisation_check(std::string_view first8) noexcept;

std::int64_t pack_code(std::string_view code) noexcept; // at most 8 characters
std::string unpack_code(std::int64_t packed);

// By what a subject can be reached at all, so that it is known without opening the seal.
namespace reachable_by {
inline constexpr std::uint8_t phone = 1;  // some contact has one
inline constexpr std::uint8_t openid = 2; // some contact has one
} // namespace reachable_by
std::uint8_t reachable(const std::vector<contact>& contacts) noexcept;

// The stored form: a version byte, ordinal (32 bits, little-endian, at packed_ordinal_at, so that whoever
// gives it out may write it there later), type (low four bits) and reachable (high four), as_of, origin,
// name, known mask and a zigzag varint for each known value, then `sealed`: the encrypted contacts. Contacts
// never appear in it in clear.
inline constexpr std::size_t packed_ordinal_at = 1;
std::string pack_profile(const profile& p, std::uint32_t ordinal, std::string_view sealed_contacts);
struct packed_profile {
    profile subject; // without contacts and id
    std::uint32_t ordinal = 0;
    std::uint8_t reachable = 0;       // reachable_by, of the contacts when it was packed
    std::string_view sealed_contacts; // into the bytes given
};
// invalid: another version, cut off, or values out of their form.
result<packed_profile> unpack_profile(std::string_view bytes);

// What matching reads of a stored profile; names and origins are passed over.
struct packed_facts {
    std::uint32_t ordinal = 0;
    subject_type type = subject_type::enterprise;
    std::uint8_t reachable = 0;
    attribute_row attributes;
};
// Into `out`, whose values of attributes that are not known stay as they were: a row is used again and again.
// False for bytes of another version or that are damaged: unpack_profile says how.
bool read_facts(std::string_view bytes, packed_facts& out) noexcept;

inline constexpr std::size_t max_contacts = 16;
// As events carry them: compact JSON, [[role, phone, openid], ...].
std::string contacts_text(const std::vector<contact>& contacts);
result<std::vector<contact>> parse_contacts(std::string_view text);
// As they are stored: about a third of that. invalid: not what pack_contacts makes.
std::string pack_contacts(const std::vector<contact>& contacts);
result<std::vector<contact>> unpack_contacts(std::string_view bytes);
// Sealed for one subject, and opened again; empty where there are none. invalid: as sealer::open_short.
std::string seal_contacts(const std::vector<contact>& contacts, const crypto::sealer& sealer,
                          std::string_view subject_id);
result<std::vector<contact>> open_contacts(std::string_view sealed, const crypto::sealer& sealer,
                                           std::string_view subject_id);

} // namespace zhida
