#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "common/model/profile.hpp"

#include <algorithm>

namespace zhida {

std::uint8_t reachable(const std::vector<contact>& contacts) noexcept {
    std::uint8_t by = 0;
    for (const auto& c : contacts) {
        if (!c.phone.empty()) by |= reachable_by::phone;
        if (!c.openid.empty()) by |= reachable_by::openid;
    }
    return by;
}

std::string contacts_text(const std::vector<contact>& contacts) {
    json list = json::array();
    for (const auto& c : contacts) list.push_back(json::array({c.role, c.phone, c.openid}));
    return to_text(list);
}

result<std::vector<contact>> parse_contacts(std::string_view text) {
    const auto list = parse_json(text, {.bytes = 8192, .depth = 2});
    const failure bad{errc::invalid, "not a list of contacts", "",
                      "[[role, phone, openid], ...], at most " + std::to_string(max_contacts)};
    if (!list) return list.error();
    if (!list->is_array() || list->size() > max_contacts) return bad;
    std::vector<contact> contacts;
    for (const auto& one : *list) {
        if (!one.is_array() || one.size() != 3) return bad;
        for (const auto& part : one)
            if (!part.is_string()) return bad;
        contacts.push_back({one[0].get<std::string>(), one[1].get<std::string>(), one[2].get<std::string>()});
    }
    return contacts;
}

namespace {

// Roles that come a million times take no byte of their own: their place here plus 1. Append only, 15 at
// most.
constexpr std::string_view known_roles[] = {"法人", "财务",   "人事",   "本人",
                                            "家属", "负责人", "经办人", "联系人"};

// The first byte of a contact says how each part follows.
constexpr unsigned role_mask = 0x0f;                       // 0: as text
constexpr unsigned phone_number = 0x10, phone_text = 0x20; // neither: there is none
constexpr unsigned openid_coded = 0x40, openid_text = 0x80;

// A mobile number is 1 and ten digits, so 34 bits; little-endian in five bytes.
constexpr std::size_t phone_bytes = 5;
// WeChat's openid has 28 characters of 64: six bits each, 21 bytes.
constexpr std::size_t openid_characters = 28;
constexpr std::string_view openid_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool is_number(std::string_view phone) {
    return phone.size() == 11 && phone[0] == '1' &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_coded(std::string_view openid) {
    return openid.size() == openid_characters && openid.find_first_not_of(openid_alphabet) == openid.npos;
}

void put_text(std::string& to, std::string_view text) { // two bytes of length, low first
    to += static_cast<char>(text.size());
    to += static_cast<char>(text.size() >> 8);
    to += text;
}

void put_number(std::string& to, std::string_view phone) {
    std::uint64_t n = 0;
    for (const char c : phone.substr(1)) n = n * 10 + static_cast<std::uint64_t>(c - '0');
    for (std::size_t i = 0; i < phone_bytes; ++i) to += static_cast<char>(n >> (8 * i));
}

void put_openid(std::string& to, std::string_view openid) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < openid_characters; ++i) {
        bits |= static_cast<std::uint32_t>(openid_alphabet.find(openid[i])) << (6 * (i % 4));
        if (i % 4 != 3) continue;
        for (int b = 0; b < 3; ++b) to += static_cast<char>(bits >> (8 * b));
        bits = 0;
    }
}

class reader {
  public:
    explicit reader(std::string_view bytes) : rest_(bytes) {}

    bool done() const noexcept { return rest_.empty(); }
    bool take(std::size_t count, std::string_view& out) {
        if (count > rest_.size()) return false;
        out = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return true;
    }
    bool number(std::size_t bytes, std::uint64_t& out) {
        std::string_view raw;
        if (!take(bytes, raw)) return false;
        out = 0;
        for (std::size_t i = 0; i < bytes; ++i)
            out |= static_cast<std::uint64_t>(static_cast<unsigned char>(raw[i])) << (8 * i);
        return true;
    }
    bool text(std::string& out) {
        std::uint64_t size = 0;
        std::string_view raw;
        if (!number(2, size) || !take(size, raw)) return false;
        out = raw;
        return true;
    }
    bool phone(std::string& out) {
        std::uint64_t n = 0;
        if (!number(phone_bytes, n) || n >= 10'000'000'000) return false;
        out = std::to_string(10'000'000'000 + n);
        return true;
    }
    bool openid(std::string& out) {
        for (std::size_t i = 0; i < openid_characters; i += 4) {
            std::uint64_t bits = 0;
            if (!number(3, bits)) return false;
            for (int c = 0; c < 4; ++c, bits >>= 6) out += openid_alphabet[bits & 63];
        }
        return true;
    }

  private:
    std::string_view rest_;
};

bool read_contact(reader& in, contact& c) {
    std::uint64_t head = 0;
    if (!in.number(1, head)) return false;
    const auto role = head & role_mask;
    if (role > std::size(known_roles)) return false;
    if (role > 0)
        c.role = known_roles[role - 1];
    else if (!in.text(c.role))
        return false;
    if ((head & phone_number) && (head & phone_text)) return false;
    if ((head & openid_coded) && (head & openid_text)) return false;
    if ((head & phone_number) && !in.phone(c.phone)) return false;
    if ((head & phone_text) && !in.text(c.phone)) return false;
    if ((head & openid_coded) && !in.openid(c.openid)) return false;
    return !(head & openid_text) || in.text(c.openid);
}

} // namespace

std::string pack_contacts(const std::vector<contact>& contacts) {
    std::string out;
    for (const auto& c : contacts) {
        const auto* role = std::find(std::begin(known_roles), std::end(known_roles), c.role);
        const bool known = role != std::end(known_roles);
        const bool number = is_number(c.phone), coded = is_coded(c.openid);
        auto head = known ? static_cast<unsigned>(role - std::begin(known_roles)) + 1 : 0;
        head |= c.phone.empty() ? 0 : number ? phone_number : phone_text;
        head |= c.openid.empty() ? 0 : coded ? openid_coded : openid_text;
        out += static_cast<char>(head);
        if (!known) put_text(out, c.role);
        if (head & phone_number) put_number(out, c.phone);
        if (head & phone_text) put_text(out, c.phone);
        if (head & openid_coded) put_openid(out, c.openid);
        if (head & openid_text) put_text(out, c.openid);
    }
    return out;
}

result<std::vector<contact>> unpack_contacts(std::string_view bytes) {
    std::vector<contact> contacts;
    for (reader in(bytes); !in.done();) {
        contact c;
        if (contacts.size() == max_contacts || !read_contact(in, c))
            return failure{errc::invalid, "stored contacts are damaged", "", "import the subject again"};
        contacts.push_back(std::move(c));
    }
    return contacts;
}

std::string seal_contacts(const std::vector<contact>& contacts, const crypto::sealer& sealer,
                          std::string_view subject_id) {
    return contacts.empty() ? std::string() : sealer.seal_short(pack_contacts(contacts), subject_id);
}

result<std::vector<contact>> open_contacts(std::string_view sealed, const crypto::sealer& sealer,
                                           std::string_view subject_id) {
    if (sealed.empty()) return std::vector<contact>{};
    const auto opened = sealer.open_short(sealed, subject_id);
    if (!opened) return opened.error();
    return unpack_contacts(*opened);
}

} // namespace zhida
