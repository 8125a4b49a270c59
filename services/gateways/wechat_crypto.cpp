#include "services/gateways/wechat_crypto.hpp"

#include "common/base/crypto.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace zhida::gateways {

namespace {

constexpr std::size_t key_characters = 43, block = 32, random_size = 16, length_size = 4;
constexpr std::size_t most_bytes = 1 << 20; // far from what OpenSSL counts in an int

struct free_context {
    void operator()(EVP_CIPHER_CTX* p) const noexcept { EVP_CIPHER_CTX_free(p); }
};

// Whole blocks; without OpenSSL's own padding, which knows blocks of 16 only.
std::string aes_256_cbc(const std::string& key, std::string_view in, bool encrypt) {
    const auto bytes = [](std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); };
    const std::unique_ptr<EVP_CIPHER_CTX, free_context> context(EVP_CIPHER_CTX_new());
    std::string out(in.size(), '\0');
    int length = 0;
    if (in.size() > 2 * most_bytes || !context ||
        EVP_CipherInit_ex2(context.get(), EVP_aes_256_cbc(), bytes(key), bytes(key), encrypt, nullptr) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
        EVP_CipherUpdate(context.get(), reinterpret_cast<unsigned char*>(out.data()), &length, bytes(in),
                         static_cast<int>(in.size())) != 1 ||
        static_cast<std::size_t>(length) != out.size())
        throw std::runtime_error("OpenSSL failed: AES-256-CBC");
    return out;
}

std::size_t big_endian(std::string_view four) {
    std::size_t n = 0;
    for (const char c : four) n = n << 8 | static_cast<unsigned char>(c);
    return n;
}

} // namespace

std::string callback_signature(std::vector<std::string_view> parts) {
    std::sort(parts.begin(), parts.end()); // char_traits compare as unsigned bytes
    std::string joined;
    for (const auto part : parts) joined += part;
    return crypto::sha1_hex(joined);
}

result<callback_cipher> callback_cipher::of(std::string_view encoding_aes_key, std::string receive_id) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    constexpr const char* fix = "copy it from the platform's page: 43 letters and digits";
    if (encoding_aes_key.size() != key_characters)
        return failure{errc::invalid,
                       "an EncodingAESKey of " + std::to_string(encoding_aes_key.size()) + " characters", "",
                       fix};
    const auto last = alphabet.find(encoding_aes_key.back());
    const failure no_base64{errc::invalid, "an EncodingAESKey with characters that base64 does not have", "",
                            fix};
    if (last == std::string_view::npos) return no_base64;
    std::string text(encoding_aes_key);
    text.back() = alphabet[last & ~std::size_t{3}]; // 43 characters hold two bits more than 32 bytes
    const auto key = crypto::from_base64(text + "=");
    if (!key) return no_base64;
    if (receive_id.empty())
        return failure{errc::invalid, "no id of who receives", "", "the account's appid, or the corpid"};
    callback_cipher c;
    c.key_ = *key;
    c.receive_id_ = std::move(receive_id);
    return c;
}

result<std::string> callback_cipher::open(std::string_view encrypted) const {
    const failure wrong{errc::invalid, "not encrypted with this key for this receiver, or damaged", "",
                        "compare the EncodingAESKey and the appid or corpid with the platform's page"};
    // The platform's base64 has its padding and no line breaks.
    if (encrypted.size() > most_bytes) return wrong;
    const auto sealed = crypto::from_base64(encrypted);
    if (!sealed || sealed->empty() || sealed->size() % block != 0) return wrong;
    const auto plain = aes_256_cbc(key_, *sealed, false);

    // Everything is looked at, whatever is wrong: time must not tell how far a forgery came.
    const auto pad = static_cast<unsigned char>(plain.back());
    bool good = pad >= 1 && pad <= block;
    unsigned differs = 0;
    for (std::size_t i = 1; i <= block; ++i)
        differs |= i <= pad ? static_cast<unsigned char>(plain[plain.size() - i]) ^ pad : 0U;
    const auto end = plain.size() - (good ? pad : block);
    good = good && differs == 0;
    const auto around = random_size + length_size + receive_id_.size();
    const auto length = end < around ? block * most_bytes
                                     : big_endian(std::string_view(plain).substr(random_size, length_size));
    good = good && end >= around && length == end - around;
    const auto id = std::string_view(plain).substr(end - std::min(end, receive_id_.size()));
    const bool for_us = crypto::equal_constant_time(id.substr(0, receive_id_.size()), receive_id_);
    if (!good || !for_us) return wrong;
    return plain.substr(random_size + length_size, length);
}

std::string callback_cipher::seal(std::string_view message, std::string_view random16) const {
    if (random16.size() != random_size || message.size() > most_bytes)
        throw std::invalid_argument("callback_cipher::seal: 16 random bytes and at most 1 MiB");
    std::string plain(random16);
    for (int shift = 24; shift >= 0; shift -= 8) plain += static_cast<char>(message.size() >> shift & 0xff);
    plain += message;
    plain += receive_id_;
    const auto pad = block - plain.size() % block;
    plain.append(pad, static_cast<char>(pad));
    return crypto::base64(aes_256_cbc(key_, plain, true));
}

} // namespace zhida::gateways
