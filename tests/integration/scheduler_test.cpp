// What the scheduler does with campaigns, on a real Redis and a simulated clock; nobody matches and nobody
// sends.
#include "services/scheduler/scheduler.hpp"

#include "common/model/topics.hpp"
#include "services/ledger_check.hpp"
#include "services/publishing.hpp"
#include "tests/support/fake_wecom.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace zhida::scheduler {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ledger::reason;
using ledger::state;

constexpr int shards = 2;

const matching::catalogue& catalogue() {
    static const auto c = matching::catalogue::load(tests::in_source("config/catalogue")).value();
    return c;
}

class scheduled : public ::testing::Test {
  protected:
    scheduled() : time_(system_clock().now()), redis_(loop_.executor(), {tests::redis_url(), 2000ms}) {
        settings_.redis.url = tests::redis_url();
        settings_.event_log.driver = "redis";
        settings_.node.shards = shards;
        settings_.campaign.approval = false;
        loop_.run(redis_.command({"FLUSHDB"})).value();
        log_ = io::make_event_log(loop_.executor(), settings_);
        loop_.run(log_->ensure(all_topics(shards))).value();
    }
    ~scheduled() override {
        stop();
        const auto report = loop_.run(check_ledger(redis_, shards)).value();
        for (const auto& e : report.errors) ADD_FAILURE() << e.text();
        loop_.run(log_->close());
    }

    void begin() {
        ended_ = false;
        role_ = std::make_unique<scheduler>(loop_.executor(), settings_, catalogue(), days_, time_, meters_);
        asio::co_spawn(loop_.context(), role_->run(), [this](std::exception_ptr e) {
            thrown_ = e;
            ended_ = true;
        });
    }
    void stop() {
        if (!role_) return;
        role_->stop();
        go_until("it has stopped", [&] { return ended_; });
        role_.reset();
        if (thrown_) std::rethrow_exception(thrown_);
    }
    void go(milliseconds real) {
        for (const auto until = std::chrono::steady_clock::now() + real;
             std::chrono::steady_clock::now() < until;) {
            time_.advance(5ms);
            loop_.run_for(1ms);
        }
    }
    template <class Done>
    void go_until(const char* what, Done done) {
        const auto limit = std::chrono::steady_clock::now() + 30s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > limit)
                throw std::runtime_error(std::string("waited for: ") + what);
            go(5ms);
        }
    }
    std::int64_t now_ms() const { return time_.now().time_since_epoch().count(); }

    campaign round(int number, campaign_state in) {
        campaign c;
        c.policy_id = "P";
        c.round = number;
        c.id = campaign_id("P", 1, number);
        c.title = "政策";
        c.issuer = "宝山区科委";
        c.channels = {channel::sms};
        c.state = in;
        c.created_ms = now_ms() + number;
        c.drafted_by = "韩";
        return c;
    }
    campaign further(int number, campaign_state in, std::string kind = "interpretation") {
        auto c = round(number, in);
        c.base = "P.v1.r1";
        c.kind = std::move(kind);
        return c;
    }
    campaign put(const campaign& c) {
        loop_.run(campaigns_.put(c)).value();
        return get(c.id);
    }
    campaign get(const std::string& id) { return loop_.run(campaigns_.get(id)).value(); }
    bool is(const std::string& id, campaign_state in) { return get(id).state == in; }
    void freeze(const campaign& c, int shard) {
        loop_.run(ledgers_.freeze(shard, c.id, c.channels, {{1, 1}, {4, 1}, {6, 1}}, {})).value();
        loop_.run(ledgers_.told({shard}, c.id)).value();
    }
    void freeze(const campaign& c) {
        for (int shard = 0; shard < shards; ++shard) freeze(c, shard);
    }
    std::int64_t audience(const std::string& id) {
        return loop_.run(ledgers_.frozen(id, shards)).value().audience;
    }
    std::int64_t events(const std::string& topic) {
        const auto ends = loop_.run(log_->end_offsets(topic)).value();
        std::int64_t all = 0;
        for (const auto end : ends) all += end;
        return all;
    }

    config settings_;
    tests::loop loop_;
    manual_clock time_;
    io::redis redis_;
    std::unique_ptr<io::event_log> log_;
    store::ledgers ledgers_{redis_};
    store::campaigns campaigns_{redis_, shards};
    workdays days_;
    metrics meters_;
    std::unique_ptr<scheduler> role_;
    std::exception_ptr thrown_;
    bool ended_ = false;
};

TEST_F(scheduled, nothing_begins_before_every_shard_has_its_audience) {
    const auto c = put(round(1, campaign_state::approved));
    freeze(c, 0);
    begin();
    go(300ms);
    EXPECT_TRUE(is(c.id, campaign_state::approved)) << "somebody submitted and approved it by hand";
    freeze(c, 1);
    go_until("it begins", [&] { return is(c.id, campaign_state::running); });
}

TEST_F(scheduled, the_robot_of_the_department_hears_of_it) {
    tests::fake_wecom platform(loop_);
    settings_.wecom.base_url = platform.url();
    settings_.wecom.robots = "宝山区科委=key";
    const auto c = put(round(1, campaign_state::approved));
    for (int shard = 0; shard < shards; ++shard) {
        loop_.run(ledgers_.freeze(shard, c.id, c.channels, {}, {})).value();
        loop_.run(ledgers_.told({shard}, c.id)).value();
    }
    begin();
    go_until("its end is told", [&] { return platform.robots.size() >= 2; });
    EXPECT_TRUE(is(c.id, campaign_state::finished));
    stop();
    EXPECT_EQ(platform.robots.size(), 2U);
}

// A Redis that came back empty has the campaign again before its deliveries.
TEST_F(scheduled, nothing_is_finished_before_every_shard_has_its_audience) {
    const auto c = put(round(1, campaign_state::running));
    loop_.run(ledgers_.freeze(0, c.id, c.channels, {}, {})).value();
    loop_.run(ledgers_.told({0}, c.id)).value();
    begin();
    go(2500ms);
    EXPECT_TRUE(is(c.id, campaign_state::running));
    freeze(c, 1);
    go_until("its deliveries are handed out", [&] { return events(topics::dispatch(channel::sms)) > 0; });
    EXPECT_TRUE(is(c.id, campaign_state::running));
}

TEST_F(scheduled, a_further_round_that_was_approved_meanwhile_is_frozen_before_it_begins) {
    freeze(put(round(1, campaign_state::finished)));
    const auto c = put(further(2, campaign_state::approved));
    begin();
    go_until("it begins", [&] { return is(c.id, campaign_state::running); });
    EXPECT_EQ(audience(c.id), 6);
    go(300ms);
    EXPECT_TRUE(is(c.id, campaign_state::running));
}

TEST_F(scheduled, an_audience_is_told_once_however_often_the_round_is_looked_at) {
    settings_.campaign.approval = true; // and the policy that says whether anybody must approve is missing
    freeze(put(round(1, campaign_state::finished)));
    const auto c = put(further(2, campaign_state::draft));
    begin();
    go_until("it is frozen", [&] { return audience(c.id) == 6; });
    go(600ms);
    EXPECT_TRUE(is(c.id, campaign_state::draft));
    EXPECT_EQ(events(topics::delivery), shards);
}

// Of whom a gateway may have had the message, and whoever sent it is gone.
TEST_F(scheduled, what_may_have_gone_out_when_it_was_stopped_is_unknown_and_corrected) {
    const auto c = put(round(1, campaign_state::running));
    freeze(c);
    const auto becomes = [&](std::uint32_t position, state now, reason why) {
        ledger::record r;
        r.now = now;
        r.why = why;
        r.at = 1;
        r.first_submitted = static_cast<std::uint32_t>(now_ms() / 1000);
        loop_.run(ledgers_.apply(0, c.id, channel::sms, {{position, r}})).value();
    };
    becomes(0, state::submitting, reason::none);
    becomes(1, state::held, reason::no_answer);
    const auto at = [&](std::uint32_t position) {
        const auto bytes = loop_.run(ledgers_.ledger_bytes(0, c.id, channel::sms)).value();
        const auto r = ledger::decode(bytes.data() + position * ledger::record_size);
        return std::pair(r.now, r.why);
    };
    auto withdrawn = apply(get(c.id), campaign_action::withdraw, {"韩", "department"}, now_ms()).value();
    loop_.run(campaigns_.change(std::move(withdrawn))).value();
    begin();
    go_until("the rest is ended", [&] { return at(2).first == state::suppressed; });
    EXPECT_EQ(at(0).first, state::submitting) << "whoever claimed it a moment ago may live";
    EXPECT_EQ(at(1), std::pair(state::unknown, reason::no_answer));
    EXPECT_FALSE(loop_.run(campaigns_.get("P.v1.r2"))) << "it does not stand yet whom it reached";
    time_.jump_to(time_.now() + 61s);
    go_until("it is over", [&] { return loop_.run(campaigns_.get("P.v1.r2")).has_value(); });
    EXPECT_EQ(at(0), std::pair(state::unknown, reason::crashed_in_flight));
    go_until("the correction begins", [&] { return is("P.v1.r2", campaign_state::running); });
    EXPECT_EQ(audience("P.v1.r2"), 2);
}

// The campaign is over long since; a receipt that comes after all still counts.
TEST_F(scheduled, what_no_receipt_comes_for_is_in_doubt_after_two_days) {
    auto c = round(1, campaign_state::finished);
    c.channels = {channel::sms, channel::wechat};
    const auto over = put(c);
    freeze(over);
    loop_.run(campaigns_.close(over.id)).value();
    const auto becomes = [&](channel via, std::uint32_t position, state now, std::uint8_t attempts) {
        ledger::record r;
        r.now = now;
        r.at = 1;
        r.attempts = attempts;
        r.first_submitted = static_cast<std::uint32_t>(now_ms() / 1000);
        loop_.run(ledgers_.apply(0, over.id, via, {{position, r}})).value();
    };
    for (const auto via : over.channels) {
        becomes(via, 0, state::submitted, 0);
        becomes(via, 1, state::submitted, 1); // its last try may have been two days later
        becomes(via, 2, state::delivered, 0);
    }
    const auto at = [&](channel via, std::uint32_t position) {
        const auto bytes = loop_.run(ledgers_.ledger_bytes(0, over.id, via)).value();
        const auto r = ledger::decode(bytes.data() + position * ledger::record_size);
        return std::pair(r.now, r.why);
    };
    const auto waits = std::pair(state::submitted, reason::none),
               doubt = std::pair(state::unknown, reason::no_receipt);
    begin();
    go(300ms);
    EXPECT_EQ(at(channel::sms, 0), waits);
    time_.jump_to(time_.now() + 47h);
    time_.advance(16min);
    go(300ms);
    EXPECT_EQ(at(channel::sms, 0), waits);
    time_.jump_to(time_.now() + 1h);
    time_.advance(16min);
    go_until("the first is in doubt", [&] { return at(channel::sms, 0) == doubt; });
    EXPECT_EQ(at(channel::sms, 1), waits);
    EXPECT_EQ(at(channel::sms, 2).first, state::delivered);
    EXPECT_EQ(at(channel::wechat, 0), waits);
    time_.jump_to(time_.now() + 48h);
    time_.advance(16min);
    go_until("and the second", [&] { return at(channel::sms, 1) == doubt; });
    becomes(channel::sms, 0, state::delivered, 0);
    EXPECT_EQ(at(channel::sms, 0).first, state::delivered);
}

// Whoever changed it ended before it told anybody.
TEST_F(scheduled, what_was_kept_and_not_told_is_told_once) {
    const auto c = put(round(1, campaign_state::running));
    freeze(c);
    const auto stopped = [&] {
        return loop_.run(ledgers_.load(0, c.id, channel::sms, 0, 1, false)).value().as_of.stopped;
    };
    const auto keep = [&](campaign_action what) {
        auto changed = apply(get(c.id), what, {"韩", "department"}, now_ms()).value();
        loop_.run(campaigns_.change(std::move(changed))).value();
    };
    keep(campaign_action::pause);
    begin();
    go_until("the pause is told", [&] { return stopped() == "paused"; });
    go(300ms);
    const auto before = events(topics::campaign);
    EXPECT_EQ(before, 1);
    keep(campaign_action::resume);
    go_until("that it goes on is told", [&] { return stopped().empty(); });
    go(600ms);
    EXPECT_EQ(events(topics::campaign), before + 1);
}

TEST_F(scheduled, what_is_paused_when_it_expires_is_over) {
    auto c = round(1, campaign_state::paused);
    c.expires_ms = now_ms() + 60'000;
    const auto paused = put(c);
    freeze(paused);
    begin();
    go(500ms);
    EXPECT_TRUE(is(paused.id, campaign_state::paused));
    time_.jump_to(time_.now() + 61s);
    go_until("it is over", [&] { return is(paused.id, campaign_state::cancelled); });
    go_until("and its deliveries", [&] { return loop_.run(campaigns_.open()).value().empty(); });
    const auto counts = loop_.run(ledgers_.counters(0, paused.id, channel::sms)).value();
    EXPECT_EQ(counts.count("s0"), 0U);
    EXPECT_NE(get(paused.id).history.back().note.find("暂停"), std::string::npos);
}

// A chunk that is buried whenever it is handed out: nothing of it moves.
TEST_F(scheduled, what_is_handed_out_in_vain_is_handed_out_more_and_more_seldom) {
    settings_.dispatch.reconcile_s = 1;
    const auto stuck = put(round(1, campaign_state::draft));
    freeze(stuck);
    auto reader =
        log_->subscribe(settings_.event_log.group + ".dispatch.sms", {topics::dispatch(channel::sms)});
    bool closed = false;
    std::size_t handed = 0;
    asio::co_spawn(
        loop_.context(),
        [&]() -> asio::awaitable<void> {
            for (;;) {
                auto event = co_await reader->next();
                if (!event) break;
                if (const auto* records = std::get_if<std::vector<io::log_record>>(&*event))
                    for (const auto& r : *records) {
                        ++handed;
                        reader->store({r.topic, r.partition}, r.offset + 1);
                    }
            }
            closed = true;
        },
        asio::detached);
    begin();
    go_until("it is handed out", [&] { return handed >= shards; });
    const auto first = time_.now();
    go_until("and again", [&] { return handed >= shards * 8U; });
    // Eight times at a second each would be seven seconds.
    EXPECT_GT(time_.now() - first, 60s);
    asio::co_spawn(loop_.context(), reader->close(), asio::detached);
    go_until("the reader has left", [&] { return closed; });
}

TEST_F(scheduled, a_withdrawal_ends_the_rounds_that_rest_on_it) {
    const auto first = put(round(1, campaign_state::finished));
    freeze(first);
    const auto second = put(further(2, campaign_state::running)),
               waits = put(further(3, campaign_state::submitted)),
               done = put(further(4, campaign_state::finished));
    freeze(second);
    auto on_it = further(5, campaign_state::paused); // a round of a round
    on_it.base = done.id;
    put(on_it);
    const auto correction = put(further(6, campaign_state::running, "correction"));
    freeze(correction);
    const auto withdrawn =
        apply(get(first.id), campaign_action::withdraw, {"韩", "department"}, now_ms()).value();
    loop_.run(campaigns_.change(withdrawn)).value();
    begin();
    for (const auto& id : {second.id, waits.id, on_it.id})
        go_until("it is cancelled", [&] { return is(id, campaign_state::cancelled); });
    EXPECT_TRUE(is(done.id, campaign_state::finished));
    EXPECT_TRUE(is(correction.id, campaign_state::running));
    const auto late = put(further(7, campaign_state::draft)); // made when it was not withdrawn yet
    go_until("it does not begin", [&] { return is(late.id, campaign_state::cancelled); });
    EXPECT_EQ(audience(late.id), 0);
}

TEST_F(scheduled, a_round_that_is_asked_for_twice_is_one_while_it_is_open) {
    const auto base = put(round(1, campaign_state::finished));
    campaign_changes changes(*log_, campaigns_, ledgers_, time_, shards);
    const auto ask = [&](const char* kind, campaign_recipients only) {
        return loop_.run(changes.further_round(base, kind, only, {"韩", "department"})).value();
    };
    const auto one = ask("interpretation", campaign_recipients::unread);
    time_.advance(1000ms);
    EXPECT_EQ(ask("interpretation", campaign_recipients::unread).id, one.id);
    EXPECT_NE(ask("interpretation", campaign_recipients::reached).id, one.id);
    EXPECT_NE(ask("deadline", campaign_recipients::unread).id, one.id);
    auto over = get(one.id);
    over.state = campaign_state::finished;
    loop_.run(campaigns_.change(over)).value();
    EXPECT_NE(ask("interpretation", campaign_recipients::unread).id, one.id);
    EXPECT_EQ(ask("retry", campaign_recipients::everybody).only, campaign_recipients::failed);
}

} // namespace
} // namespace zhida::scheduler
