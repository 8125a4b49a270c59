// What the platform answers: as documented, as it was seen, and from whoever answers in its place.
#include "services/gateways/wechat_answer.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

const wall_time now{milliseconds(1'795'409'739'000)};

wechat_answer answer(std::string_view body) {
    return read_wechat_answer(body).value();
}
errc fault(std::string_view body) {
    const auto a = read_wechat_answer(body);
    EXPECT_TRUE(a.has_error()) << body;
    EXPECT_FALSE(a.error().what.empty());
    return a.error().code;
}
result<wechat_token> token(std::string_view body) {
    return read_token_answer(answer(body), now);
}

TEST(wechat_answer, of_a_message_that_was_sent) {
    const auto a = answer(R"({"errcode":0,"errmsg":"ok","msgid":200228332})");
    EXPECT_EQ(a.errcode, 0);
    EXPECT_EQ(a.errmsg, "ok");
    EXPECT_EQ(a.rid, "");
    EXPECT_EQ(a.msgid, "200228332");
    EXPECT_EQ(a.body.at("errmsg"), "ok");
}

TEST(wechat_answer, of_one_that_was_refused) {
    const auto a = answer(
        R"({"errcode":43101,"errmsg":"user refuse to accept the msg rid: 63ba9c1d-2e4f5a6b-7c8d9e0f"})");
    EXPECT_EQ(a.errcode, 43101);
    EXPECT_EQ(a.rid, "63ba9c1d-2e4f5a6b-7c8d9e0f");
    EXPECT_EQ(a.msgid, "");
    EXPECT_EQ(answer(R"({"errcode":-1,"errmsg":"system error rid:1a-2b, try later"})").rid, "1a-2b");
    EXPECT_EQ(answer(R"({"errcode":-1})").errcode, -1);
}

TEST(wechat_answer, errcodes_as_they_come) {
    EXPECT_EQ(answer("{}").errcode, 0);
    EXPECT_EQ(answer(R"({"errcode":"40001"})").errcode, 40001);
    EXPECT_EQ(answer(R"({"errcode":"-1"})").errcode, -1);
    // What cannot be understood must not pass for "sent".
    for (const auto* body :
         {R"({"errcode":null})", R"({"errcode":""})", R"({"errcode":"0x1"})", R"({"errcode":" 1"})",
          R"({"errcode":1.5})", R"({"errcode":18446744073709551615})", R"({"errcode":99999999999999999999})",
          R"({"errcode":[0]})", R"({"errcode":false})"})
        EXPECT_EQ(fault(body), errc::invalid) << body;
}

TEST(wechat_answer, message_ids_keep_every_digit) {
    EXPECT_EQ(answer(R"({"msgid":9007199254740993})").msgid, "9007199254740993");
    EXPECT_EQ(answer(R"({"msgid":18446744073709551615})").msgid, "18446744073709551615");
    EXPECT_EQ(answer(R"({"msgid":"1700827132819554304"})").msgid, "1700827132819554304");
    EXPECT_EQ(answer(R"({"msgid":184467440737095516160})").msgid, ""); // its digits are lost
    EXPECT_EQ(answer(R"({"msgid":1.5})").msgid, "");
    EXPECT_EQ(answer(R"({"msgid":null})").msgid, "");
    EXPECT_EQ(answer(R"({"msgid":"a b"})").msgid, "");
    EXPECT_EQ(answer(R"({"msgid":")" + std::string(65, '1') + "\"}").msgid, "");
}

TEST(wechat_answer, what_only_helps_does_not_cost_the_answer) {
    for (const auto* errmsg : {"null", "1", "[]", "{\"a\":1}"})
        EXPECT_EQ(answer(R"({"errcode":1,"errmsg":)" + std::string(errmsg) + "}").errmsg, "");
    EXPECT_EQ(answer(R"({"errmsg":")" + std::string(600, 'x') + "\"}").errmsg.size(), 512U);
    EXPECT_EQ(answer(R"({"errmsg":")" + std::string(511, 'x') + "中\"}").errmsg.size(), 511U);
    EXPECT_EQ(answer(R"({"errcode":45009,"errmsg":"\ud83d"})").errcode, 45009);
    EXPECT_EQ(answer(R"({"errmsg":"rid: )" + std::string(65, 'a') + "\"}").rid, "");
    EXPECT_EQ(answer(R"({"errmsg":"rid:"})").rid, "");
}

TEST(wechat_answer, from_somebody_else) {
    for (const auto* body : {"", "null", "[]", "0", "\"ok\"", "<html>502 Bad Gateway</html>", "{",
                             R"({"errcode":0}{"errcode":0})", R"({"errcode":0,"errcode":1})"})
        EXPECT_EQ(fault(body), errc::invalid) << body;
    EXPECT_EQ(fault(std::string(2'000'000, ' ')), errc::invalid);
    EXPECT_EQ(fault("{\"a\":" + std::string(100'000, '[')), errc::invalid);
}

TEST(wechat_token_answer, a_token_and_until_when) {
    const auto t = token(R"({"access_token":"60_abc-DEF_1","expires_in":7200})");
    ASSERT_TRUE(t.has_value());
    EXPECT_EQ(t->value, "60_abc-DEF_1");
    EXPECT_EQ(t->expires, now + std::chrono::hours(2));
    EXPECT_TRUE(
        token(R"({"errcode":0,"errmsg":"ok","access_token":"x","expires_in":"7200"})").has_value()); // WeCom
    EXPECT_TRUE(token(R"({"access_token":")" + std::string(4096, 'a') + R"(","expires_in":1})").has_value());
}

TEST(wechat_token_answer, no_token) {
    const auto refused = token(R"({"errcode":40125,"errmsg":"invalid appsecret"})");
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().code, errc::refused);
    EXPECT_NE(refused.error().what.find("40125 invalid appsecret"), std::string::npos);
    for (const auto* value : {R"("")", R"("a b")", R"("a\nb")", R"("中")", "1", "null", "[]"}) {
        const auto t = token(R"({"expires_in":7200,"access_token":)" + std::string(value) + "}");
        ASSERT_TRUE(t.has_error()) << value;
        EXPECT_EQ(t.error().where, "/access_token");
    }
    EXPECT_TRUE(token(R"({"access_token":")" + std::string(4097, 'a') + R"(","expires_in":1})").has_error());
    EXPECT_TRUE(token("{}").has_error());
    for (const auto* value : {"0", "-1", "86401", "1.5", "null", R"("soon")"}) {
        const auto t = token(R"({"access_token":"s3cret","expires_in":)" + std::string(value) + "}");
        ASSERT_TRUE(t.has_error()) << value;
        EXPECT_EQ(t.error().where, "/expires_in");
        EXPECT_EQ(t.error().text().find("s3cret"), std::string::npos);
    }
    EXPECT_EQ(token(R"({"access_token":"a"})").error().where, "/expires_in");
}

} // namespace
} // namespace zhida::gateways
