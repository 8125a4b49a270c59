#include "services/gateways/sms_text.hpp"

#include "common/base/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways {
namespace {

std::string repeated(std::string_view s, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += s;
    return out;
}

std::string joined(const std::vector<sms_part>& parts) {
    std::string content;
    for (const auto& p : parts) content += p.content.substr(p.udhi ? 6 : 0);
    return utf8_of_ucs2(content);
}

TEST(sms_text, seventy_units_are_one_part) {
    const auto parts = segment_sms(repeated("策", 70), 9).value();
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_FALSE(parts[0].udhi);
    EXPECT_EQ(parts[0].content.size(), 140U);
    EXPECT_EQ(parts[0].content.substr(0, 2), "\x7b\x56"); // U+7B56
    EXPECT_EQ(billed_parts(repeated("策", 70)).value(), 1U);
}

TEST(sms_text, longer_texts_have_parts_of_67_with_a_header) {
    const struct {
        std::size_t units, parts;
    } cases[] = {{71, 2}, {134, 2}, {135, 3}, {201, 3}, {202, 4}, {255 * 67, 255}};
    for (const auto& c : cases) {
        const auto text = repeated("惠", c.units);
        const auto parts = segment_sms(text, 0xA7).value();
        ASSERT_EQ(parts.size(), c.parts) << c.units;
        EXPECT_EQ(billed_parts(text).value(), c.parts);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            EXPECT_TRUE(parts[i].udhi);
            EXPECT_EQ(parts[i].content.substr(0, 6),
                      (std::string{'\x05', '\x00', '\x03', '\xA7', static_cast<char>(c.parts),
                                   static_cast<char>(i + 1)}));
            EXPECT_EQ(parts[i].total, c.parts);
            EXPECT_EQ(parts[i].number, i + 1);
            EXPECT_LE(parts[i].content.size(), 140U);
        }
        EXPECT_EQ(joined(parts), text);
    }
}

TEST(sms_text, a_surrogate_pair_is_never_split) {
    const auto text = repeated("a", 66) + "𠮷" + repeated("b", 10);
    const auto parts = segment_sms(text, 1).value();
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].content.size(), 6 + 2 * 66U);
    EXPECT_EQ(joined(parts), text);
    EXPECT_EQ(billed_parts(repeated("😀", 35)).value(), 1U);
    // 33 pairs fit into a part of 67 units: 67 pairs (134 units) need three.
    EXPECT_EQ(billed_parts(repeated("😀", 67)).value(), 3U);
}

TEST(sms_text, what_cannot_be_sent_is_named) {
    EXPECT_NE(segment_sms("", 1).error().text().find("empty"), std::string::npos);
    EXPECT_NE(segment_sms("ab\xff", 1).error().text().find("byte 2"), std::string::npos);
    EXPECT_NE(segment_sms(repeated("a", 255 * 67 + 1), 1).error().text().find("256 parts"),
              std::string::npos);
}

RC_GTEST_PROP(sms_text, parts_join_to_the_text, ()) {
    const auto points = *rc::gen::nonEmpty(rc::gen::container<std::vector<char32_t>>(
        rc::gen::oneOf(rc::gen::inRange<char32_t>(1, 0x80), rc::gen::inRange<char32_t>(0x4E00, 0x9FFF),
                       rc::gen::inRange<char32_t>(0x10000, 0x10FFFF))));
    std::string text;
    for (int i = 0; i < 5; ++i)
        for (const auto c : points) append_utf8(text, c);
    const auto parts = segment_sms(text, 3).value();
    RC_ASSERT(joined(parts) == text);
    for (const auto& p : parts) RC_ASSERT(p.content.size() <= 140U);
}

} // namespace
} // namespace zhida::gateways
