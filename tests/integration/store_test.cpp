// The Lua of the ledger against a real Redis: it must do what the pure functions say.
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/gateway_states.hpp"
#include "common/store/inbox.hpp"
#include "common/store/key_check.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "services/ledger_check.hpp"

#include "common/base/murmur2.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::store {
namespace {

using tests::loop;
using zhida::ledger::record;
using zhida::ledger::state;

constexpr int shards = 4;

class store_test : public testing::Test {
  protected:
    store_test() { loop_.run(redis_.command({"FLUSHDB"})).value(); }

    std::vector<audience_member> members(std::uint32_t n) {
        std::vector<audience_member> all;
        for (std::uint32_t i = 0; i < n; ++i)
            all.push_back({i * 3 + 1, static_cast<std::uint16_t>(1 + i % 3)});
        return all;
    }
    std::uint32_t freeze(std::uint32_t n, std::vector<channel> channels = {channel::web, channel::sms}) {
        return loop_.run(ledgers_.freeze(1, "P.v1.r1", channels, members(n), {{"0:eligible", n}}))
            .value()
            .size;
    }
    // A claim of these positions as they are now.
    commit_request claim_of(std::uint32_t epoch, const std::vector<std::uint32_t>& positions,
                            channel via = channel::sms) {
        const auto size = loop_.run(ledgers_.audience_bytes(1, "P.v1.r1")).value().size() / 4;
        const auto view =
            loop_.run(ledgers_.load(1, "P.v1.r1", via, 0, static_cast<std::uint32_t>(size), true)).value();
        commit_request r{1, "P.v1.r1", via, {}, {}};
        r.claim = {epoch, view.as_of, {}};
        for (const auto p : positions) {
            auto to = view.members[p].now;
            to.now = state::submitting;
            to.at = epoch;
            to.first_submitted = 1000;
            r.records.push_back({p, view.members[p].now, to});
        }
        return r;
    }
    commit_outcome commit(const commit_request& r) { return loop_.run(ledgers_.commit(r)).value(); }
    record at(std::uint32_t position, channel via = channel::sms) {
        const auto bytes = loop_.run(ledgers_.ledger_bytes(1, "P.v1.r1", via)).value();
        return zhida::ledger::decode(bytes.data() + position * zhida::ledger::record_size);
    }
    void expect_counters_agree() {
        campaign c;
        c.id = "P.v1.r1";
        c.policy_id = "P";
        c.title = "t";
        c.issuer = "i";
        c.channels = {channel::web, channel::sms};
        loop_.run(campaigns_.put(c)).value();
        const auto report = loop_.run(check_ledger(redis_, shards)).value();
        for (const auto& e : report.errors) ADD_FAILURE() << e.text();
    }

    loop loop_;
    io::redis redis_{loop_.executor(), {tests::redis_url(), std::chrono::milliseconds(5000)}};
    ledgers ledgers_{redis_};
    campaigns campaigns_{redis_, shards};
};

TEST_F(store_test, an_audience_is_frozen_once) {
    EXPECT_EQ(freeze(5), 5U);
    EXPECT_EQ(freeze(9), 5U) << "the first audience stays";
    const auto counts = loop_.run(ledgers_.counters(1, "P.v1.r1", channel::sms)).value();
    EXPECT_EQ(counts.at("s0"), 5);
    EXPECT_EQ(loop_.run(ledgers_.campaigns_of(1)).value(), std::vector<std::string>{"P.v1.r1"});
    expect_counters_agree();
}

TEST_F(store_test, an_empty_audience_leaves_no_arrays_but_its_verdicts) {
    EXPECT_EQ(freeze(0), 0U);
    EXPECT_TRUE(loop_.run(ledgers_.campaigns_of(1)).value().empty());
    EXPECT_EQ(loop_.run(redis_.command({"HGET", keys::verdicts(1, "P.v1.r1"), "0:eligible"})).value().text,
              "0");
}

TEST_F(store_test, an_empty_audience_stays_empty) {
    EXPECT_EQ(freeze(0), 0U);
    EXPECT_EQ(freeze(3), 0U);
    EXPECT_EQ(loop_.run(ledgers_.audience_bytes(1, "P.v1.r1")).value(), "");
    EXPECT_EQ(loop_.run(redis_.command({"HGET", keys::verdicts(1, "P.v1.r1"), "0:eligible"})).value().text,
              "0");
    expect_counters_agree();
    EXPECT_EQ(loop_.run(campaigns_.progress("P.v1.r1", 1)).value().audience, 0);
}

TEST_F(store_test, an_owner_that_lost_the_shard_freezes_nothing) {
    const auto before = loop_.run(ledgers_.take_matching(1)).value();
    const auto now = loop_.run(ledgers_.take_matching(1)).value();
    const auto by = [&](std::uint32_t epoch, std::uint32_t n) {
        return loop_.run(ledgers_.freeze(1, "P.v1.r1", {channel::web, channel::sms}, members(n),
                                         {{"0:eligible", n}}, epoch));
    };
    const auto refused = by(before, 3);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::conflict) << refused.error().text();
    EXPECT_EQ(loop_.run(ledgers_.audience_bytes(1, "P.v1.r1")).value(), "");
    EXPECT_EQ(by(now, 2).value().size, 2U);
    EXPECT_FALSE(by(before, 3).has_value()) << "it must not hand out records of what it does not own";
    EXPECT_EQ(loop_.run(redis_.command({"HGET", keys::verdicts(1, "P.v1.r1"), "0:eligible"})).value().text,
              "2");
    expect_counters_agree();
}

TEST_F(store_test, a_claim_moves_queued_deliveries_and_counts_them) {
    freeze(10);
    const auto epoch = loop_.run(ledgers_.take_epoch(1, channel::sms)).value();
    const auto request = claim_of(epoch, {2, 3, 5});
    EXPECT_EQ(commit(request), commit_outcome::done);
    EXPECT_EQ(at(3).now, state::submitting);
    EXPECT_EQ(at(3).at, epoch);
    EXPECT_EQ(at(3).first_submitted, 1000U);
    EXPECT_EQ(at(3).items, 1) << "the mask stays";
    EXPECT_EQ(at(4).now, state::queued);
    expect_counters_agree();
    EXPECT_EQ(commit(request), commit_outcome::done) << "asked again, because its answer was lost";
    expect_counters_agree();
}

TEST_F(store_test, an_old_epoch_claims_nothing) {
    freeze(3);
    const auto old = loop_.run(ledgers_.take_epoch(1, channel::sms)).value();
    loop_.run(ledgers_.take_epoch(1, channel::sms)).value();
    EXPECT_EQ(commit(claim_of(old, {0, 1, 2})), commit_outcome::fenced);
    EXPECT_EQ(at(0).now, state::queued);
}

TEST_F(store_test, a_claim_on_other_grounds_than_those_that_hold_writes_nothing) {
    freeze(6);
    const auto epoch = loop_.run(ledgers_.take_epoch(1, channel::sms)).value();
    consents c(redis_);
    auto request = claim_of(epoch, {0, 1});
    loop_.run(c.opt_out(1, "S1")).value();
    EXPECT_EQ(commit(request), commit_outcome::changed) << "somebody opted out since";
    request = claim_of(epoch, {0, 1});
    loop_.run(ledgers_.apply(1, "P.v1.r1", channel::sms, {{1, {state::cancelled}}})).value();
    EXPECT_EQ(commit(request), commit_outcome::changed) << "one of them is not what it was";
    EXPECT_EQ(at(0).now, state::queued) << "all or nothing";
    request = claim_of(epoch, {2, 3});
    request.claim->as_of.server = "another";
    EXPECT_EQ(commit(request), commit_outcome::server);
    request = claim_of(epoch, {2, 3});
    loop_.run(ledgers_.tell_state("P.v1.r1", campaign_state::paused, 2, shards)).value();
    EXPECT_EQ(commit(request), commit_outcome::stopped);
    EXPECT_EQ(loop_.run(ledgers_.load(1, "P.v1.r1", channel::sms, 0, 6, true)).value().as_of.stopped,
              "paused");
    loop_.run(ledgers_.tell_state("P.v1.r1", campaign_state::running, 1, shards)).value();
    EXPECT_EQ(commit(request), commit_outcome::stopped) << "a word that comes late changes nothing";
    loop_.run(ledgers_.tell_state("P.v1.r1", campaign_state::running, 3, shards)).value();
    EXPECT_EQ(commit(request), commit_outcome::done);
    expect_counters_agree();
}

TEST_F(store_test, a_chunk_is_loaded_with_all_that_a_decision_needs) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    profiles p(redis_, sealer, shards);
    std::vector<profile> people(3);
    for (std::size_t i = 0; i < people.size(); ++i) people[i].id = "S" + std::to_string(i);
    loop_.run(p.put(1, people, 1)).value();
    loop_.run(ledgers_.freeze(1, "P.v1.r1", {channel::wechat}, {{0, 1}, {2, 3}}, {})).value();
    consents c(redis_);
    loop_.run(c.opt_out(1, "S0")).value();
    loop_.run(c.refuse(1, {"S2"})).value();
    const sent_count two{20'000, 2, 5};
    loop_.run(ledgers_.keep_sent(1, channel::wechat, {{2, two}}, 0)).value();
    const auto view = loop_.run(ledgers_.load(1, "P.v1.r1", channel::wechat, 0, 2, true)).value();
    ASSERT_EQ(view.members.size(), 2U);
    EXPECT_EQ(view.members[0].subject_id, "S0");
    EXPECT_TRUE(view.members[0].opted_out);
    EXPECT_FALSE(view.members[0].no_grant);
    EXPECT_FALSE(view.members[0].packed.empty());
    EXPECT_EQ(view.members[0].sent.that_day, 0);
    EXPECT_EQ(view.members[1].subject_id, "S2");
    EXPECT_TRUE(view.members[1].no_grant);
    EXPECT_EQ(view.members[1].now.items, 3);
    EXPECT_EQ(view.members[1].sent.bytes(), two.bytes());
    EXPECT_FALSE(view.as_of.server.empty());
}

// Many messages, days that pass, a clock that is set back and one that was far ahead: nobody gets more than
// the cap, and nobody is refused below it. The bits say the same beforehand.
TEST_F(store_test, a_cap_holds_across_days_and_clocks) {
    const bool held = rc::check("random messages", [&] {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        consents c(redis_);
        const frequency_cap cap{*rc::gen::inRange(0, 3), *rc::gen::inRange(0, 5)};
        constexpr std::uint32_t ordinal = 21;
        std::vector<std::int32_t> days; // as they were counted
        sent_count count;
        std::int32_t today = 20'000;
        const int rounds = *rc::gen::inRange(1, 25);
        for (int round = 0; round < rounds; ++round) {
            today += *rc::gen::inRange(0, 5) == 0 ? *rc::gen::inRange(-400, 400) : *rc::gen::inRange(-1, 4);
            if (!days.empty() && days.back() > today + 1) days.clear();
            const auto on = days.empty() ? today : std::max(today, days.back());
            const auto of_day = std::count(days.begin(), days.end(), on);
            const auto of_week =
                std::count_if(days.begin(), days.end(), [&](auto d) { return (d + 3) / 7 == (on + 3) / 7; });
            const bool refused =
                (cap.per_day > 0 && of_day >= cap.per_day) || (cap.per_week > 0 && of_week >= cap.per_week);
            RC_ASSERT(count.reached(cap, today) == refused);
            const auto bits = loop_.run(c.capped_bits({1}, channel::sms, cap, today)).value().front();
            const bool told = ordinal / 8 < bits.size() &&
                              (static_cast<unsigned char>(bits[ordinal / 8]) >> (7 - ordinal % 8) & 1) != 0;
            RC_ASSERT(told == refused);
            if (refused) continue;
            days.push_back(on);
            count = count.with_one_more(today);
            RC_ASSERT(sent_count::read(count.bytes()).bytes() == count.bytes());
            loop_.run(ledgers_.keep_sent(1, channel::sms, {{ordinal, count}}, 0)).value();
        }
    });
    EXPECT_TRUE(held);
}

TEST_F(store_test, what_falls_due_is_found_when_it_does) {
    const ledgers::due_chunk a{"P.v1.r1", channel::sms, 0, 1024, 2000},
        b{"P.v1.r1", channel::wechat, 1024, 7, 1000};
    loop_.run(ledgers_.put_due(1, a)).value();
    loop_.run(ledgers_.put_due(3, b)).value();
    auto later = a;
    later.at = 3000;
    loop_.run(ledgers_.put_due(1, later, true)).value();
    EXPECT_TRUE(loop_.run(ledgers_.due_until(shards, 999)).value().empty());
    const auto first = loop_.run(ledgers_.due_until(shards, 1999)).value();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].first, 3);
    EXPECT_EQ(first[0].second.via, channel::wechat);
    EXPECT_EQ(first[0].second.first, 1024U);
    EXPECT_EQ(first[0].second.count, 7U);
    EXPECT_EQ(loop_.run(ledgers_.due_until(shards, 2000)).value().size(), 2U) << "the earlier time stays";
    loop_.run(ledgers_.drop_due(first)).value();
    const auto second = loop_.run(ledgers_.due_until(shards, 2000)).value();
    ASSERT_EQ(second.size(), 1U);
    // The dispatcher looks at what was handed out, before the note of it is dropped.
    loop_.run(ledgers_.put_due(1, later)).value();
    loop_.run(ledgers_.drop_due(second)).value();
    EXPECT_TRUE(loop_.run(ledgers_.due_until(shards, 2999)).value().empty());
    const auto third = loop_.run(ledgers_.due_until(shards, 3000)).value();
    ASSERT_EQ(third.size(), 1U);
    loop_.run(ledgers_.drop_due(third)).value();
    EXPECT_TRUE(loop_.run(ledgers_.due_until(shards, UINT32_MAX)).value().empty());
}

TEST_F(store_test, a_campaign_is_changed_by_one_at_a_time) {
    campaign c;
    c.id = "P.v1.r1";
    c.policy_id = "P";
    c.title = "t";
    c.issuer = "i";
    c.channels = {channel::web};
    c.state = campaign_state::draft;
    loop_.run(campaigns_.put(c)).value();
    EXPECT_EQ(loop_.run(campaigns_.open()).value().size(), 1U);
    auto mine = c, theirs = c;
    mine.state = campaign_state::running;
    theirs.state = campaign_state::cancelled;
    EXPECT_EQ(loop_.run(campaigns_.change(mine)).value().revision, 1);
    EXPECT_EQ(loop_.run(campaigns_.change(mine)).value().revision, 1)
        << "asked again, because its answer was lost";
    EXPECT_EQ(loop_.run(campaigns_.change(theirs)).error().code, errc::conflict);
    EXPECT_EQ(loop_.run(campaigns_.get(c.id)).value().state, campaign_state::running);
    loop_.run(campaigns_.close(c.id)).value();
    EXPECT_TRUE(loop_.run(campaigns_.open()).value().empty());
}

TEST_F(store_test, a_position_that_is_not_there_is_refused) {
    freeze(2);
    const auto applied = loop_.run(ledgers_.apply(1, "P.v1.r1", channel::sms, {{7, record{}}}));
    ASSERT_FALSE(applied.has_value());
    EXPECT_EQ(applied.error().code, errc::not_found);
}

TEST_F(store_test, what_is_applied_is_merged_by_the_lattice) {
    const bool held = rc::check("random changes", [&] {
        loop_.run(redis_.command({"FLUSHDB"})).value();
        const auto n = *rc::gen::inRange<std::uint32_t>(1, 40);
        freeze(n);
        std::vector<record> model(n);
        for (std::uint32_t i = 0; i < n; ++i) model[i] = at(i);
        const int batches = *rc::gen::inRange(1, 5);
        for (int b = 0; b < batches; ++b) {
            std::vector<change> changes;
            const int size = *rc::gen::inRange(1, 30);
            for (int k = 0; k < size; ++k) {
                record r;
                r.now = static_cast<state>(*rc::gen::inRange(0, zhida::ledger::state_count));
                r.why = static_cast<zhida::ledger::reason>(*rc::gen::element(0, 1, 33, 96));
                r.attempts = *rc::gen::inRange<std::uint8_t>(0, 4);
                r.engaged = *rc::gen::inRange<std::uint8_t>(0, 8);
                r.first_submitted = *rc::gen::inRange<std::uint32_t>(0, 3);
                r.at = *rc::gen::arbitrary<std::uint32_t>();
                const auto p = *rc::gen::inRange<std::uint32_t>(0, n);
                changes.push_back({p, r});
                model[p] = zhida::ledger::merge(model[p], r);
            }
            const auto changed = loop_.run(ledgers_.apply(1, "P.v1.r1", channel::sms, changes)).value();
            RC_ASSERT(loop_.run(ledgers_.apply(1, "P.v1.r1", channel::sms, changes)).value().empty());
            (void)changed;
        }
        for (std::uint32_t i = 0; i < n; ++i) RC_ASSERT(at(i) == model[i]);
        expect_counters_agree();
        RC_ASSERT(!testing::Test::HasFailure());
    });
    EXPECT_TRUE(held);
}

TEST_F(store_test, changes_far_apart_are_merged_like_near_ones) {
    freeze(20000);
    record done;
    done.now = state::delivered;
    const auto changed =
        loop_.run(ledgers_.apply(1, "P.v1.r1", channel::sms, {{3, done}, {19999, done}, {9000, done}}))
            .value();
    EXPECT_EQ(changed.size(), 3U);
    EXPECT_EQ(at(19999).now, state::delivered);
    EXPECT_EQ(at(9001).now, state::queued);
    expect_counters_agree();
}

TEST_F(store_test, the_inbox_is_the_web_ledger_read_by_subject) {
    freeze(1000);
    inbox in(redis_);
    const std::uint32_t ordinal = 500 * 3 + 1;
    EXPECT_TRUE(loop_.run(in.of(1, ordinal)).value().empty()) << "not delivered yet";
    record shown;
    shown.now = state::delivered;
    shown.at = 77;
    loop_.run(ledgers_.apply(1, "P.v1.r1", channel::web, {{500, shown}})).value();
    const auto entries = loop_.run(in.of(1, ordinal)).value();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].campaign, "P.v1.r1");
    EXPECT_EQ(entries[0].web.items, 1 + 500 % 3);
    EXPECT_TRUE(loop_.run(in.of(1, ordinal + 1)).value().empty()) << "nobody else's";
    EXPECT_TRUE(loop_.run(in.of(1, 0)).value().empty());
    EXPECT_TRUE(loop_.run(in.of(1, 5000)).value().empty());
    EXPECT_FALSE(loop_.run(in.one(1, ordinal + 1, "P.v1.r1")).has_value());

    const auto read = loop_.run(in.engage(1, ordinal, "P.v1.r1", zhida::ledger::engagement::read)).value();
    EXPECT_TRUE(read.changed);
    EXPECT_FALSE(
        loop_.run(in.engage(1, ordinal, "P.v1.r1", zhida::ledger::engagement::read)).value().changed);
    EXPECT_EQ(loop_.run(ledgers_.counters(1, "P.v1.r1", channel::web)).value().at("read"), 1);
    expect_counters_agree();
}

TEST_F(store_test, a_receipt_finds_its_message_whichever_comes_first) {
    messages m(redis_);
    const message_place place{1, "P.v1.r1", channel::sms, 9, 1, 1};
    EXPECT_TRUE(loop_.run(m.resolve("sms", "aa", "early")).value().empty());
    const std::vector<std::string> early{"early", ""};
    EXPECT_EQ(loop_.run(m.bind("sms", {{"aa", place}, {"bb", place}})).value(), early);
    EXPECT_EQ(loop_.run(m.bind("sms", {{"aa", place}, {"bb", place}})).value(), early)
        << "a lost answer loses no receipt";
    const auto found = loop_.run(m.resolve("sms", "aa", "late")).value();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].position, 9U);
    EXPECT_TRUE(loop_.run(m.resolve("wechat", "aa", "x")).value().empty()) << "ids belong to their gateway";
    // Ids that differ in their last character share a hash, and the empty one is one too.
    auto next = place;
    next.position = 10;
    loop_.run(m.bind("sms", {{"ab", next}, {"", next}, {"a", next}})).value();
    EXPECT_EQ(loop_.run(m.resolve("sms", "aa", "x")).value().front().position, 9U);
    EXPECT_EQ(loop_.run(m.resolve("sms", "ab", "x")).value().front().position, 10U);
    EXPECT_EQ(loop_.run(m.resolve("sms", "", "x")).value().size(), 1U);
    EXPECT_EQ(loop_.run(m.resolve("sms", "a", "x")).value().size(), 1U);
    EXPECT_TRUE(loop_.run(m.resolve("sms", "ac", "x")).value().empty());
    // What is read back from the log comes campaign by campaign, perhaps while it stands already.
    auto other = place;
    other.campaign = "Q.v1.r1";
    loop_.run(m.bind("sms", {{"q1", place}, {"q1", other}})).value();
    for (int twice = 0; twice < 2; ++twice) {
        loop_.run(m.bind_also("sms", {{"q1", other}, {"q2", place}})).value();
        loop_.run(m.bind_also("sms", {{"q1", place}, {"q2", other}})).value();
        for (const char* id : {"q1", "q2"}) {
            const auto both = loop_.run(m.resolve("sms", id, "x")).value();
            ASSERT_EQ(both.size(), 2U) << id;
            EXPECT_NE(both[0].campaign, both[1].campaign) << id;
        }
    }
    const auto left = loop_.run(redis_.command({"TTL", keys::messages("sms", "aa")})).value().integer;
    EXPECT_GT(left, receipts_kept.count() - 60);
}

TEST_F(store_test, a_service_starts_with_the_key_and_the_layout_that_are_there) {
    const auto with = [&](char digit) {
        return crypto::sealer::from_hex_key(std::string(64, digit)).value();
    };
    const auto ours = with('a'), other = with('b');
    EXPECT_EQ(loop_.run(check_key(redis_, ours)).error().code, errc::not_found);
    ASSERT_TRUE(loop_.run(claim_key(redis_, ours)));
    ASSERT_TRUE(loop_.run(claim_key(redis_, ours)));
    EXPECT_EQ(loop_.run(claim_key(redis_, other)).error().code, errc::conflict);
    // As docs/operations.md says to do where the key is lost.
    loop_.run(redis_.command({"DEL", keys::contact_key_check()})).value();
    ASSERT_TRUE(loop_.run(claim_key(redis_, other)));
    EXPECT_EQ(loop_.run(check_key(redis_, ours)).error().code, errc::conflict);
    for (const char* layout : {"1", ""}) { // of before there was one, too
        if (*layout == '\0')
            loop_.run(redis_.command({"DEL", keys::layout()})).value();
        else
            loop_.run(redis_.command({"SET", keys::layout(), layout})).value();
        const auto refused = loop_.run(claim_key(redis_, other));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::conflict);
        EXPECT_NE(refused.error().what.find("lays its data out"), std::string::npos) << refused.error().what;
    }
}

TEST_F(store_test, a_long_message_is_delivered_when_every_part_is) {
    const message_place second{1, "P.v1.r1", channel::sms, 0, 2, 2},
        first{1, "P.v1.r1", channel::sms, 0, 1, 2};
    EXPECT_EQ(loop_.run(messages(redis_).parts_delivered({second})).value(), std::vector<bool>{false});
    EXPECT_EQ(loop_.run(messages(redis_).parts_delivered({second})).value(), std::vector<bool>{false})
        << "the same part twice";
    EXPECT_EQ(loop_.run(messages(redis_).parts_delivered({first})).value(), std::vector<bool>{true});
    EXPECT_TRUE(loop_.run(messages(redis_).parts_delivered({})).value().empty());
}

TEST_F(store_test, profiles_keep_their_ordinal_and_hide_their_contacts) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    profiles p(redis_, sealer, shards);
    profile row;
    row.id = "R00000000000000001";
    row.type = subject_type::resident;
    row.name = "合成·甲";
    row.contacts = {{"本人", "19900000001", "oABCDEF"}};
    profile other = row;
    other.id = "R00000000000000002";
    const int shard = shard_of(row.id, shards);
    EXPECT_EQ(loop_.run(p.put(shard, {row, other}, 5)).value(), (std::vector<std::uint32_t>{0, 1}));
    row.name = "合成·乙";
    EXPECT_EQ(loop_.run(p.put(shard, {row}, 6)).value(), std::vector<std::uint32_t>{0});
    const auto back = loop_.run(p.get(row.id)).value();
    EXPECT_EQ(back.subject.name, "合成·乙");
    EXPECT_EQ(back.subject.contacts, row.contacts);
    EXPECT_EQ(back.ordinal, 0U);
    const auto raw = loop_.run(redis_.command({"HGET", keys::profiles(shard, row.id), row.id})).value().text;
    EXPECT_EQ(raw.find("1990000"), std::string::npos);
    EXPECT_EQ(raw.find("oABC"), std::string::npos);
    EXPECT_EQ(loop_.run(p.applied_offsets()).value()[static_cast<std::size_t>(shard)], 6);
    loop_.run(p.put(shard, {row}, 3)).value();
    EXPECT_EQ(loop_.run(p.applied_offsets()).value()[static_cast<std::size_t>(shard)], 6) << "never falls";
    const auto loaded = loop_.run(p.load(shard)).value();
    ASSERT_EQ(loaded.size(), 2U);
    EXPECT_EQ(loaded[1].id, other.id);
    EXPECT_EQ(unpack_profile(loaded[1].packed)->ordinal, 1U);
    EXPECT_EQ(unpack_profile(loaded[1].packed)->reachable, reachable_by::phone | reachable_by::openid);
    EXPECT_EQ(loop_.run(p.load_packed(shard)).value().size(), 2U);
    EXPECT_EQ(loop_.run(p.count()).value(), 2);
    const auto nobody = loop_.run(p.get("R99"));
    EXPECT_EQ(nobody.error().code, errc::not_found);
}

std::vector<profile> rows_of_shard(int shard, int count, const char* name = "合成") {
    std::vector<profile> rows;
    for (int i = 0; rows.size() < static_cast<std::size_t>(count); ++i) {
        profile row;
        row.id = "R" + std::to_string(i);
        row.name = name;
        if (shard_of(row.id, shards) == shard) rows.push_back(row);
    }
    return rows;
}

TEST_F(store_test, an_owner_that_lost_the_shard_overwrites_nothing) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    profiles p(redis_, sealer, shards);
    const auto now = rows_of_shard(1, 3, "合成·今"), before = rows_of_shard(1, 3, "合成·昔");
    EXPECT_EQ(loop_.run(p.place(1)).value().lineage, "");
    EXPECT_EQ(loop_.run(p.put(1, {now[0], now[1]}, 8)).value(), (std::vector<std::uint32_t>{0, 1}));
    const auto place = loop_.run(p.place(1)).value();
    EXPECT_EQ(place.applied_offset, 8);
    EXPECT_EQ(place.lineage.size(), 16U);
    for (const std::int64_t passed : {8, 3})
        EXPECT_EQ(loop_.run(p.put(1, {before[1], before[0]}, passed)).value(),
                  (std::vector<std::uint32_t>{1, 0}));
    EXPECT_EQ(loop_.run(p.get(now[0].id)).value().subject.name, "合成·今");
    EXPECT_EQ(loop_.run(p.place(1)).value().applied_offset, 8);
    EXPECT_EQ(loop_.run(p.put(1, {now[2]}, 9)).value(), std::vector<std::uint32_t>{2});
    EXPECT_EQ(loop_.run(p.place(1)).value().lineage, place.lineage) << "drawn once";
    EXPECT_EQ(loop_.run(p.count()).value(), 3);
}

TEST_F(store_test, ordinals_and_ids_are_found_by_one_another) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    profiles p(redis_, sealer, shards);
    const auto rows = rows_of_shard(2, 300);
    std::vector<std::uint32_t> all;
    std::vector<std::string> ids;
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        all.push_back(i);
        ids.push_back(rows[i].id);
        loop_.run(p.put(2, {rows[i]}, i + 1)).value(); // one at a time: the ids grow in steps
    }
    EXPECT_EQ(loop_.run(p.ids(2, all)).value(), ids);
    EXPECT_EQ(loop_.run(p.ids(2, {7, 300, 100000})).value(), (std::vector<std::string>{ids[7], "", ""}));
    using found = std::vector<std::optional<std::uint32_t>>;
    EXPECT_EQ(loop_.run(p.ordinals(2, {ids[299], "nobody", ids[0]})).value(), (found{299, std::nullopt, 0}));
    EXPECT_TRUE(loop_.run(p.ordinals(2, {})).value().empty());
    EXPECT_EQ(loop_.run(p.count()).value(), 300);
    const auto loaded = loop_.run(p.load(2)).value();
    ASSERT_EQ(loaded.size(), 300U);
    for (std::size_t i = 0; i < loaded.size(); ++i) EXPECT_EQ(loaded[i].id, ids[i]);
    EXPECT_LT(loop_.run(redis_.command({"STRLEN", keys::ids(2)})).value().integer, 300 * 24 * 9 / 8 + 24);
}

TEST_F(store_test, opt_outs_are_bits_by_ordinal_too) {
    const auto sealer = crypto::sealer::from_hex_key(std::string(64, '7')).value();
    profiles p(redis_, sealer, shards);
    consents c(redis_);
    const auto rows = rows_of_shard(3, 20);
    const auto out = [&](std::size_t ordinal) {
        const auto bits = loop_.run(c.opted_out_bits({0, 3})).value();
        EXPECT_EQ(bits.size(), 2U);
        EXPECT_EQ(bits[0], "");
        return ordinal / 8 < bits[1].size() &&
               (static_cast<unsigned char>(bits[1][ordinal / 8]) >> (7 - ordinal % 8) & 1) != 0;
    };
    loop_.run(c.opt_out(3, rows[13].id)).value(); // before there is a profile
    EXPECT_FALSE(out(0));
    loop_.run(p.put(3, rows, 20)).value();
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(out(i), i == 13) << i;
    loop_.run(c.opt_out(3, rows[9].id)).value();
    EXPECT_TRUE(out(9) && out(13) && !out(8));
    EXPECT_TRUE(loop_.run(c.opted_out(3, rows[9].id)).value());
    loop_.run(c.opt_in(3, rows[13].id)).value();
    EXPECT_TRUE(out(9) && !out(13));
    EXPECT_FALSE(loop_.run(c.opted_out(3, rows[13].id)).value());
    loop_.run(p.put(3, {rows[9]}, 21)).value();
    EXPECT_TRUE(out(9)) << "a profile that changes keeps its bit";
}

TEST_F(store_test, the_highest_version_of_a_policy_wins_and_every_version_can_be_read) {
    policies store(redis_);
    policy p;
    p.id = "P";
    p.version = 2;
    p.disclosure = "主动公开";
    loop_.run(store.put(p, json{{"v", 2}}, 100, true)).value();
    p.version = 1;
    loop_.run(store.put(p, json{{"v", 1}}, 200, true)).value();
    EXPECT_EQ(loop_.run(store.get("P")).value().version, 2);
    EXPECT_EQ(loop_.run(store.get_version("P", 1)).value()["v"].get<int>(), 1);
    EXPECT_EQ(loop_.run(store.get_version("P", 3)).error().code, errc::not_found);
    EXPECT_EQ(loop_.run(store.list(10)).value().size(), 1U);
    EXPECT_EQ(loop_.run(store.get("Q")).error().code, errc::not_found);
}

TEST_F(store_test, verify_names_what_does_not_agree) {
    freeze(3);
    expect_counters_agree();
    loop_.run(redis_.command({"HINCRBY", keys::counters(1, "P.v1.r1", channel::sms), "s0", "1"})).value();
    const auto report = loop_.run(check_ledger(redis_, shards)).value();
    ASSERT_EQ(report.errors.size(), 1U);
    EXPECT_EQ(report.errors[0].where, "P.v1.r1/sms/shard 1");
    loop_.run(redis_.command({"APPEND", keys::ledger(1, "P.v1.r1", channel::web), std::string(16, '\0')}))
        .value();
    EXPECT_GE(loop_.run(check_ledger(redis_, shards)).value().errors.size(), 2U);
}

TEST_F(store_test, verify_counts_reasons_too) {
    freeze(3);
    record r;
    r.now = state::suppressed;
    r.why = zhida::ledger::reason::no_contact;
    loop_.run(ledgers_.apply(1, "P.v1.r1", channel::sms, {{0, r}})).value();
    expect_counters_agree();
    loop_.run(redis_.command({"HINCRBY", keys::counters(1, "P.v1.r1", channel::sms), "w8:2", "1"})).value();
    const auto report = loop_.run(check_ledger(redis_, shards)).value();
    ASSERT_EQ(report.errors.size(), 1U);
    EXPECT_NE(report.errors[0].what.find("8:2"), std::string::npos);
}

TEST_F(store_test, progress_sums_the_shards) {
    freeze(10);
    loop_.run(ledgers_.freeze(2, "P.v1.r1", {channel::web, channel::sms}, members(4), {{"0:eligible", 4}}))
        .value();
    expect_counters_agree();
    const auto p = loop_.run(campaigns_.progress("P.v1.r1", 1)).value();
    EXPECT_EQ(p.audience, 14);
    ASSERT_EQ(p.channels.size(), 2U);
    EXPECT_EQ(p.channels[1].matched(), 14);
    EXPECT_EQ(p.items[0].eligible, 14);
}

TEST_F(store_test, each_process_tells_its_own_of_a_gateway) {
    using std::chrono::seconds;
    gateway_states states(redis_);
    const auto get = [&] { return loop_.run(states.get("sms")).value(); };
    EXPECT_TRUE(get().empty());
    for (const char* process : {"b", "a"})
        loop_.run(states.put("sms", process, {{"of", process}}, seconds(60))).value();
    loop_.run(states.put("other", "a", json::object(), seconds(60))).value();
    EXPECT_EQ(get(), (std::vector<json>{{{"of", "a"}}, {{"of", "b"}}}));
    loop_.run(states.put("sms", "b", {{"of", "b, later"}}, seconds(60))).value();
    EXPECT_EQ(get().back(), (json{{"of", "b, later"}}));
    loop_.run(states.forget("sms", "a")).value();
    EXPECT_EQ(get().size(), 1U);

    // One that says nothing more is not told, and goes when another writes.
    loop_.run(states.put("sms", "dead", json::object(), seconds(0))).value();
    EXPECT_EQ(get().size(), 1U);
    const auto fields = [&] {
        return loop_.run(redis_.command({"HLEN", keys::gateway_states("sms")})).value().integer;
    };
    EXPECT_EQ(fields(), 2);
    loop_.run(states.put("sms", "b", json::object(), seconds(1))).value();
    EXPECT_EQ(fields(), 1);
    EXPECT_GT(loop_.run(redis_.command({"PTTL", keys::gateway_states("sms")})).value().integer, 1000)
        << "the key stays as long as what is kept longest";
}

} // namespace
} // namespace zhida::store
