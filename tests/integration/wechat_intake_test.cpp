// What WeChat tells us, against a real Redis and its log: grants, followers, bindings, and that hearing it
// again changes nothing.
#include "common/base/murmur2.hpp"
#include "common/io/event_log.hpp"
#include "common/model/topics.hpp"
#include "common/model/wechat_address.hpp"
#include "common/store/keys.hpp"
#include "services/publishing.hpp"
#include "services/token_share.hpp"
#include "services/wechat_intake.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

namespace zhida {
namespace {

using namespace std::chrono_literals;
constexpr int shards = 4;
using templates = store::wechat_standing::templates;

class wechat_intake_test : public testing::Test {
  protected:
    wechat_intake_test() {
        settings_.event_log.driver = "redis";
        settings_.redis.url = log_server_.address();
        settings_.node.shards = shards;
        settings_.wechat.template_id = "TPL";
        settings_.wechat.send_by = "subscribe";
        settings_.wechat.long_term = false;
        log_ = io::make_event_log(loop_.executor(), settings_);
        loop_.run(log_->ensure(all_topics(shards))).value();
        loop_.run(redis_.command({"FLUSHDB"})).value();
        make();
    }
    ~wechat_intake_test() override { loop_.run(log_->close()); }
    void make() {
        intake_ = std::make_unique<wechat_intake>(redis_, *log_, consents_, sealer_, clock_, settings_);
    }

    gateways::wechat_event event(std::string name, std::string key = "") {
        gateways::wechat_event e;
        e.to = "gh_1";
        e.from = openid_;
        e.at = clock_.now();
        e.type = "event";
        e.event = std::move(name);
        e.key = std::move(key);
        return e;
    }
    gateways::wechat_event choice(std::string status) {
        auto e = event("subscribe_msg_popup_event");
        e.entries = {{"TPL", std::move(status), "", 0, ""}, {"ANOTHER", "accept", "", 0, ""}};
        return e;
    }
    std::string hear(gateways::wechat_event e, std::string account = "wechat") {
        clock_.advance(1s); // people do nothing twice in one second
        receipt_intake receipts(loop_.executor(), *log_, messages_, clock_, shards, stopping_);
        return loop_.run(intake_->accept(std::move(account), std::move(e), receipts)).value();
    }
    std::string digest() { return digests_.of(openid_); }
    store::wechat_standing standing() {
        return loop_.run(addresses_.standings({{digest(), "TPL"}})).value().front();
    }
    bool spend() { return loop_.run(addresses_.spend(digest(), "TPL")).value(); }
    store::bound_contacts bound(const std::string& subject) {
        return loop_.run(addresses_.bound_of(shard_of(subject, shards), {subject})).value()[subject];
    }
    std::string scene(const std::string& subject, const std::string& role) {
        return wechat_scenes(sealer_).sign({subject, role, clock_.now() + scene_lives});
    }

    tests::loop loop_;
    manual_clock clock_{wall_time(milliseconds(1'790'000'000'000))};
    tests::server log_server_{"redis"};
    config settings_;
    crypto::sealer sealer_ = crypto::sealer::from_hex_key(std::string(64, '5')).value();
    io::redis redis_{loop_.executor(), {tests::redis_url(), milliseconds(5000)}};
    std::unique_ptr<io::event_log> log_;
    store::consents consents_{redis_};
    store::messages messages_{redis_};
    store::number_digests digests_{sealer_};
    store::wechat_addresses addresses_{redis_, sealer_, shards};
    std::unique_ptr<wechat_intake> intake_;
    bool stopping_ = false;
    std::string openid_ = "oWxIntake00000000000000000001";
    const std::string subject_ = "91310113MA1GKXYZ3K";
};

TEST_F(wechat_intake_test, each_grant_is_one_message_and_is_counted_once) {
    EXPECT_EQ(standing().of_template, templates::unsaid);
    const auto first = choice("accept");
    hear(first);
    hear(first); // the platform did not hear our answer
    hear(first);
    EXPECT_EQ(standing().left, 1);
    hear(choice("accept"));
    EXPECT_EQ(standing().left, 2);
    EXPECT_TRUE(spend());
    EXPECT_TRUE(spend());
    EXPECT_FALSE(spend()) << "no more than were granted";
    loop_.run(addresses_.give_back(digest(), "TPL")).value();
    EXPECT_TRUE(spend());
    EXPECT_EQ(standing().of_template, templates::counted);
    EXPECT_EQ(standing().left, 0);
}

TEST_F(wechat_intake_test, a_refusal_ends_what_was_granted) {
    hear(choice("accept"));
    hear(choice("reject"));
    EXPECT_EQ(standing().left, 1) << "who declines once more keeps what was granted";
    auto off = choice("reject");
    off.event = "subscribe_msg_change_event"; // in the settings
    hear(off);
    EXPECT_EQ(standing().of_template, templates::refused);
    EXPECT_FALSE(spend());
    loop_.run(addresses_.give_back(digest(), "TPL")).value();
    EXPECT_EQ(standing().of_template, templates::refused) << "nothing is given back to who has refused";
    hear(choice("accept"));
    EXPECT_EQ(standing().left, 1);
}

// The portal was too slow to answer, or died after it had written: the platform tells it again.
TEST_F(wechat_intake_test, an_event_that_is_told_again_before_it_was_noted_counts_once) {
    const auto e = choice("accept");
    hear(e);
    for (const auto& key : loop_.run(redis_.command({"KEYS", "wechat:event:*"})).value().items)
        loop_.run(redis_.command({"DEL", key.text})).value();
    hear(e);
    EXPECT_EQ(standing().left, 1);
}

TEST_F(wechat_intake_test, what_was_said_later_holds_whatever_is_heard_last) {
    const auto early = event("subscribe");
    clock_.advance(2s);
    hear(event("unsubscribe"));
    hear(early); // told again, late
    EXPECT_EQ(standing().follows, false);
}

TEST_F(wechat_intake_test, another_programs_message_closes_nothing_of_ours) {
    auto e = event("subscribe_msg_sent_event");
    e.entries = {{"ANOTHER", "failed", "501", 43101, ""}};
    hear(e);
    EXPECT_EQ(standing().of_template, templates::unsaid);
    e.entries = {{"ANOTHER", "failed", "502", 43101, ""}, {"TPL", "failed", "503", 43101, ""}};
    hear(e);
    EXPECT_EQ(standing().of_template, templates::refused);
}

TEST_F(wechat_intake_test, a_lasting_grant_lasts) {
    settings_.wechat.long_term = true;
    make();
    hear(choice("accept"));
    hear(choice("accept"));
    EXPECT_EQ(standing().of_template, templates::lasting);
}

TEST_F(wechat_intake_test, who_leaves_is_not_sent_to_until_coming_back) {
    EXPECT_FALSE(standing().follows.has_value());
    hear(event("unsubscribe"));
    EXPECT_EQ(standing().follows, false);
    hear(event("subscribe"));
    EXPECT_EQ(standing().follows, true);
    auto stop = event("");
    stop.type = "text";
    stop.text = " 退订 ";
    stop.msg_id = "1";
    EXPECT_NE(hear(stop).find("已退订"), std::string::npos);
    EXPECT_EQ(standing().follows, false);
    auto again = stop;
    again.text = "恢复";
    again.msg_id = "2";
    EXPECT_FALSE(hear(again).empty());
    EXPECT_EQ(standing().follows, true);
    auto question = stop;
    question.text = "怎么申报？";
    question.msg_id = "3";
    EXPECT_EQ(hear(question), "");
    EXPECT_EQ(standing().follows, true);
}

TEST_F(wechat_intake_test, a_signed_code_binds_one_person_to_the_subject) {
    const auto code = scene(subject_, "财务");
    EXPECT_NE(hear(event("subscribe", code)).find("绑定成功"), std::string::npos);
    auto of = bound(subject_);
    ASSERT_EQ(of.contacts.size(), 1U);
    EXPECT_EQ(of.contacts[0], (contact{"财务", "", openid_}));
    // The same person once more; another with a code that was passed on.
    EXPECT_NE(hear(event("scan", code)).find("绑定成功"), std::string::npos);
    EXPECT_EQ(bound(subject_).contacts.size(), 1U);
    openid_ = "oWxIntake00000000000000000002";
    EXPECT_NE(hear(event("scan", code)).find("已被他人使用"), std::string::npos);
    EXPECT_EQ(bound(subject_).contacts.size(), 1U);
    EXPECT_NE(hear(event("scan", scene(subject_, "人事"))).find("绑定成功"), std::string::npos);
    EXPECT_EQ(bound(subject_).contacts.size(), 2U);
    // Nobody reads the address in Redis.
    for (const auto& key : loop_.run(redis_.command({"KEYS", "*bindings*"})).value().items)
        for (const auto& part : loop_.run(redis_.command({"HGETALL", key.text})).value().items)
            EXPECT_EQ(part.text.find("oWxIntake"), std::string::npos);
}

TEST_F(wechat_intake_test, codes_that_are_not_ours_or_too_old_bind_nobody) {
    const auto old = scene(subject_, "财务");
    clock_.advance(scene_lives);
    EXPECT_NE(hear(event("scan", old)).find("已过期"), std::string::npos);
    const crypto::sealer other = crypto::sealer::from_hex_key(std::string(64, '6')).value();
    const auto forged = wechat_scenes(other).sign({subject_, "财务", clock_.now() + scene_lives});
    EXPECT_EQ(hear(event("scan", forged)), "");
    EXPECT_EQ(hear(event("scan", "shop_17")), "");
    EXPECT_TRUE(bound(subject_).contacts.empty());
    EXPECT_FALSE(standing().follows.has_value()) << "another program's code says nothing to us";
}

TEST_F(wechat_intake_test, a_subject_has_no_more_contacts_than_it_may) {
    for (std::size_t i = 0; i < max_contacts; ++i) {
        openid_ = "oWxMany" + std::to_string(i);
        hear(event("scan", scene(subject_, "人事")));
    }
    openid_ = "oWxOneTooMany";
    EXPECT_NE(hear(event("scan", scene(subject_, "人事"))).find("已满"), std::string::npos);
    EXPECT_EQ(bound(subject_).contacts.size(), max_contacts);
}

// Redis loses everything; the log has it.
TEST_F(wechat_intake_test, what_was_said_survives_a_redis_that_does_not) {
    hear(event("scan", scene(subject_, "法人")));
    hear(choice("accept"));
    const auto first = openid_;
    openid_ = "oWxIntake00000000000000000009";
    hear(event("unsubscribe"));
    loop_.run(redis_.command({"FLUSHDB"})).value();
    consent_log changes(*log_, consents_, clock_, shards);
    for (int shard = 0; shard < shards; ++shard) loop_.run(changes.replay(shard)).value();
    EXPECT_EQ(standing().follows, false);
    openid_ = first;
    EXPECT_EQ(standing().left, 1);
    EXPECT_EQ(bound(subject_).contacts.size(), 1U);
    for (int shard = 0; shard < shards; ++shard) loop_.run(changes.replay(shard)).value();
    EXPECT_EQ(standing().left, 1) << "read again, a grant is no second one";
}

TEST_F(wechat_intake_test, who_is_reached_again_is_told_to_the_subjects_shard) {
    const auto shard = shard_of(subject_, shards);
    loop_.run(consents_.refuse(shard, {subject_})).value();
    loop_.run(addresses_.put_refusing(digest(), subject_)).value();
    const auto refusing = [&] {
        return loop_.run(redis_.command({"SISMEMBER", store::keys::no_grant(shard), subject_}))
            .value()
            .integer;
    };
    EXPECT_EQ(refusing(), 1);
    hear(event("unsubscribe"));
    EXPECT_EQ(refusing(), 1);
    hear(event("subscribe"));
    EXPECT_EQ(refusing(), 0);
}

TEST_F(wechat_intake_test, what_became_of_a_message_goes_the_way_of_receipts) {
    loop_.run(messages_.bind("wechat", {{"wechat/77", {1, "P.v1.r1", channel::wechat, 3, 1, 1}}})).value();
    auto e = event("templatesendjobfinish");
    e.msg_id = "77";
    e.status = "failed:user block";
    hear(e);
    const auto records = loop_.run(log_->read({topics::receipt, 1}, 0, 10)).value();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_NE(records[0].value.find("\"fault\":\"refused\""), std::string::npos);
    EXPECT_EQ(standing().of_template, templates::refused);
    // One that comes before its message is known waits for it.
    e.msg_id = "78";
    e.status = "success";
    hear(e);
    const auto early =
        loop_.run(messages_.bind("wechat", {{"wechat/78", {2, "P.v1.r1", channel::wechat, 0, 1, 1}}}));
    ASSERT_TRUE(early);
    EXPECT_NE(early->front().find("success"), std::string::npos);
}

// Eight processes against the same Redis: each has connections, a cache and a turn of its own.
TEST_F(wechat_intake_test, one_of_eight_processes_fetches_the_token) {
    struct process {
        std::unique_ptr<io::redis> redis;
        std::unique_ptr<gateways::wechat_token_cache> cache;
    };
    const system_clock time;
    std::vector<process> all(8);
    int fetched = 0;
    const auto fetch = [](int* count, const clock* now) -> asio::awaitable<result<gateways::wechat_token>> {
        const int mine = ++*count;
        co_await tests::pause_for(30ms);
        co_return gateways::fetched_token("token" + std::to_string(mine), now->now(), 7200s);
    };
    for (auto& p : all) {
        p.redis = std::make_unique<io::redis>(loop_.executor(),
                                              io::redis_options{tests::redis_url(), milliseconds(5000)});
        p.cache = std::make_unique<gateways::wechat_token_cache>(
            loop_.executor(), time, share_token(*p.redis, sealer_, time, "wx1", 15s),
            [&fetched, &time, fetch] { return fetch(&fetched, &time); });
    }
    std::vector<std::string> got;
    const auto get = [](gateways::wechat_token_cache* c, std::string failed,
                        std::vector<std::string>* out) -> asio::awaitable<void> {
        const auto t = co_await c->get(std::move(failed));
        out->push_back(t ? *t : t.error().text());
    };
    for (const std::string failed : {"", "token1", "token2"}) {
        got.clear();
        for (auto& p : all)
            for (int i = 0; i < 5; ++i)
                asio::co_spawn(loop_.context(), get(p.cache.get(), failed, &got), asio::detached);
        for (int i = 0; i < 200 && got.size() < 40; ++i) loop_.run_for(20ms);
        EXPECT_EQ(got, std::vector<std::string>(40, "token" + std::to_string(fetched)));
    }
    EXPECT_EQ(fetched, 3) << "one for each token that was not good any more";
    const auto sealed = loop_.run(redis_.command({"GET", store::keys::wechat_token("wx1")})).value().text;
    EXPECT_EQ(sealed.find("token"), std::string::npos);
}

} // namespace
} // namespace zhida
