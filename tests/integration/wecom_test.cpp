// WeCom over loopback: the application's messages, and robots, against answers that the test gives.
#include "common/store/keys.hpp"
#include "common/store/member_rates.hpp"
#include "services/dispatcher/wecom_sender.hpp"
#include "services/gateways/wecom_client.hpp"
#include "services/gateways/wecom_robot.hpp"
#include "tests/support/fake_wecom.hpp"
#include "tests/support/gateways.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

namespace zhida::gateways {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

struct wecom : testing::Test {
    tests::loop on;
    system_clock time;
    tests::fake_wecom fake{on};
    wecom_config settings;
    std::optional<wechat_token> shared;
    std::unique_ptr<wecom_client> client;

    wecom() {
        settings.base_url = fake.url();
        settings.corpid = fake.corpid;
        settings.secret = fake.secret;
        settings.agentid = 1000002;
        settings.timeout_ms = 1000;
    }
    ~wecom() override {
        if (client) client->close();
    }
    static asio::awaitable<std::optional<wechat_token>> load(wecom* self) { co_return self->shared; }
    static asio::awaitable<bool> store(wecom* self, wechat_token t) {
        self->shared = std::move(t);
        co_return true;
    }
    wechat_token_store tokens() {
        return {[this] { return load(this); }, [this](wechat_token t) { return store(this, std::move(t)); }};
    }
    void start() { client = std::make_unique<wecom_client>(on.executor(), time, settings, tokens()); }
    std::vector<send_result> send(std::vector<std::string> to) {
        if (!client) start();
        return on.run(client->send({"标题", "说明", "https://example.org/"}, std::move(to)));
    }
    send_result send_one(std::string to) {
        std::vector<std::string> one;
        one.push_back(std::move(to));
        return send(std::move(one)).front();
    }
    static asio::awaitable<void> into(wecom* self, std::string to, std::vector<send_result>* out) {
        for (auto& r : co_await self->client->send({"标题", to, ""}, {to})) out->push_back(std::move(r));
    }
    bool wait_until(const std::function<bool()>& holds) {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() >= until) return false;
            on.run_for(2ms);
        }
        return true;
    }
};

TEST_F(wecom, one_call_for_all_and_each_has_its_own_end) {
    fake.invalid = {"lisi"};
    const auto r = send({"ZhangSan", "LiSi", "wangwu", "@all", "a|b"});
    ASSERT_EQ(r.size(), 5U);
    ASSERT_EQ(fake.sent.size(), 1U);
    EXPECT_EQ(fake.members_of(0), (std::vector<std::string>{"ZhangSan", "LiSi", "wangwu"}));
    EXPECT_EQ(fake.sent[0].body.at("agentid"), 1000002);
    EXPECT_EQ(fake.sent[0].body.at("enable_duplicate_check"), 1);
    for (const std::size_t i : {0U, 2U}) {
        EXPECT_EQ(r[i].outcome, send_outcome::accepted);
        EXPECT_TRUE(r[i].delivered);
        EXPECT_EQ(r[i].message_ids, std::vector<std::string>{"M1"});
    }
    EXPECT_EQ(r[1].outcome, send_outcome::rejected);
    EXPECT_EQ(r[1].code, "wecom:invaliduser");
    EXPECT_EQ(r[1].recipient_fault, "not_following");
    EXPECT_FALSE(r[1].delivered);
    for (const std::size_t i : {3U, 4U}) EXPECT_EQ(r[i].recipient_fault, "bad_number");
    const auto s = client->status();
    EXPECT_EQ(s.name, "wecom");
    EXPECT_EQ(s.protocol, "WeCom");
    EXPECT_EQ(s.state, "connected");
    EXPECT_EQ(s.sent, 5);
    EXPECT_EQ(s.accepted, 2);
    EXPECT_EQ(s.rejected, 3);
    EXPECT_EQ(s.codes.at("wecom:invaliduser"), 1);
}

TEST_F(wecom, all_invalid_is_each_ones_own_fault) {
    fake.invalid = {"a", "b"};
    for (const auto& r : send({"A", "b"})) {
        EXPECT_EQ(r.code, "wecom:81013");
        EXPECT_EQ(r.recipient_fault, "not_following");
    }
    EXPECT_EQ(client->status().state, "connected");
}

TEST_F(wecom, one_at_fault_among_many_is_found) {
    fake.answer = [](const json& body) {
        const auto to = "|" + body.at("touser").get<std::string>() + "|";
        return to.find("|bad|") == std::string::npos ? json() : tests::fake_wecom::error(60111);
    };
    const auto r = send({"a", "b", "bad", "c", "d"});
    for (const std::size_t i : {0U, 1U, 3U, 4U}) EXPECT_EQ(r[i].outcome, send_outcome::accepted) << i;
    EXPECT_EQ(r[2].code, "wecom:60111");
    EXPECT_EQ(r[2].recipient_fault, "bad_number");
}

TEST_F(wecom, more_than_a_call_holds_are_several_calls) {
    std::vector<std::string> to;
    for (int i = 0; i < 2100; ++i) to.push_back("u" + std::to_string(i));
    const auto r = send(to);
    EXPECT_TRUE(std::all_of(r.begin(), r.end(), [](const auto& one) { return one.delivered; }));
    ASSERT_EQ(fake.sent.size(), 3U);
    EXPECT_EQ(fake.members_of(0).size(), 1000U);
    EXPECT_EQ(fake.members_of(2).size(), 100U);
}

TEST_F(wecom, a_rotated_token_is_renewed_once_for_all) {
    EXPECT_TRUE(send_one("a").delivered);
    fake.token = "TOKEN2";
    std::vector<send_result> out;
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(on.context(), into(this, "u" + std::to_string(i), &out), asio::detached);
    ASSERT_TRUE(wait_until([&] { return out.size() == 20; }));
    for (const auto& r : out) EXPECT_TRUE(r.delivered) << r.code;
    EXPECT_EQ(fake.tokens_given, 2);
}

TEST_F(wecom, a_second_process_takes_the_shared_token) {
    EXPECT_TRUE(send_one("a").delivered);
    start();
    EXPECT_TRUE(send_one("b").delivered);
    EXPECT_EQ(fake.tokens_given, 1);
}

TEST_F(wecom, a_wrong_secret_stops_and_is_not_told) {
    settings.secret = "WRONG-SECRET";
    const auto r = send_one("a");
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_EQ(r.code, "wecom:40001");
    EXPECT_GT(r.retry_after.count(), 0);
    const auto s = client->status();
    EXPECT_EQ(s.state, "stopped");
    EXPECT_THAT(s.detail, HasSubstr("wecom.secret"));
    for (const auto& told : {r.detail, s.detail}) EXPECT_THAT(told, Not(HasSubstr("WRONG-SECRET")));
    EXPECT_EQ(send_one("a").outcome, send_outcome::stopped);
    EXPECT_EQ(fake.token_calls, 1) << "nothing is asked while it is stopped";
    client->resume();
    EXPECT_EQ(client->status().state, "connecting");
}

TEST_F(wecom, each_error_has_its_outcome) {
    int code = 0;
    std::string words;
    fake.answer = [&](const json&) { return tests::fake_wecom::error(code, words); };
    const auto at = [&](int errcode, std::string errmsg = "error") {
        code = errcode;
        words = std::move(errmsg);
        auto r = send_one("a");
        client->resume();
        return r;
    };
    EXPECT_EQ(at(-1).outcome, send_outcome::retry);
    EXPECT_EQ(at(301002).outcome, send_outcome::stopped);
    const auto address = at(60020, "not allow to access from your ip, from ip: 203.0.113.7");
    EXPECT_EQ(address.outcome, send_outcome::stopped);
    EXPECT_THAT(address.detail, HasSubstr("203.0.113.7"));
    EXPECT_EQ(at(45002).recipient_fault, "content");
    EXPECT_EQ(at(99999).outcome, send_outcome::rejected);
    EXPECT_EQ(at(99999).code, "wecom:99999");
    EXPECT_EQ(at(45009, "api daily quota limit").outcome, send_outcome::stopped);
    EXPECT_GE(at(45009, "api hourly quota limit").retry_after, 600s);
    EXPECT_GE(client->status().codes.at("wecom:45009"), 2);
}

TEST_F(wecom, too_fast_is_a_pause_for_everybody_and_no_stop) {
    fake.answer = [](const json&) { return tests::fake_wecom::error(45009, "api minutely quota limit"); };
    EXPECT_EQ(send_one("a").outcome, send_outcome::retry);
    const auto r = send_one("b");
    EXPECT_EQ(r.outcome, send_outcome::retry);
    EXPECT_GT(r.retry_after, 50s);
    EXPECT_EQ(fake.sent.size(), 1U);
    EXPECT_EQ(client->status().state, "connected");
}

TEST_F(wecom, no_answer_is_unknown_and_a_broken_service_in_doubt) {
    fake.http_status = 502;
    shared = fetched_token(fake.token, time.now(), 1h);
    const auto broken = send_one("a");
    EXPECT_EQ(broken.outcome, send_outcome::retry);
    EXPECT_TRUE(broken.in_doubt);
    fake.http_status = 200;
    settings.timeout_ms = 100;
    start();
    fake.slow = 400ms;
    const auto r = send_one("a");
    EXPECT_EQ(r.outcome, send_outcome::unknown);
    EXPECT_THAT(r.detail, Not(HasSubstr(fake.token)));
    EXPECT_EQ(client->status().state, "down");
    on.run_for(500ms);
}

TEST_F(wecom, nobody_there_is_a_retry_that_names_neither_secret_nor_token) {
    settings.base_url = "http://127.0.0.1:1";
    const auto r = send_one("a");
    EXPECT_EQ(r.outcome, send_outcome::retry);
    EXPECT_EQ(r.code, "local:no_token");
    EXPECT_THAT(r.detail, Not(HasSubstr(fake.secret)));
    EXPECT_THAT(client->status().detail, Not(HasSubstr(fake.secret)));
}

struct wecom_robots : wecom {
    std::map<std::string, std::size_t> ends;
    std::unique_ptr<wecom_robot> robot;
    std::string key = "693a91f6-7xxx-4bc4";

    void make(const clock& c) {
        robot = std::make_unique<wecom_robot>(on.executor(), c, settings, "科委", key,
                                              [this](const char* how, std::size_t n) { ends[how] += n; });
    }
    ~wecom_robots() override {
        if (robot) robot->close();
        on.run_for(20ms);
    }
    std::string said(std::size_t i) const {
        return fake.robots.at(i).body.at("markdown").at("content").get<std::string>();
    }
};

TEST_F(wecom_robots, news_goes_to_the_group) {
    make(time);
    robot->say("**一**");
    ASSERT_TRUE(wait_until([&] { return ends["sent"] == 1; }));
    EXPECT_EQ(said(0), "**一**");
    EXPECT_EQ(fake.robots[0].token, key);
}

TEST_F(wecom_robots, never_more_than_twenty_a_minute_and_the_rest_in_one) {
    manual_clock still(time.now());
    make(still);
    for (std::size_t i = 1; i <= 20; ++i) {
        robot->say("第" + std::to_string(i) + "条");
        ASSERT_TRUE(wait_until([&] { return ends["sent"] == i; }));
    }
    for (int i = 21; i <= 80; ++i) robot->say("第" + std::to_string(i) + "条");
    on.run_for(50ms);
    EXPECT_EQ(fake.robots.size(), 20U);
    EXPECT_EQ(ends["dropped"], 10U);
    still.advance(61s);
    ASSERT_TRUE(wait_until([&] { return ends["sent"] == 70; }));
    EXPECT_EQ(fake.robots.size(), 21U);
    EXPECT_TRUE(said(20).starts_with("第31条\n\n第32条"));
    EXPECT_TRUE(said(20).ends_with("第80条\n\n还有 10 条消息未列出"));
}

TEST_F(wecom_robots, what_was_surely_not_sent_is_tried_again_and_a_bad_key_is_not) {
    manual_clock still(time.now());
    int code = 45009;
    fake.robot_answer = [&](const json&) { return tests::fake_wecom::error(code, "key " + key); };
    make(still);
    robot->say("一");
    ASSERT_TRUE(wait_until([&] { return fake.robots.size() == 1; }));
    on.run_for(30ms);
    EXPECT_EQ(fake.robots.size(), 1U);
    code = 93000;
    testing::internal::CaptureStderr();
    still.advance(61s);
    EXPECT_TRUE(wait_until([&] { return ends["refused"] == 1; }));
    const auto logged = testing::internal::GetCapturedStderr();
    EXPECT_THAT(logged, HasSubstr("wecom:93000"));
    EXPECT_THAT(logged, Not(HasSubstr(key)));
    EXPECT_EQ(fake.robots.size(), 2U);
}

TEST_F(wecom_robots, nobody_there_is_told_without_the_key) {
    settings.base_url = "http://127.0.0.1:1";
    manual_clock still(time.now());
    make(still);
    testing::internal::CaptureStderr();
    robot->say("一");
    EXPECT_TRUE(wait_until([&] {
        still.advance(1s);
        return ends["failed"] == 1;
    }));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr(key)));
}

TEST_F(wecom_robots, a_timeout_is_not_repeated) {
    settings.timeout_ms = 100;
    fake.slow = 300ms;
    make(time);
    robot->say("一");
    ASSERT_TRUE(wait_until([&] { return ends["unknown"] == 1; }));
    on.run_for(400ms);
    EXPECT_EQ(fake.robots.size(), 1U);
}

struct wecom_sending : wecom {
    config all;
    io::redis redis{on.executor(), {tests::redis_url(), milliseconds(5000)}};
    crypto::sealer sealer = crypto::sealer::from_hex_key(std::string(64, '1')).value();
    policy about;
    metrics meters;
    std::unique_ptr<dispatcher::sender> sender;

    wecom_sending() {
        on.run(redis.command({"FLUSHDB"})).value();
        about.title = "科技创新若干政策";
        about.issuer = "宝山区科委";
        policy_item item;
        item.id = "1";
        item.title = "高企奖励";
        about.items = {item, item};
        about.items[1].title = "研发补助";
        settings.member_per_minute = 3;
        all.wecom = settings;
        sender = dispatcher::make_wecom_sender(on.executor(), time, all, redis, sealer, meters, tokens());
    }
    ~wecom_sending() override { sender->stop(); }
    dispatcher::outgoing to(std::string userid, std::uint16_t items = 1) {
        dispatcher::outgoing m;
        m.about = &about;
        m.items = items;
        m.address = std::move(userid);
        return m;
    }
    std::vector<send_result> send(std::vector<dispatcher::outgoing> messages) {
        return on.run(sender->send_all(std::move(messages), on.run(sender->admit())));
    }
};

TEST_F(wecom_sending, the_same_words_are_one_call_and_one_member_reads_them_once) {
    fake.invalid = {"gone"};
    const auto r = send({to("a"), to("b", 2), to("c"), to("A"), to("gone")});
    ASSERT_EQ(fake.sent.size(), 2U);
    std::map<std::string, std::vector<std::string>> by_text;
    for (std::size_t i = 0; i < 2; ++i)
        by_text[fake.sent[i].body.at("text").at("content").get<std::string>().substr(25, 12)] =
            fake.members_of(i);
    EXPECT_EQ(by_text.at("高企奖励"), (std::vector<std::string>{"a", "c", "gone"}));
    EXPECT_EQ(by_text.at("研发补助"), (std::vector<std::string>{"b"}));
    for (const std::size_t i : {0U, 1U, 2U, 3U}) EXPECT_TRUE(r[i].delivered) << i << r[i].detail;
    EXPECT_EQ(r[4].code, "wecom:invaliduser");
}

TEST_F(wecom_sending, who_has_had_enough_waits_and_the_others_do_not) {
    for (int i = 0; i < 3; ++i) {
        about.title += "一"; // or the platform would drop it as a repetition
        EXPECT_TRUE(send({to("a")})[0].delivered);
    }
    const auto r = send({to("a"), to("b")});
    EXPECT_EQ(r[0].outcome, send_outcome::retry);
    EXPECT_EQ(r[0].code, "local:member_rate");
    EXPECT_GT(r[0].retry_after, 50s);
    EXPECT_TRUE(r[1].delivered);
    ASSERT_EQ(fake.sent.size(), 4U);
    EXPECT_EQ(fake.members_of(3), std::vector<std::string>{"b"});
}

TEST_F(wecom_sending, what_was_surely_not_sent_does_not_count) {
    fake.answer = [](const json&) { return tests::fake_wecom::error(-1); };
    for (int i = 0; i < 8; ++i) EXPECT_EQ(send({to("a")})[0].code, "wecom:-1");
    fake.answer = nullptr;
    EXPECT_TRUE(send({to("a")})[0].delivered);
}

TEST_F(wecom_sending, says_what_the_dispatcher_asks) {
    EXPECT_EQ(sender->resend_within_s(""), 1740U);
    EXPECT_EQ(sender->statuses().front().name, "wecom");
    EXPECT_TRUE(sender->ready());
    EXPECT_EQ(on.run(sender->admit()).room, 1000U);
    on.run(sender->run());
    EXPECT_EQ(sender->statuses().front().state, "connected");
}

// The same against the simulated platform, which drops what a member has too much of, as the real one does.
struct wecom_simulated : testing::Test {
    tests::simulated all;
    config settings;
    crypto::sealer sealer = crypto::sealer::from_hex_key(std::string(64, '1')).value();
    policy about;
    // A process: a sender with a connection of its own.
    struct process {
        process(tests::simulated& all, const config& settings, const crypto::sealer& sealer)
            : redis(all.on.executor(), {tests::redis_url(), milliseconds(5000)}),
              sender(dispatcher::make_wecom_sender(all.on.executor(), all.time, settings, redis, sealer,
                                                   meters, {})) {}
        ~process() { sender->stop(); }
        metrics meters;
        io::redis redis;
        std::unique_ptr<dispatcher::sender> sender;
    };
    std::vector<std::unique_ptr<process>> processes;

    void start(std::size_t senders) {
        all.wecom.enabled = true;
        all.wecom.corpid = "ww0123456789abcdef";
        all.wecom.secret = "APPLICATION-SECRET_0123";
        all.wecom.agentid = 1000002;
        all.wecom.robots = "宝山区科委=robot-key-1";
        all.start();
        settings.wecom = all.wecom;
        settings.portal.public_url = "https://example.org/";
        about.title = "科技创新若干政策";
        about.issuer = "宝山区科委";
        policy_item item;
        item.id = "1";
        item.title = "高企奖励";
        about.items = {item, item};
        about.items[1].title = "研发补助";
        while (processes.size() < senders)
            processes.push_back(std::make_unique<process>(all, settings, sealer));
        all.on.run(processes.front()->redis.command({"FLUSHDB"})).value();
    }
    void TearDown() override {
        processes.clear();
        all.stop();
    }
    dispatcher::outgoing to(std::string userid, std::uint16_t items) {
        dispatcher::outgoing m;
        m.about = &about;
        m.items = items;
        m.address = std::move(userid);
        return m;
    }
    static asio::awaitable<void> into(dispatcher::sender* by, dispatcher::outgoing m,
                                      std::vector<send_result>* out) {
        out->push_back(co_await by->send(std::move(m)));
    }
    static asio::awaitable<std::vector<send_result>> send_all(dispatcher::sender* by,
                                                              std::vector<dispatcher::outgoing> messages) {
        co_return co_await by->send_all(std::move(messages), co_await by->admit());
    }
};

TEST_F(wecom_simulated, a_card_for_each_member_and_who_is_none_is_named) {
    start(1);
    std::vector<dispatcher::outgoing> messages;
    for (const char* userid : {"ZhangSan", "nobodyHere", "LiSi"}) messages.push_back(to(userid, 1));
    const auto r = all.on.run(send_all(processes[0]->sender.get(), std::move(messages)));
    EXPECT_TRUE(r[0].delivered) << r[0].code << r[0].detail;
    EXPECT_TRUE(r[2].delivered);
    EXPECT_EQ(r[1].code, "wecom:invaliduser");
    EXPECT_EQ(all.sim->wecom().stats().sends, 1);
    EXPECT_EQ(all.sim->wecom().stats().accepted, 2);
}

TEST_F(wecom_simulated, eight_processes_lose_nothing_at_the_platform) {
    start(8);
    std::vector<policy> policies(80, about); // or the platform would take them for repetitions
    std::vector<send_result> out;
    for (std::size_t i = 0; i < 80; ++i) {
        policies[i].title += std::to_string(i);
        auto m = to("zhangsan", 1);
        m.about = &policies[i];
        asio::co_spawn(all.on.context(), into(processes[i % 8]->sender.get(), std::move(m), &out),
                       asio::detached);
    }
    ASSERT_TRUE(all.wait_until([&] { return out.size() == 80; }));
    const auto accepted = std::count_if(out.begin(), out.end(), [](const auto& r) { return r.delivered; });
    const auto wait =
        std::count_if(out.begin(), out.end(), [](const auto& r) { return r.code == "local:member_rate"; });
    EXPECT_EQ(accepted, 30);
    EXPECT_EQ(wait, 50);
    EXPECT_EQ(all.sim->wecom().stats().dropped, 0);
    EXPECT_EQ(all.sim->wecom().stats().accepted, 30);
}

TEST_F(wecom_simulated, what_is_sent_again_arrives_once) {
    start(1);
    const auto send = [&] {
        std::vector<dispatcher::outgoing> one;
        one.push_back(to("zhangsan", 1));
        return all.on.run(send_all(processes[0]->sender.get(), std::move(one))).front();
    };
    EXPECT_TRUE(send().delivered);
    EXPECT_TRUE(send().delivered) << "who got no answer sends it again";
    EXPECT_EQ(all.sim->wecom().stats().accepted, 1);
    EXPECT_EQ(all.sim->wecom().stats().duplicates, 1);
    all.sim->wecom().rotate_token();
    std::vector<dispatcher::outgoing> other;
    other.push_back(to("lisi", 2));
    EXPECT_TRUE(all.on.run(send_all(processes[0]->sender.get(), std::move(other))).front().delivered);
}

TEST_F(wecom_simulated, a_robot_is_heard_in_its_group) {
    start(1);
    std::map<std::string, std::size_t> ends;
    const auto count = [&](const char* how, std::size_t n) { ends[how] += n; };
    wecom_robot good(all.on.executor(), all.time, all.wecom, "宝山区科委", "robot-key-1", count);
    wecom_robot bad(all.on.executor(), all.time, all.wecom, "别处", "robot-key-2", count);
    good.say("**政策推送开始**");
    bad.say("**政策推送开始**");
    EXPECT_TRUE(all.wait_until([&] { return ends["sent"] == 1 && ends["refused"] == 1; }));
    EXPECT_EQ(all.sim->wecom().stats().robot_accepted, 1);
}

} // namespace
} // namespace zhida::gateways
