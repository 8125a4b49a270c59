// The envelope of the safe mode: the vendor's samples, and what somebody without the key may try.
#include "services/gateways/wechat_crypto.hpp"

#include "common/base/crypto.hpp"
#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace zhida::gateways {
namespace {

const std::string key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", id = "wxb11529c136998cb6";
const std::string random16 = "aaaabbbbccccdddd";

callback_cipher cipher(const std::string& aes_key = key, const std::string& receive_id = id) {
    return callback_cipher::of(aes_key, receive_id).value();
}
json vectors(const char* kind) {
    return tests::read_json_file(tests::in_source("tests/data/wechat_vectors.json")).at(kind);
}
std::string text(const json& v, const char* name) {
    return v.at(name).get<std::string>();
}

// Any plain text under the key, also such as seal() never writes.
std::string encrypted(const std::string& plain) {
    const auto raw = crypto::from_base64("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFE=").value();
    const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
    std::string out(plain.size(), '\0');
    int length = 0;
    auto* context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex2(context, EVP_aes_256_cbc(), bytes, bytes, nullptr);
    EVP_CIPHER_CTX_set_padding(context, 0);
    EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &length,
                      reinterpret_cast<const unsigned char*>(plain.data()), static_cast<int>(plain.size()));
    EVP_CIPHER_CTX_free(context);
    return crypto::base64(out);
}
std::string padded(std::string plain) {
    const auto pad = 32 - plain.size() % 32;
    return plain.append(pad, static_cast<char>(pad));
}
std::string with_length(std::uint32_t length, const std::string& rest) {
    std::string plain = random16;
    for (int shift = 24; shift >= 0; shift -= 8) plain += static_cast<char>(length >> shift & 0xff);
    return plain + rest;
}

TEST(wechat_crypto, the_published_envelopes) {
    int sealed = 0;
    for (const json all = vectors("wechat_crypto"); const auto& v : all) {
        SCOPED_TRACE(text(v, "id"));
        const auto c = cipher(text(v, "EncodingAESKey"), text(v, "receiveid"));
        const auto envelope = text(v, v.contains("encrypt") ? "encrypt" : "echostr");
        const auto signature =
            text(v, v.contains("msg_signature") ? "msg_signature" : "msg_signature_computed");
        const auto token = text(v, "token"), timestamp = text(v, "timestamp"), nonce = text(v, "nonce");
        EXPECT_EQ(callback_signature({token, timestamp, nonce, envelope}), signature);
        EXPECT_EQ(callback_signature({envelope, nonce, timestamp, token}), signature);
        const auto plain = c.open(envelope);
        ASSERT_TRUE(plain.has_value());
        EXPECT_EQ(*plain, text(v, "plaintext"));
        const auto random = v.contains("random16")       ? text(v, "random16")
                            : v.contains("random16_hex") ? crypto::from_hex(text(v, "random16_hex")).value()
                                                         : "";
        if (random.empty()) continue;
        EXPECT_EQ(c.seal(*plain, random), envelope);
        ++sealed;
    }
    EXPECT_EQ(sealed, 3);
}

TEST(wechat_crypto, the_published_signatures) {
    EXPECT_EQ(callback_signature({"c", "a", "b"}), text(vectors("wechat_signature").at(0), "sha1"));
    const auto v = vectors("wechat_signature").at(1);
    const auto token = text(v, "token"), timestamp = text(v, "timestamp"), nonce = text(v, "nonce");
    EXPECT_EQ(callback_signature({token, timestamp, nonce}), text(v, "signature"));
    EXPECT_EQ(callback_signature({"\xe4", "z", "A"}), callback_signature({"A", "z", "\xe4"}));
    EXPECT_EQ(callback_signature({"\xe4", "z", "A"}), crypto::sha1_hex("Az\xe4")); // by bytes, unsigned
}

TEST(wechat_crypto, keys) {
    // The last character of the vendor's own keys has bits that no byte uses.
    for (const char last : {'E', 'F', 'G', 'H'}) {
        auto k = key;
        k.back() = last;
        EXPECT_EQ(cipher(k).seal("a", random16), cipher().seal("a", random16));
    }
    for (const auto& bad : {std::string(), key.substr(1), key + "=", key + "A", std::string(43, '*'),
                            std::string(42, 'A') + "=", std::string(42, 'A') + " ", "-" + key.substr(1),
                            std::string(43, '\0')}) {
        const auto c = callback_cipher::of(bad, id);
        ASSERT_TRUE(c.has_error()) << bad;
        EXPECT_EQ(c.error().code, errc::invalid);
        EXPECT_FALSE(c.error().fix.empty());
    }
    EXPECT_TRUE(callback_cipher::of(key, "").has_error());
}

TEST(wechat_crypto, every_length) {
    for (std::size_t n = 0; n < 200; ++n) {
        const std::string message(n, static_cast<char>(n));
        const auto sealed = cipher().seal(message, random16);
        EXPECT_EQ(crypto::from_base64(sealed)->size() % 32, 0U);
        EXPECT_EQ(cipher().open(sealed).value(), message) << n;
    }
    const std::string large(500'000, 'x');
    EXPECT_EQ(cipher().open(cipher().seal(large, random16)).value(), large);
    EXPECT_THROW(cipher().seal("a", "short"), std::invalid_argument);
}

RC_GTEST_PROP(wechat_crypto, what_is_sealed_opens,
              (const std::string& message, const std::string& receiver)) {
    RC_PRE(!receiver.empty());
    const auto c = cipher(key, receiver);
    const auto random = crypto::random_bytes(16);
    RC_ASSERT(c.open(c.seal(message, random)).value() == message);
}

TEST(wechat_crypto, a_change_at_any_byte_is_never_told_from_another) {
    std::set<std::string> told;
    std::size_t opened = 0;
    const std::string message = "<xml><a>中文 hello</a></xml>";
    const auto bytes = crypto::from_base64(cipher().seal(message, random16)).value();
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const unsigned flip : {1U, 0x80U, 0xffU}) {
            auto changed = bytes;
            changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
            const auto plain = cipher().open(crypto::base64(changed));
            // CBC has no tag: a change may garble text and nothing else. The signature is what forbids it.
            if (plain) {
                EXPECT_NE(*plain, at < 16 ? "" : message);
                EXPECT_EQ(plain->size(), message.size());
                ++opened;
            } else {
                told.insert(plain.error().text());
            }
        }
    EXPECT_EQ(told.size(), 1U);
    EXPECT_LT(opened, bytes.size() * 3 / 2); // many a change hits length, id or padding
}

TEST(wechat_crypto, damaged_text) {
    const auto sealed = cipher().seal("hello", random16);
    for (std::size_t n = 0; n < sealed.size(); ++n) {
        EXPECT_TRUE(cipher().open(sealed.substr(0, n)).has_error()) << n;
        auto changed = sealed;
        changed[n] = '*';
        EXPECT_TRUE(cipher().open(changed).has_error()) << n;
    }
    EXPECT_TRUE(cipher().open(sealed + "\n").has_error());
    EXPECT_TRUE(cipher().open(sealed + sealed).has_error());
    EXPECT_TRUE(cipher().open(std::string(1'400'000, 'A')).has_error());
    EXPECT_TRUE(cipher().open(crypto::base64(std::string(16, 'a'))).has_error()); // half a block
}

TEST(wechat_crypto, another_receiver_or_key) {
    const auto sealed = cipher().seal("hello", random16);
    std::set<std::string> told;
    for (const auto& c : {cipher(key, "wxb11529c136998cb7"), cipher(key, id.substr(1)), cipher(key, id + "6"),
                          cipher(key, "o" + id), cipher(std::string(43, 'A'))}) {
        const auto plain = c.open(sealed);
        ASSERT_TRUE(plain.has_error());
        told.insert(plain.error().text());
    }
    EXPECT_EQ(told.size(), 1U);
}

TEST(wechat_crypto, what_decrypts_and_is_wrong_inside) {
    EXPECT_EQ(cipher().open(encrypted(padded(with_length(5, "hello" + id)))).value(),
              "hello"); // the frame holds
    for (const std::uint32_t length : {0U, 4U, 6U, 5U + 18U, 0x7fffffffU, 0x80000005U, 0xffffffffU})
        EXPECT_TRUE(cipher().open(encrypted(padded(with_length(length, "hello" + id)))).has_error())
            << length;
    EXPECT_TRUE(cipher().open(encrypted(padded(with_length(5, "hello" + id + "x")))).has_error());
    EXPECT_TRUE(cipher().open(encrypted(padded(with_length(5, "hello")))).has_error());
    EXPECT_TRUE(cipher().open(encrypted(padded(""))).has_error()); // nothing but padding
    EXPECT_TRUE(cipher().open(encrypted(padded(random16))).has_error());

    const auto good = padded(with_length(5, "hello" + id)); // 43 bytes and 21 of padding
    for (const int last : {0, 1, 20, 22, 32, 33, 64, 255}) {
        auto bad = good;
        bad.back() = static_cast<char>(last);
        EXPECT_TRUE(cipher().open(encrypted(bad)).has_error()) << last;
    }
    for (std::size_t i = 2; i <= 21; ++i) {
        auto bad = good;
        bad[bad.size() - i] = '\0';
        EXPECT_TRUE(cipher().open(encrypted(bad)).has_error()) << i;
    }
}

} // namespace
} // namespace zhida::gateways
