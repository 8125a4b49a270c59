// The clouds' clients against the simulated clouds, which check their signatures, over loopback; receipts
// come back as they are pushed, or are fetched.
#include "services/gateways/aliyun_client.hpp"
#include "services/gateways/cloud_receipts.hpp"
#include "services/gateways/tencent_client.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

#include <set>

namespace zhida::gateways {
namespace {

using namespace std::chrono_literals;

struct sms_clouds : testing::Test {
    tests::simulated all;
    std::unique_ptr<io::http_server> portal;
    bool portal_ended = true, client_ended = true;
    std::unique_ptr<cloud_client> client;
    std::vector<receipt> receipts;
    std::size_t wrong = 0;

    sms_clouds() {
        auto& aliyun = all.sms.gateways["ali"];
        aliyun.name = "ali";
        aliyun.protocol = "aliyun";
        aliyun.access_key = "testid";
        aliyun.callback_secret = "0123456789abcdef";
        auto& tencent = all.sms.gateways["tc"];
        tencent.name = "tc";
        tencent.protocol = "tencent";
        tencent.access_key = "AKIDtest";
        tencent.app_id = "1400006666";
        tencent.callback_secret = "fedcba9876543210";
        for (auto& [name, g] : all.sms.gateways) {
            g.secret = "testsecret";
            g.connections = 4;
            g.response_timeout_s = 10;
        }
    }
    static asio::awaitable<bool> take(sms_clouds* self, std::vector<receipt> some) {
        std::move(some.begin(), some.end(), std::back_inserter(self->receipts));
        co_return true;
    }
    static asio::awaitable<io::http_response> pushed(sms_clouds* self, io::http_request r) {
        const bool aliyun = r.params.at("name") == "ali";
        auto got = aliyun ? read_aliyun_receipts(r.body, "ali", "testsecret", self->all.time.now())
                          : read_tencent_receipts(r.body, "tc", self->all.time.now());
        io::http_response out;
        out.content_type = "application/json";
        if (!got) {
            out.status = 400;
            co_return out;
        }
        self->wrong += got->wrong.size();
        co_await take(self, std::move(got->receipts));
        out.body = aliyun ? aliyun_push_answer.kept : tencent_push_answer.kept;
        co_return out;
    }
    void start() {
        io::http_router routes;
        routes.add("POST", "/gateways/{name}/receipts/{secret}",
                   [this](io::http_request r) { return pushed(this, std::move(r)); });
        portal = std::make_unique<io::http_server>(all.on.executor(), io::http_server_options{},
                                                   std::move(routes));
        ASSERT_TRUE(portal->listen());
        portal_ended = false;
        asio::co_spawn(all.on.context(), portal->run(), [this](std::exception_ptr) { portal_ended = true; });
        all.start([this](simulator::simulator& s) {
            for (auto* o : {&s.aliyun_options(), &s.tencent_options()}) {
                o->callback_base = "http://127.0.0.1:" + std::to_string(portal->port());
                o->report_delay = 20ms;
            }
            s.aliyun_options().templates = {{"SMS_1", "${name}您好，请办理"}};
            s.tencent_options().templates = {{"1234", "{1}您好，请办理"}};
        });
        for (auto& [name, g] : all.sms.gateways) g.base_url = all.wechat.base_url;
    }
    template <class Client>
    void connect(const char* name) {
        client = std::make_unique<Client>(
            all.on.executor(), all.time, all.sms.gateways.at(name),
            [this](auto some) { return take(this, std::move(some)); },
            cloud_times{{milliseconds(30), milliseconds(30), milliseconds(30)}, milliseconds(30)});
        client_ended = false;
        asio::co_spawn(all.on.context(), client->run(), [this](std::exception_ptr e) {
            client_ended = true;
            if (e) std::rethrow_exception(e);
        });
    }
    void aliyun() { connect<aliyun_client>("ali"); }
    void tencent() { connect<tencent_client>("tc"); }
    void TearDown() override {
        if (client) client->stop(1000ms);
        all.wait_until([this] { return client_ended; });
        client.reset();
        all.stop();
        if (portal) portal->stop(0ms);
        all.wait_until([this] { return portal_ended; });
    }
    static std::shared_ptr<const sms_body> text(const std::string& name) {
        auto b = plain_body("【直达演示】" + name + "您好，请办理");
        b.signature = "直达演示";
        b.template_ids = {{"aliyun", "SMS_1"}, {"tencent", "1234"}};
        b.variables = {{"name", name}};
        return std::make_shared<const sms_body>(std::move(b));
    }
    std::vector<send_result> send_same(int from, int count) {
        std::vector<sms_copy> copies;
        const auto body = text("张三");
        for (int i = from; i < from + count; ++i) copies.push_back({tests::nth_phone(i), body});
        return all.on.run(client->send_all(std::move(copies)));
    }
    void expect_receipts_for(const std::vector<send_result>& results) {
        std::set<std::string> sent, heard;
        for (const auto& r : results) {
            EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code << " " << r.detail;
            sent.insert(r.message_ids.begin(), r.message_ids.end());
        }
        EXPECT_EQ(sent.size(), results.size());
        EXPECT_TRUE(all.wait_until([&] { return receipts.size() >= results.size(); }));
        for (const auto& r : receipts) {
            heard.insert(r.message_id);
            EXPECT_EQ(r.means, receipt::meaning::delivered);
        }
        EXPECT_EQ(heard, sent);
        EXPECT_EQ(wrong, 0U);
    }
};

TEST_F(sms_clouds, aliyun_takes_many_and_each_has_its_receipt) {
    start();
    aliyun();
    expect_receipts_for(send_same(0, 3000));
    EXPECT_EQ(all.sim->messages().all().size(), 3000U);
    EXPECT_EQ(all.sim->messages().all()[0].more.at("text"), "【直达演示】张三您好，请办理");
    EXPECT_LE(all.sim->aliyun().stats().requests, 4);
}

TEST_F(sms_clouds, aliyun_takes_different_texts) {
    start();
    aliyun();
    std::vector<sms_copy> copies;
    for (int i = 0; i < 130; ++i)
        copies.push_back({tests::nth_phone(i), text("第" + std::to_string(i) + "户")});
    expect_receipts_for(all.on.run(client->send_all(std::move(copies))));
    for (const auto& m : all.sim->messages().all())
        if (m.to == tests::nth_phone(17)) {
            EXPECT_EQ(m.more.at("text"), "【直达演示】第17户您好，请办理");
        }
    EXPECT_EQ(all.sim->aliyun().stats().requests, 2);
}

TEST_F(sms_clouds, aliyun_took_it_though_nobody_heard) {
    all.sms.gateways["ali"].response_timeout_s = 1;
    start();
    aliyun();
    all.rules(R"({"rules":[{"channel":"sms","gateway":"ali","drop_response":true,"times":1}]})");
    expect_receipts_for(send_same(0, 40));
    EXPECT_EQ(all.sim->messages().all().size(), 40U) << "once each";
}

TEST_F(sms_clouds, aliyun_refuses_one_number_of_many) {
    start();
    aliyun();
    all.rules((R"({"rules":[{"channel":"sms","gateway":"ali","to":")" + tests::nth_phone(70) +
               R"(","code":"isv.BUSINESS_LIMIT_CONTROL","text":"触发分钟级流控Permits:1"}]})")
                  .c_str());
    auto results = send_same(0, 100);
    EXPECT_EQ(results[70].outcome, send_outcome::retry);
    EXPECT_EQ(results[70].retry_after, milliseconds(60'000));
    results.erase(results.begin() + 70);
    expect_receipts_for(results);
}

TEST_F(sms_clouds, aliyun_fails_for_a_while) {
    start();
    aliyun();
    all.rules(R"({"rules":[{"channel":"sms","gateway":"ali","code":"Throttling.User","times":1}]})");
    EXPECT_EQ(send_same(0, 1)[0].outcome, send_outcome::retry);
    all.rules(R"({"rules":[{"channel":"sms","gateway":"ali","code":"isv.AMOUNT_NOT_ENOUGH","times":1}]})");
    EXPECT_EQ(send_same(0, 1)[0].outcome, send_outcome::stopped);
    EXPECT_EQ(send_same(0, 1)[0].outcome, send_outcome::stopped);
    client->resume();
    expect_receipts_for(send_same(0, 1));
}

TEST_F(sms_clouds, a_wrong_secret_stops_the_account) {
    start();
    for (auto& [name, g] : all.sms.gateways) g.secret = "another";
    aliyun();
    auto r = send_same(0, 3)[0];
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(r.code, "aliyun:SignatureDoesNotMatch");
    client->stop(0ms);
    ASSERT_TRUE(all.wait_until([this] { return client_ended; }));
    tencent();
    r = send_same(0, 3)[0];
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(r.code, "tencent:AuthFailure.SignatureFailure");
}

TEST_F(sms_clouds, tencent_takes_many_and_each_has_its_receipt) {
    start();
    tencent();
    expect_receipts_for(send_same(0, 1500));
    EXPECT_EQ(all.sim->tencent().stats().requests, 8);
    EXPECT_EQ(all.sim->messages().all()[0].more.at("text"), "【直达演示】张三您好，请办理");
}

TEST_F(sms_clouds, tencent_gives_receipts_to_who_fetches_them) {
    all.sms.gateways["tc"].callback_secret.clear();
    start();
    tencent();
    expect_receipts_for(send_same(0, 450));
    EXPECT_EQ(client->status().receipts, 450);
}

TEST_F(sms_clouds, tencent_says_no_to_some) {
    start();
    tencent();
    all.rules((R"({"rules":[{"channel":"sms","gateway":"tc","to":")" + tests::nth_phone(3) +
               R"(","code":"FailedOperation.PhoneNumberInBlacklist"},)" +
               R"({"channel":"sms","gateway":"tc","to":")" + tests::nth_phone(5) +
               R"(","code":"LimitExceeded.PhoneNumberOneHourLimit"}]})")
                  .c_str());
    auto results = send_same(0, 20);
    EXPECT_EQ(results[3].recipient_fault, "refused");
    EXPECT_EQ(results[5].retry_after, milliseconds(3'600'000));
    results.erase(results.begin() + 5);
    results.erase(results.begin() + 3);
    expect_receipts_for(results);
}

TEST_F(sms_clouds, tencent_in_silence_is_unknown_and_not_sent_again) {
    all.sms.gateways["tc"].response_timeout_s = 1;
    start();
    tencent();
    all.rules(R"({"rules":[{"channel":"sms","gateway":"tc","drop_response":true,"times":1}]})");
    for (const auto& r : send_same(0, 10)) {
        EXPECT_EQ(r.outcome, send_outcome::unknown);
        EXPECT_EQ(r.code, "local:no_answer");
    }
    EXPECT_EQ(all.sim->messages().all().size(), 10U);
}

TEST_F(sms_clouds, a_receipt_of_a_failure_names_its_reason) {
    start();
    tencent();
    all.rules(R"({"rules":[{"channel":"sms","gateway":"tc","err_code":"MK:0001"}]})");
    const auto r = send_same(0, 1)[0];
    ASSERT_TRUE(all.wait_until([this] { return receipts.size() == 1; }));
    EXPECT_EQ(receipts[0].message_id, r.message_ids.at(0));
    EXPECT_EQ(receipts[0].status, "MK:0001");
    EXPECT_EQ(receipts[0].recipient_fault, "bad_number");
}

} // namespace
} // namespace zhida::gateways
