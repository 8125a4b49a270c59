// When a message about a policy makes no sense any more, and that nothing goes out from then on.
#include "common/model/deadline.hpp"
#include "services/dispatcher/decide.hpp"
#include "services/matcher/first_round.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <stdexcept>

namespace zhida {
namespace {

std::int32_t day(const char* text) {
    std::int32_t out = 0;
    if (!parse_date(text, out)) throw std::logic_error(text);
    return out;
}
policy_item item_until(std::optional<std::int32_t> end) {
    policy_item item;
    item.window.end = end;
    return item;
}
policy with(std::vector<policy_item> items, std::optional<std::int32_t> valid_until = std::nullopt) {
    policy p;
    p.id = "P";
    p.issuer = "区科委";
    p.disclosure = "主动公开";
    p.items = std::move(items);
    p.valid.end = valid_until;
    return p;
}

TEST(expiry, is_the_midnight_after_the_last_day_on_which_anything_can_be_claimed) {
    wall_time midnight;
    ASSERT_TRUE(parse_rfc3339("2026-12-06T00:00:00+08:00", midnight));
    const auto december = day("2026-12-05"), june = day("2027-06-30");
    EXPECT_EQ(expiry_ms_of(with({item_until(december)})), midnight.time_since_epoch().count());
    EXPECT_EQ(last_day_of(with({item_until(december), item_until(june)})), june) << "the later of two items";
    EXPECT_EQ(last_day_of(with({item_until(june)}, december)), december) << "validity ends first";
    EXPECT_EQ(last_day_of(with({item_until(std::nullopt)}, december)), december);
    EXPECT_EQ(last_day_of(with({item_until(december), item_until(std::nullopt)})), std::nullopt);
    EXPECT_EQ(expiry_ms_of(with({item_until(std::nullopt)})), 0) << "no end is stated";
}

TEST(expiry, of_stages_is_the_end_of_the_last) {
    auto item = item_until(day("2026-01-01")); // stages say it better
    item.window.stages = {{"第一批", std::nullopt, day("2026-03-31")},
                          {"第二批", std::nullopt, day("2026-09-30")}};
    EXPECT_EQ(last_day_of(with({item})), day("2026-09-30"));
    item.window.stages[0].end.reset();
    EXPECT_EQ(last_day_of(with({item})), std::nullopt);
}

// Who stands is told; who does not is not: one rule said in two ways.
RC_GTEST_PROP(expiry, agrees_with_what_stands, ()) {
    const auto some_day = [] {
        return *rc::gen::inRange(0, 3) ? std::optional<std::int32_t>(*rc::gen::inRange(0, 20)) : std::nullopt;
    };
    const auto window = [&](auto& w) {
        w.start = some_day();
        w.end = some_day();
        if (w.start && w.end && *w.end < *w.start) std::swap(w.start, w.end);
    };
    auto p = with({});
    window(p.valid);
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
        auto& item = p.items.emplace_back();
        window(item.window);
        for (int k = *rc::gen::inRange(0, 3); k > 0; --k) window(item.window.stages.emplace_back());
    }
    const auto last = last_day_of(p);
    for (int d = -1; d < 23; ++d) {
        const bool any = std::any_of(p.items.begin(), p.items.end(),
                                     [&](const policy_item& item) { return stands(p, item, d); });
        RC_ASSERT(any == (!last || d <= *last));
    }
}

TEST(expiry, of_its_policy_ends_a_campaign) {
    const auto c = matcher::first_round(with({item_until(day("2026-12-05"))}), "", 5);
    EXPECT_EQ(c.state, campaign_state::draft);
    EXPECT_EQ(c.drafted_by, "区科委");
    profile subject;
    subject.contacts = {{"法人", "19900000001", ""}};
    dispatcher::facts f;
    f.via = channel::sms;
    f.subject = &subject;
    f.expires = static_cast<std::uint32_t>(c.expires_ms / 1000);
    f.now = f.expires - 1;
    EXPECT_EQ(dispatcher::decide(f, {}).what, dispatcher::decision::kind::send);
    f.now = f.expires;
    EXPECT_EQ(dispatcher::decide(f, {}).to.now, ledger::state::expired);
}

} // namespace
} // namespace zhida
