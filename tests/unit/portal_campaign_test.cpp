// Funnel arithmetic: what is counted, what is warned of, what is drawn.
#include "services/portal/campaign_document.hpp"
#include "services/portal/package_document.hpp"
#include "services/portal/views.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::portal {
namespace {

using ledger::state;

store::campaign_progress progress(std::int64_t audience,
                                  std::initializer_list<std::pair<state, std::int64_t>> counts,
                                  channel via = channel::sms) {
    store::campaign_progress p;
    p.about.id = "P-1.v1.r1";
    p.about.policy_id = "P-1";
    p.about.title = "t";
    p.about.issuer = "i";
    p.audience = audience;
    channel_progress c;
    c.via = via;
    for (const auto& [s, n] : counts) c.states[static_cast<std::size_t>(s)] = n;
    p.channels.push_back(c);
    return p;
}

TEST(portal_campaign, failure_rate_counts_only_what_has_an_outcome) {
    EXPECT_FALSE(failure_rate(progress(5, {{state::queued, 5}}).channels[0].states));
    EXPECT_DOUBLE_EQ(
        *failure_rate(progress(100, {{state::delivered, 97}, {state::failed, 3}}).channels[0].states), 0.03);
    EXPECT_DOUBLE_EQ(
        *failure_rate(
            progress(9, {{state::unknown, 3}, {state::failed, 1}, {state::delivered, 3}}).channels[0].states),
        0.25);
}

TEST(portal_campaign, warns_above_three_per_cent_and_not_at_it) {
    const auto at = campaign_document(progress(100, {{state::delivered, 97}, {state::failed, 3}}));
    EXPECT_FALSE(at.at("channels")[0].at("failure_warning").get<bool>());
    const auto above = campaign_document(progress(100, {{state::delivered, 96}, {state::failed, 4}}));
    EXPECT_TRUE(above.at("channels")[0].at("failure_warning").get<bool>());
}

TEST(portal_campaign, the_identity_is_checked_against_the_audience) {
    const auto good =
        campaign_document(progress(7, {{state::delivered, 4}, {state::suppressed, 2}, {state::unknown, 1}}));
    EXPECT_TRUE(good.at("identity_holds").get<bool>());
    EXPECT_EQ(good.at("channels")[0].at("pending"), 1);
    const auto bad = campaign_document(progress(8, {{state::delivered, 4}, {state::suppressed, 2}}));
    EXPECT_FALSE(bad.at("identity_holds").get<bool>());
    EXPECT_EQ(bad.at("channels")[0].at("imbalance"), -2);
    EXPECT_EQ(campaign_view(bad, language::zh).at("channels")[0].at("identity_text"), "账目不符：差 -2");
}

TEST(portal_campaign, sums_do_not_let_errors_cancel_out) {
    const auto t = sum({progress(5, {{state::delivered, 6}}), progress(5, {{state::delivered, 4}}),
                        progress(2, {{state::failed, 2}}, channel::wechat)});
    EXPECT_EQ(t.imbalance, 2);
    EXPECT_EQ(t.campaigns, 3);
    EXPECT_EQ(t.audience, 12);
    EXPECT_EQ(t.channels.at(channel::sms).states[static_cast<std::size_t>(state::delivered)], 10);
    EXPECT_EQ(t.channels.at(channel::wechat).matched(), 2);
}

RC_GTEST_PROP(portal_campaign_properties, the_bar_is_filled_and_shows_whatever_is_there, ()) {
    auto p = progress(0, {});
    std::int64_t total = 0;
    for (auto& n : p.channels[0].states) {
        n = *rc::gen::weightedOneOf<std::int64_t>({{3, rc::gen::just<std::int64_t>(0)},
                                                   {1, rc::gen::inRange<std::int64_t>(0, 3)},
                                                   {1, rc::gen::inRange<std::int64_t>(0, 2'000'000)}});
        total += n;
    }
    p.audience = total;
    const auto bar = campaign_view(campaign_document(p), language::zh).at("channels")[0].at("bar");
    RC_ASSERT(bar.empty() == (total == 0));
    int end = 0;
    std::set<std::string> kinds;
    for (const auto& part : bar) {
        RC_ASSERT(std::stoi(part.at("x").get<std::string>()) == end);
        const int width = std::stoi(part.at("w").get<std::string>());
        RC_ASSERT(width >= 4);
        end += width;
        kinds.insert(part.at("kind").get<std::string>());
    }
    RC_ASSERT(end == (total == 0 ? 0 : 1000));
    const auto failed = p.channels[0].states[static_cast<std::size_t>(state::failed)];
    if (failed > 0) RC_ASSERT(kinds.contains("failed"));
}

} // namespace
} // namespace zhida::portal
