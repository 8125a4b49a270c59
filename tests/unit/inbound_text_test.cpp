#include "services/gateways/inbound_text.hpp"

#include "common/base/utf8.hpp"
#include "services/gateways/sms_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways {
namespace {

TEST(inbound_text, words_of_refusal) {
    for (const char* word : {"R", "r", "T", "td", "TD", "N", " R\r\n", "Ｒ", "ｔｄ", "　Ｎ　", "退订", "拒收",
                             "“TD”", "退订。", "R！"})
        EXPECT_TRUE(asks_to_stop(word)) << word;
    for (const char* word : {"谢谢", "RR", "不要退订", "R 吗", "?", "", "请问怎么退订"})
        EXPECT_FALSE(asks_to_stop(word)) << word;
}

TEST(inbound_text, every_format) {
    EXPECT_EQ(inbound_utf8("TD", 0), "TD");
    EXPECT_EQ(inbound_utf8("caf\xE9", 3), "café");
    EXPECT_EQ(inbound_utf8("\x9E\xBF\xB0\xD9\xA3\xD2", 15), "灴百Ｒ");
    EXPECT_EQ(inbound_utf8("\xCD\xCB\xB6\xA9", 15), "退订");
    EXPECT_EQ(inbound_utf8(segment_sms("退订😀", 0)->front().content, 8), "退订😀");
    EXPECT_EQ(inbound_utf8("R", 4), "") << "binary";
    EXPECT_EQ(inbound_utf8("R\xA3", 15), "R\uFFFD") << "half a character";
    EXPECT_EQ(inbound_utf8("R\xA3", 0), "R\uFFFD");
}

RC_GTEST_PROP(inbound_text, any_bytes_become_utf8, (std::uint8_t format, std::string content)) {
    for (const auto f : {format, std::uint8_t{8}, std::uint8_t{15}}) {
        const auto text = inbound_utf8(content, f);
        RC_ASSERT(valid_utf8(text));
        (void)asks_to_stop(text);
    }
    (void)asks_to_stop(content);
}

} // namespace
} // namespace zhida::gateways
