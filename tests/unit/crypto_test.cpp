#include "common/base/crypto.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace zhida::crypto {
namespace {

template <std::size_t N>
std::string hex_of(const std::array<std::uint8_t, N>& a) {
    return hex({reinterpret_cast<const char*>(a.data()), a.size()});
}

const std::string counting_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

sealer made(const std::string& key) {
    auto s = sealer::from_hex_key(key);
    EXPECT_TRUE(s.has_value());
    return *s;
}

TEST(crypto_digests, known_answers) {
    // RFC 1321 A.5, RFC 3174 7.3, FIPS 180-2 B.1, GB/T 32905-2016 A.1 and A.2
    EXPECT_EQ(hex_of(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(hex_of(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231 4.3
    EXPECT_EQ(hex_of(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex_of(sm3("abc")), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    std::string abcd;
    for (int i = 0; i < 16; ++i) abcd += "abcd";
    EXPECT_EQ(hex_of(sm3(abcd)), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    EXPECT_EQ(hex_of(hmac_sm3("key", "The quick brown fox jumps over the lazy dog")),
              "bd4a34077888162b210645b8ebf74b9af357303789357a27c7fc457244ebd398");
    EXPECT_EQ(hex_of(hmac_sm3("", "")).size(), 64U);
}

TEST(crypto_base64, rfc_4648_vectors) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, text] : vectors) {
        EXPECT_EQ(base64(plain), text);
        EXPECT_EQ(from_base64(text).value(), plain);
    }
}

TEST(crypto_base64, refuses_what_is_not_exact) {
    for (const char* bad : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm8=Zm8=", "Zg==Zg==",
                            " Zg=", "Zg==\n", "Zm9\n", "Zm-v", "Zm_v", "Zm9v Zm9"})
        EXPECT_FALSE(from_base64(bad).has_value()) << bad;
    EXPECT_FALSE(from_base64(std::string_view("Zm\0v", 4)).has_value());
}

RC_GTEST_PROP(crypto_base64, round_trip, (const std::string& plain)) {
    RC_ASSERT(from_base64(base64(plain)).value() == plain);
    RC_ASSERT(from_hex(hex(plain)).value() == plain);
}

RC_GTEST_PROP(crypto_base64, what_is_accepted_is_canonical, ()) {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("AZaz09+/=QgwE")));
    if (const auto plain = from_base64(text)) RC_ASSERT(base64(*plain) == text);
}

TEST(crypto_hex, refuses_bad_digits) {
    EXPECT_FALSE(from_hex("0").has_value());
    EXPECT_FALSE(from_hex("0g").has_value());
    EXPECT_EQ(from_hex("0A0a").value(), "\n\n");
}

TEST(crypto_equal, compares_all) {
    EXPECT_TRUE(equal_constant_time("", ""));
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "ab"));
}

TEST(crypto_random, differs) {
    EXPECT_EQ(random_bytes(16).size(), 16U);
    EXPECT_NE(random_bytes(16), random_bytes(16));
}

// Made apart from this code: Python's hmac over hashlib's sm3 (HKDF by hand) and `openssl enc -sm4-ctr`.
TEST(crypto_sealer, opens_what_another_program_sealed) {
    const auto sealed =
        from_hex("936465666768696a6b6c6d6e6f70717273502cb2c361ed32b21be5a6314fd1eb467a38a80c0a57e5"
                 "daac963844496f1f15c5574b76ab9a696e15844f29f9")
            .value();
    EXPECT_EQ(made(counting_key).open(sealed, "91310113MA1GK00000").value(),
              "[[\"法人\",\"16400000001\",\"\"]]");
    EXPECT_EQ(made(counting_key).lookup_hash("16400000001"),
              "a8d01a4db6d849884c999cfc74628912092e406136783289691039173909e31c");
}

// GB/T 32907-2016 A.1: the library that this program is linked to has the real SM4.
TEST(crypto_sealer, sm4_known_answer) {
    const auto block = from_hex("0123456789abcdeffedcba9876543210").value();
    const auto* bytes = reinterpret_cast<const unsigned char*>(block.data());
    unsigned char out[32] = {};
    int length = 0;
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    ASSERT_EQ(EVP_EncryptInit_ex2(context, EVP_sm4_ecb(), bytes, nullptr, nullptr), 1);
    ASSERT_EQ(EVP_EncryptUpdate(context, out, &length, bytes, 16), 1);
    EVP_CIPHER_CTX_free(context);
    EXPECT_EQ(hex({reinterpret_cast<const char*>(out), 16}), "681edf34d206965e86b3e94f536e4246");
}

TEST(crypto_sealer, never_the_same_twice_and_never_in_clear) {
    const auto s = made(counting_key);
    const auto one = s.seal("平文", "A"), two = s.seal("平文", "A");
    EXPECT_NE(one, two);
    EXPECT_EQ(one.size(), std::string("平文").size() + sealer::overhead);
    EXPECT_EQ(one.find("平文"), std::string::npos);
}

TEST(crypto_sealer, every_changed_bit_of_every_byte_is_noticed) {
    const auto s = made(counting_key);
    const auto sealed = s.seal("[[\"法人\",\"16400000001\",\"oAbc\"]]", "91310113MA1GK00000");
    for (std::size_t i = 0; i < sealed.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            auto changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
            EXPECT_FALSE(s.open(changed, "91310113MA1GK00000").has_value()) << i << "." << bit;
        }
    for (std::size_t n = 0; n < sealed.size(); ++n)
        EXPECT_FALSE(s.open(sealed.substr(0, n), "91310113MA1GK00000").has_value()) << n;
    EXPECT_FALSE(s.open(sealed + '\0', "91310113MA1GK00000").has_value());
    EXPECT_FALSE(s.open(sealed, "91310113MA1GK00001").has_value());
    EXPECT_TRUE(s.open(sealed, "91310113MA1GK00000").has_value());
}

RC_GTEST_PROP(crypto_sealer, round_trip, (const std::string& plain, const std::string& associated)) {
    const auto s = made(counting_key);
    const auto sealed = s.seal(plain, associated);
    RC_ASSERT(s.open(sealed, associated).value() == plain);
    RC_ASSERT(!s.open(sealed, associated + "x").has_value());
}

// Made by openssl's kdf, mac and enc.
TEST(crypto_sealer, opens_the_short_form_that_another_program_sealed) {
    const auto sealed = from_hex("93720ce4668d848678d4060074b5b27aa064f79bf415").value();
    const auto plain = from_hex("0110ff00aa").value();
    EXPECT_EQ(made(counting_key).open_short(sealed, "91310113MA1GK00000").value(), plain);
    EXPECT_EQ(made(counting_key).seal_short(plain, "91310113MA1GK00000"), sealed);
}

TEST(crypto_sealer, every_changed_bit_of_the_short_form_is_noticed) {
    const auto s = made(counting_key);
    const auto sealed = s.seal_short("0123456789012345678901234567", "91310113MA1GK00000");
    EXPECT_EQ(sealed.size(), 28 + sealer::short_overhead);
    for (std::size_t i = 0; i < sealed.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            auto changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
            EXPECT_FALSE(s.open_short(changed, "91310113MA1GK00000").has_value()) << i << "." << bit;
        }
    for (std::size_t n = 0; n < sealed.size(); ++n)
        EXPECT_FALSE(s.open_short(sealed.substr(0, n), "91310113MA1GK00000").has_value()) << n;
    EXPECT_FALSE(s.open_short(sealed + '\0', "91310113MA1GK00000").has_value());
    EXPECT_FALSE(s.open_short(sealed, "91310113MA1GK00001").has_value());
    EXPECT_FALSE(s.open(sealed, "91310113MA1GK00000").has_value()) << "the forms have keys of their own";
    EXPECT_FALSE(s.open_short(s.seal("x", "A"), "A").has_value());
}

RC_GTEST_PROP(crypto_sealer, short_form_round_trip,
              (const std::string& plain, const std::string& associated)) {
    const auto s = made(counting_key);
    const auto sealed = s.seal_short(plain, associated);
    RC_ASSERT(s.open_short(sealed, associated).value() == plain);
    RC_ASSERT(!s.open_short(sealed, associated + "x").has_value());
    RC_ASSERT(sealed != s.seal_short(plain + "x", associated).substr(0, sealed.size()));
}

// A thread keeps its last context keyed: whose turn it was before, and in which thread, must not show.
TEST(crypto_sealer, keys_take_turns) {
    const auto a = made(std::string(64, 'a')), b = made(std::string(64, 'b'));
    std::string short_a, short_b, hash_a, hash_b;
    std::thread([&] { // each in a context that is new
        short_a = a.seal_short("16400000001", "subject");
        hash_a = a.lookup_hash("16400000001");
    })
        .join();
    std::thread([&] {
        short_b = b.seal_short("16400000001", "subject");
        hash_b = b.lookup_hash("16400000001");
    }).join();
    EXPECT_NE(short_a.substr(1), short_b.substr(1));
    for (int turn = 0; turn < 3; ++turn) {
        const auto long_a = a.seal("16400000001", "subject");
        EXPECT_EQ(b.seal_short("16400000001", "subject"), short_b);
        EXPECT_EQ(a.seal_short("16400000001", "subject"), short_a);
        EXPECT_EQ(a.seal_short("16400000001", "subject"), short_a);
        EXPECT_EQ(a.lookup_hash("16400000001"), hash_a);
        EXPECT_EQ(b.lookup_hash("16400000001"), hash_b);
        EXPECT_FALSE(b.open_short(short_a, "subject"));
        EXPECT_EQ(a.open_short(short_a, "subject").value(), "16400000001");
        EXPECT_EQ(b.open_short(short_b, "subject").value(), "16400000001");
        EXPECT_EQ(a.open(long_a, "subject").value(), "16400000001");
        EXPECT_NE(hmac_sm3("", "text"), hmac_sm3(std::string(32, 'k'), "text"));
    }
}

TEST(crypto_sealer, another_key_is_told_from_a_changed_text) {
    const auto sealed = made(counting_key).seal("x", "");
    int told = 0;
    for (int i = 0; i < 20; ++i) {
        const auto opened = made(hex(random_bytes(32))).open(sealed, "");
        ASSERT_FALSE(opened.has_value());
        told += opened.error().what.find("another key") != std::string::npos;
    }
    EXPECT_GE(told, 15); // the key id is one byte: 1 of 256 looks like ours
}

TEST(crypto_sealer, refuses_bad_keys) {
    for (const char* bad : {"", "00", "zz", "000102030405060708090a0b0c0d0e0f"})
        EXPECT_FALSE(sealer::from_hex_key(bad).has_value()) << bad;
    EXPECT_FALSE(sealer::from_hex_key(std::string(63, '0')).has_value());
    EXPECT_FALSE(sealer::from_hex_key(std::string(66, '0')).has_value());
    EXPECT_FALSE(sealer::from_hex_key(std::string(64, 'g')).has_value());
}

class contact_key : public testing::Test {
  protected:
    void SetUp() override {
        ::unsetenv("ZHIDA_CONTACT_KEY");
        folder_ = std::filesystem::temp_directory_path() / ("zhida-key-" + hex(random_bytes(6)));
        file_ = (folder_ / "sub" / "contact.key").string();
    }
    void TearDown() override {
        ::unsetenv("ZHIDA_CONTACT_KEY");
        std::filesystem::remove_all(folder_);
    }
    std::filesystem::path folder_;
    std::string file_;
};

TEST_F(contact_key, is_made_once_and_private) {
    const auto missing = load_sealer(file_, false);
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().code, errc::not_found);
    EXPECT_EQ(missing.error().fix,
              "use the key of the running service: node.contact_key_file or ZHIDA_CONTACT_KEY");
    EXPECT_FALSE(std::filesystem::exists(file_));

    const auto first = load_sealer(file_, true);
    ASSERT_TRUE(first.has_value());
    struct stat about{};
    ASSERT_EQ(::stat(file_.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600U);
    const auto again = load_sealer(file_, true);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->open(first->seal("x", "y"), "y").value(), "x");
    // nothing is left beside it
    int files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_ / "sub")) ++files;
    EXPECT_EQ(files, 1);
}

TEST_F(contact_key, file_that_others_may_read_is_refused) {
    ASSERT_TRUE(load_sealer(file_, true).has_value());
    ASSERT_EQ(::chmod(file_.c_str(), 0640), 0);
    const auto opened = load_sealer(file_, true);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, errc::refused);
    EXPECT_EQ(opened.error().fix, "chmod 600 " + file_);
}

TEST_F(contact_key, damaged_file_is_never_replaced) {
    ASSERT_TRUE(load_sealer(file_, true).has_value());
    std::ofstream(file_) << "half a key";
    const auto opened = load_sealer(file_, true);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().where, file_);
    EXPECT_EQ(std::filesystem::file_size(file_), 10U);
    EXPECT_EQ(load_sealer(folder_.string(), true).error().code, errc::invalid); // a folder
}

TEST_F(contact_key, environment_comes_first) {
    ::setenv("ZHIDA_CONTACT_KEY", counting_key.c_str(), 1);
    const auto opened = load_sealer(file_, true);
    ASSERT_TRUE(opened.has_value());
    EXPECT_FALSE(std::filesystem::exists(file_));
    EXPECT_EQ(opened->open(made(counting_key).seal("x", ""), "").value(), "x");
    ::setenv("ZHIDA_CONTACT_KEY", "short", 1);
    const auto refused = load_sealer(file_, true);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().where, "ZHIDA_CONTACT_KEY");
}

} // namespace
} // namespace zhida::crypto
