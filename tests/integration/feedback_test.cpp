// What people write back, from where it is heard to where it lies: real Redis and log.
#include "common/base/murmur2.hpp"
#include "common/model/topics.hpp"
#include "common/store/keys.hpp"
#include "services/inbound_intake.hpp"
#include "services/publishing.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

constexpr int shards = 2;
const std::string phone = "13800000001";

class feedback_test : public ::testing::Test {
  protected:
    feedback_test() : log_(io::make_event_log(loop_.executor(), settings_)) {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        loop_.run(log_->ensure(all_topics(shards))).value();
    }
    ~feedback_test() override { loop_.run(log_->close()); }
    static config settings() {
        config c;
        c.redis.url = tests::redis_url();
        c.event_log.driver = "redis";
        c.node.shards = shards;
        return c;
    }
    bool hear(std::string text, std::string from = phone, std::string to = "1069000012",
              std::string id = "") {
        return loop_.run(intake_.accept(
            {{"sms", std::move(from), std::move(to), std::move(text), time_.now(), std::move(id)}}));
    }
    void sends_sms(const std::string& policy, const std::string& department) {
        campaign c;
        c.id = campaign_id(policy, 1, 1);
        c.policy_id = policy;
        c.title = "测试政策";
        c.issuer = department;
        c.channels = {channel::sms};
        c.created_ms = time_.now().time_since_epoch().count();
        loop_.run(campaigns_.put(c)).value();
    }
    std::vector<store::feedback_message> of(std::vector<std::string> departments) {
        return loop_.run(feedback_.list(std::move(departments), 50)).value().messages;
    }
    bool refused(const std::string& number) {
        return loop_.run(consents_.number_refused(0, digests_.of(number))).value() &&
               loop_.run(consents_.number_refused(1, digests_.of(number))).value();
    }

    tests::loop loop_;
    config settings_ = settings();
    manual_clock time_{wall_time(milliseconds(1'795'000'000'000))};
    crypto::sealer sealer_ = crypto::sealer::from_hex_key(std::string(64, 'a')).value();
    io::redis redis_{loop_.executor(), {tests::redis_url(), milliseconds(5000)}};
    std::unique_ptr<io::event_log> log_;
    store::consents consents_{redis_};
    store::campaigns campaigns_{redis_, shards};
    store::feedback feedback_{redis_, sealer_};
    store::acknowledgements acknowledgements_{redis_, sealer_};
    store::number_digests digests_{sealer_};
    inbound_intake intake_{
        redis_,    *log_,
        consents_, campaigns_,
        sealer_,   time_,
        shards,    [](std::string_view to) { return std::string(to.ends_with("12") ? "宝山区科委" : ""); }};
};

TEST_F(feedback_test, a_refusal_is_in_force_and_acknowledged_once) {
    ASSERT_TRUE(hear("Ｒ"));
    EXPECT_TRUE(refused(phone));
    ASSERT_TRUE(hear("TD"));
    ASSERT_TRUE(hear("退订", "13800000002"));
    const auto first = loop_.run(acknowledgements_.take()).value();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->phone, phone);
    EXPECT_EQ(first->gateway, "sms");
    EXPECT_EQ(first->asked, time_.now());
    loop_.run(acknowledgements_.put_back(*first)).value();
    EXPECT_EQ(loop_.run(acknowledgements_.take()).value()->phone, "13800000002");
    EXPECT_EQ(loop_.run(acknowledgements_.take()).value()->phone, phone) << "it holds nobody up";
    EXPECT_FALSE(loop_.run(acknowledgements_.take()).value());
    const auto told = store::keys::acknowledged(digests_.of(phone));
    EXPECT_GT(loop_.run(redis_.command({"TTL", told})).value().integer, 29 * 24 * 3600);
    EXPECT_TRUE(of({"", "宝山区科委"}).empty()) << "no letter for anybody";
}

TEST_F(feedback_test, what_else_is_written_goes_to_the_department_of_the_number) {
    ASSERT_TRUE(hear("谢谢"));
    ASSERT_TRUE(hear("请问怎么申报？", "13800000002", "1069000099"));
    ASSERT_TRUE(hear("  ", "13800000003")) << "nothing that anybody could read";
    const auto own = of({"宝山区科委"});
    ASSERT_EQ(own.size(), 1U);
    EXPECT_EQ(own[0].text, "谢谢");
    EXPECT_EQ(own[0].phone, phone);
    EXPECT_EQ(own[0].to, "1069000012");
    EXPECT_EQ(own[0].at, time_.now());
    ASSERT_EQ(of({""}).size(), 1U);
    EXPECT_EQ(of({""})[0].text, "请问怎么申报？");
    EXPECT_EQ(loop_.run(feedback_.departments()).value(), (std::vector<std::string>{"", "宝山区科委"}));
    EXPECT_FALSE(refused(phone));
}

TEST_F(feedback_test, or_to_the_only_department_that_sends) {
    sends_sms("P1", "宝山区民政局");
    ASSERT_TRUE(hear("收到", phone, "1069000099"));
    EXPECT_EQ(of({"宝山区民政局"}).size(), 1U);
    sends_sms("P2", "宝山区科委");
    ASSERT_TRUE(hear("又收到", phone, "1069000099"));
    EXPECT_EQ(of({"宝山区民政局"}).size(), 2U) << "known for some seconds";
    time_.advance(milliseconds(10'000));
    ASSERT_TRUE(hear("再收到", phone, "1069000099"));
    ASSERT_EQ(of({""}).size(), 1U);
    EXPECT_EQ(of({""})[0].text, "再收到");
}

TEST_F(feedback_test, the_same_message_again_is_one) {
    ASSERT_TRUE(hear("谢谢"));
    ASSERT_TRUE(hear("谢谢"));
    ASSERT_TRUE(hear("谢谢", "13800000002"));
    ASSERT_TRUE(hear("谢谢", phone, "1069000012", "77"));
    ASSERT_TRUE(hear("谢谢", phone, "1069000012", "77"));
    ASSERT_TRUE(hear("谢谢", phone, "1069000012", "78"));
    EXPECT_EQ(of({"宝山区科委"}).size(), 4U);
}

TEST_F(feedback_test, nothing_that_is_personal_lies_open) {
    ASSERT_TRUE(hear("我住友谊路1号"));
    ASSERT_TRUE(hear("R", "13800000002"));
    const auto keys = loop_.run(redis_.command({"KEYS", "*"})).value();
    std::string all;
    for (const auto& k : keys.items) {
        all += k.text + "\n" + loop_.run(redis_.command({"DUMP", k.text})).value().text + "\n";
    }
    for (const char* personal : {"13800000001", "13800000002", "友谊路"})
        EXPECT_EQ(all.find(personal), std::string::npos) << personal;
    // Another key opens nothing, and shows nothing.
    const auto other = crypto::sealer::from_hex_key(std::string(64, 'b')).value();
    store::feedback elsewhere(redis_, other);
    EXPECT_TRUE(loop_.run(elsewhere.list({"宝山区科委"}, 10)).value().messages.empty());
}

TEST_F(feedback_test, comes_in_pages_over_all_departments_and_keeps_the_newest) {
    for (int i = 0; i < 25; ++i)
        ASSERT_TRUE(hear(std::to_string(i), phone, i % 2 ? "1069000012" : "1069000099")) << i;
    std::vector<std::string> seen;
    std::int64_t before = 0;
    int pages = 0;
    do {
        const auto page = loop_.run(feedback_.list({"", "宝山区科委"}, 10, before)).value();
        for (const auto& m : page.messages) seen.push_back(m.text);
        before = page.before;
        ++pages;
    } while (before != 0);
    EXPECT_EQ(pages, 3);
    ASSERT_EQ(seen.size(), 25U);
    for (int i = 0; i < 25; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], std::to_string(24 - i));
    // All of them came in one millisecond of our clock: each has a number of its own.
    const auto full = store::keys::feedback("某部门");
    std::vector<io::redis_args> many;
    for (std::size_t i = 0; i < store::most_feedback; ++i)
        many.push_back({"ZADD", full, std::to_string(i + 1), "old" + std::to_string(i)});
    loop_.run(redis_.pipeline(std::move(many))).value();
    loop_.run(feedback_.add({"某部门", "sms", "", phone, "新", time_.now(), "1"}, time_.now())).value();
    EXPECT_EQ(loop_.run(redis_.command({"ZCARD", full})).value().integer,
              static_cast<std::int64_t>(store::most_feedback));
    EXPECT_TRUE(loop_.run(redis_.command({"ZSCORE", full, "old0"})).value().is_nil());
}

TEST_F(feedback_test, one_of_nobody_is_given_to_a_department_once) {
    ASSERT_TRUE(hear("给谁", phone, "1069000099"));
    const auto number = of({""}).at(0).number;
    EXPECT_FALSE(loop_.run(feedback_.assign(number + 1, "宝山区民政局")).value());
    EXPECT_TRUE(loop_.run(feedback_.assign(number, "宝山区民政局")).value());
    EXPECT_FALSE(loop_.run(feedback_.assign(number, "宝山区科委")).value()) << "it has one now";
    EXPECT_TRUE(of({""}).empty());
    const auto moved = of({"宝山区民政局"});
    ASSERT_EQ(moved.size(), 1U);
    EXPECT_EQ(moved[0].number, number);
    EXPECT_EQ(moved[0].text, "给谁");
    EXPECT_FALSE(loop_.run(feedback_.assign(number, "")));
}

} // namespace
} // namespace zhida
