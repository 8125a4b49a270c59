// WeCom without a network: codes, limits of length, answers, robots.
#include "services/gateways/wecom_answer.hpp"
#include "services/gateways/wecom_codes.hpp"
#include "services/gateways/wecom_robot.hpp"
#include "services/gateways/wecom_text.hpp"

#include "common/base/utf8.hpp"
#include "services/gateways/circuit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::gateways {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(wecom_codes, each_class_has_its_reaction) {
    using enum send_outcome;
    using next = wecom_reaction::next;
    const auto check = [](std::initializer_list<std::int64_t> codes, send_outcome outcome, next then,
                          const char* fault) {
        for (const auto code : codes) {
            const auto& r = wecom_reaction_to(code);
            EXPECT_EQ(r.errcode, code);
            EXPECT_EQ(r.outcome, outcome) << code;
            EXPECT_EQ(r.then, then) << code;
            EXPECT_STREQ(r.recipient_fault, fault) << code;
            if (outcome == retry) EXPECT_GT(r.retry_after_ms, 0) << code;
            if (outcome == stopped) EXPECT_TRUE(r.alarm) << code;
        }
    };
    check({0}, accepted, next::none, "");
    check({-1}, retry, next::none, "");
    check({45009, 45033}, retry, next::slow_down, "");
    check({40014, 42001}, retry, next::refresh_token, "");
    check({40001, 40091, 41004, 40013, 41002, 40056, 41011, 301002, 48002, 50003, 60020, 93000}, stopped,
          next::stop, "");
    check({81013}, rejected, next::none, "not_following");
    check({40003, 40031, 60111}, rejected, next::split, "bad_number");
    check({60011}, rejected, next::split, "not_following");
    check({40032, 40035, 40058, 44004, 45002, 40008}, rejected, next::none, "content");
    EXPECT_EQ(wecom_reaction_to(99999).outcome, rejected);
    EXPECT_TRUE(wecom_reaction_to(99999).alarm);
    EXPECT_EQ(wecom_reasons().back().code, "*");
}

TEST(wecom_codes, a_limit_says_for_how_long_it_holds) {
    EXPECT_EQ(wecom_limit_of("api minutely quota limit"), wecom_limit::minute);
    EXPECT_EQ(wecom_limit_of("reach max API Hourly quota limit"), wecom_limit::hour);
    EXPECT_EQ(wecom_limit_of("reach max api daily quota limit"), wecom_limit::day);
    EXPECT_EQ(wecom_limit_of("api freq out of limit, hint: [1600000000_10_today]"), wecom_limit::minute);
}

TEST(wecom_codes, a_broken_service_opens_the_circuit_and_a_limit_of_ours_does_not) {
    const auto sign = [](const char* code) {
        send_result r;
        r.outcome = send_outcome::retry;
        r.code = code;
        return sign_of(r);
    };
    EXPECT_EQ(sign("wecom:-1"), service_sign::ails);
    for (const char* code : {"local:member_rate", "local:no_rates", "local:late", "wecom:45009"})
        EXPECT_EQ(sign(code), service_sign::nothing) << code;
}

TEST(wecom_text, is_cut_between_characters) {
    EXPECT_EQ(cut_to_bytes("一二三", 9), "一二三");
    EXPECT_EQ(cut_to_bytes("一二三四", 9), "一二…");
    EXPECT_EQ(cut_to_bytes("一二三四", 11), "一二…");
    EXPECT_EQ(cut_to_bytes("一二", 2), "");
    EXPECT_EQ(cut_to_bytes("abc\xff", 9), "abc");
}

RC_GTEST_PROP(wecom_text, what_is_cut_fits_and_is_text, ()) {
    std::string text;
    for (const auto c : *rc::gen::container<std::vector<char32_t>>(
             rc::gen::oneOf(rc::gen::element<char32_t>('<', '>', '\n', 'a', 0x1F600),
                            rc::gen::inRange<char32_t>(1, 0x9FFF))))
        append_utf8(text, c);
    const auto most = *rc::gen::inRange<std::size_t>(3, 60);
    const auto cut = cut_to_bytes(text, most);
    RC_ASSERT(cut.size() <= most);
    RC_ASSERT(valid_utf8(cut));
    RC_ASSERT(cut == text || text.starts_with(cut.substr(0, cut.size() - 3)));
    for (int i = 0; i < 4; ++i) text += text;
    const auto card = parse_json(wecom_body({text, text, "https://example.org/"}, {"a"}, 1)).value();
    RC_ASSERT(card["textcard"]["title"].get<std::string>().size() <= most_wecom_title);
    RC_ASSERT(card["textcard"]["description"].get<std::string>().size() <= most_wecom_description);
    RC_ASSERT(parse_json(wecom_body({text, text, ""}, {"a"}, 1))
                  .value()["text"]["content"]
                  .get<std::string>()
                  .size() <= most_wecom_text);
}

TEST(wecom_text, a_userid_is_one_member_and_never_everybody) {
    for (const char* good : {"zhangsan", "Zhang.San_1-2@bs", "1"}) EXPECT_TRUE(valid_userid(good)) << good;
    for (const char* bad : {"", "@all", "a|b", "a b", "张三", ".a"}) EXPECT_FALSE(valid_userid(bad)) << bad;
    EXPECT_FALSE(valid_userid(std::string(65, 'a')));
}

TEST(wecom_text, a_card_where_there_is_an_address) {
    const auto card =
        parse_json(wecom_body({"标题", "第一行\n<b>", "https://example.org/"}, {"ZhangSan", "lisi"}, 1000002))
            .value();
    EXPECT_EQ(card, (json{{"touser", "ZhangSan|lisi"},
                          {"agentid", 1000002},
                          {"msgtype", "textcard"},
                          {"enable_duplicate_check", 1},
                          {"duplicate_check_interval", 1800},
                          {"textcard",
                           {{"title", "标题"},
                            {"description", "第一行<br>＜b＞"},
                            {"url", "https://example.org/"},
                            {"btntxt", "详情"}}}}));
    const auto text = parse_json(wecom_body({"标题", "第一行", ""}, {"a"}, 1)).value();
    EXPECT_EQ(text["msgtype"], "text");
    EXPECT_EQ(text["text"]["content"], "标题\n第一行");
}

TEST(wecom_answer, names_members_in_lower_case_and_no_secret) {
    const auto read = [](const char* body) { return read_wecom_answer({200, {}, body}, {"SECRET"}); };
    const auto a = read(R"({"errcode":0,"errmsg":"ok","invaliduser":"zhangsan|LiSi","unlicenseduser":"wu",
                            "msgid":"m1"})")
                       .value();
    EXPECT_EQ(a.invalid, (std::set<std::string>{"zhangsan", "lisi"}));
    EXPECT_EQ(a.unlicensed, std::set<std::string>{"wu"});
    EXPECT_EQ(a.msgid, "m1");
    EXPECT_EQ(read(R"({"errcode":40001,"errmsg":"SECRET is wrong: SECRET"})").value().errmsg,
              "*** is wrong: ***");
    for (const char* bad : {"", "[]", "{}", "<html>", R"({"errcode":"0"})"}) EXPECT_FALSE(read(bad)) << bad;
}

TEST(wecom_robot, keys_are_read_by_department) {
    EXPECT_EQ(parse_robots(" 宝山区科委 = 693a91f6-7xxx , *=k_2, ").value(),
              (std::map<std::string, std::string>{{"宝山区科委", "693a91f6-7xxx"}, {"*", "k_2"}}));
    EXPECT_TRUE(parse_robots("").value().empty());
    EXPECT_TRUE(parse_robots("  ").value().empty());
}

TEST(wecom_robot, what_is_wrong_is_told_without_the_key) {
    const struct {
        const char *text, *says;
    } cases[] = {
        {"a=k1,secretkey", "entry 2 of wecom.robots has no ="},
        {"=secretkey", "names no department"},
        {"科委=secret key", "has no key that a robot can have, for 科委"},
        {"科委=", "has no key that a robot can have, for 科委"},
        {"科委=https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secretkey", "has no key"},
        {"a=secretkey,a=secretkey", "is the second for a"},
        {"a=k,,b=k", "entry 2"},
    };
    for (const auto& c : cases) {
        const auto r = parse_robots(c.text);
        ASSERT_FALSE(r) << c.text;
        EXPECT_THAT(r.error().text(), HasSubstr(c.says));
        EXPECT_THAT(r.error().text(), Not(HasSubstr("secret")));
    }
}

TEST(wecom_robot, bodies_fit) {
    std::string much;
    for (int i = 0; i < 3000; ++i) much += "政";
    const auto markdown = parse_json(robot_markdown(much)).value();
    EXPECT_EQ(markdown["msgtype"], "markdown");
    EXPECT_LE(markdown["markdown"]["content"].get<std::string>().size(), most_robot_markdown);
    const auto text = parse_json(robot_text(much, {"zhangsan"})).value();
    EXPECT_LE(text["text"]["content"].get<std::string>().size(), most_robot_text);
    EXPECT_EQ(text["text"]["mentioned_list"], json::array({"zhangsan"}));
    EXPECT_FALSE(parse_json(robot_text("a")).value()["text"].contains("mentioned_list"));
}

TEST(wecom_robot, what_waits_is_said_in_one_message) {
    robot_queue q(3);
    q.put("一");
    q.put("二");
    auto m = q.take();
    EXPECT_EQ(m.text, "一\n\n二");
    EXPECT_EQ(m.holds, 2U);
    EXPECT_TRUE(q.empty());
    q.put("三");
    q.put_back(std::move(m));
    EXPECT_EQ(q.take().text, "一\n\n二\n\n三");
}

TEST(wecom_robot, the_newest_have_room_and_how_many_have_none_is_told) {
    robot_queue q(3);
    EXPECT_EQ(q.put("一") + q.put("二") + q.put("三"), 0U);
    EXPECT_EQ(q.put("四"), 1U);
    auto m = q.take();
    EXPECT_EQ(m.text, "二\n\n三\n\n四\n\n还有 1 条消息未列出");
    EXPECT_EQ(m.left_out, 1U);
    for (const char* c : {"a", "b", "c"}) q.put(std::string(100, *c));
    m = q.take(250);
    EXPECT_EQ(m.text, std::string(100, 'b') + "\n\n" + std::string(100, 'c') + "\n\n还有 1 条消息未列出");
    EXPECT_EQ(m.holds, 2U);
    q.put(std::string(300, 'a'));
    EXPECT_EQ(q.take(250).text.size(), 250U);
}

RC_GTEST_PROP(wecom_robot, a_message_of_the_queue_always_fits, ()) {
    const auto sizes = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 200));
    robot_queue q(10);
    for (const auto n : sizes) q.put(std::string(n, 'x'));
    if (q.empty()) return;
    const auto waiting = q.size();
    const auto m = q.take(400);
    RC_ASSERT(m.text.size() <= 400U);
    RC_ASSERT(m.holds >= 1U);
    RC_ASSERT(m.holds + m.left_out == sizes.size());
    RC_ASSERT(m.holds <= waiting);
}

} // namespace
} // namespace zhida::gateways
