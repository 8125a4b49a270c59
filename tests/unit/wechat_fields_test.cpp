#include "services/gateways/wechat_client.hpp"
#include "services/gateways/wechat_codes.hpp"
#include "services/gateways/wechat_fields.hpp"

#include "common/base/utf8.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways {
namespace {

TEST(wechat_fields, each_type_has_its_rule) {
    const struct {
        const char *key, *good, *bad;
    } cases[] = {
        {"thing1", "关于支持中小企业的若干措施（二十字）", "一二三四五六七八九十一二三四五六七八九十一"},
        {"thing2", "a", "a\nb"},
        {"phrase3", "符合条件", "符合条件啊呀"},
        {"phrase3", "符合", "ok"},
        {"number1", "12", "十二"},
        {"letter1", "abcXYZ", "abc1"},
        {"symbol1", "!?#", "!?a"},
        {"character_string9", "SH-2026-0001", "沪2026"},
        {"time4", "2026年11月23日 21:05", "明天"},
        {"time4", "2026-11-23 21:05~22:00", "soon 1"},
        {"date5", "2026年11月23日", "今日"},
        {"amount6", "¥100.00", "一百"},
        {"amount6", "100元", "100元整"},
        {"phone_number7", "+86-021-12345", "电话12345"},
        {"name8", "王小明", "王小明2"},
        {"name8", "Jane Doe", "一二三四五六七八九十一"},
        {"car_number1", "沪A12345", "沪沪12345"},
        {"const1", "办理中", ""},
        {"keyword1", "随便", ""},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(wechat_field_fault(c.key, c.good), "") << c.key << " " << c.good;
        EXPECT_NE(wechat_field_fault(c.key, c.bad), "") << c.key << " " << c.bad;
    }
    EXPECT_EQ(wechat_field_fault("thing1", "a\xff"), "is not UTF-8");
}

TEST(wechat_fields, what_can_be_cut_is_cut) {
    EXPECT_EQ(fit_wechat_field("thing1", "一二三四五六七八九十一二三四五六七八九十一").value(),
              "一二三四五六七八九十一二三四五六七八九…");
    EXPECT_EQ(fit_wechat_field("thing1", "  第一行\n第二行 ").value(), "第一行 第二行");
    EXPECT_EQ(fit_wechat_field("phrase2", "可能符合(待核实)").value(), "可能符合待");
    EXPECT_EQ(fit_wechat_field("number1", "12").value(), "12");
}

TEST(wechat_fields, what_cannot_is_refused_with_its_key) {
    for (const auto& [key, value] :
         {std::pair{"number1", "很多"}, {"time4", "尽快"}, {"phrase2", "ok"}, {"thing1", " "}}) {
        const auto r = fit_wechat_field(key, value);
        ASSERT_FALSE(r) << key;
        EXPECT_EQ(r.error().where, key);
    }
}

RC_GTEST_PROP(wechat_fields, whatever_fits_is_accepted_by_the_platform, ()) {
    std::string value;
    const auto points = *rc::gen::container<std::vector<char32_t>>(
        rc::gen::oneOf(rc::gen::inRange<char32_t>(1, 0x100), rc::gen::inRange<char32_t>(0x4E00, 0x9FFF)));
    for (const auto c : points) append_utf8(value, c);
    for (const char* key :
         {"thing1", "phrase2", "number3", "time4", "character_string5", "name6", "keyword1"})
        if (const auto fitted = fit_wechat_field(key, value))
            RC_ASSERT(wechat_field_fault(key, *fitted) == "");
}

wechat_config account(const char* send_by = "template") {
    wechat_config c;
    c.template_id = "T";
    c.send_by = send_by;
    return c;
}

TEST(wechat_body, each_interface_has_its_members) {
    const wechat_message m{"oABC", "pages/index", {{"thing1", "x"}}, "c1", ""};
    const auto notice = parse_json(wechat_body(m, account("subscribe")).value()).value();
    EXPECT_EQ(notice.at("page"), "pages/index");
    EXPECT_FALSE(notice.contains("client_msg_id")) << "it knows none";
    const auto mini = parse_json(wechat_body(m, account("miniprogram")).value()).value();
    EXPECT_EQ(mini.at("miniprogram_state"), "formal");
    EXPECT_EQ(mini.at("lang"), "zh_CN");
    EXPECT_FALSE(mini.contains("url"));
}

TEST(wechat_body, keeps_utf8_and_names_everything) {
    const auto body =
        wechat_body(
            {"oABC", "https://example.org/p/1", {{"thing1", "政策"}, {"phrase2", "符合"}}, "c1-s2", ""},
            account())
            .value();
    EXPECT_EQ(body.find("\\u"), std::string::npos);
    EXPECT_NE(body.find("政策"), std::string::npos);
    const auto j = parse_json(body).value();
    EXPECT_EQ(j, (json{{"touser", "oABC"},
                       {"template_id", "T"},
                       {"url", "https://example.org/p/1"},
                       {"client_msg_id", "c1-s2"},
                       {"data", {{"thing1", {{"value", "政策"}}}, {"phrase2", {{"value", "符合"}}}}}}));
    EXPECT_FALSE(wechat_body({"oABC", "", {{"number1", "x"}}, "", ""}, account()));
    EXPECT_FALSE(
        parse_json(wechat_body({"oABC", "", {{"thing1", "x"}}, "", ""}, account()).value())->contains("url"));
}

TEST(wechat_codes, each_class_has_its_reaction) {
    using enum send_outcome;
    using next = wechat_reaction::next;
    const auto check = [](std::initializer_list<std::int64_t> codes, send_outcome outcome, next then,
                          const char* fault) {
        for (const auto code : codes) {
            const auto& r = wechat_reaction_to(code);
            EXPECT_EQ(r.errcode, code);
            EXPECT_EQ(r.outcome, outcome) << code;
            EXPECT_EQ(r.then, then) << code;
            EXPECT_STREQ(r.recipient_fault, fault) << code;
            if (outcome == retry) EXPECT_GT(r.retry_after_ms, 0) << code;
        }
    };
    check({0, 40241, 45065}, accepted, next::none, "");
    check({-1, 45011, 43108, 45066}, retry, next::none, "");
    check({40001, 40014, 42001}, retry, next::refresh_token, "");
    check({40013, 40164, 40125, 40243, 89503, 89506, 48001, 48004, 43107, 50002, 45109}, stopped,
          next::stop_credentials, "");
    check({45009, 48006}, stopped, next::stop_quota, "");
    check({40038}, retry, next::next_day, "");
    check({43101, 43116}, rejected, next::none, "refused");
    check({43004, 50005, 46004, 43019, 48002}, rejected, next::none, "not_following");
    check({40003, 40031}, rejected, next::none, "bad_number");
    check({47003, 40037, 40036, 41030, 45002, 45168, 47001, 40033, 40035}, rejected, next::none, "content");
    check({41001}, rejected, next::none, "");
    EXPECT_EQ(wechat_reaction_to(99999).outcome, rejected);
    EXPECT_TRUE(wechat_reaction_to(99999).alarm);
}

} // namespace
} // namespace zhida::gateways
