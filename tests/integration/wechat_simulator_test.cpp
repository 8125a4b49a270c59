// The simulated WeChat platform over loopback, asked with requests written by hand; what it pushes is taken
// by a server of the test.
#include "common/io/http_client.hpp"
#include "services/gateways/wechat_crypto.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

namespace zhida::simulator {
namespace {

using namespace std::chrono_literals;

constexpr const char* aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

struct wechat_platform : testing::Test {
    tests::simulated all;
    std::unique_ptr<io::http_client> client;
    // What came to the callbacks' address, and what it answers.
    struct posted {
        std::string path, body; // decrypted
        std::map<std::string, std::string> query;
        bool holds(const std::string& text) const { return body.find(text) != std::string::npos; }
    };
    std::unique_ptr<io::http_server> portal;
    bool portal_ended = false;
    std::vector<posted> events;
    std::vector<io::http_response> answers; // in turn; then "success"
    std::string key;                        // safe mode

    static asio::awaitable<io::http_response> take(wechat_platform* self, io::http_request r) {
        posted p{r.path, r.body, r.query};
        io::http_response out;
        out.body = "success";
        if (r.method == "GET") out.body = r.query.at("echostr");
        const auto &at = r.query.at("timestamp"), &once = r.query.at("nonce");
        EXPECT_EQ(gateways::callback_signature({"callback-token", at, once}), r.query.at("signature"));
        if (!self->key.empty() && r.method == "POST") {
            const auto open = r.body.find("<Encrypt><![CDATA[") + 18;
            const auto encrypted = r.body.substr(open, r.body.find("]]>", open) - open);
            EXPECT_EQ(r.query.at("encrypt_type"), "aes");
            EXPECT_EQ(gateways::callback_signature({"callback-token", at, once, encrypted}),
                      r.query.at("msg_signature"));
            p.body =
                gateways::callback_cipher::of(self->key, self->all.wechat.appid)->open(encrypted).value();
        }
        self->events.push_back(std::move(p));
        if (!self->answers.empty()) {
            out = self->answers.front();
            self->answers.erase(self->answers.begin());
        }
        co_return out;
    }
    static io::http_response text(std::string body, int status = 200) {
        io::http_response r;
        r.status = status;
        r.body = std::move(body);
        return r;
    }
    wechat_platform() {
        all.wechat.callback_token = "callback-token";
        all.miniprogram.appid = "wxfedcba9876543210";
        all.miniprogram.secret = "fedcba9876543210fedcba9876543210";
        all.miniprogram.template_id = "MINI-1";
        all.miniprogram.callback_token = "callback-token";
        all.wecom.corpid = "ww0123456789abcdef";
        all.wecom.secret = "wecom-secret";
        all.wecom.agentid = 1000002;
        all.wecom.robots = "人社=robot-key-1, *=robot-key-2";
    }
    void start(std::function<void(simulator&)> prepare = nullptr) {
        io::http_router router;
        for (const char* verb : {"GET", "POST"})
            router.add(verb, "/gateways/{name}/events",
                       [this](io::http_request r) { return take(this, std::move(r)); });
        portal = std::make_unique<io::http_server>(all.on.executor(), io::http_server_options{},
                                                   std::move(router));
        ASSERT_TRUE(portal->listen());
        asio::co_spawn(all.on.context(), portal->run(), [this](std::exception_ptr) { portal_ended = true; });
        all.settings.callback_base = "http://127.0.0.1:" + std::to_string(portal->port());
        all.wechat.callback_aes_key = key;
        all.start([&](simulator& s) {
            for (auto* o : {&s.wechat_options(), &s.miniprogram_options()}) {
                o->event_delay = 20ms;
                o->push_timeout = 500ms;
                o->push_pause = 10ms;
                o->templates.subscriptions.insert("NOTICE-1");
            }
            if (prepare) prepare(s);
        });
        io::http_client_options o;
        o.base_url = all.wechat.base_url;
        client = std::make_unique<io::http_client>(all.on.executor(), o);
    }
    void TearDown() override {
        if (client) client->close();
        all.stop();
        if (!portal) return;
        portal->stop(0ms);
        all.wait_until([&] { return portal_ended; });
    }
    io::http_reply call(const std::string& method, const std::string& target, const std::string& body = "") {
        return all.on.run(client->request(method, target, {}, body)).value();
    }
    json ask(const std::string& method, const std::string& target, const std::string& body = "") {
        return parse_json(call(method, target, body).body).value();
    }
    std::int64_t code(const json& answer) { return answer.value("errcode", std::int64_t{0}); }
    json steer(const std::string& body) {
        const auto r = call("POST", "/sim/wechat", body);
        EXPECT_EQ(r.status, 200) << r.body;
        return parse_json(r.body).value();
    }
    std::string token(bool mini = false) {
        const auto& c = mini ? all.miniprogram : all.wechat;
        return ask("POST", "/cgi-bin/stable_token",
                   to_text({{"grant_type", "client_credential"}, {"appid", c.appid}, {"secret", c.secret}}))
            .at("access_token")
            .get<std::string>();
    }
    json classic(const std::string& appid, const std::string& secret) {
        return ask("GET", "/cgi-bin/token?grant_type=client_credential&appid=" + appid + "&secret=" + secret);
    }
    static std::string message(const std::string& openid, const std::string& template_id, json more = {}) {
        json body = {{"touser", openid},
                     {"template_id", template_id},
                     {"data", {{"thing1", {{"value", "关于支持中小企业的若干措施"}}}}}};
        if (!more.is_null()) body.update(more);
        return to_text(body);
    }
    json template_send(const std::string& with, const std::string& openid, json more = {}) {
        return ask("POST", "/cgi-bin/message/template/send?access_token=" + with,
                   message(openid, "TEMPLATE-1", std::move(more)));
    }
    json bizsend(const std::string& with, const std::string& openid,
                 const std::string& template_id = "NOTICE-1") {
        return ask("POST", "/cgi-bin/message/subscribe/bizsend?access_token=" + with,
                   message(openid, template_id));
    }
    json mini_send(const std::string& with, const std::string& openid, json more = {}) {
        return ask("POST", "/cgi-bin/message/subscribe/send?access_token=" + with,
                   message(openid, "MINI-1", std::move(more)));
    }
    bool came(std::size_t count) {
        return all.wait_until([&] { return events.size() >= count; });
    }
    void nothing_more_comes(std::size_t count) {
        all.on.run_for(150ms);
        EXPECT_EQ(events.size(), count);
    }
};

TEST_F(wechat_platform, classic_tokens_are_new_each_time_and_apart_from_stable_ones) {
    start();
    const auto stable = token();
    EXPECT_EQ(token(), stable);
    const auto first = classic(all.wechat.appid, all.wechat.secret),
               second = classic(all.wechat.appid, all.wechat.secret);
    EXPECT_EQ(first.at("expires_in"), 7200);
    EXPECT_NE(first.at("access_token"), second.at("access_token"));
    // Both classic ones during the overlap, and the stable one untouched.
    for (const auto& t :
         {first.at("access_token").get<std::string>(), second.at("access_token").get<std::string>(), stable})
        EXPECT_EQ(code(template_send(t, "oA")), 0);
    const auto third = classic(all.wechat.appid, all.wechat.secret);
    EXPECT_EQ(code(template_send(first.at("access_token").get<std::string>(), "oA")), 40001);
    steer(R"({"token_overlap_s":0})");
    classic(all.wechat.appid, all.wechat.secret);
    EXPECT_EQ(code(template_send(third.at("access_token").get<std::string>(), "oA")), 42001);
    EXPECT_EQ(code(template_send(stable, "oA")), 0);
}

TEST_F(wechat_platform, wrong_credentials_and_tokens_have_their_codes) {
    start();
    EXPECT_EQ(code(classic("wxnone", all.wechat.secret)), 40013);
    EXPECT_EQ(code(classic(all.wechat.appid, "wrong")), 40125);
    EXPECT_EQ(code(ask("GET", "/cgi-bin/token?grant_type=x")), 40002);
    EXPECT_EQ(code(template_send("", "oA")), 41001);
    EXPECT_EQ(code(template_send("short", "oA")), 40014);
    EXPECT_EQ(code(template_send(std::string(100, 'a'), "oA")), 40001);
    const auto before = token();
    steer(R"({"do":"rotate_token"})");
    EXPECT_EQ(code(template_send(before, "oA")), 40001);
    EXPECT_EQ(code(template_send(token(), "oA")), 0);
    steer(R"({"ip_allow_list":["10.0.0.1"]})");
    const auto refused = classic(all.wechat.appid, all.wechat.secret);
    EXPECT_EQ(code(refused), 40164);
    EXPECT_TRUE(refused.at("errmsg").get<std::string>().starts_with(
        "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: "));
    steer(R"({"ip_allow_list":["127.0.0.1"]})");
    EXPECT_EQ(code(classic(all.wechat.appid, all.wechat.secret)), 0);
}

TEST_F(wechat_platform, accounts_are_told_apart_by_appid_and_token) {
    start();
    const auto official = token(), mini = token(true);
    EXPECT_NE(official, mini);
    EXPECT_EQ(code(mini_send(mini, "oM")), 0);
    EXPECT_EQ(code(mini_send(official, "oM")), 48001);
    EXPECT_EQ(code(template_send(mini, "oA")), 48001);
    ASSERT_EQ(all.sim->messages().all().size(), 1U);
    EXPECT_EQ(all.sim->messages().all()[0].more.at("account"), "miniprogram");
    EXPECT_EQ(all.sim->messages().all()[0].more.at("api"), "miniprogram");
    const auto stats = ask("GET", "/sim/stats");
    EXPECT_EQ(stats.at("miniprogram").at("accepted"), 1);
    EXPECT_EQ(stats.at("wechat").at("accepted"), 0);
}

TEST_F(wechat_platform, template_messages_need_a_follower_who_does_not_refuse) {
    start();
    const auto t = token();
    EXPECT_EQ(code(template_send(t, "oA")), 0);
    steer(R"({"do":"unfollow","openid":"oA"})");
    EXPECT_EQ(code(template_send(t, "oA")), 43004);
    steer(R"({"do":"follow","openid":"oA"})");
    EXPECT_EQ(code(template_send(t, "oA")), 0);
    steer(R"({"do":"reject","openid":"oA","template_id":"TEMPLATE-1"})");
    EXPECT_EQ(code(template_send(t, "oA")), 43101);
    EXPECT_EQ(code(template_send(t, "oB")), 0);
    steer(R"({"everybody_follows":false})");
    EXPECT_EQ(code(template_send(t, "oB")), 43004);
    EXPECT_EQ(code(bizsend(t, "oA", "TEMPLATE-1")), 40037);
    EXPECT_EQ(
        code(ask("POST", "/cgi-bin/message/template/send?access_token=" + t, message("oA", "NOTICE-1"))),
        40037);
    const auto bad = template_send(t, "oA",
                                   {{"data",
                                     {{"thing1", {{"value", "超过二十个字超过二十个字超过二十个字超过"}}},
                                      {"number2", {{"value", "十"}}}}}});
    EXPECT_EQ(code(bad), 47003);
    EXPECT_TRUE(
        bad.at("errmsg").get<std::string>().starts_with("argument invalid! data.number2.value invalid rid: "))
        << bad;
}

TEST_F(wechat_platform, one_time_grants_are_spent_and_long_term_ones_last) {
    start();
    const auto t = token();
    EXPECT_EQ(code(bizsend(t, "oNever")), 0); // a long-term template, to which everybody agreed
    steer(R"({"everybody_granted":false})");
    EXPECT_EQ(code(bizsend(t, "oNever")), 43101);
    steer(R"({"do":"accept","openid":"oOnce","template_id":"NOTICE-1","count":2})");
    EXPECT_EQ(code(bizsend(t, "oOnce")), 0);
    EXPECT_EQ(code(bizsend(t, "oOnce")), 0);
    EXPECT_EQ(code(bizsend(t, "oOnce")), 43101);
    steer(R"({"do":"accept","openid":"oLong","template_id":"NOTICE-1","long_term":true})");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(code(bizsend(t, "oLong")), 0);
    steer(R"({"do":"reject","openid":"oLong","template_id":"NOTICE-1"})");
    EXPECT_EQ(code(bizsend(t, "oLong")), 43101);
    const auto m = all.sim->messages().all().front();
    EXPECT_EQ(m.more.at("api"), "subscribe");
    EXPECT_EQ(m.more.at("account"), "wechat");
}

TEST_F(wechat_platform, nobody_has_taps_in_store_of_a_one_time_template) {
    all.miniprogram.long_term = false;
    start();
    const auto t = token(true);
    EXPECT_EQ(code(mini_send(t, "oM")), 43101);
    steer(R"({"account":"miniprogram","do":"accept","openid":"oM","template_id":"MINI-1"})");
    EXPECT_EQ(code(mini_send(t, "oM")), 0);
    EXPECT_EQ(code(mini_send(t, "oM")), 43101);
}

TEST_F(wechat_platform, a_mini_programs_message_names_a_page_a_state_and_a_language) {
    start();
    const auto t = token(true);
    EXPECT_EQ(
        code(mini_send(t, "oM",
                       {{"page", "pages/notice?id=1"}, {"miniprogram_state", "trial"}, {"lang", "zh_CN"}})),
        0);
    EXPECT_EQ(code(mini_send(t, "oM", {{"page", "https://example.org"}})), 41030);
    EXPECT_EQ(code(mini_send(t, "oM", {{"miniprogram_state", "beta"}})), 47003);
    EXPECT_EQ(code(mini_send(t, "oM", {{"lang", "fr"}})), 47003);
    EXPECT_EQ(all.sim->messages().all().front().more.at("page"), "pages/notice?id=1");
}

TEST_F(wechat_platform, quotas_are_of_an_api_and_a_day_and_bursts_of_a_minute) {
    start();
    const auto t = token();
    steer(R"({"quotas":{"template":1}})");
    EXPECT_EQ(code(template_send(t, "oA")), 0);
    EXPECT_EQ(code(template_send(t, "oB")), 45009);
    EXPECT_EQ(code(bizsend(t, "oB")), 0);
    const auto quota = ask("POST", "/cgi-bin/openapi/quota/get?access_token=" + t,
                           R"({"cgi_path":"/cgi-bin/message/template/send"})");
    EXPECT_EQ(quota.at("quota"), (json{{"daily_limit", 1}, {"used", 1}, {"remain", 0}}));
    EXPECT_EQ(code(ask("POST", "/cgi-bin/clear_quota?access_token=" + t, R"({"appid":"other"})")), 40013);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(code(ask("POST", "/cgi-bin/clear_quota?access_token=" + t,
                           to_text({{"appid", all.wechat.appid}}))),
                  0);
    EXPECT_EQ(
        code(ask("POST", "/cgi-bin/clear_quota?access_token=" + t, to_text({{"appid", all.wechat.appid}}))),
        48006);
    EXPECT_EQ(code(template_send(t, "oB")), 0);
    steer(R"({"quotas":{"template":100},"per_minute":2})");
    EXPECT_EQ(code(template_send(t, "oC")), 0);
    EXPECT_EQ(code(template_send(t, "oD")), 0);
    EXPECT_EQ(code(template_send(t, "oE")), 45011);
    all.rules(R"({"rules":[{"channel":"wechat","errcode":-1,"times":2}]})");
    steer(R"({"per_minute":0})");
    EXPECT_EQ(code(template_send(t, "oF")), -1);
    EXPECT_EQ(code(template_send(t, "oF")), -1);
    EXPECT_EQ(code(template_send(t, "oF")), 0);
}

TEST_F(wechat_platform, qr_codes_carry_a_scene) {
    start();
    const auto t = token();
    const auto make = [&](const json& body) {
        return ask("POST", "/cgi-bin/qrcode/create?access_token=" + t, to_text(body));
    };
    const auto scene = [](const std::string& s) { return json{{"scene", {{"scene_str", s}}}}; };
    const auto one =
        make({{"expire_seconds", 2592000}, {"action_name", "QR_STR_SCENE"}, {"action_info", scene("S1")}});
    EXPECT_EQ(one.at("expire_seconds"), 2592000);
    EXPECT_TRUE(one.at("url").get<std::string>().starts_with("http://weixin.qq.com/q/"));
    const auto lasting = make({{"action_name", "QR_LIMIT_STR_SCENE"}, {"action_info", scene("S2")}});
    EXPECT_FALSE(lasting.contains("expire_seconds"));
    EXPECT_EQ(code(make({{"action_name", "QR_SCENE"}, {"action_info", scene("S")}})), 40052);
    EXPECT_EQ(code(make({{"action_name", "QR_STR_SCENE"}, {"action_info", scene("")}})), 40053);
    EXPECT_EQ(code(make({{"action_name", "QR_STR_SCENE"}, {"action_info", scene(std::string(65, 'x'))}})),
              40053);
    EXPECT_EQ(code(make({{"action_name", "QR_STR_SCENE"}})), 40053);
    EXPECT_EQ(
        code(make(
            {{"expire_seconds", 2592001}, {"action_name", "QR_STR_SCENE"}, {"action_info", scene("S")}})),
        40035);
    // Who scans and follows: qrscene_; who follows already: SCAN. Both tell the ticket.
    steer(R"({"do":"unfollow","openid":"oQ","wait":true})");
    steer(R"({"do":"scan","openid":"oQ","scene":"S1","wait":true})");
    steer(R"({"do":"scan","openid":"oQ","scene":"S1","wait":true})");
    ASSERT_EQ(events.size(), 3U);
    EXPECT_TRUE(
        events[1].holds("<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_S1]]></EventKey>"));
    EXPECT_TRUE(events[1].holds(one.at("ticket").get<std::string>()));
    EXPECT_TRUE(events[2].holds("<Event><![CDATA[SCAN]]></Event><EventKey><![CDATA[S1]]></EventKey>"));
}

TEST_F(wechat_platform, every_message_that_was_taken_is_told_of) {
    start();
    const auto sent = template_send(token(), "oA");
    ASSERT_TRUE(came(1));
    EXPECT_EQ(events[0].path, "/gateways/wechat/events");
    EXPECT_EQ(events[0].query.at("openid"), "oA");
    EXPECT_TRUE(events[0].holds("<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>" +
                                std::to_string(sent.at("msgid").get<std::int64_t>()) +
                                "</MsgID><Status><![CDATA[success]]></Status>"))
        << events[0].body;
    const auto notice = mini_send(token(true), "oM");
    ASSERT_TRUE(came(2));
    EXPECT_EQ(events[1].path, "/gateways/miniprogram/events");
    EXPECT_TRUE(
        events[1].holds("<SubscribeMsgSentEvent><List><TemplateId><![CDATA[MINI-1]]></TemplateId><MsgID>" +
                        std::to_string(notice.at("msgid").get<std::int64_t>()) +
                        "</MsgID><ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus>"))
        << events[1].body;
    const auto stats = ask("GET", "/sim/stats");
    EXPECT_EQ(stats.at("wechat").at("events").at("taken"), 1);
    EXPECT_EQ(stats.at("miniprogram").at("events").at("requests"), 1);
}

TEST_F(wechat_platform, events_are_lost_late_early_double_or_tell_of_failures) {
    start();
    all.rules(R"({"rules":[{"channel":"wechat","to":"oLost","event":"none"},
                           {"channel":"wechat","to":"oEarly","event":"early"},
                           {"channel":"wechat","to":"oTwice","event":"duplicate"},
                           {"channel":"wechat","to":"oBlock","event_status":"failed:user block"},
                           {"channel":"wechat","to":"oFail","event_status":"failed: system failed"},
                           {"channel":"wechat","to":"oLate","event_delay_ms":200}]})");
    const auto t = token();
    template_send(t, "oEarly");
    ASSERT_EQ(events.size(), 1U) << "it was there before the answer";
    template_send(t, "oTwice");
    ASSERT_TRUE(came(3));
    EXPECT_EQ(events[1].body, events[2].body);
    EXPECT_NE(events[1].query.at("nonce"), events[2].query.at("nonce"));
    template_send(t, "oBlock");
    ASSERT_TRUE(came(4));
    EXPECT_TRUE(events[3].holds("<Status><![CDATA[failed:user block]]></Status>"));
    template_send(t, "oFail");
    ASSERT_TRUE(came(5));
    EXPECT_TRUE(events[4].holds("<Status><![CDATA[failed: system failed]]></Status>"));
    bizsend(t, "oBlock");
    ASSERT_TRUE(came(6));
    EXPECT_TRUE(
        events[5].holds("<ErrorCode>43101</ErrorCode><ErrorStatus><![CDATA[user block]]></ErrorStatus>"));
    template_send(t, "oLost");
    const auto asked = std::chrono::steady_clock::now();
    template_send(t, "oLate");
    ASSERT_TRUE(came(7));
    EXPECT_GE(std::chrono::steady_clock::now() - asked, 180ms);
    EXPECT_EQ(events[6].query.at("openid"), "oLate");
    nothing_more_comes(7);
    const auto wrong =
        call("POST", "/sim/faults", R"({"rules":[{"channel":"wechat","event":"late","event_status":"x"}]})");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_NE(wrong.body.find("/rules/0/event_status"), std::string::npos);
}

TEST_F(wechat_platform, an_event_is_pushed_three_times_until_the_answer_is_right) {
    start();
    answers = {text("no"), text("", 500), text("")};
    const auto third = steer(R"({"do":"text","openid":"oA","text":"你好","wait":true})");
    EXPECT_EQ(third.at("taken"), true);
    EXPECT_EQ(third.at("tries"), 3);
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0].body, events[2].body);
    EXPECT_TRUE(events[0].holds("<Content><![CDATA[你好]]></Content><MsgId>"));
    answers = {text("no"), text("no"), text("no"), text("no")};
    const auto never = steer(R"({"do":"text","openid":"oA","text":"]]>","wait":true})");
    EXPECT_EQ(never.at("taken"), false);
    EXPECT_EQ(never.at("tries"), 3);
    EXPECT_EQ(never.at("fault"), "neither success nor a passive reply");
    EXPECT_TRUE(events[3].holds("<Content><![CDATA[]]]]><![CDATA[>]]></Content>"));
    nothing_more_comes(6);
    const auto stats = ask("GET", "/sim/stats").at("wechat").at("events");
    EXPECT_EQ(stats.at("given_up"), 1);
    EXPECT_EQ(stats.at("taken"), 1);
    EXPECT_EQ(stats.at("refused"), 5);
}

TEST_F(wechat_platform, an_answer_after_five_seconds_is_none) {
    struct slow {
        static asio::awaitable<io::http_response> answer(int* asked) {
            ++*asked;
            co_await tests::pause_for(400ms);
            co_return text("success");
        }
    };
    int asked = 0;
    start([](simulator& s) { s.wechat_options().push_timeout = 100ms; });
    io::http_router router;
    router.add("POST", "/gateways/{name}/events", [&](io::http_request) { return slow::answer(&asked); });
    io::http_server late(all.on.executor(), {}, std::move(router));
    ASSERT_TRUE(late.listen());
    bool ended = false;
    asio::co_spawn(all.on.context(), late.run(), [&](std::exception_ptr) { ended = true; });
    const auto r = steer(to_text({{"callback_base", "http://127.0.0.1:" + std::to_string(late.port())},
                                  {"do", "follow"},
                                  {"openid", "oA"},
                                  {"wait", true}}));
    EXPECT_EQ(r.at("taken"), false);
    EXPECT_EQ(r.at("status"), 0);
    EXPECT_EQ(asked, 3);
    late.stop(0ms);
    all.wait_until([&] { return ended; });
}

TEST_F(wechat_platform, safe_mode_encrypts_both_ways) {
    key = aes_key;
    start();
    const auto cipher = gateways::callback_cipher::of(aes_key, all.wechat.appid).value();
    const std::string reply =
        "<xml><ToUserName><![CDATA[oA]]></ToUserName><FromUserName><![CDATA[gh]]></FromUserName>"
        "<CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[好]]></Content></"
        "xml>";
    const auto sealed = cipher.seal(reply, "0123456789abcdef");
    const auto answer = [&](const std::string& signature) {
        return text("<xml><Encrypt><![CDATA[" + sealed + "]]></Encrypt><MsgSignature><![CDATA[" + signature +
                    "]]></MsgSignature><TimeStamp>5</TimeStamp><Nonce><![CDATA[n]]></Nonce></xml>");
    };
    answers = {answer(gateways::callback_signature({"callback-token", "5", "n", sealed}))};
    const auto good = steer(R"({"do":"text","openid":"oA","text":"你好","wait":true})");
    EXPECT_EQ(good.at("body"), reply);
    EXPECT_EQ(good.at("taken"), true);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events[0].holds("<Content><![CDATA[你好]]></Content>"));
    answers = {answer("wrong"), text(reply)};
    const auto bad = steer(R"({"do":"text","openid":"oA","text":"你好","wait":true})");
    EXPECT_EQ(bad.at("tries"), 3); // the last one says success
    EXPECT_EQ(bad.at("taken"), true);
    EXPECT_EQ(ask("GET", "/sim/stats").at("wechat").at("events").at("refused"), 2);
}

TEST_F(wechat_platform, a_key_that_is_none_is_told_at_the_start) {
    all.wechat.callback_aes_key = "short";
    simulator s(all.on.executor(), all.time, all.settings, all.sms, all.wechat);
    const auto bound = s.listen();
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().where, "wechat.callback_aes_key");
}

TEST_F(wechat_platform, the_address_is_checked_and_people_act) {
    start();
    const auto checked = steer(R"({"do":"verify"})");
    EXPECT_EQ(checked.at("taken"), true) << checked;
    EXPECT_EQ(checked.at("status"), 200);
    answers = {text("other")};
    EXPECT_EQ(steer(R"({"do":"verify"})").at("taken"), false);
    events.clear();
    steer(R"({"do":"follow","openid":"oA","scene":"S","wait":true})");
    steer(R"({"do":"unfollow","openid":"oA","wait":true})");
    steer(R"({"do":"accept","openid":"oA","template_id":"N","wait":true})");
    steer(R"({"do":"reject","openid":"oA","template_id":"N","wait":true})");
    steer(R"({"do":"menu_popup","openid":"oA","templates":{"N":"accept","O":"reject"},"wait":true})");
    ASSERT_EQ(events.size(), 5U);
    EXPECT_TRUE(
        events[0].holds("<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_S]]></EventKey>"));
    EXPECT_TRUE(events[1].holds("<Event><![CDATA[unsubscribe]]></Event>"));
    EXPECT_TRUE(
        events[2].holds("<SubscribeMsgPopupEvent><List><TemplateId><![CDATA[N]]></TemplateId>"
                        "<SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString><PopupScene>1"));
    EXPECT_TRUE(events[3].holds("<SubscribeMsgChangeEvent><List><TemplateId><![CDATA[N]]></TemplateId>"
                                "<SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString></List>"));
    EXPECT_TRUE(events[4].holds("</List><List><TemplateId><![CDATA[O]]>"));
    for (const char* wrong :
         {R"({"do":"dance","openid":"oA"})", R"({"do":"follow"})", R"({"do":"scan","openid":"oA"})",
          R"({"do":"follow","openid":"oA","template_id":"N"})", R"({"openid":"oA"})", R"({"typo":1})",
          R"({"account":"fax"})", R"({"account":"miniprogram","do":"follow","openid":"oA"})",
          R"({"quotas":{"fax":1}})", R"({"do":"accept","openid":"oA","template_id":"N","by":"letter"})",
          R"({"account":"wecom","do":"follow"})", R"({"account":"wecom","openid":"x"})"})
        EXPECT_EQ(call("POST", "/sim/wechat", wrong).status, 400) << wrong;
    EXPECT_EQ(events.size(), 5U);
}

TEST_F(wechat_platform, nothing_is_pushed_where_nobody_wants_it) {
    all.wechat.callback_token.clear();
    start();
    EXPECT_EQ(code(template_send(token(), "oA")), 0);
    const auto r = steer(R"({"do":"follow","openid":"oA","wait":true})");
    EXPECT_EQ(r.at("taken"), false);
    EXPECT_EQ(r.at("fault"), "there is nowhere to push to");
    nothing_more_comes(0);
}

} // namespace
} // namespace zhida::simulator
