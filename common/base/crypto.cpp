#include "common/base/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace zhida::crypto {

namespace {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const noexcept {
        Free(p);
    }
};
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, freed_by<EVP_CIPHER_CTX_free>>;
using mac_context = std::unique_ptr<EVP_MAC_CTX, freed_by<EVP_MAC_CTX_free>>;
using kdf_context = std::unique_ptr<EVP_KDF_CTX, freed_by<EVP_KDF_CTX_free>>;

// What OpenSSL refuses with good arguments is a broken installation (a provider without SM3), not an outcome.
void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("OpenSSL failed: ") + what);
}

const unsigned char* bytes(std::string_view s) noexcept {
    return reinterpret_cast<const unsigned char*>(s.data());
}
template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& a) noexcept {
    return {reinterpret_cast<const char*>(a.data()), a.size()};
}

template <std::size_t N>
std::array<std::uint8_t, N> digest(const EVP_MD* kind, std::string_view data) {
    std::array<std::uint8_t, N> out{};
    unsigned length = 0;
    must(EVP_Digest(data.data(), data.size(), out.data(), &length, kind, nullptr) == 1 && length == N,
         "digest");
    return out;
}

// Setting a key costs as much as running over a short text, and a thread opens a million texts under one key:
// each thread keeps the context that it used last, keyed. That key is no less secret than the sealer's copy.
template <class Context>
struct keyed {
    Context context;
    std::string key;

    explicit keyed(Context c) : context(std::move(c)) { must(context != nullptr, "context"); }
    ~keyed() { OPENSSL_cleanse(key.data(), key.size()); }
    keyed(const keyed&) = delete;
    keyed& operator=(const keyed&) = delete;
    void has(std::string_view k) {
        OPENSSL_cleanse(key.data(), key.size());
        key = k;
    }
};

// Fetched once: looking an algorithm up costs more than running it over a short text.
EVP_MAC* hmac_algorithm() {
    static EVP_MAC* const found = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    must(found != nullptr, "HMAC");
    return found;
}

class hmac_sm3_stream {
  public:
    explicit hmac_sm3_stream(std::string_view key) : mine_(std::move(last)) {
        if (mine_ && mine_->key == key && !key.empty()) {
            must(EVP_MAC_init(mine_->context.get(), nullptr, 0, nullptr) == 1, "HMAC-SM3");
            return;
        }
        if (!mine_) mine_ = std::make_unique<keyed_mac>(mac_context(EVP_MAC_CTX_new(hmac_algorithm())));
        char name[] = "SM3";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                         OSSL_PARAM_construct_end()};
        // A null key would mean "keep the one before".
        must(EVP_MAC_init(mine_->context.get(), key.empty() ? bytes("") : bytes(key), key.size(),
                          parameters) == 1,
             "HMAC-SM3");
        mine_->has(key);
    }
    void add(std::string_view data) {
        must(EVP_MAC_update(mine_->context.get(), bytes(data), data.size()) == 1, "HMAC-SM3");
    }
    // The last thing that is done with it.
    std::array<std::uint8_t, 32> finish() {
        std::array<std::uint8_t, 32> out{};
        std::size_t length = 0;
        must(EVP_MAC_final(mine_->context.get(), out.data(), &length, out.size()) == 1 &&
                 length == out.size(),
             "HMAC-SM3");
        last = std::move(mine_);
        return out;
    }

  private:
    using keyed_mac = keyed<mac_context>;
    std::unique_ptr<keyed_mac> mine_;
    static thread_local std::unique_ptr<keyed_mac> last;
};
thread_local std::unique_ptr<keyed<mac_context>> hmac_sm3_stream::last;

// RFC 5869 over SM3.
template <std::size_t N>
std::array<std::uint8_t, N> derive(std::string_view key, std::string label) {
    EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
    must(algorithm != nullptr, "HKDF");
    const kdf_context context(EVP_KDF_CTX_new(algorithm));
    EVP_KDF_free(algorithm);
    must(context != nullptr, "HKDF context");
    char name[] = "SM3";
    std::string salt = "zhida.contact/1", secret(key);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, label.data(), label.size()),
        OSSL_PARAM_construct_end()};
    std::array<std::uint8_t, N> out{};
    must(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1, "HKDF");
    OPENSSL_cleanse(secret.data(), secret.size());
    return out;
}

constexpr std::size_t iv_size = 16, tag_size = 16;

// Counter mode: encrypting and decrypting are the same.
void sm4_ctr(const std::array<std::uint8_t, 16>& key, std::string_view iv, std::string_view in, char* out) {
    static EVP_CIPHER* const algorithm = EVP_CIPHER_fetch(nullptr, "SM4-CTR", nullptr);
    thread_local std::unique_ptr<keyed<cipher_context>> last;
    auto mine = std::move(last);
    const bool same = mine && mine->key == view(key);
    if (!mine) mine = std::make_unique<keyed<cipher_context>>(cipher_context(EVP_CIPHER_CTX_new()));
    auto* const context = mine->context.get();
    int length = 0;
    must(algorithm &&
             EVP_EncryptInit_ex2(context, same ? nullptr : algorithm, same ? nullptr : key.data(), bytes(iv),
                                 nullptr) == 1 &&
             EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(out), &length, bytes(in),
                               static_cast<int>(in.size())) == 1 &&
             static_cast<std::size_t>(length) == in.size(),
         "SM4-CTR");
    if (!same) mine->has(view(key));
    last = std::move(mine);
}

// `rest` is key id, IV and ciphertext (of the short form: key id and plain text); the length in front keeps
// (a, bc) and (ab, c) apart.
std::array<std::uint8_t, 32> tag_of(const std::array<std::uint8_t, 32>& key, std::string_view associated,
                                    std::string_view rest) {
    char length[8];
    for (int i = 0; i < 8; ++i)
        length[i] = static_cast<char>(static_cast<std::uint64_t>(associated.size()) >> (8 * i));
    hmac_sm3_stream mac(view(key));
    mac.add({length, sizeof length});
    mac.add(associated);
    mac.add(rest);
    return mac.finish();
}

} // namespace

std::array<std::uint8_t, 16> md5(std::string_view data) {
    return digest<16>(EVP_md5(), data);
}
std::string sha1_hex(std::string_view data) {
    return hex(view(digest<20>(EVP_sha1(), data)));
}
std::string sha256_hex(std::string_view data) {
    return hex(view(digest<32>(EVP_sha256(), data)));
}
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view data) {
    std::array<std::uint8_t, 32> out{};
    unsigned int length = 0;
    must(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(data), data.size(), out.data(),
              &length) != nullptr &&
             length == out.size(),
         "HMAC-SHA256");
    return out;
}
std::array<std::uint8_t, 32> sm3(std::string_view data) {
    return digest<32>(EVP_sm3(), data);
}
std::array<std::uint8_t, 32> hmac_sm3(std::string_view key, std::string_view data) {
    hmac_sm3_stream mac(key);
    mac.add(data);
    return mac.finish();
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    must(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1,
         "random bytes");
    return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

result<sealer> sealer::from_hex_key(std::string_view key_hex) {
    auto key = from_hex(key_hex);
    if (!key || key->size() != 32)
        return failure{errc::invalid, "a contact key is 64 hex digits (32 bytes), this one is not", "",
                       "make one with: openssl rand -hex 32"};
    sealer s;
    s.key_id_ = derive<1>(*key, "key id")[0];
    s.encrypt_key_ = derive<16>(*key, "encrypt SM4-CTR");
    s.mac_key_ = derive<32>(*key, "authenticate HMAC-SM3");
    s.lookup_key_ = derive<32>(*key, "look up HMAC-SM3");
    s.short_encrypt_key_ = derive<16>(*key, "short, encrypt SM4-CTR");
    s.short_mac_key_ = derive<32>(*key, "short, synthetic IV HMAC-SM3");
    OPENSSL_cleanse(key->data(), key->size());
    return s;
}

std::string sealer::seal(std::string_view plain, std::string_view associated) const {
    std::string out(1 + iv_size + plain.size(), '\0');
    out[0] = static_cast<char>(key_id_);
    out.replace(1, iv_size, random_bytes(iv_size));
    sm4_ctr(encrypt_key_, std::string_view(out).substr(1, iv_size), plain, out.data() + 1 + iv_size);
    const auto tag = tag_of(mac_key_, associated, out);
    return out.append(view(tag).substr(0, tag_size));
}

namespace {

std::optional<failure> check_head(std::string_view sealed, std::size_t shortest, std::uint8_t key_id) {
    if (sealed.size() < shortest)
        return failure{errc::invalid,
                       "sealed text of " + std::to_string(sealed.size()) +
                           " bytes: shorter than the shortest",
                       "", "it was cut off or never sealed"};
    if (static_cast<std::uint8_t>(sealed[0]) != key_id)
        return failure{errc::invalid, "sealed with another key", "",
                       "give the contact key that was in use when it was written"};
    return std::nullopt;
}

failure changed() {
    return {errc::invalid, "sealed text was changed, or belongs to another subject", "",
            "restore it, or import the subject again"};
}

} // namespace

result<std::string> sealer::open(std::string_view sealed, std::string_view associated) const {
    if (auto bad = check_head(sealed, overhead, key_id_)) return std::move(*bad);
    const auto body = sealed.substr(0, sealed.size() - tag_size);
    const auto tag = tag_of(mac_key_, associated, body);
    if (!equal_constant_time(view(tag).substr(0, tag_size), sealed.substr(body.size()))) return changed();
    std::string plain(body.size() - 1 - iv_size, '\0');
    sm4_ctr(encrypt_key_, body.substr(1, iv_size), body.substr(1 + iv_size), plain.data());
    return ok(std::move(plain));
}

std::string sealer::seal_short(std::string_view plain, std::string_view associated) const {
    std::string authentic(1, static_cast<char>(key_id_));
    authentic += plain;
    const auto tag = tag_of(short_mac_key_, associated, authentic);
    OPENSSL_cleanse(authentic.data(), authentic.size());
    std::string out(1 + iv_size + plain.size(), '\0');
    out[0] = static_cast<char>(key_id_);
    out.replace(1, iv_size, view(tag).substr(0, iv_size));
    sm4_ctr(short_encrypt_key_, std::string_view(out).substr(1, iv_size), plain, out.data() + 1 + iv_size);
    return out;
}

result<std::string> sealer::open_short(std::string_view sealed, std::string_view associated) const {
    if (auto bad = check_head(sealed, short_overhead, key_id_)) return std::move(*bad);
    const auto iv = sealed.substr(1, iv_size), body = sealed.substr(1 + iv_size);
    std::string authentic(1 + body.size(), '\0'); // key id, then the plain text
    authentic[0] = sealed[0];
    sm4_ctr(short_encrypt_key_, iv, body, authentic.data() + 1);
    const auto tag = tag_of(short_mac_key_, associated, authentic);
    if (!equal_constant_time(view(tag).substr(0, iv_size), iv)) {
        OPENSSL_cleanse(authentic.data(), authentic.size()); // nobody sees what was not authentic
        return changed();
    }
    return ok(authentic.substr(1));
}

std::string sealer::lookup_hash(std::string_view text) const {
    return hex(view(hmac_sm3(view(lookup_key_), text)));
}

} // namespace zhida::crypto
