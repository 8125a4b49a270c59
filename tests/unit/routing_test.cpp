// Whose turn it is of channels that follow one another.
#include "services/scheduler/routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <optional>

namespace zhida::scheduler {
namespace {

using ledger::reason;
using ledger::record;
using ledger::state;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t start = 1'795'000'000, hour = 3600, never = UINT32_MAX;

record a(state s, std::uint32_t at = start, reason why = reason::none, std::uint8_t engaged = 0) {
    record r;
    r.now = s;
    r.why = why;
    r.at = at;
    r.engaged = engaged;
    if (s == state::submitted || s == state::submitting) r.first_submitted = at;
    return r;
}
record waiting() {
    return a(state::held, 0, reason::waiting_turn);
}
std::vector<channel_turn> of(const channel_turns& t, std::size_t n) {
    return {t.of.begin(), t.of.begin() + static_cast<std::ptrdiff_t>(n)};
}
std::vector<channel_turn> after(const record& first, const routing_facts& f) {
    const std::array<record, 3> row{first, waiting(), waiting()};
    return of(whose_turn(row, f), 3);
}

constexpr auto none = channel_turn::none, wait = channel_turn::wait, release = channel_turn::release,
               suppress = channel_turn::suppress;

TEST(routing, begins_with_the_first_channel) {
    const std::array<record, 3> row{waiting(), waiting(), waiting()};
    const auto t = whose_turn(row, {start, 0, 24});
    EXPECT_THAT(of(t, 3), ElementsAre(release, wait, wait));
    EXPECT_EQ(t.next, never);
    EXPECT_EQ(whose_turn(row, {start, start + 9, 24}).next, start + 9) << "it may expire before it is sent";
}

TEST(routing, the_next_has_its_turn_when_one_failed) {
    for (const auto& failed :
         {a(state::failed, start, reason::bad_number), a(state::suppressed, start, reason::no_contact),
          a(state::suppressed, start, reason::capped), a(state::expired)})
        EXPECT_THAT(after(failed, {start, 0, 0}), ElementsAre(none, release, wait)) << to_string(failed.why);
}

TEST(routing, nobody_has_a_turn_while_one_is_being_sent) {
    for (const auto& busy :
         {a(state::queued), a(state::submitting), a(state::held, start + 1, reason::retry_later),
          a(state::held, start, reason::waiting_turn)})
        EXPECT_THAT(after(busy, {start + 1000 * hour, 0, 1}), ElementsAre(none, wait, wait));
}

TEST(routing, an_unread_message_waits_its_hours) {
    for (const auto s : {state::submitted, state::unknown, state::delivered}) {
        EXPECT_THAT(after(a(s), {start + 24 * hour - 1, 0, 24}), ElementsAre(none, wait, wait))
            << to_string(s);
        EXPECT_THAT(after(a(s), {start + 24 * hour, 0, 24}), ElementsAre(none, release, wait))
            << to_string(s);
        const std::array<record, 2> row{a(s), waiting()};
        EXPECT_EQ(whose_turn(row, {start, 0, 24}).next, start + 24 * hour);
    }
    EXPECT_THAT(after(a(state::suppressed, start, reason::merged), {start + 1, 0, 24}),
                ElementsAre(none, wait, wait));
}

TEST(routing, one_that_was_opened_makes_the_others_needless) {
    const auto read = a(state::delivered, start, reason::none, ledger::engagement::read);
    EXPECT_THAT(after(read, {start, 0, 24}), ElementsAre(none, suppress, suppress));
    EXPECT_THAT(after(a(state::delivered, start, reason::none, ledger::engagement::seen), {start, 0, 24}),
                ElementsAre(none, wait, wait))
        << "a line in a list is not yet a policy read";
    const std::array<record, 3> late{read, a(state::failed), waiting()};
    EXPECT_THAT(of(whose_turn(late, {start, start, 24}), 3), ElementsAre(none, none, suppress));
}

TEST(routing, without_hours_only_a_failure_gives_the_next_its_turn) {
    EXPECT_THAT(after(a(state::delivered), {start, 0, 0}), ElementsAre(none, suppress, suppress));
    for (const auto s : {state::submitted, state::unknown}) {
        EXPECT_THAT(after(a(s), {start + 71 * hour, 0, 0}), ElementsAre(none, wait, wait));
        EXPECT_THAT(after(a(s), {start + 72 * hour, 0, 0}), ElementsAre(none, suppress, suppress));
    }
}

TEST(routing, what_ends_the_campaign_ends_the_wait) {
    EXPECT_THAT(after(a(state::submitted), {start + 1, start + 1, 24}),
                ElementsAre(none, channel_turn::expire, channel_turn::expire));
    EXPECT_THAT(after(a(state::queued), {start + 1, start + 1, 24}),
                ElementsAre(none, channel_turn::expire, channel_turn::expire));
    EXPECT_THAT(after(a(state::cancelled), {start, 0, 24}),
                ElementsAre(none, channel_turn::cancel, channel_turn::cancel));
}

TEST(routing, a_record_follows_by_the_lattice) {
    for (const auto t : {release, suppress, channel_turn::expire, channel_turn::cancel}) {
        const auto to = after_turn(waiting(), t, start);
        EXPECT_EQ(merge(waiting(), to), to) << static_cast<int>(t);
        EXPECT_FALSE(waits_its_turn(to));
    }
    EXPECT_EQ(after_turn(waiting(), release, start).now, state::held);
    EXPECT_EQ(after_turn(waiting(), suppress, start).why, reason::not_needed);
    EXPECT_EQ(after_turn(waiting(), wait, start), waiting());
    EXPECT_FALSE(waits_its_turn(after_turn(waiting(), release, 0)));
}

TEST(routing, a_preferred_order_has_the_others_behind_it) {
    const std::array<channel, 3> all{channel::web, channel::sms, channel::wechat};
    const std::array<channel, 2> wish{channel::wechat, channel::web};
    EXPECT_THAT(order_of(all, wish), ElementsAre(2, 0, 1));
    EXPECT_THAT(order_of(all, {}), ElementsAre(0, 1, 2));
    const std::array<channel, 2> two{channel::sms, channel::web};
    EXPECT_THAT(order_of(two, wish), ElementsAre(1, 0, 2));
    EXPECT_THAT(order_of(two, std::array<channel, 3>{channel::web, channel::web, channel::web}),
                ElementsAre(1, 0, 2));
}

std::string bytes(const std::vector<record>& records) {
    std::string out;
    for (const auto& r : records) out += encode(r);
    return out;
}

TEST(routing, of_arrays_names_what_changes) {
    const auto web = bytes({waiting(), a(state::failed), a(state::delivered), waiting()});
    const auto sms = bytes({waiting(), waiting(), waiting(), waiting()});
    const std::array<std::string_view, 2> ledgers{web, sms};
    const auto r = route(ledgers, {start, 0, 24}, {{3, channel_order{1, 0, 2}}, {9, channel_order{1, 0, 2}}});
    const auto released = after_turn(waiting(), release, start);
    EXPECT_THAT(r.changes[0], ElementsAre(routed_record{0, released}));
    EXPECT_THAT(r.changes[1], ElementsAre(routed_record{1, released}, routed_record{3, released}));
    EXPECT_EQ(r.next, start + 24 * hour);
    EXPECT_THAT(route({}, {start, 0, 0}).changes, IsEmpty());
}

// ---- every combination

std::vector<record> all_records() {
    std::vector<record> out{waiting(), after_turn(waiting(), release, start)};
    for (int s = 0; s < ledger::state_count; ++s)
        for (const auto why : {reason::none, reason::not_needed, reason::merged, reason::no_contact})
            for (const std::uint8_t engaged : {0, 1, 2})
                for (const std::uint32_t at : {start - 100 * hour, start - hour, start})
                    if (why == reason::none || s == static_cast<int>(state::suppressed))
                        out.push_back(a(static_cast<state>(s), at, why, engaged));
    return out;
}
bool being_sent(const record& r) {
    return !waits_its_turn(r) &&
           (r.now == state::queued || r.now == state::held || r.now == state::submitting);
}

TEST(routing, never_sends_on_two_channels_at_once) {
    const auto all = all_records();
    for (const auto& x : all)
        for (const auto& y : all)
            for (const int hours : {0, 2})
                for (const std::uint32_t expires : {0U, start, start + hour}) {
                    const std::array<record, 3> row{x, y, waiting()};
                    const routing_facts f{start, expires, hours};
                    const auto t = whose_turn(row, f);
                    int before = 0, released = 0;
                    bool read = false;
                    for (std::size_t i = 0; i < row.size(); ++i) {
                        before += being_sent(row[i]) ? 1 : 0;
                        released += t.of[i] == release ? 1 : 0;
                        read = read || (row[i].engaged & ledger::engagement::read) != 0;
                        ASSERT_EQ(t.of[i] == none, !waits_its_turn(row[i])) << "only those that wait";
                    }
                    ASSERT_LE(released, before == 0 ? 1 : 0);
                    if (expires == start || read) {
                        ASSERT_EQ(released, 0);
                        ASSERT_NE(t.of[2], wait) << "nothing waits beyond the end";
                    }
                    if (t.of[2] == wait && before == 0 && released == 0) {
                        ASSERT_GT(t.next, start) << "something must wake it";
                        ASSERT_LT(t.next, never);
                    }
                    ASSERT_TRUE(t.next > start || t.next == never);
                }
}

// A gateway that does as it likes, for as long as it likes: at most one channel is being sent at any time,
// and everything ends.
RC_GTEST_PROP(routing, every_path_ends, ()) {
    const int hours = *rc::gen::element(0, 1, 24, 720);
    const std::uint32_t expires = *rc::gen::element(0U, start + 10 * hour, start + 100 * hour);
    const auto order =
        *rc::gen::element(channel_order{0, 1, 2}, channel_order{2, 0, 1}, channel_order{1, 2, 0});
    std::array<std::vector<record>, 3> rows;
    for (auto& r : rows) r = {waiting()};
    std::uint32_t now = start;
    int events = 0;
    for (int step = 0; step < 60; ++step) {
        std::array<std::string, 3> held;
        std::array<std::string_view, 3> ledgers;
        for (std::size_t c = 0; c < 3; ++c) ledgers[c] = held[c] = bytes(rows[c]);
        const auto r = route(ledgers, {now, expires, hours}, {{0, order}});
        for (std::size_t c = 0; c < 3; ++c)
            for (const auto& change : r.changes[c]) rows[c][0] = merge(rows[c][0], change.to);
        std::optional<std::size_t> sending;
        bool any_waits = false;
        for (std::size_t c = 0; c < 3; ++c) {
            any_waits = any_waits || waits_its_turn(rows[c][0]);
            if (!being_sent(rows[c][0])) continue;
            RC_ASSERT(!sending);
            sending = c;
        }
        if (!any_waits) {
            RC_SUCCEED("nothing waits any more");
            return;
        }
        if (sending) { // what the dispatcher and the gateway make of it
            const auto to = *rc::gen::element(state::submitted, state::unknown, state::delivered,
                                              state::failed, state::suppressed);
            rows[*sending][0] = a(to, now, to == state::suppressed ? reason::capped : reason::none);
            now += hour;
        } else if (events < 20 && *rc::gen::inRange(0, 3) == 0) { // somebody reads it, or a receipt comes
            const auto c = *rc::gen::inRange<std::size_t>(0, 3);
            auto& one = rows[c][0];
            if (one.now == state::submitted || one.now == state::unknown)
                one = a(*rc::gen::element(state::delivered, state::failed), now);
            else if (one.now == state::delivered)
                one.engaged |= *rc::gen::element(ledger::engagement::seen, ledger::engagement::read);
            ++events;
            now += hour;
        } else {
            RC_ASSERT(r.next > now && r.next < never);
            now = r.next;
        }
    }
    RC_FAIL("something still waits");
}

} // namespace
} // namespace zhida::scheduler
