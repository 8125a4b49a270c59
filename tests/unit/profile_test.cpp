#include "common/base/crypto.hpp"
#include "common/base/utf8.hpp"
#include "common/model/compact_text.hpp"
#include "common/model/profile.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida {
namespace {

TEST(subject_id, form) {
    EXPECT_TRUE(valid_subject_id("91310113MA1GK00000"));
    EXPECT_TRUE(valid_subject_id("R00000000000000001"));
    EXPECT_TRUE(valid_subject_id("a-Z9"));
    EXPECT_TRUE(valid_subject_id(std::string(24, 'x')));
    for (const std::string& bad :
         {std::string(), std::string(25, 'x'), std::string("a b"), std::string("a_b"), std::string("a}"),
          std::string("企业"), std::string("a\0", 2)})
        EXPECT_FALSE(valid_subject_id(bad)) << bad;
}

TEST(uscc, check_characters) {
    // 阿里巴巴（中国）网络技术有限公司 and 腾讯科技（深圳）有限公司, as their own pages print them.
    for (const char* good : {"91330100799655058B", "9144030071526726XG"}) {
        EXPECT_TRUE(valid_uscc(good)) << good;
        EXPECT_EQ(uscc_check(std::string_view(good).substr(0, 17)), good[17]);
        EXPECT_EQ(organisation_check(std::string_view(good).substr(8, 8)), good[16]);
    }
    EXPECT_EQ(uscc_check("9133010079965505O"), '\0'); // O is not of the alphabet
    EXPECT_EQ(uscc_check("9133"), '\0');
    EXPECT_EQ(organisation_check("7996550a"), '\0');
    EXPECT_EQ(organisation_check(""), '\0');
}

TEST(uscc, every_single_change_is_noticed) {
    const std::string good = "91330100799655058B";
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXYIOSVZab -";
    for (std::size_t i = 0; i < good.size(); ++i)
        for (const char c : alphabet) {
            if (c == good[i]) continue;
            auto changed = good;
            changed[i] = c;
            EXPECT_FALSE(valid_uscc(changed)) << changed;
        }
    EXPECT_FALSE(valid_uscc(""));
    EXPECT_FALSE(valid_uscc(good + "0"));
    EXPECT_FALSE(valid_uscc("91330100799655058b"));
}

RC_GTEST_PROP(uscc, neighbours_changed_places_are_noticed, ()) {
    const std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    std::string code = "91" + *rc::gen::container<std::string>(6, rc::gen::inRange('0', char('9' + 1))) +
                       *rc::gen::container<std::string>(8, rc::gen::elementOf(std::string(alphabet)));
    code += organisation_check(std::string_view(code).substr(8, 8));
    code += uscc_check(code);
    RC_ASSERT(valid_uscc(code));
    const auto at = *rc::gen::inRange<std::size_t>(0, 17);
    RC_PRE(code[at] != code[at + 1]);
    std::swap(code[at], code[at + 1]);
    RC_ASSERT(!valid_uscc(code));
}

TEST(utf8, rfc_3629) {
    EXPECT_TRUE(valid_utf8("abc 政策 \xf0\x9f\x98\x80"));
    for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe6\x94", "\xe6",
                            "\xff", "\xd5\xfe\xb2\xdf" /* 政策 in GBK */})
        EXPECT_FALSE(valid_utf8(bad));
    EXPECT_EQ(valid_utf8_prefix("abcdefghij\xff"), 10U);
    EXPECT_EQ(valid_utf8_prefix("政\xe7\xad"), 3U);
}

RC_GTEST_PROP(utf8, round_trip_of_every_code_point, ()) {
    const auto c = *rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0xd800),
                                   rc::gen::inRange<std::uint32_t>(0xe000, 0x110000));
    std::string text;
    append_utf8(text, c);
    std::size_t at = 0;
    RC_ASSERT(next_code_point(text, at) == static_cast<char32_t>(c));
    RC_ASSERT(at == text.size());
    std::string back;
    RC_ASSERT(expand_text(compact_text(text), back));
    RC_ASSERT(back == text);
}

TEST(compact_text, halves_chinese) {
    EXPECT_EQ(compact_text("上海ab").size(), 6U);
    std::string out;
    for (const char* bad : {"\x80", "\xd2\x01", "\xe0\x01", "\xe0\x4e\x01", "\xe0\xd8\x01", "\xf1\x01\x01"})
        EXPECT_FALSE(expand_text(bad, out)) << bad;
}

profile typical() {
    profile p;
    p.id = "91330100799655058B";
    p.type = subject_type::enterprise;
    p.name = "合成·上海友谊路海川智能科技有限公司";
    p.origin = "synthetic";
    p.as_of = 20780;
    const std::int64_t values[] = {310113003, 310113003, 310113003, 8,  pack_code("I6513"),
                                   0,         19800,     500,       35, 128000,
                                   96000,     4,         3,         1,  20600,
                                   1,         2,         0,         1,  1};
    int n = 0;
    for (const auto v : values) p.attributes.set(n++, v);
    return p;
}

TEST(packed_profile, typical_enterprise_is_small) {
    const auto packed = pack_profile(typical(), 12345, "");
    EXPECT_LE(packed.size(), 110U);
    EXPECT_EQ(packed.find("合成"), std::string::npos); // stored compact
}

TEST(packed_profile, ordinal_stands_where_the_header_says) {
    auto packed = pack_profile(typical(), 0, "sealed");
    packed[packed_ordinal_at] = 0x78;
    packed[packed_ordinal_at + 1] = 0x56;
    packed[packed_ordinal_at + 2] = 0x34;
    packed[packed_ordinal_at + 3] = 0x12;
    const auto back = unpack_profile(packed);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->ordinal, 0x12345678U);
    EXPECT_EQ(back->sealed_contacts, "sealed");
}

TEST(packed_profile, contacts_and_id_never_appear) {
    auto p = typical();
    p.contacts = {{"法人", "16400000001", "o-open-id"}};
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    const auto packed = pack_profile(p, 1, seal_contacts(p.contacts, sealer, p.id));
    EXPECT_EQ(packed.find("16400000001"), std::string::npos);
    EXPECT_EQ(packed.find("o-open-id"), std::string::npos);
    EXPECT_EQ(packed.find(p.id), std::string::npos);
}

TEST(packed_profile, every_cut_is_noticed_and_other_versions_refused) {
    const auto packed = pack_profile(typical(), 7, "");
    for (std::size_t n = 0; n < packed.size(); ++n)
        EXPECT_FALSE(unpack_profile(std::string_view(packed).substr(0, n)).has_value()) << n;
    auto other = packed;
    other[0] = 1;
    const auto back = unpack_profile(other);
    ASSERT_FALSE(back.has_value());
    EXPECT_NE(back.error().what.find("version 1"), std::string::npos);
}

RC_GTEST_PROP(packed_profile, round_trip, (std::uint32_t ordinal, const std::string& sealed)) {
    profile p;
    p.type = *rc::gen::element(subject_type::enterprise, subject_type::resident);
    p.name = *rc::gen::arbitrary<std::string>(); // any bytes: nothing is lost even where they are not UTF-8
    p.origin = *rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                               rc::gen::element<std::string>("import", "税务", "公安"));
    p.as_of = *rc::gen::arbitrary<std::int32_t>();
    for (const int n : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, max_attributes)))
        p.attributes.set(n, *rc::gen::arbitrary<std::int64_t>());
    if (*rc::gen::arbitrary<bool>()) p.attributes.set(63, INT64_MIN), p.attributes.set(0, INT64_MAX);
    const auto packed = pack_profile(p, ordinal, sealed);
    const auto back = unpack_profile(packed);
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->subject == p);
    RC_ASSERT(back->ordinal == ordinal);
    RC_ASSERT(back->sealed_contacts == sealed);
    packed_facts facts;
    facts.attributes.value.fill(7); // of the row before
    RC_ASSERT(read_facts(packed, facts));
    RC_ASSERT(facts.ordinal == ordinal);
    RC_ASSERT(facts.type == p.type);
    RC_ASSERT(facts.reachable == 0);
    RC_ASSERT(facts.attributes.known == p.attributes.known);
    for (int n = 0; n < max_attributes; ++n)
        if (p.attributes.has(n))
            RC_ASSERT(facts.attributes.value[static_cast<std::size_t>(n)] ==
                      p.attributes.value[static_cast<std::size_t>(n)]);
}

TEST(packed_profile, tells_in_clear_by_what_the_subject_can_be_reached) {
    auto p = typical();
    const auto told = [&] { return unpack_profile(pack_profile(p, 0, "sealed"))->reachable; };
    EXPECT_EQ(told(), 0);
    p.contacts = {{"法人", "", ""}, {"财务", "16400000001", ""}};
    EXPECT_EQ(told(), reachable_by::phone);
    p.contacts[0].openid = "o";
    EXPECT_EQ(told(), reachable_by::phone | reachable_by::openid);
    p.contacts.pop_back();
    EXPECT_EQ(told(), reachable_by::openid);
    packed_facts facts;
    ASSERT_TRUE(read_facts(pack_profile(p, 9, "sealed"), facts));
    EXPECT_EQ(facts.reachable, reachable_by::openid);
    EXPECT_EQ(facts.ordinal, 9U);
}

TEST(packed_profile, facts_are_refused_as_the_whole_is) {
    const auto packed = pack_profile(typical(), 7, "");
    packed_facts facts;
    for (std::size_t n = 0; n < packed.size(); ++n)
        EXPECT_FALSE(read_facts(std::string_view(packed).substr(0, n), facts)) << n;
    for (std::size_t i = 0; i < packed.size(); ++i)
        for (int bit = 0; bit < 8; ++bit) {
            auto changed = packed;
            changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
            const auto whole = unpack_profile(changed);
            if (whole) {
                EXPECT_TRUE(read_facts(changed, facts));
                EXPECT_EQ(facts.ordinal, whole->ordinal);
            }
        }
}

TEST(contacts, round_trip_and_strictness) {
    const std::vector<contact> two = {{"法人", "16400000001", "oAbc"}, {"财务", "", ""}};
    EXPECT_EQ(contacts_text(two), "[[\"法人\",\"16400000001\",\"oAbc\"],[\"财务\",\"\",\"\"]]");
    EXPECT_EQ(parse_contacts(contacts_text(two)).value(), two);
    EXPECT_EQ(parse_contacts("[]").value(), std::vector<contact>{});
    EXPECT_EQ(parse_contacts(contacts_text(std::vector<contact>(max_contacts))).value().size(), max_contacts);
    for (const std::string& bad :
         {std::string(), std::string("{}"), std::string("[1]"), std::string("[[]]"),
          std::string("[[\"a\",\"b\"]]"), std::string("[[\"a\",\"b\",1]]"),
          std::string("[[\"a\",\"b\",[\"c\"]]]"), std::string("[[\"a\",\"b\",\"c\"]"),
          contacts_text(std::vector<contact>(max_contacts + 1))})
        EXPECT_FALSE(parse_contacts(bad).has_value()) << bad;
}

const contact usual{"本人", "16412345678", "oSYNABCDEFGHIJKLMNOPQRSTU-_9"};

TEST(stored_contacts, are_small) {
    EXPECT_EQ(pack_contacts({}), "");
    EXPECT_EQ(pack_contacts({usual}).size(), 1U + 5 + 21);
    EXPECT_EQ(pack_contacts({{"财务", "16412345678", ""}}).size(), 1U + 5);
    EXPECT_EQ(unpack_contacts(pack_contacts({usual})).value(), std::vector<contact>{usual});
}

RC_GTEST_PROP(stored_contacts, round_trip, ()) {
    const auto text = rc::gen::arbitrary<std::string>();
    const auto one = rc::gen::build<contact>(
        rc::gen::set(&contact::role,
                     rc::gen::oneOf(text, rc::gen::element<std::string>("法人", "联系人", ""))),
        rc::gen::set(&contact::phone, rc::gen::oneOf(text, rc::gen::element<std::string>(
                                                               "16400000001", "19999999999", "10000000000",
                                                               "164000000011", "1640000000", "26400000001"))),
        rc::gen::set(&contact::openid,
                     rc::gen::oneOf(text, rc::gen::just(usual.openid), rc::gen::just(usual.openid + "x"))));
    const auto contacts =
        *rc::gen::resize(static_cast<int>(max_contacts), rc::gen::container<std::vector<contact>>(one));
    RC_PRE(contacts.size() <= max_contacts);
    const auto packed = pack_contacts(contacts);
    RC_ASSERT(unpack_contacts(packed).value() == contacts);
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    const auto sealed = seal_contacts(contacts, sealer, "A");
    RC_ASSERT(sealed.empty() == contacts.empty());
    RC_ASSERT(open_contacts(sealed, sealer, "A").value() == contacts);
    RC_ASSERT(contacts.empty() || !open_contacts(sealed, sealer, "B").has_value());
}

TEST(stored_contacts, what_nobody_packed_is_refused) {
    const auto packed = pack_contacts({usual, {"别的", "1", "x"}});
    const auto one = pack_contacts({usual}).size();
    for (std::size_t n = 1; n < packed.size(); ++n)
        EXPECT_EQ(unpack_contacts(packed.substr(0, n)).has_value(), n == one) << n;
    EXPECT_FALSE(unpack_contacts("\x0f").has_value()) << "no such role";
    EXPECT_FALSE(unpack_contacts("\x31\x01\x02\x03\x04\x05\x01\x02").has_value()) << "a phone in two ways";
    EXPECT_FALSE(unpack_contacts("\x11\xff\xff\xff\xff\xff").has_value()) << "more than eleven digits";
    EXPECT_FALSE(unpack_contacts(pack_contacts(std::vector<contact>(max_contacts + 1, usual))).has_value());
}

} // namespace
} // namespace zhida
