// Encryption at rest and the digests that protocols ask for, all by OpenSSL 3.
#pragma once

#include "common/base/error.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::crypto {

std::array<std::uint8_t, 16> md5(std::string_view data);
std::string sha1_hex(std::string_view data);
std::string sha256_hex(std::string_view data);
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view data); // RFC 2104
// GB/T 32905-2016 and RFC 2104 over it.
std::array<std::uint8_t, 32> sm3(std::string_view data);
std::array<std::uint8_t, 32> hmac_sm3(std::string_view key, std::string_view data);
// RFC 4648 section 4, with padding.
std::string base64(std::string_view data);
// Strict: no white space, no missing padding, no bits set that no byte uses.
result<std::string> from_base64(std::string_view text);
std::string hex(std::string_view data);              // lower case
result<std::string> from_hex(std::string_view text); // either case
std::string random_bytes(std::size_t count);
bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

// SM4-CTR with HMAC-SM3 over associated data, key id, IV and ciphertext (encrypt then MAC; keys derived from
// one 32-byte key by HKDF, RFC 5869, over SM3). Sealed form: key id (1 byte), IV (16), ciphertext, tag (16).
class sealer {
  public:
    static constexpr std::size_t overhead = 1 + 16 + 16; // bytes a sealed text is longer than the plain one

    // 64 hex digits.
    static result<sealer> from_hex_key(std::string_view key_hex);
    std::string seal(std::string_view plain, std::string_view associated) const;
    // invalid: not sealed with this key, or changed since.
    result<std::string> open(std::string_view sealed, std::string_view associated) const;
    // For what is stored a million times: the IV is HMAC-SM3 over associated data, key id and plain text, and
    // is the tag as well (a synthetic IV, as in RFC 5297), under keys of its own. Sealed form: key id (1
    // byte), IV (16), ciphertext. The same text for the same subject seals to the same bytes, and whoever
    // sees them learns that and no more.
    static constexpr std::size_t short_overhead = 1 + 16;
    std::string seal_short(std::string_view plain, std::string_view associated) const;
    result<std::string> open_short(std::string_view sealed, std::string_view associated) const;
    // Keyed look-up hash of a phone number (HMAC-SM3, hex): equal numbers give equal hashes, nobody without
    // the key can try them all.
    std::string lookup_hash(std::string_view text) const;

  private:
    sealer() = default;
    std::uint8_t key_id_ = 0; // first byte of a hash of the key: tells a wrong key from a changed text
    std::array<std::uint8_t, 16> encrypt_key_{};
    std::array<std::uint8_t, 32> mac_key_{}, lookup_key_{};
    std::array<std::uint8_t, 16> short_encrypt_key_{};
    std::array<std::uint8_t, 32> short_mac_key_{};
};

// From the variable ZHIDA_CONTACT_KEY, else the file; where `create` the file is made (mode 0600) with a
// random key. Only a service creates: a command with a key of its own would seal in vain.
result<sealer> load_sealer(const std::string& key_file, bool create);

} // namespace zhida::crypto
