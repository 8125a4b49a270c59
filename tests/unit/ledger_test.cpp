#include "common/model/campaign.hpp"
#include "common/model/ledger.hpp"
#include "common/store/ledger.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

using namespace zhida;
using namespace zhida::ledger;

namespace rc {
template <>
struct Arbitrary<record> {
    static Gen<record> arbitrary() {
        return gen::build<record>(
            gen::set(&record::now,
                     gen::map(gen::inRange(0, state_count), [](int s) { return static_cast<state>(s); })),
            gen::set(&record::why,
                     gen::element(reason::none, reason::opted_out, reason::rejected, reason::retry_later)),
            gen::set(&record::attempts, gen::inRange<std::uint8_t>(0, 50)),
            gen::set(&record::engaged, gen::inRange<std::uint8_t>(0, 32)),
            gen::set(&record::first_submitted, gen::inRange<std::uint32_t>(0, 3)),
            gen::set(&record::at, gen::arbitrary<std::uint32_t>()),
            gen::set(&record::items, gen::arbitrary<std::uint16_t>()));
    }
};
} // namespace rc

RC_GTEST_PROP(Ledger, RecordsSurviveTheirSixteenBytes, (record r)) {
    const auto bytes = encode(r);
    RC_ASSERT(bytes.size() == record_size);
    RC_ASSERT(decode(bytes.data()) == r);
}

RC_GTEST_PROP(Ledger, MergingTwiceChangesNothing, (record a, record b)) {
    const auto once = merge(a, b);
    RC_ASSERT(merge(once, b) == once);
    RC_ASSERT(merge(once, a) == once);
}

RC_GTEST_PROP(Ledger, NothingLeavesATerminalState, (record a, record b)) {
    a.now = static_cast<state>(*rc::gen::inRange(static_cast<int>(state::delivered), state_count));
    const auto m = merge(a, b);
    RC_ASSERT(m.now == a.now);
    RC_ASSERT(m.why == a.why);
    RC_ASSERT(m.at == a.at);
}

RC_GTEST_PROP(Ledger, RankNeverFallsAndEngagementNeverGoes, (record a, record b)) {
    const auto m = merge(a, b);
    RC_ASSERT(rank(m) >= rank(a));
    RC_ASSERT(rank(m) >= rank(b));
    RC_ASSERT((m.engaged & a.engaged) == a.engaged);
    RC_ASSERT((m.engaged & b.engaged) == b.engaged);
}

RC_GTEST_PROP(Ledger, TheOrderOfEventsOfDifferentRankDoesNotMatter, (record start, record a, record b)) {
    RC_PRE(rank(a) != rank(b) && rank(start) != rank(a) && rank(start) != rank(b));
    const auto one = merge(merge(start, a), b), other = merge(merge(start, b), a);
    RC_ASSERT(one.now == other.now);
    RC_ASSERT(one.at == other.at);
    RC_ASSERT(one.engaged == other.engaged);
}

TEST(Ledger, AReceiptResolvesUnknownAndALateResponseDoesNotRegressIt) {
    record unknown;
    unknown.now = state::unknown;
    record delivered;
    delivered.now = state::delivered;
    EXPECT_EQ(merge(unknown, delivered).now, state::delivered);
    record submitted;
    submitted.now = state::submitted;
    EXPECT_EQ(merge(delivered, submitted).now, state::delivered);
    EXPECT_EQ(merge(unknown, submitted).now, state::unknown);
}

TEST(Ledger, ADeliveryPutBackForAnotherTryOutranksItsClaim) {
    record claim;
    claim.now = state::submitting;
    record back = claim;
    back.now = state::held;
    back.attempts = 1;
    EXPECT_EQ(merge(claim, back).now, state::held);
    record again = back;
    again.now = state::submitting;
    EXPECT_EQ(merge(back, again).now, state::submitting);
    EXPECT_EQ(merge(again, claim).attempts, 1) << "a replay of the first claim changes nothing";
}

TEST(Ledger, EveryReasonHasANameAndAWordForPeople) {
    for (const int value : {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,  15,  16,  32,
                            33, 34, 35, 36, 37, 38, 64, 65, 66, 96, 97, 98, 99, 100, 101, 128, 129}) {
        EXPECT_STRNE(to_string(static_cast<reason>(value)), "other") << value;
        EXPECT_STRNE(label(static_cast<reason>(value)), "其他") << value;
    }
    EXPECT_STREQ(to_string(reason::not_needed), "not_needed");
    EXPECT_STREQ(label(reason::approval), "待审批");
    EXPECT_STREQ(to_string(static_cast<reason>(250)), "other");
}

RC_GTEST_PROP(Ledger, ChangesSurviveTheirBytes, (std::vector<record> records)) {
    std::vector<store::change> changes;
    for (std::size_t i = 0; i < records.size(); ++i)
        changes.push_back({static_cast<std::uint32_t>(i * 7), records[i]});
    const auto back = store::decode_changes(store::encode_changes(changes));
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->size() == changes.size());
    for (std::size_t i = 0; i < changes.size(); ++i) {
        RC_ASSERT((*back)[i].position == changes[i].position);
        RC_ASSERT((*back)[i].to == changes[i].to);
    }
}

TEST(Ledger, ChangesOfAnOddLengthAreRefused) {
    EXPECT_FALSE(store::decode_changes(std::string(21, 'x')).has_value());
}

TEST(Campaign, SurvivesItsJson) {
    campaign c;
    c.id = campaign_id("BS-006", 2, 1);
    c.policy_id = "BS-006";
    c.policy_version = 2;
    c.title = "高企";
    c.issuer = "区科委";
    c.channels = {channel::web, channel::sms};
    c.created_ms = 1'795'000'000'000;
    const auto back = read_campaign(to_json(c));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->id, "BS-006.v2.r1");
    EXPECT_EQ(back->channels, c.channels);
    EXPECT_EQ(back->created_ms, c.created_ms);
    auto broken = to_json(c);
    broken["state"] = "lost";
    EXPECT_FALSE(read_campaign(broken).has_value());
}

TEST(Campaign, TheIdentityHoldsByItsDefinition) {
    channel_progress p;
    for (int s = 0; s < state_count; ++s) p.states[static_cast<std::size_t>(s)] = s + 1;
    const auto of = [&](state s) { return p.states[static_cast<std::size_t>(s)]; };
    EXPECT_EQ(p.matched(), of(state::delivered) + of(state::failed) + of(state::suppressed) +
                               of(state::cancelled) + of(state::expired) + p.pending());
}
