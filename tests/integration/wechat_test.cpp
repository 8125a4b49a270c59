// The WeChat client against the simulated platform over loopback.
#include "common/io/http_client.hpp"
#include "services/gateways/circuit.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace zhida::gateways {
namespace {

using namespace std::chrono_literals;
using tests::simulated;

struct wechat : testing::Test {
    simulated all;
    std::unique_ptr<wechat_client> client;
    std::optional<wechat_token> shared;
    int stores = 0;

    static asio::awaitable<std::optional<wechat_token>> load(wechat* self) { co_return self->shared; }
    static asio::awaitable<bool> store(wechat* self, wechat_token t) {
        ++self->stores;
        self->shared = std::move(t);
        co_return true;
    }
    std::unique_ptr<wechat_client> make() {
        return std::make_unique<wechat_client>(
            all.on.executor(), all.time, all.wechat,
            wechat_token_store{[this] { return load(this); },
                               [this](wechat_token t) { return store(this, std::move(t)); }});
    }
    void start() {
        all.start();
        client = make();
    }
    void TearDown() override {
        if (client) client->close();
        all.stop();
    }
    static wechat_message to(std::string openid, std::string client_msg_id = "") {
        return {std::move(openid),
                "https://example.org/p/1",
                {{"thing1", "关于支持中小企业的若干措施"}, {"phrase2", "符合"}},
                std::move(client_msg_id),
                ""};
    }
    send_result send(std::string openid, std::string client_msg_id = "") {
        return all.on.run(client->send(to(std::move(openid), std::move(client_msg_id))));
    }
    static asio::awaitable<void> into(wechat* self, std::string openid, std::vector<send_result>* out) {
        out->push_back(co_await self->client->send(to(openid, "c-" + openid)));
    }
    io::http_reply call(std::string method, std::string target, std::string body = "") {
        io::http_client_options o;
        o.base_url = all.wechat.base_url;
        io::http_client c(all.on.executor(), o);
        return all.on.run(c.request(method, target, {{"content-type", "application/json"}}, body)).value();
    }
};

TEST_F(wechat, a_message_is_taken_with_its_data) {
    start();
    const auto r = send("oUser0001", "c1-s1");
    ASSERT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    ASSERT_EQ(r.message_ids.size(), 1U);
    ASSERT_EQ(all.sim->messages().all().size(), 1U);
    const auto& m = all.sim->messages().all()[0];
    EXPECT_EQ(m.to, "oUser0001");
    EXPECT_EQ("wechat/" + m.id, r.message_ids[0]);
    EXPECT_EQ(m.more.at("client_msg_id"), "c1-s1");
    EXPECT_EQ(m.more.at("data").at("thing1").at("value"), "关于支持中小企业的若干措施");
    EXPECT_EQ(m.more.at("template_id"), "TEMPLATE-1");
    EXPECT_EQ(client->status().state, "connected");
    EXPECT_EQ(stores, 1);
}

TEST_F(wechat, many_at_once_share_one_token) {
    all.wechat.timeout_ms = 30'000; // a busy machine is not what this is about
    start();
    std::vector<send_result> out;
    for (int i = 0; i < 300; ++i)
        asio::co_spawn(all.on.context(), into(this, "oUser" + std::to_string(i), &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 300; }));
    for (const auto& r : out) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.detail;
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 1);
    EXPECT_EQ(client->status().accepted, 300);
    EXPECT_EQ(client->status().in_flight, 0);
}

TEST_F(wechat, a_repeated_client_msg_id_is_one_message) {
    start();
    const auto first = send("oUser0001", "c1-s1"), again = send("oUser0001", "c1-s1"),
               other = send("oUser0002", "c1-s1");
    EXPECT_EQ(again.outcome, send_outcome::accepted);
    EXPECT_EQ(again.message_ids, first.message_ids);
    EXPECT_NE(other.message_ids, first.message_ids);
    EXPECT_EQ(all.sim->messages().all().size(), 2U);
    EXPECT_EQ(all.sim->wechat().stats().duplicates, 1);
}

TEST_F(wechat, a_rotated_token_is_renewed_once_for_all_and_nobody_notices) {
    start();
    ASSERT_EQ(send("oUser0001").outcome, send_outcome::accepted);
    all.sim->wechat().rotate_token();
    std::vector<send_result> out;
    for (int i = 0; i < 50; ++i)
        asio::co_spawn(all.on.context(), into(this, "oAgain" + std::to_string(i), &out), asio::detached);
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 50; }));
    for (const auto& r : out) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code;
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 2);
    EXPECT_GT(all.sim->wechat().stats().errors.at(40001), 0);
    EXPECT_EQ(all.sim->messages().all().size(), 51U);
}

TEST_F(wechat, a_second_process_takes_the_shared_token) {
    start();
    ASSERT_EQ(send("oUser0001").outcome, send_outcome::accepted);
    auto second = make();
    EXPECT_EQ(all.on.run(second->send(to("oUser0002"))).outcome, send_outcome::accepted);
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 1);
    second->close();
}

TEST_F(wechat, each_error_has_its_outcome) {
    start();
    all.rules(R"({"rules":[{"channel":"wechat","to":"*refused","errcode":43101},
                           {"channel":"wechat","to":"*gone","errcode":43004},
                           {"channel":"wechat","to":"*foreign","errcode":40003},
                           {"channel":"wechat","to":"*busy","errcode":-1},
                           {"channel":"wechat","to":"*strange","errcode":99999},
                           {"channel":"wechat","to":"*down","http_status":503}]})");
    EXPECT_EQ(send("o-refused").recipient_fault, "refused");
    EXPECT_EQ(send("o-gone").recipient_fault, "not_following");
    EXPECT_EQ(send("o-foreign").recipient_fault, "bad_number");
    const auto busy = send("o-busy");
    EXPECT_EQ(busy.outcome, send_outcome::retry);
    EXPECT_EQ(busy.code, "wechat:-1");
    EXPECT_GT(busy.retry_after, milliseconds(0));
    EXPECT_EQ(send("o-strange").outcome, send_outcome::rejected);
    EXPECT_EQ(send("o-down").outcome, send_outcome::retry);
    auto bad = to("oUser0001");
    bad.data.emplace_back("number3", "很多");
    const auto r = all.on.run(client->send(bad));
    EXPECT_EQ(r.recipient_fault, "content");
    EXPECT_NE(r.detail.find("number3"), std::string::npos);
    EXPECT_TRUE(all.sim->messages().all().empty());
    EXPECT_EQ(send("oUser0001").outcome, send_outcome::accepted);
}

TEST_F(wechat, a_wrong_template_fails_the_content) {
    start();
    auto m = to("oUser0001");
    m.template_id = "ANOTHER";
    const auto r = all.on.run(client->send(m));
    EXPECT_EQ(r.code, "wechat:40037");
    EXPECT_EQ(r.recipient_fault, "content");
}

TEST_F(wechat, a_used_up_quota_stops_the_channel_until_midnight) {
    start();
    all.sim->wechat().set_daily_quota(1);
    EXPECT_EQ(send("oUser0001").outcome, send_outcome::accepted);
    const auto r = send("oUser0002");
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(r.code, "wechat:45009");
    EXPECT_GT(r.retry_after, milliseconds(0));
    EXPECT_LE(r.retry_after, milliseconds(86'400'000));
    const auto sends = all.sim->wechat().stats().sends;
    EXPECT_EQ(send("oUser0003").outcome, send_outcome::stopped);
    EXPECT_EQ(all.sim->wechat().stats().sends, sends); // not asked again
    EXPECT_EQ(client->status().state, "stopped");
    all.sim->wechat().set_daily_quota(100);
    client->resume();
    EXPECT_EQ(send("oUser0003").outcome, send_outcome::accepted);
}

TEST_F(wechat, wrong_credentials_stop_the_channel) {
    all.start();
    all.wechat.secret = "wrong";
    client = make();
    const auto r = send("oUser0001");
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(r.code, "wechat:40125");
    EXPECT_EQ(send("oUser0002").outcome, send_outcome::stopped);
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 1);
    EXPECT_EQ(client->status().state, "stopped");
}

TEST_F(wechat, no_answer_is_in_doubt_and_sending_again_is_harmless) {
    all.wechat.timeout_ms = 300;
    start();
    all.rules(R"({"rules":[{"channel":"wechat","drop_response":true,"times":1}]})");
    const auto r = send("oUser0001", "c1-s1");
    EXPECT_EQ(r.outcome, send_outcome::retry) << r.code;
    EXPECT_TRUE(r.in_doubt);
    EXPECT_EQ(all.sim->messages().all().size(), 1U); // it was taken
    EXPECT_EQ(send("oUser0001", "c1-s1").outcome, send_outcome::accepted);
    EXPECT_EQ(all.sim->messages().all().size(), 1U);
}

// What opens the circuit is the platform's fault, never a recipient's.
TEST_F(wechat, a_failing_platform_is_told_from_a_recipient_who_refuses) {
    start();
    all.rules(R"({"rules":[{"channel":"wechat","to":"oDown","http_status":503},
                           {"channel":"wechat","to":"oBusy","errcode":-1},
                           {"channel":"wechat","to":"oFast","errcode":45011},
                           {"channel":"wechat","to":"oQuota","errcode":45009},
                           {"channel":"wechat","to":"oRefuses","errcode":43101}]})");
    EXPECT_EQ(sign_of(send("oUser0001")), service_sign::serves);
    EXPECT_EQ(sign_of(send("oDown")), service_sign::ails);
    EXPECT_EQ(sign_of(send("oBusy")), service_sign::ails);
    EXPECT_EQ(sign_of(send("oFast")), service_sign::nothing);
    EXPECT_EQ(sign_of(send("oRefuses")), service_sign::serves);
    EXPECT_EQ(sign_of(send("oQuota")), service_sign::nothing);
    client->resume();
    all.stop();
    EXPECT_EQ(sign_of(send("oUser0001")), service_sign::ails);
}

TEST_F(wechat, nobody_listens) {
    start();
    all.stop();
    const auto r = send("oUser0001");
    EXPECT_EQ(r.outcome, send_outcome::retry);
    EXPECT_EQ(client->status().state, "down");
}

TEST_F(wechat, a_probe_shows_the_state_before_the_first_message) {
    start();
    EXPECT_EQ(client->status().state, "connecting");
    all.on.run(client->probe());
    EXPECT_EQ(client->status().state, "connected");
}

TEST_F(wechat, the_simulator_is_watched_and_steered_over_http) {
    start();
    ASSERT_EQ(send("oUser0001", "a").outcome, send_outcome::accepted);
    ASSERT_EQ(send("oUser0002", "b").outcome, send_outcome::accepted);
    auto list = parse_json(call("GET", "/sim/messages?channel=wechat&openid=oUser0002").body).value();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].at("client_msg_id"), "b");
    EXPECT_EQ(parse_json(call("GET", "/sim/messages?channel=sms").body).value().size(), 0U);
    EXPECT_EQ(parse_json(call("GET", "/sim/messages?since=99999999999999").body).value().size(), 0U);
    EXPECT_EQ(call("GET", "/sim/messages?since=x").status, 400);
    EXPECT_EQ(parse_json(call("GET", "/sim/stats").body)->at("wechat").at("accepted"), 2);
    EXPECT_EQ(call("POST", "/sim/faults",
                   R"({"rules":[{"channel":"wechat","errcode":43101}],"do":["rotate_token"]})")
                  .status,
              200);
    EXPECT_EQ(send("oUser0003").code, "wechat:43101");
    EXPECT_EQ(all.sim->wechat().stats().token_calls, 2);
    const auto wrong = call("POST", "/sim/faults", R"({"rules":[{"channel":"fax"}]})");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_NE(wrong.body.find("/rules/0/channel"), std::string::npos);
    EXPECT_EQ(call("POST", "/sim/faults", R"({"replace":true})").status, 200);
    EXPECT_EQ(send("oUser0003").outcome, send_outcome::accepted);
    EXPECT_EQ(call("DELETE", "/sim/messages").status, 200);
    EXPECT_EQ(parse_json(call("GET", "/sim/messages").body).value().size(), 0U);
}

TEST_F(wechat, a_restarted_simulator_still_knows_what_it_took) {
    all.settings.record_file =
        (std::filesystem::temp_directory_path() / ("zhida_wechat_" + std::to_string(::getpid()) + ".jsonl"))
            .string();
    std::filesystem::remove(all.settings.record_file);
    start();
    const auto first = send("oUser0001", "c1-s1");
    client->close();
    all.stop();
    start();
    const auto again = send("oUser0001", "c1-s1");
    EXPECT_EQ(again.outcome, send_outcome::accepted);
    EXPECT_EQ(again.message_ids, first.message_ids);
    EXPECT_EQ(all.sim->messages().all().size(), 1U);
    std::filesystem::remove(all.settings.record_file);
    std::filesystem::remove(all.settings.record_file + ".reported");
}

TEST_F(wechat, the_classic_token_serves_too) {
    all.wechat.token_api = "token";
    start();
    EXPECT_EQ(send("oUser0001").outcome, send_outcome::accepted);
    all.sim->wechat().rotate_token();
    EXPECT_EQ(send("oUser0002").outcome, send_outcome::accepted);
    EXPECT_EQ(client->take_calls().at("/cgi-bin/token"), 2);
}

// 40001 from the token's own interface is no token that is too old.
TEST_F(wechat, a_wrong_secret_stops_the_account_and_says_what_to_do) {
    all.start();
    all.wechat.secret = "another";
    client = make();
    const auto r = send("oUser0001");
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(client->status().state, "stopped");
    EXPECT_NE(client->status().detail.find("secret"), std::string::npos) << client->status().detail;
    EXPECT_EQ(client->status().detail.find("another"), std::string::npos) << "and not the secret";
}

TEST_F(wechat, a_subscription_notice_needs_its_grant_and_is_never_repeated) {
    all.wechat.send_by = "subscribe";
    all.wechat.long_term = false;
    all.wechat.timeout_ms = 300;
    start();
    const auto grant = [&](int count) {
        const auto body = R"({"do":"accept","openid":"oSub","template_id":"TEMPLATE-1","count":)" +
                          std::to_string(count) + "}";
        ASSERT_EQ(call("POST", "/sim/wechat", body).status, 200);
    };
    const auto none = send("oSub", "c1");
    EXPECT_EQ(none.code, "wechat:43101");
    EXPECT_EQ(none.recipient_fault, "refused");
    grant(2);
    EXPECT_EQ(send("oSub", "c1").outcome, send_outcome::accepted);
    EXPECT_FALSE(all.sim->messages().all().back().more.contains("client_msg_id") &&
                 all.sim->messages().all().back().more.at("client_msg_id") != "");
    all.rules(R"({"rules":[{"channel":"wechat","drop_response":true,"times":1}]})");
    const auto lost = send("oSub", "c2");
    EXPECT_EQ(lost.outcome, send_outcome::unknown);
    EXPECT_EQ(send("oSub", "c3").code, "wechat:43101") << "the lost one had taken the last grant";
}

TEST_F(wechat, a_mini_program_sends_to_its_own_people) {
    all.miniprogram.appid = "wxmini";
    all.miniprogram.secret = "of-mini";
    all.miniprogram.template_id = "TEMPLATE-1";
    start();
    wechat_client mini(all.on.executor(), all.time, all.miniprogram, {});
    auto m = to("oMini");
    m.url = "pages/policy/index";
    const auto r = all.on.run(mini.send(m));
    ASSERT_EQ(r.outcome, send_outcome::accepted) << r.code << r.detail;
    EXPECT_TRUE(r.message_ids.front().starts_with("miniprogram/"));
    EXPECT_EQ(mini.status().name, "miniprogram");
    m.url = "https://example.org";
    EXPECT_EQ(all.on.run(mini.send(m)).code, "wechat:41030");
}

TEST_F(wechat, a_scene_code_is_made) {
    start();
    const auto code = all.on.run(client->scene_code("zd.S1", std::chrono::minutes(30)));
    ASSERT_TRUE(code) << code.error().text();
    EXPECT_TRUE(code->url.starts_with("http://weixin.qq.com/q/"));
    EXPECT_EQ(code->lives, std::chrono::minutes(30));
    EXPECT_FALSE(all.on.run(client->scene_code(std::string(65, 'x'), std::chrono::minutes(30))));
}

} // namespace
} // namespace zhida::gateways
