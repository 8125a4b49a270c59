#include "services/gateways/cmpp_inbound.hpp"

#include "services/gateways/sms_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways::cmpp {
namespace {

deliver written(std::uint8_t format, std::string content) {
    deliver d;
    d.Msg_Fmt = format;
    d.Msg_Content = std::move(content);
    return d;
}
bool ucs2(const char* utf8) {
    return asks_to_stop(written(8, segment_sms(utf8, 0).value().front().content));
}

TEST(cmpp_inbound, words_of_refusal_in_every_format) {
    for (const char* word :
         {"R", "r", "T", "td", "TD", "N", " R\r\n", "Ｒ", "ｔｄ", "　Ｎ　", "退订", "拒收"})
        EXPECT_TRUE(ucs2(word)) << word;
    for (const auto format : {0, 3, 15})
        EXPECT_TRUE(asks_to_stop(written(static_cast<std::uint8_t>(format), "r "))) << format;
    for (const char* word : {"\xA3\xD2", "\xA3\xF4\xA3\xE4", "\xA1\xA1\xCD\xCB\xB6\xA9", "\xBE\xDC\xCA\xD5"})
        EXPECT_TRUE(asks_to_stop(written(15, word)));
    auto headed = written(8, std::string("\x05\x00\x03\x01\x01\x01\x00R", 8));
    headed.TP_udhi = 1;
    EXPECT_TRUE(asks_to_stop(headed));
}

TEST(cmpp_inbound, anything_else_is_none) {
    for (const char* word : {"谢谢", "RR", "不要退订", "R 吗", "?"}) EXPECT_FALSE(ucs2(word)) << word;
    EXPECT_FALSE(asks_to_stop(written(15, "\xD0\xBB\xD0\xBB")));
    EXPECT_FALSE(asks_to_stop(written(4, "R"))) << "binary";
    EXPECT_FALSE(asks_to_stop(written(0, "")));
    EXPECT_FALSE(asks_to_stop(written(15, "\xA3"))) << "half a character";
}

RC_GTEST_PROP(cmpp_inbound, garbage_is_survived,
              (std::uint8_t format, std::uint8_t udhi, std::string content)) {
    auto d = written(format, std::move(content));
    d.TP_udhi = udhi;
    RC_ASSERT(inbound_text(d).size() <= d.Msg_Content.size());
    (void)asks_to_stop(d);
}

} // namespace
} // namespace zhida::gateways::cmpp
