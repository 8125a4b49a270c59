// What robots are told, once, on a real Redis: of campaigns and of gateways.
#include "services/scheduler/campaign_news.hpp"

#include "common/store/campaigns.hpp"
#include "common/store/gateway_states.hpp"
#include "common/store/ledger.hpp"
#include "services/gateways/gateway.hpp"
#include "tests/support/fake_wecom.hpp"
#include "tests/support/servers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace zhida::scheduler {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class campaign_news_test : public testing::Test {
  protected:
    campaign_news_test() {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        settings_.redis.url = tests::redis_url();
        settings_.node.shards = 2;
        settings_.wecom.base_url = fake_.url();
        settings_.wecom.robots = "宝山区科委=key-of-kewei, *=key-of-operators";
    }
    ~campaign_news_test() override {
        stop();
        loop_.run_for(30ms);
    }
    void begin() {
        stop();
        news_ = std::make_unique<campaign_news>(loop_.executor(), settings_, time_, meters_);
    }
    void stop() {
        if (news_) news_->stop();
        news_.reset();
    }
    // With three members in its audience.
    campaign put(std::string issuer = "宝山区科委", int round = 1) {
        campaign c;
        c.policy_id = "P";
        c.round = round;
        c.id = campaign_id("P", 1, round);
        c.title = "科技创新若干政策";
        c.issuer = std::move(issuer);
        c.channels = {channel::web, channel::sms};
        loop_.run(campaigns_.put(c)).value();
        loop_.run(ledgers_.freeze(0, c.id, c.channels, {{1, 1}, {4, 1}, {6, 1}}, {})).value();
        return c;
    }
    void say(const char* name, const char* state, std::string detail = "") {
        gateways::gateway_status s;
        s.name = name;
        s.state = state;
        s.detail = std::move(detail);
        loop_.run(states_.put(name, "p1", gateways::to_json(s), 60s)).value();
    }
    bool wait_until(const std::function<bool()>& holds) {
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() >= until) return false;
            time_.advance(20ms);
            loop_.run_for(2ms);
        }
        return true;
    }
    void go(milliseconds simulated) {
        for (const auto until = time_.steady_now() + simulated; time_.steady_now() < until;) {
            time_.advance(100ms);
            loop_.run_for(2ms);
        }
    }
    bool sent(int news) {
        return meters_.text().find("zhida_robot_messages_total{outcome=\"sent\"} " + std::to_string(news)) !=
               std::string::npos;
    }
    std::string said(std::size_t i) {
        return fake_.robots.at(i).body.at("markdown").at("content").get<std::string>();
    }

    tests::loop loop_;
    manual_clock time_{system_clock().now()};
    tests::fake_wecom fake_{loop_};
    config settings_;
    io::redis redis_{loop_.executor(), {tests::redis_url(), milliseconds(5000)}};
    store::campaigns campaigns_{redis_, 2};
    store::ledgers ledgers_{redis_};
    store::gateway_states states_{redis_};
    metrics meters_;
    std::unique_ptr<campaign_news> news_;
};

TEST_F(campaign_news_test, a_department_hears_once_that_its_campaign_begins_and_ends) {
    begin();
    const auto c = put();
    news_->began(c);
    ASSERT_TRUE(wait_until([&] { return sent(1); }));
    EXPECT_EQ(fake_.robots[0].token, "key-of-kewei");
    EXPECT_THAT(said(0), HasSubstr("政策推送开始"));
    EXPECT_THAT(said(0), HasSubstr("收件人：网页 3，短信 3"));
    news_->began(c);
    begin(); // another scheduler
    news_->began(c);
    news_->finished(c);
    ASSERT_TRUE(wait_until([&] { return fake_.robots.size() == 2; }));
    go(1s);
    EXPECT_EQ(fake_.robots.size(), 2U);
    EXPECT_THAT(said(1), HasSubstr("政策推送完成"));
    EXPECT_TRUE(sent(2)) << meters_.text();
    EXPECT_THAT(meters_.text(), Not(HasSubstr("failed")));
    EXPECT_THAT(meters_.text(), Not(HasSubstr("key-of")));
}

TEST_F(campaign_news_test, others_hear_nothing_and_nobody_hears_of_tests) {
    begin();
    news_->began(put("宝山区民政局"));
    auto test = put("宝山区科委", 2);
    test.kind = "test";
    news_->began(test);
    go(1s);
    EXPECT_TRUE(fake_.robots.empty());
    settings_.wecom.robots = "";
    begin();
    news_->active(true);
    news_->began(put());
    go(1s);
    EXPECT_TRUE(fake_.robots.empty());
}

TEST_F(campaign_news_test, operators_hear_once_of_a_gateway_and_that_it_is_well_again) {
    say("sms", "connected");
    say("wechat", "connected");
    begin();
    news_->active(true);
    go(6s);
    EXPECT_TRUE(fake_.robots.empty()) << "what was well is no news";
    say("sms", "stopped", "secret 不对");
    ASSERT_TRUE(wait_until([&] { return sent(1); }));
    EXPECT_EQ(fake_.robots[0].token, "key-of-operators");
    EXPECT_THAT(said(0), HasSubstr("通道已停用：短信网关"));
    EXPECT_THAT(said(0), HasSubstr("secret 不对"));
    news_->active(false);
    begin(); // another scheduler becomes active
    news_->active(true);
    go(12s);
    EXPECT_EQ(fake_.robots.size(), 1U);
    say("sms", "connecting"); // neither well nor bad
    go(6s);
    EXPECT_EQ(fake_.robots.size(), 1U);
    say("sms", "connected");
    ASSERT_TRUE(wait_until([&] { return fake_.robots.size() == 2; }));
    EXPECT_THAT(said(1), HasSubstr("通道已恢复：短信网关"));
    say("wechat", "circuit_open", "HTTP 502");
    ASSERT_TRUE(wait_until([&] { return fake_.robots.size() == 3; }));
    EXPECT_THAT(said(2), HasSubstr("通道故障，暂停发送：微信公众号"));
}

TEST_F(campaign_news_test, one_that_is_not_active_watches_nothing) {
    begin();
    news_->active(true);
    news_->active(false);
    say("sms", "stopped");
    go(12s);
    EXPECT_TRUE(fake_.robots.empty());
}

TEST_F(campaign_news_test, what_fails_is_counted_and_nobody_waits) {
    settings_.redis.url = "redis://127.0.0.1:1/0";
    begin();
    news_->active(true);
    news_->began(put());
    ASSERT_TRUE(wait_until([&] {
        return meters_.text().find("zhida_robot_messages_total{outcome=\"failed\"} 1") != std::string::npos;
    }));
    EXPECT_TRUE(fake_.robots.empty());
}

} // namespace
} // namespace zhida::scheduler
