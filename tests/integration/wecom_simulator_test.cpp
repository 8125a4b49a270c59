// The simulated WeCom over loopback, asked with requests written by hand.
#include "common/io/http_client.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

namespace zhida::simulator {
namespace {

using namespace std::chrono_literals;

struct wechat_wecom : testing::Test {
    tests::simulated all;
    std::unique_ptr<io::http_client> client;

    wechat_wecom() {
        all.wecom.corpid = "ww0123456789abcdef";
        all.wecom.secret = "wecom-secret";
        all.wecom.agentid = 1000002;
        all.wecom.robots = "人社=robot-key-1, *=robot-key-2";
    }
    void start(std::function<void(simulator&)> prepare = nullptr) {
        all.start(std::move(prepare));
        io::http_client_options o;
        o.base_url = all.wecom.base_url;
        client = std::make_unique<io::http_client>(all.on.executor(), o);
    }
    void TearDown() override {
        if (client) client->close();
        all.stop();
    }
    json ask(const std::string& method, const std::string& target, const json& body = {}) {
        const auto text = body.is_null() ? "" : to_text(body);
        return parse_json(all.on.run(client->request(method, target, {}, text)).value().body).value();
    }
    json get_token(const std::string& corpid, const std::string& secret) {
        return ask("GET", "/cgi-bin/gettoken?corpid=" + corpid + "&corpsecret=" + secret);
    }
    std::string token() {
        return get_token(all.wecom.corpid, all.wecom.secret).at("access_token").get<std::string>();
    }
    static json text(const std::string& touser, const std::string& content = "您有一项政策可申报") {
        return {
            {"touser", touser}, {"msgtype", "text"}, {"agentid", 1000002}, {"text", {{"content", content}}}};
    }
    json send(const std::string& with, const json& body) {
        return ask("POST", "/cgi-bin/message/send?access_token=" + with, body);
    }
    json robot(const std::string& key, const std::string& type, const std::string& content) {
        return ask("POST", "/cgi-bin/webhook/send?key=" + key,
                   {{"msgtype", type}, {type, {{"content", content}}}});
    }
};

TEST_F(wechat_wecom, tokens_are_of_a_corporation_and_its_secret) {
    start();
    EXPECT_EQ(get_token("other", "wecom-secret").at("errcode"), 40013);
    EXPECT_EQ(get_token(all.wecom.corpid, "wrong").at("errcode"), 40001);
    const auto t = token();
    EXPECT_EQ(token(), t) << "it is the same as long as it is valid";
    EXPECT_EQ(send("", text("zhangsan")).at("errcode"), 41001);
    EXPECT_EQ(send("other", text("zhangsan")).at("errcode"), 40014);
    EXPECT_EQ(send(t, text("zhangsan")).at("errcode"), 0);
    EXPECT_EQ(ask("POST", "/sim/wechat", {{"account", "wecom"}, {"do", "rotate_token"}}), json::object());
    EXPECT_EQ(send(t, text("zhangsan")).at("errcode"), 40014);
}

TEST_F(wechat_wecom, an_expired_token_is_told) {
    start([](simulator& s) { s.wecom_options().token_seconds = 0; });
    EXPECT_EQ(send(token(), text("zhangsan")).at("errcode"), 42001);
}

TEST_F(wechat_wecom, members_that_do_not_exist_are_told_with_success) {
    start();
    const auto t = token();
    const auto some = send(t, text("ZhangSan|NoSuch|nobody1|LiSi"));
    EXPECT_EQ(some.at("errcode"), 0);
    EXPECT_EQ(some.at("invaliduser"), "nobody1");
    ask("POST", "/sim/wechat", {{"account", "wecom"}, {"missing", {"NoSuch"}}});
    EXPECT_EQ(send(t, text("ZhangSan|NoSuch|nobody1")).at("invaliduser"), "nosuch|nobody1");
    EXPECT_EQ(send(t, text("NoSuch|nobody1")).at("errcode"), 81013);
    const auto& m = all.sim->messages().all().front();
    EXPECT_EQ(m.channel, "wechat");
    EXPECT_EQ(m.to, "ZhangSan");
    EXPECT_EQ(m.id, some.at("msgid").get<std::string>());
    EXPECT_EQ(m.more.at("account"), "wecom");
    EXPECT_EQ(m.more.at("text").at("content"), "您有一项政策可申报");
    EXPECT_EQ(all.sim->messages().all().size(), 4U);
}

TEST_F(wechat_wecom, what_is_wrong_with_a_message_has_its_code) {
    start();
    const auto t = token();
    auto m = text("zhangsan");
    m["agentid"] = 7;
    EXPECT_EQ(send(t, m).at("errcode"), 40056);
    EXPECT_EQ(send(t, text("")).at("errcode"), 40035);
    EXPECT_EQ(send(t, text("zhangsan", "")).at("errcode"), 44004);
    std::string many;
    for (int i = 0; i < 1001; ++i) many += "m" + std::to_string(i) + "|";
    EXPECT_EQ(send(t, text(many)).at("errcode"), 40032);
    m = text("zhangsan");
    m["msgtype"] = "fax";
    EXPECT_EQ(send(t, m).at("errcode"), 40008);
    m["msgtype"] = "textcard";
    EXPECT_EQ(send(t, m).at("errcode"), 40058);
    m["textcard"] = {{"title", "题"}, {"description", "述"}};
    EXPECT_EQ(send(t, m).at("errcode"), 40058) << "without a url";
    m["textcard"]["url"] = "https://example.org";
    EXPECT_EQ(send(t, m).at("errcode"), 0);
    m["textcard"]["title"] = std::string(129, 'x');
    EXPECT_EQ(send(t, m).at("errcode"), 40058);
    all.rules(R"({"rules":[{"channel":"wechat","gateway":"wecom","to":"lisi","errcode":60020,"times":1}]})");
    EXPECT_EQ(send(t, text("zhangsan|lisi")).at("errcode"), 60020);
    EXPECT_EQ(send(t, text("zhangsan|lisi")).at("errcode"), 0);
}

TEST_F(wechat_wecom, the_same_again_is_dropped_where_it_is_asked_for) {
    start();
    const auto t = token();
    auto m = text("zhangsan|lisi");
    EXPECT_EQ(send(t, m).at("errcode"), 0);
    EXPECT_EQ(send(t, m).at("errcode"), 0);
    EXPECT_EQ(all.sim->messages().all().size(), 4U);
    m["enable_duplicate_check"] = 1;
    m["duplicate_check_interval"] = 600;
    send(t, m);
    EXPECT_EQ(send(t, m).at("errcode"), 0);
    EXPECT_EQ(all.sim->messages().all().size(), 6U);
    EXPECT_EQ(all.sim->wecom().stats().duplicates, 2);
    m["text"]["content"] = "另一项";
    send(t, m);
    EXPECT_EQ(all.sim->messages().all().size(), 8U);
    m["duplicate_check_interval"] = 4 * 3600 + 1;
    EXPECT_EQ(send(t, m).at("errcode"), 40058);
}

TEST_F(wechat_wecom, what_a_member_gets_too_much_of_is_dropped_without_a_word) {
    start();
    const auto t = token();
    for (int i = 0; i < 32; ++i) EXPECT_EQ(send(t, text("zhangsan")).at("errcode"), 0);
    EXPECT_EQ(all.sim->messages().all().size(), 30U);
    EXPECT_EQ(all.sim->wecom().stats().dropped, 2);
    EXPECT_EQ(send(t, text("lisi")).at("errcode"), 0);
    EXPECT_EQ(all.sim->messages().all().size(), 31U);
    ask("POST", "/sim/wechat", {{"account", "wecom"}, {"daily_quota", 34}});
    EXPECT_EQ(send(t, text("lisi")).at("errcode"), 0);
    EXPECT_EQ(send(t, text("lisi")).at("errcode"), 45009);
}

TEST_F(wechat_wecom, robots_take_twenty_messages_a_minute) {
    start();
    EXPECT_EQ(robot("other", "text", "你好").at("errcode"), 93000);
    EXPECT_EQ(robot("robot-key-2", "text", std::string(2048, 'x')).at("errcode"), 0);
    EXPECT_EQ(robot("robot-key-2", "text", std::string(2049, 'x')).at("errcode"), 40058);
    EXPECT_EQ(robot("robot-key-2", "markdown", std::string(4096, 'x')).at("errcode"), 0);
    EXPECT_EQ(robot("robot-key-2", "markdown", std::string(4097, 'x')).at("errcode"), 40058);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(robot("robot-key-1", "text", "你好").at("errcode"), 0);
    EXPECT_EQ(robot("robot-key-1", "text", "你好").at("errcode"), 45009);
    EXPECT_EQ(robot("robot-key-2", "text", "你好").at("errcode"), 0);
    const auto list = ask("GET", "/sim/messages?channel=robot");
    ASSERT_EQ(list.size(), 23U);
    EXPECT_EQ(list[0].at("to"), robot_name("robot-key-2"));
    EXPECT_EQ(to_text(list).find("robot-key"), std::string::npos);
    EXPECT_EQ(all.sim->wecom().stats().robot_accepted, 23);
}

} // namespace
} // namespace zhida::simulator
