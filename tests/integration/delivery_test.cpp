// A chunk on its way: real Redis and log, a sender that does what the test tells it to.
#include "common/base/murmur2.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/feedback.hpp"
#include "common/store/keys.hpp"
#include "common/store/profiles.hpp"
#include "services/dead_letter.hpp"
#include "services/dispatcher/chunk.hpp"
#include "services/dispatcher/dispatcher.hpp"
#include "services/dispatcher/guarded_sender.hpp"
#include "services/dispatcher/round_text.hpp"
#include "services/ledger_check.hpp"
#include "services/ledger_replay.hpp"
#include "services/publishing.hpp"

#include "tests/support/gateways.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"
#include "tests/support/sms.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <numeric>
#include <set>
#include <utility>

namespace zhida::dispatcher {
namespace {

using gateways::send_outcome;
using gateways::send_result;
using ledger::reason;
using ledger::state;

constexpr int shards = 2;
constexpr std::uint32_t people = 6;

json document(int version, const std::string& disclosure) {
    return {{"schema", "zhida.policy/1"},
            {"id", "P"},
            {"version", version},
            {"title", "测试政策"},
            {"issuer", "宝山区科委"},
            {"level", "区"},
            {"region", "310113"},
            {"disclosure", disclosure},
            {"items",
             json::array({{{"id", "1"},
                           {"title", "研发补助"},
                           {"subject", "enterprise"},
                           {"eligibility", {{"op", "<="}, {"args", {{{"property", "ent.headcount"}}, 500}}}},
                           {"benefit", "最高 50 万元"},
                           {"mode", "申请享受"}}})}};
}

class scripted : public sender {
  public:
    asio::awaitable<void> run() override { co_return; }
    void stop() override {}
    bool ready() const override { return true; }
    asio::awaitable<send_result> send(outgoing message) override {
        ++seen[message.address];
        references.insert(message.reference);
        if (on_send) on_send();
        if (throws) throw std::runtime_error("a bug in the client");
        if (script.empty()) co_return send_result{send_outcome::accepted, {message.address}, "", "", {}, ""};
        auto next = script.front();
        script.pop_front();
        co_return next;
    }
    std::vector<gateways::gateway_status> statuses() const override { return {{}}; }
    std::uint32_t resend_within_s(std::string_view) const override { return resend; }
    asio::awaitable<admission> admit() override { co_return admission{batch, nullptr}; }

    std::deque<send_result> script;
    std::function<void()> on_send;
    bool throws = false;
    std::uint32_t resend = 0;
    static constexpr std::size_t batch = 4;
    std::map<std::string, int> seen; // by address
    std::set<std::string> references;
};

class delivery : public ::testing::Test {
  protected:
    delivery() : settings_(settings()), log_(io::make_event_log(loop_.executor(), settings_)) {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        loop_.run(log_->ensure(all_topics(shards))).value();
        publish(1, "主动公开");
        std::vector<profile> all;
        for (int i = 0; all.size() < people; ++i) {
            profile p;
            p.id = "SYN" + std::to_string(i);
            p.contacts = {
                {"法人", "1640000000" + std::to_string(all.size()), "oSYN" + std::to_string(all.size())}};
            if (shard_of(p.id, shards) == shard_) all.push_back(p);
        }
        for (const auto& p : all) ids_.push_back(p.id);
        loop_.run(profiles_.put(shard_, all, 1)).value();
        for (const auto& p : all) members_.push_back({loop_.run(profiles_.get(p.id)).value().ordinal, 1});
        start(campaign_, channel::sms);
        epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::sms)).value();
    }
    ~delivery() override {
        const auto report = loop_.run(check_ledger(redis_, shards)).value();
        for (const auto& e : report.errors) ADD_FAILURE() << e.text();
        loop_.run(log_->close());
    }
    static config settings() {
        config c;
        c.redis.url = tests::redis_url();
        c.event_log.driver = "redis";
        c.node.shards = shards;
        c.campaign.approval = false;
        c.wechat.template_id = "TPL";
        c.dispatch.quiet_until = c.dispatch.quiet_from; // but where a test sets them
        return c;
    }
    void start(const std::string& name, channel via) {
        campaign c;
        c.id = name;
        c.policy_id = "P";
        c.title = "测试政策";
        c.issuer = "宝山区科委";
        c.channels = {via};
        loop_.run(campaigns_.put(c)).value();
        loop_.run(ledgers_.freeze(shard_, name, {via}, members_, {{"0:eligible", people}})).value();
    }
    void publish(int version, const std::string& disclosure) {
        std::vector<failure> errors;
        const auto doc = document(version, disclosure);
        const auto p = read_policy(doc, errors).value();
        loop_.run(policies_.put(p, doc, version, p.may_be_pushed())).value();
    }
    asio::awaitable<void> withdraw() {
        std::vector<failure> errors;
        const auto doc = document(2, "依申请公开");
        const auto p = read_policy(doc, errors).value();
        (void)(co_await policies_.put(p, doc, 2, false)).value();
    }
    chunk chunk_of(const std::string& name, channel via) {
        return {{name, shard_, via, 0, people, campaign_urgency::normal}, true};
    }
    terms by(sender* gateway) { return {epoch_, gateway, owned_, server_, {}}; }
    result<delivered> deliver(sender* gateway) { return deliver(gateway, campaign_, channel::sms); }
    result<delivered> deliver(sender* gateway, const std::string& name, channel via) {
        return loop_.run(deliverer_.deliver({chunk_of(name, via)}, by(gateway)));
    }
    // Hands it out again whenever something of it falls due, as the scheduler does, until nothing is.
    result<delivered> deliver_all(sender* gateway) {
        for (;;) {
            auto done = deliver(gateway);
            const auto due = loop_.run(ledgers_.due_until(shards, UINT32_MAX)).value();
            if (!done || due.empty()) return done;
            const auto at = wall_time(std::chrono::seconds(due.front().second.at));
            (void)at;
            loop_.run(ledgers_.drop_due(due)).value();
            loop_.run_for(milliseconds(500));
        }
    }
    // What an owner does before it sends; then it is gone.
    void claim_and_die(const std::vector<std::uint32_t>& positions) {
        store::commit_request r{shard_, campaign_, channel::sms, {}, {}};
        const auto view = loop_.run(ledgers_.load(shard_, campaign_, channel::sms, 0, people, true)).value();
        r.claim = {epoch_, view.as_of, {}};
        const auto now = static_cast<std::uint32_t>(
            std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count());
        for (const auto p : positions) {
            auto to = view.members[p].now;
            to.now = state::submitting;
            to.at = epoch_;
            to.first_submitted = now;
            r.records.push_back({p, view.members[p].now, to});
        }
        ASSERT_EQ(loop_.run(ledgers_.commit(r)).value(), store::commit_outcome::done);
        epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::sms)).value();
    }
    ledger::record at(std::uint32_t position) { return at(position, campaign_, channel::sms); }
    ledger::record at(std::uint32_t position, const std::string& name, channel via) {
        const auto bytes = loop_.run(ledgers_.ledger_bytes(shard_, name, via)).value();
        return ledger::decode(bytes.data() + position * ledger::record_size);
    }
    // What somebody who follows zhida.delivery alone knows of the ledger.
    std::map<std::uint32_t, ledger::record> audited() {
        std::map<std::uint32_t, ledger::record> known;
        std::int64_t expected = 0;
        for (const auto end : loop_.run(log_->end_offsets(topics::delivery)).value()) expected += end;
        auto consumer = log_->broadcast({topics::delivery}, true);
        while (expected > 0) {
            const auto event = loop_.run(consumer->next());
            const auto* records = event ? std::get_if<std::vector<io::log_record>>(&*event) : nullptr;
            if (!records) continue;
            for (const auto& r : *records) {
                --expected;
                const auto t = read_transition(decode_event(r.headers, r.value).value().data).value();
                for (const auto& c : t.changes) {
                    const auto found = known.find(c.position);
                    known[c.position] = found == known.end() ? c.to : ledger::merge(found->second, c.to);
                }
            }
        }
        loop_.run(consumer->close());
        return known;
    }
    void expect_audit_agrees() {
        const auto known = audited();
        for (std::uint32_t i = 0; i < people; ++i) {
            ASSERT_TRUE(known.contains(i)) << i;
            EXPECT_EQ(known.at(i).now, at(i).now) << i;
            EXPECT_EQ(known.at(i).why, at(i).why) << i;
        }
    }

    // A dispatcher on our loop, as a process runs it. The configuration outlives it.
    struct own_process {
        own_process(delivery& of, const config& c)
            : role(of.loop_.executor(), c, tests::content_as_shipped(), of.clock_, of.sealer_, meters,
                   {channel::sms}) {
            asio::co_spawn(of.loop_.context(), role.run(), [this](std::exception_ptr thrown) {
                ended = true;
                if (thrown) std::rethrow_exception(thrown);
            });
        }
        metrics meters;
        dispatcher role;
        bool ended = false;
    };

    const int shard_ = 1;
    const std::string campaign_ = "P.v1.r1";
    tests::loop loop_;
    config settings_;
    system_clock clock_;
    crypto::sealer sealer_ = crypto::sealer::from_hex_key(std::string(64, 'a')).value();
    io::redis redis_{loop_.executor(), {tests::redis_url(), milliseconds(5000)}};
    std::unique_ptr<io::event_log> log_;
    store::ledgers ledgers_{redis_};
    store::messages messages_{redis_};
    store::consents consents_{redis_};
    store::number_marks marks_{redis_};
    store::wechat_addresses addresses_{redis_, sealer_, shards};
    store::campaigns campaigns_{redis_, shards};
    store::policies policies_{redis_};
    store::profiles profiles_{redis_, sealer_, shards};
    bool stopping_ = false;
    std::shared_ptr<bool> owned_ = std::make_shared<bool>(true);
    std::shared_ptr<std::string> server_ = std::make_shared<std::string>();
    ledger_replay replay_{loop_.executor(), *log_, redis_, ledgers_, clock_, shards};
    std::uint32_t epoch_ = 0;
    std::vector<std::string> ids_;
    std::vector<store::audience_member> members_;
    deliverer deliverer_{settings_,
                         clock_,
                         sealer_,
                         *log_,
                         ledgers_,
                         messages_,
                         consents_,
                         marks_,
                         addresses_,
                         campaigns_,
                         policies_,
                         stopping_,
                         [this](int shard) { return replay_.bring_up(shard); }};
};

TEST_F(delivery, everybody_gets_it_once_and_the_audit_knows) {
    scripted gateway;
    gateway.resend = 540; // one that honours references
    ASSERT_TRUE(deliver(&gateway));
    ASSERT_TRUE(deliver(&gateway)) << "the record of a finished chunk may come again";
    EXPECT_EQ(gateway.seen.size(), people);
    for (const auto& [address, times] : gateway.seen) EXPECT_EQ(times, 1) << address;
    EXPECT_EQ(gateway.references.size(), people);
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).now, state::submitted);
    expect_audit_agrees();
}

TEST_F(delivery, a_channel_switched_off_sends_nothing_and_leaves_no_claim_open) {
    // Two were claimed, then the process ended, and the channel is off since.
    claim_and_die({0, 3});
    ASSERT_TRUE(deliver(nullptr));
    for (std::uint32_t i = 0; i < people; ++i) {
        EXPECT_EQ(at(i).now, i % 3 == 0 ? state::unknown : state::suppressed) << i;
        EXPECT_EQ(at(i).why, i % 3 == 0 ? reason::crashed_in_flight : reason::channel_disabled) << i;
    }
    expect_audit_agrees();
}

TEST_F(delivery, what_was_claimed_before_a_crash_is_unknown_where_the_gateway_may_have_it) {
    claim_and_die({1, 2});
    scripted gateway;
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(gateway.seen.size(), people - 2);
    EXPECT_EQ(at(1).now, state::unknown);
    EXPECT_EQ(at(2).why, reason::crashed_in_flight);
    expect_audit_agrees();
}

TEST_F(delivery, what_was_claimed_before_a_crash_is_sent_again_where_the_gateway_drops_repetitions) {
    claim_and_die({1, 2});
    scripted gateway;
    gateway.resend = 60;
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(gateway.seen.size(), people);
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).now, state::submitted);
    expect_audit_agrees();
}

// While its service fails one message tries at a time, and the others are not even claimed.
TEST_F(delivery, a_gateway_that_fails_is_left_alone_and_tried_until_it_is_back) {
    auto inner = std::make_unique<scripted>();
    auto& gateway = *inner;
    const send_result down{send_outcome::retry, {}, "local:not_connected", "refused", milliseconds(0), ""};
    gateway.script.assign(6, down);
    gateways::circuit_limits limits;
    limits.in_a_row = 3;
    limits.shortest = limits.longest = milliseconds(50);
    guarded_sender guarded(std::move(inner), clock_, limits);
    ASSERT_TRUE(deliver_all(&guarded));
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).now, state::submitted) << i;
    // Four were claimed together when it opened, then one at a time.
    int attempts = 0;
    for (std::uint32_t i = 0; i < people; ++i) attempts += at(i).attempts;
    EXPECT_EQ(attempts, 6);
    EXPECT_EQ(guarded.statuses().front().circuit, "closed");
    expect_audit_agrees();
}

TEST_F(delivery, refusals_are_tried_again_and_rejections_are_final) {
    scripted gateway;
    gateway.script = {{send_outcome::retry, {}, "cmpp:8", "", milliseconds(0), ""},
                      {send_outcome::rejected, {}, "cmpp:6", "", milliseconds(0), "bad_number"},
                      {send_outcome::unknown, {}, "", "", milliseconds(0), ""}};
    ASSERT_TRUE(deliver_all(&gateway));
    EXPECT_EQ(at(0).now, state::submitted);
    EXPECT_EQ(at(0).attempts, 1);
    EXPECT_EQ(at(1).now, state::failed);
    EXPECT_EQ(at(1).why, reason::bad_number);
    EXPECT_EQ(at(2).now, state::unknown);
    EXPECT_EQ(at(2).why, reason::no_answer);
    EXPECT_EQ(gateway.seen.at("16400000000"), 2);
    EXPECT_EQ(gateway.seen.at("16400000002"), 1);
    expect_audit_agrees();
}

// For a month: numbers get new owners.
TEST_F(delivery, a_number_that_gateways_do_not_know_is_not_sent_to_again) {
    scripted gateway;
    const auto rejected = [](const char* fault) {
        send_result r;
        r.outcome = send_outcome::rejected;
        r.code = "cmpp:13";
        r.recipient_fault = fault;
        return r;
    };
    auto in_part = rejected("bad_number");
    in_part.message_ids = {"7", ""};
    gateway.script = {rejected("bad_number"), rejected("refused"), rejected("content"), rejected("content"),
                      in_part};
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(at(0).why, reason::bad_number);
    // And one by its receipt.
    store::message_place place{shard_, campaign_, channel::sms, 3, 1, 1};
    ASSERT_TRUE(loop_.run(deliverer_.mark_number(place, reason::bad_number)));
    const auto next = [&](const char* name, campaign_urgency urgency) {
        start(name, channel::sms);
        auto c = loop_.run(campaigns_.get(name)).value();
        c.urgency = urgency;
        loop_.run(campaigns_.change(c)).value();
        scripted sms;
        (void)loop_.run(deliverer_.deliver({chunk_of(name, channel::sms)}, by(&sms))).value();
        return sms.seen;
    };
    const auto seen = next("P.v1.r2", campaign_urgency::normal);
    EXPECT_EQ(seen.size(), people - 3);
    EXPECT_TRUE(seen.contains("16400000002")) << "its text was refused, not the number";
    EXPECT_TRUE(seen.contains("16400000004")) << "it took a part";
    const auto counts = loop_.run(ledgers_.counters(shard_, "P.v1.r2", channel::sms)).value();
    EXPECT_EQ(counts.at("w8:" + std::to_string(static_cast<int>(reason::invalid_contact))), 2);
    EXPECT_EQ(counts.at("w8:" + std::to_string(static_cast<int>(reason::refused_number))), 1);
    EXPECT_EQ(next("P.v1.r3", campaign_urgency::emergency).size(), people - 1) << "worth the try";
    const auto later = clock_.now() + store::number_marks::kept + std::chrono::hours(1);
    const store::number_digests digests(sealer_);
    EXPECT_EQ(loop_.run(marks_.of(shard_, {digests.of("16400000000")}, later)).value().front(), reason::none);
}

TEST_F(delivery, nobody_gets_more_than_the_cap_however_many_campaigns_there_are) {
    settings_.dispatch.sms_per_day = 1;
    scripted gateway;
    ASSERT_TRUE(deliver(&gateway));
    start("P.v1.r2", channel::sms);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r2", channel::sms));
    for (std::uint32_t i = 0; i < people; ++i) {
        EXPECT_EQ(at(i).now, state::submitted);
        EXPECT_EQ(at(i, "P.v1.r2", channel::sms).now, state::suppressed);
        EXPECT_EQ(at(i, "P.v1.r2", channel::sms).why, reason::capped);
    }
    for (const auto& [address, times] : gateway.seen) EXPECT_EQ(times, 1) << address;
}

TEST_F(delivery, who_refused_on_wechat_is_not_sent_to_again) {
    epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::wechat)).value();
    start("P.v1.r2", channel::wechat);
    scripted gateway;
    gateway.script = {{send_outcome::rejected, {}, "wechat:43101", "", milliseconds(0), "refused"},
                      {send_outcome::rejected, {}, "wechat:43004", "", milliseconds(0), "not_following"},
                      {send_outcome::rejected, {}, "wechat:40003", "", milliseconds(0), "bad_number"}};
    ASSERT_TRUE(deliver(&gateway, "P.v1.r2", channel::wechat));
    start("P.v1.r3", channel::wechat);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r3", channel::wechat));
    for (std::uint32_t i = 0; i < people; ++i)
        EXPECT_EQ(at(i, "P.v1.r3", channel::wechat).why, i < 2 ? reason::no_grant : reason::none) << i;
    EXPECT_EQ(gateway.seen.at("oSYN0"), 1);
    EXPECT_EQ(gateway.seen.at("oSYN2"), 2);
}

TEST_F(delivery, another_contact_hears_of_it_where_the_first_refuses) {
    epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::wechat)).value();
    profile p;
    p.id = ids_[0];
    p.contacts = {{"法人", "16400000000", "oSYN0"}, {"财务", "", "oSecond"}, {"人事", "", "wecom:nobody"}};
    loop_.run(profiles_.put(shard_, {p}, 2)).value();
    scripted gateway;
    gateway.script = {{send_outcome::rejected, {}, "wechat:43101", "", milliseconds(0), "refused"}};
    start("P.v1.r2", channel::wechat);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r2", channel::wechat));
    EXPECT_EQ(at(0, "P.v1.r2", channel::wechat).why, reason::refused);
    start("P.v1.r3", channel::wechat);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r3", channel::wechat));
    EXPECT_EQ(at(0, "P.v1.r3", channel::wechat).now, state::submitted);
    EXPECT_EQ(gateway.seen.at("oSecond"), 1);
    // The preview is told once nobody is left (the application is not enabled here).
    const auto refusing = [&] {
        return loop_.run(redis_.command({"SISMEMBER", store::keys::no_grant(shard_), ids_[0]}))
            .value()
            .integer;
    };
    EXPECT_EQ(refusing(), 0);
    gateway.script = {{send_outcome::rejected, {}, "wechat:43004", "", milliseconds(0), "not_following"}};
    start("P.v1.r4", channel::wechat);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r4", channel::wechat));
    EXPECT_EQ(refusing(), 1);
    start("P.v1.r5", channel::wechat);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r5", channel::wechat));
    EXPECT_EQ(at(0, "P.v1.r5", channel::wechat).why, reason::no_grant);
    // Who follows again is sent to, and the preview is told.
    const store::number_digests digests(sealer_);
    consent_log said(*log_, consents_, clock_, shards);
    loop_
        .run(said.record(
            {consent_kind::address_in, digests.of("oSecond"), {}, clock_.now().time_since_epoch().count()}))
        .value();
    start("P.v1.r6", channel::wechat);
    ASSERT_TRUE(deliver(&gateway, "P.v1.r6", channel::wechat));
    EXPECT_EQ(at(0, "P.v1.r6", channel::wechat).now, state::submitted);
    EXPECT_EQ(refusing(), 0);
}

TEST_F(delivery, who_is_bound_hears_first_and_who_is_unbound_does_not) {
    epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::wechat)).value();
    const store::number_digests digests(sealer_);
    consent_log said(*log_, consents_, clock_, shards);
    consent_change bind;
    bind.kind = consent_kind::bind;
    bind.who = ids_[0];
    bind.address = digests.of("oBound");
    bind.sealed = seal_contacts({{"财务", "", "oBound"}}, sealer_, ids_[0]);
    loop_.run(said.record(bind)).value();
    scripted gateway;
    auto next = [&, round = 2]() mutable {
        const auto name = "P.v1.r" + std::to_string(round++);
        start(name, channel::wechat);
        EXPECT_TRUE(deliver(&gateway, name, channel::wechat));
        return at(0, name, channel::wechat).now;
    };
    EXPECT_EQ(next(), state::submitted);
    EXPECT_EQ(gateway.seen.at("oBound"), 1);
    EXPECT_FALSE(gateway.seen.contains("oSYN0"));
    auto unbind = bind;
    unbind.kind = consent_kind::unbind;
    unbind.sealed.clear();
    loop_.run(said.record(unbind)).value();
    EXPECT_EQ(next(), state::submitted);
    EXPECT_EQ(gateway.seen.at("oSYN0"), 1) << "what the register has";
    unbind.address = digests.of("oSYN0");
    loop_.run(said.record(unbind)).value();
    EXPECT_EQ(next(), state::suppressed) << "unbound for this subject, whatever the register says";
    EXPECT_EQ(gateway.seen.at("oSYN0"), 1);
}

// Nothing of it is claimed: another channel has its turn at once, and what has none waits.
TEST_F(delivery, a_quota_that_is_used_up_lets_another_channel_follow) {
    struct resting : scripted {
        bool ready() const override { return false; }
        milliseconds rests_for() const override { return std::chrono::hours(8); }
        asio::awaitable<admission> admit() override { co_return admission{0, nullptr}; }
    } gateway;
    epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::wechat)).value();
    campaign c;
    c.id = "P.v1.r2";
    c.policy_id = "P";
    c.title = "测试政策";
    c.issuer = "宝山区科委";
    c.channels = {channel::wechat, channel::sms};
    c.routing.how = channel_routing::mode::fallback;
    loop_.run(campaigns_.put(c)).value();
    loop_.run(ledgers_.freeze(shard_, c.id, c.channels, members_, {{"0:eligible", people}})).value();
    ASSERT_TRUE(deliver(&gateway, c.id, channel::wechat));
    for (std::uint32_t i = 0; i < people; ++i) {
        EXPECT_EQ(at(i, c.id, channel::wechat).now, state::failed);
        EXPECT_EQ(at(i, c.id, channel::wechat).why, reason::quota_used);
    }
    start("P.v1.r3", channel::wechat);
    asio::co_spawn(loop_.context(), deliverer_.deliver({chunk_of("P.v1.r3", channel::wechat)}, by(&gateway)),
                   asio::detached);
    loop_.run_for(std::chrono::milliseconds(500));
    for (std::uint32_t i = 0; i < people; ++i)
        EXPECT_EQ(at(i, "P.v1.r3", channel::wechat).now, state::queued);
    *owned_ = false; // it ends
    loop_.run_for(std::chrono::milliseconds(200));
    EXPECT_TRUE(gateway.seen.empty());
}

TEST_F(delivery, a_client_that_throws_leaves_its_deliveries_unknown) {
    scripted gateway;
    gateway.throws = true;
    ASSERT_TRUE(deliver(&gateway));
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).now, state::unknown);
    for (const auto& [address, times] : gateway.seen) EXPECT_EQ(times, 1) << address;
    expect_audit_agrees();
}

TEST_F(delivery, a_policy_that_was_withdrawn_from_the_public_is_not_sent_any_more) {
    publish(2, "依申请公开");
    scripted gateway;
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_TRUE(gateway.seen.empty());
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).why, reason::not_public);
    expect_audit_agrees();
}

TEST_F(delivery, a_clear_refusal_does_not_end_the_doubt_of_the_try_before) {
    scripted gateway;
    gateway.resend = 5;
    gateways::send_result no_answer, busy;
    no_answer.outcome = busy.outcome = gateways::send_outcome::retry;
    no_answer.in_doubt = true;
    busy.retry_after = milliseconds(6000); // until after the gateway has forgotten the first one
    gateway.script.assign(people, no_answer);
    gateway.script.insert(gateway.script.end(), people, busy);
    ASSERT_TRUE(deliver_all(&gateway));
    for (const auto& [address, times] : gateway.seen) EXPECT_EQ(times, 2) << address;
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).now, state::unknown) << i;
}

TEST_F(delivery, what_is_in_doubt_is_not_sent_again_once_the_policy_is_not_public) {
    claim_and_die({1});
    publish(2, "依申请公开");
    scripted gateway;
    gateway.resend = 60;
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_TRUE(gateway.seen.empty());
    EXPECT_EQ(at(0).why, reason::not_public);
    EXPECT_EQ(at(1).now, state::unknown);
    expect_audit_agrees();
}

TEST_F(delivery, a_policy_that_stops_being_public_under_way_stops_being_sent) {
    scripted gateway;
    gateway.script = {{send_outcome::retry, {}, "cmpp:8", "", milliseconds(0), ""}};
    bool done = false;
    gateway.on_send = [&] {
        if (!done) asio::co_spawn(loop_.context(), withdraw(), asio::detached);
        done = true;
    };
    ASSERT_TRUE(deliver_all(&gateway));
    EXPECT_EQ(at(0).why, reason::not_public) << "the one that was to be tried again";
    EXPECT_EQ(gateway.seen.at("16400000000"), 1);
}

TEST_F(delivery, what_may_have_been_taken_is_sent_again_only_while_the_gateway_drops_repetitions) {
    send_result bad_gateway{send_outcome::retry, {}, "http:502", "", milliseconds(0), ""};
    bad_gateway.in_doubt = true;
    scripted gateway;
    gateway.resend = 60;
    gateway.script = {bad_gateway};
    ASSERT_TRUE(deliver_all(&gateway));
    EXPECT_EQ(at(0).now, state::submitted);
    EXPECT_EQ(gateway.seen.at("16400000000"), 2);

    // The same, but too late: nobody sends it again.
    auto record = at(1);
    record.now = state::held;
    record.why = reason::no_answer;
    record.attempts = 3;
    record.first_submitted -= 3600;
    record.at = 1;
    const auto key = store::keys::ledger(shard_, campaign_, channel::sms);
    loop_.run(redis_.command({"SETRANGE", key, "16", ledger::encode(record)})).value();
    const auto counters = store::keys::counters(shard_, campaign_, channel::sms);
    loop_.run(redis_.command({"HINCRBY", counters, "s3", "-1"})).value();
    loop_.run(redis_.command({"HINCRBY", counters, "s1", "1"})).value();
    loop_.run(redis_.command({"HINCRBY", counters, "w1:65", "1"})).value();
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(at(1).now, state::unknown);
    EXPECT_EQ(at(1).why, reason::no_answer);
    EXPECT_EQ(gateway.seen.at("16400000001"), 1);
}

TEST_F(delivery, messages_wait_for_the_morning) {
    settings_.dispatch.quiet_from = "21:00";
    settings_.dispatch.quiet_until = "08:00";
    wall_time evening, morning;
    ASSERT_TRUE(parse_rfc3339("2026-11-27T20:59:00+08:00", evening));
    ASSERT_TRUE(parse_rfc3339("2026-11-28T08:00:00+08:00", morning));
    const auto morning_s = static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::seconds>(morning).time_since_epoch().count());
    manual_clock clock(evening);
    deliverer d{settings_,
                clock,
                sealer_,
                *log_,
                ledgers_,
                messages_,
                consents_,
                marks_,
                addresses_,
                campaigns_,
                policies_,
                stopping_,
                [this](int shard) { return replay_.bring_up(shard); }};
    scripted gateway; // takes four at a time
    gateway.on_send = [&] {
        if (gateway.seen.size() == 4) clock.advance(std::chrono::minutes(1)); // 21:00
    };
    const auto go = [&] { return loop_.run(d.deliver({chunk_of(campaign_, channel::sms)}, by(&gateway))); };
    ASSERT_TRUE(go());
    EXPECT_EQ(gateway.seen.size(), 4U);
    for (std::uint32_t i = 4; i < people; ++i) {
        EXPECT_EQ(at(i).why, reason::quiet_hours);
        EXPECT_EQ(at(i).at, morning_s);
    }
    const auto due = loop_.run(ledgers_.due_until(shards, morning_s)).value();
    ASSERT_EQ(due.size(), 1U);
    EXPECT_EQ(due.front().second.campaign, campaign_);
    EXPECT_TRUE(loop_.run(ledgers_.due_until(shards, morning_s - 1)).value().empty());
    clock.advance(morning - clock.now() - milliseconds(1));
    ASSERT_TRUE(go());
    EXPECT_EQ(gateway.seen.size(), 4U) << "a millisecond before the morning";
    clock.advance(milliseconds(1));
    ASSERT_TRUE(go());
    for (std::uint32_t i = 0; i < people; ++i) EXPECT_EQ(at(i).now, state::submitted);
    for (const auto& [address, times] : gateway.seen) EXPECT_EQ(times, 1) << address;
    expect_audit_agrees();
}

TEST_F(delivery, what_several_campaigns_have_for_somebody_is_one_message_and_counts_once) {
    settings_.dispatch.sms_per_day = 1;
    start("P.v1.r2", channel::sms);
    scripted gateway;
    ASSERT_TRUE(loop_.run(deliverer_.deliver(
        {chunk_of(campaign_, channel::sms), chunk_of("P.v1.r2", channel::sms)}, by(&gateway))));
    EXPECT_EQ(gateway.seen.size(), people);
    for (const auto& [address, times] : gateway.seen) EXPECT_EQ(times, 1) << address;
    for (std::uint32_t i = 0; i < people; ++i) {
        EXPECT_EQ(at(i).now, state::submitted);
        EXPECT_EQ(at(i, "P.v1.r2", channel::sms).now, state::submitted);
        EXPECT_EQ(at(i).merged + at(i, "P.v1.r2", channel::sms).merged, 1);
        EXPECT_EQ(loop_.run(messages_.resolve("sms", "1640000000" + std::to_string(i), "r")).value().size(),
                  2U)
            << "a receipt is for both";
    }
}

TEST_F(delivery, what_is_sent_again_is_the_message_that_it_was) {
    // Two packages went to the gateway as one message each; then the owner died. A third has come since.
    start("P.v1.r2", channel::sms);
    start("P.v1.r3", channel::sms);
    scripted gateway;
    gateway.resend = 600;
    claim_and_die({0});
    auto with = at(0);
    with.merged = 1; // claimed within the message of the first
    const store::commit_request second{
        shard_, "P.v1.r2", channel::sms, {{0, at(0, "P.v1.r2", channel::sms), with}}, {}};
    ASSERT_EQ(loop_.run(ledgers_.commit(second)).value(), store::commit_outcome::done);
    ASSERT_TRUE(
        loop_.run(deliverer_.deliver({chunk_of(campaign_, channel::sms), chunk_of("P.v1.r2", channel::sms),
                                      chunk_of("P.v1.r3", channel::sms)},
                                     by(&gateway))));
    EXPECT_EQ(at(0).now, state::submitted) << "again, by its own reference";
    EXPECT_EQ(at(0, "P.v1.r2", channel::sms).now, state::unknown) << "it went with the first, or not at all";
    EXPECT_EQ(at(0, "P.v1.r3", channel::sms).now, state::submitted);
    EXPECT_EQ(at(0, "P.v1.r3", channel::sms).merged, 0) << "a gateway that drops the first would drop it too";
    EXPECT_EQ(gateway.seen.at("16400000000"), 2);
    EXPECT_EQ(gateway.seen.at("16400000001"), 1) << "of the others all three are one message";
}

TEST_F(delivery, a_campaign_that_is_stopped_sends_nothing_more) {
    scripted gateway;
    bool done = false;
    gateway.on_send = [&] {
        if (!std::exchange(done, true))
            asio::co_spawn(
                loop_.context(),
                [](auto& t) -> asio::awaitable<void> {
                    (void)(co_await t.ledgers_.tell_state(t.campaign_, campaign_state::cancelled, 2, shards))
                        .value();
                }(*this),
                asio::detached);
    };
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(gateway.seen.size(), gateway.batch) << "what was claimed before goes out";
    EXPECT_EQ(at(people - 1).now, state::queued) << "the scheduler ends it";
    loop_.run(ledgers_.tell_state(campaign_, campaign_state::running, 3, shards)).value();
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(gateway.seen.size(), people);
}

TEST_F(delivery, who_opts_out_between_the_look_and_the_claim_is_not_sent_to) {
    scripted gateway;
    bool done = false;
    gateway.on_send = [&] {
        if (!std::exchange(done, true))
            asio::co_spawn(
                loop_.context(),
                [](auto& t) -> asio::awaitable<void> {
                    (void)(co_await t.consents_.opt_out(t.shard_, t.ids_[people - 1])).value();
                }(*this),
                asio::detached);
    };
    ASSERT_TRUE(deliver(&gateway));
    EXPECT_EQ(gateway.seen.size(), people - 1);
    EXPECT_EQ(at(people - 1).why, reason::opted_out);
    expect_audit_agrees();
}

TEST_F(delivery, who_answers_r_is_told_once_and_sent_nothing_more) {
    tests::simulated gateway; // on a loop of its own, by turns with ours
    gateway.start();
    auto c = settings_;
    c.sms = gateway.sms;
    c.sms.enabled = true;
    own_process process(*this, c);
    const auto go_until = [&](auto holds) {
        return gateway.wait_until([&] {
            loop_.run_for(milliseconds(2));
            return holds();
        });
    };
    ASSERT_TRUE(go_until([&] { return gateway.sim->cmpp().stats().logins == 1; }));
    int written = 0;
    const auto write_back = [&](const char* phone, const char* text) {
        ASSERT_TRUE(gateway.sim->cmpp().write_back(phone, text).has_value());
        ++written;
        ASSERT_TRUE(go_until([&] { return gateway.sim->cmpp().stats().inbound_acked == written; })) << text;
    };
    write_back("16400000002", "r");
    ASSERT_TRUE(go_until([&] { return !gateway.sim->messages().all().empty(); }))
        << "although it is opted out";
    write_back("16400000002", "退订");
    write_back("16400000003", "谢谢");
    const auto waits = [&] {
        return loop_.run(redis_.command({"LLEN", store::keys::acknowledgements()})).value().integer;
    };
    EXPECT_EQ(waits(), 0) << "the second refusal asks for nothing";
    const auto told = simulator::assembled(gateway.sim->messages().all());
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front().to, "16400000002");
    EXPECT_THAT(told.front().more.at("text").get<std::string>(), ::testing::HasSubstr("您已退订"));
    store::feedback feedback(redis_, sealer_);
    const auto heard = loop_.run(feedback.list({"宝山区科委"}, 10)).value().messages;
    ASSERT_EQ(heard.size(), 1U) << "the only department that sends";
    EXPECT_EQ(heard.front().text, "谢谢");
    EXPECT_EQ(heard.front().phone, "16400000003");
    EXPECT_EQ(heard.front().gateway, "sms");
    process.role.stop();
    ASSERT_TRUE(go_until([&] { return process.ended; }));
    gateway.stop();
    epoch_ = loop_.run(ledgers_.take_epoch(shard_, channel::sms)).value();

    scripted sms;
    ASSERT_TRUE(deliver(&sms));
    EXPECT_EQ(sms.seen.size(), people - 1);
    EXPECT_FALSE(sms.seen.contains("16400000002"));
    EXPECT_EQ(at(2).why, reason::refused_number);
}

// The process died together with the last second of its Redis, in which a part of a long SMS had arrived.
TEST_F(delivery, receipts_that_another_redis_had_are_read_again) {
    scripted sms;
    ASSERT_TRUE(deliver(&sms));
    const auto arrived = [&](int part) {
        const store::message_place place{shard_, campaign_, channel::sms, 0, part, 2};
        const auto text = receipt_text({"sms", "id" + std::to_string(part), "", "DELIVRD",
                                        gateways::receipt::meaning::delivered, clock_.now()});
        loop_.run(log_->append(store::receipt_message(place, text, clock_.now()).value())).value();
    };
    auto c = settings_;
    c.sms.enabled = false;
    const auto run_until = [&](auto holds) {
        own_process process(*this, c);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        bool held = false;
        while (!held && std::chrono::steady_clock::now() < limit) {
            loop_.run_for(milliseconds(5));
            held = holds();
        }
        process.role.stop();
        while (!process.ended) loop_.run_for(milliseconds(5));
        return held;
    };
    const auto parts = store::keys::parts(shard_, campaign_, channel::sms, 0);
    const auto state_key = store::keys::shard_state(shard_);
    arrived(1);
    ASSERT_TRUE(run_until([&] {
        return loop_.run(redis_.command({"SCARD", parts})).value().integer == 1 &&
               loop_.run(redis_.command({"HGET", state_key, "receipts_server"})).value().text ==
                   loop_.run(ledgers_.server()).value();
    }));
    loop_.run(redis_.command({"DEL", parts})).value();
    loop_.run(redis_.command({"HSET", state_key, "receipts_server", "the one before"})).value();
    arrived(2);
    EXPECT_TRUE(run_until([&] { return at(0).now == state::delivered; }));
    const auto noted = [&] {
        return loop_.run(redis_.command({"HGET", state_key, "receipts_server"})).value().text ==
               loop_.run(ledgers_.server()).value();
    };
    EXPECT_TRUE(run_until(noted));
    // What was told is not told again, nor is what cannot be read buried again.
    const auto told = [&](const char* topic) {
        const auto ends = loop_.run(log_->end_offsets(topic)).value();
        return std::accumulate(ends.begin(), ends.end(), std::int64_t{0});
    };
    loop_.run(log_->append({topics::receipt, shard_, "", "{", {}})).value();
    arrived(1); // a third time
    const auto place = [&] {
        return loop_.run(log_->stored_offsets(settings_.event_log.group + ".receipt", topics::receipt))
            .value()[static_cast<std::size_t>(shard_)];
    };
    EXPECT_TRUE(run_until([&] { return told(topics::dead_letter) == 1 && place() == 4; }));
    const auto deliveries = told(topics::delivery);
    loop_.run(redis_.command({"HSET", state_key, "receipts_server", "another one"})).value();
    EXPECT_TRUE(run_until(noted));
    EXPECT_EQ(told(topics::dead_letter), 1);
    EXPECT_EQ(place(), 4);
    EXPECT_LE(told(topics::delivery), deliveries + 2) << "only that the parts are whole";
}

TEST_F(delivery, what_is_more_urgent_goes_between_two_batches) {
    scripted gateway;
    bool urgent = false;
    gateway.on_send = [&] { urgent = true; };
    auto with = by(&gateway);
    with.more_urgent = [&] { return urgent; };
    const auto ended = loop_.run(deliverer_.deliver({chunk_of(campaign_, channel::sms)}, with));
    EXPECT_EQ(ended.value(), delivered::yielded);
    EXPECT_EQ(gateway.seen.size(), gateway.batch);
}

TEST_F(delivery, a_letter_about_a_huge_and_hostile_record_can_be_kept) {
    io::log_record bad;
    bad.topic = topics::policy;
    bad.value = std::string(3 << 20, '\x01');
    for (int i = 0; i < 100; ++i)
        bad.headers.emplace_back("h" + std::to_string(i), std::string(8000, '\x02'));
    const std::vector<failure> errors(20'000, failure{errc::invalid, std::string(900, '\x03'), "/x", "y"});
    ASSERT_TRUE(loop_.run(bury(*log_, bad, errors, "test", "2026-11-24T00:00:00Z")));
}

TEST_F(delivery, an_owner_that_was_replaced_claims_nothing) {
    loop_.run(ledgers_.take_epoch(shard_, channel::sms)).value();
    scripted gateway;
    const auto done = deliver(&gateway);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::conflict);
    EXPECT_TRUE(gateway.seen.empty());
}

TEST_F(delivery, losing_the_shard_ends_the_chunk_after_what_is_under_way) {
    scripted gateway;
    gateway.on_send = [this] { *owned_ = false; };
    const auto done = deliver(&gateway);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::cancelled);
    EXPECT_EQ(gateway.seen.size(), gateway.batch);
    for (std::uint32_t i = 0; i < people; ++i)
        EXPECT_EQ(at(i).now, i < gateway.batch ? state::submitted : state::queued) << i;
}

} // namespace
} // namespace zhida::dispatcher
