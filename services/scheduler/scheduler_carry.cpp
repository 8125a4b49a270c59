#include "services/scheduler/scheduler.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/little_endian.hpp"
#include "common/base/log.hpp"
#include "common/model/topics.hpp"
#include "services/dispatch_records.hpp"
#include "services/dispatcher/decide.hpp"
#include "services/scheduler/owed.hpp"
#include "services/scheduler/quiet_override.hpp"
#include "services/scheduler/routing.hpp"

#include <algorithm>

namespace zhida::scheduler {

// What becomes of a campaign that runs, until nothing of it is left.

namespace {

using ledger::reason;
using ledger::state;

constexpr auto due_grace = milliseconds(5000);
constexpr auto look_again_soon = milliseconds(1500);
constexpr int most_doublings = 10; // of the wait before what was handed out in vain is again: 26 minutes
constexpr auto claims_settle_within = milliseconds(60'000);

} // namespace

asio::awaitable<result<std::map<std::uint32_t, channel_order>>> scheduler::preferred_orders(const campaign& c,
                                                                                            int shard) {
    std::map<std::uint32_t, channel_order> found;
    auto orders = co_await consents_.channel_orders(shard);
    if (!orders) co_return orders.error();
    if (orders->empty()) co_return found;
    auto audience = co_await ledgers_.audience_bytes(shard, c.id);
    if (!audience) co_return audience.error();
    std::map<std::uint32_t, std::uint32_t> position_of;
    for (std::uint32_t i = 0; i < audience->size() / 4; ++i)
        position_of[get32(*audience, i * std::size_t{4})] = i;
    for (const auto& [ordinal, order] : *orders)
        if (const auto at = position_of.find(ordinal); at != position_of.end())
            found[at->second] = order_of(c.channels, order);
    co_return found;
}

asio::awaitable<result<void>> scheduler::route_channels(const campaign& c, running& r) {
    constexpr auto between_looks = milliseconds(2000);
    if (c.routing.how != channel_routing::mode::fallback || clock_.steady_now() < r.next_routing)
        co_return result<void>{};
    r.next_routing = clock_.steady_now() + between_looks;
    auto progress = co_await campaigns_.progress_of_shards(c);
    if (!progress) co_return progress.error();
    const auto now = unix_seconds(clock_.now());
    const routing_facts facts{now, static_cast<std::uint32_t>(c.expires_ms / 1000), c.routing.unread_hours};
    const auto chunk = static_cast<std::uint32_t>(config_.dispatch.chunk);
    std::vector<std::pair<int, store::ledgers::due_chunk>> released;
    for (int shard = 0; shard < shards_; ++shard) {
        const bool any_waits = std::any_of(c.channels.begin(), c.channels.end(), [&](channel via) {
            return progress->at({shard, via})[static_cast<std::size_t>(state::held)] > 0;
        });
        if (!any_waits) continue;
        std::vector<std::string> bytes;
        for (const auto via : c.channels) {
            auto read = co_await ledgers_.ledger_bytes(shard, c.id, via);
            if (!read) co_return read.error();
            bytes.push_back(std::move(*read));
        }
        const std::vector<std::string_view> views(bytes.begin(), bytes.end());
        auto preferred = co_await preferred_orders(c, shard);
        if (!preferred) co_return preferred.error();
        const auto turns = route(views, facts, *preferred);
        for (std::size_t i = 0; i < c.channels.size(); ++i) {
            std::vector<store::change> changes;
            std::map<std::uint32_t, std::uint32_t> chunks;
            for (const auto& t : turns.changes[i]) {
                changes.push_back({t.position, t.to});
                const auto first = t.position / chunk * chunk;
                const auto size = static_cast<std::uint32_t>(bytes[i].size() / ledger::record_size);
                if (t.to.now == state::held) chunks[first] = std::min(chunk, size - first);
            }
            if (auto done = co_await write(c, shard, c.channels[i], "route", std::move(changes)); !done)
                co_return done.error();
            for (const auto& [first, count] : chunks)
                released.emplace_back(shard, store::ledgers::due_chunk{c.id, c.channels[i], first, count, 0});
        }
    }
    co_return co_await hand_out(c, std::move(released));
}

asio::awaitable<result<void>> scheduler::remark_override(campaign c) {
    auto changed = remarked(c, campaign_action::override_quiet, the_system(), now_ms(),
                            override_note(c, config_.dispatch));
    auto kept = co_await keep(std::move(changed));
    if (!kept) co_return kept.error();
    quiet_overrides_.Increment();
    log::warn("an emergency goes out in quiet hours", {{"campaign", c.id}, {"approved_by", c.approved_by}});
    known_.insert_or_assign(c.id, std::move(*kept));
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::carry(campaign c) {
    if (overrides_quiet(c, dispatcher::quiet_hours_of(config_.dispatch), clock_.now())) {
        if (auto done = co_await remark_override(c); !done) co_return done.error();
        c = known_.at(c.id);
    }
    auto& r = running_[c.id];
    if (auto routed = co_await route_channels(c, r); !routed) co_return routed.error();
    const auto now = clock_.steady_now();
    if (now < r.next_look) co_return result<void>{};
    r.next_look = now + (r.looked ? milliseconds(config_.dispatch.reconcile_s * 1000) : look_again_soon);
    if (expired(c, now_ms())) {
        ledger::record to;
        to.now = state::expired;
        to.at = unix_seconds(clock_.now());
        if (auto left = co_await end_deliveries(c, to); !left) co_return left.error();
    }
    co_return co_await look_for_work(c, r);
}

// The first look at a campaign hands out all that it owes. Later ones find what nothing carries any more,
// which should be nothing.
asio::awaitable<result<void>> scheduler::look_for_work(const campaign& c, running& r) {
    auto progress = co_await campaigns_.progress_of_shards(c);
    if (!progress) co_return progress.error();
    const auto group = config_.event_log.group;
    const auto look_began = clock_.steady_now();
    bool any_left = false, all_looked = true;
    std::size_t gaps = 0;
    std::vector<running::handed_out*> with_gaps;
    std::vector<std::pair<int, store::ledgers::due_chunk>> now, later;
    for (const auto via : c.channels) {
        auto stored =
            co_await log_->stored_offsets(group + ".dispatch." + to_string(via), topics::dispatch(via));
        if (!stored) co_return stored.error();
        std::vector<std::int64_t> ends;
        for (int shard = 0; shard < shards_; ++shard) {
            const auto& counts = progress->at({shard, via});
            const auto open = counts[0] + counts[1] + counts[2]; // queued, held, submitting
            if (open == 0) continue;
            any_left = true;
            const auto at = static_cast<std::size_t>(shard);
            auto handed = r.handed.find({shard, via});
            // Nothing was handed out by us: whoever did so before us did it before this moment.
            const bool ours = handed != r.handed.end() && handed->second.by_us;
            if (handed == r.handed.end() && !r.begun_by_us) {
                if (ends.empty()) {
                    auto end = co_await log_->end_offsets(topics::dispatch(via));
                    if (!end) co_return end.error();
                    ends = std::move(*end);
                }
                handed = r.handed.emplace(std::pair(shard, via), running::handed_out{ends[at], false}).first;
            }
            if (handed != r.handed.end() && (*stored)[at] < handed->second.before) {
                all_looked = false; // a record in the log may carry it
                continue;
            }
            auto records = co_await ledgers_.ledger_bytes(shard, c.id, via);
            if (!records) co_return records.error();
            // What fell due a moment ago is about to be released by its note.
            const auto work = owed(*records, static_cast<std::uint32_t>(config_.dispatch.chunk),
                                   unix_seconds(clock_.now() - due_grace));
            for (const auto& [w, at_s] : work.later)
                later.emplace_back(shard, store::ledgers::due_chunk{c.id, via, w.first, w.count, at_s});
            if (ours && work.now.empty()) handed->second.in_vain = 0;
            if (ours && !work.now.empty()) {
                // What is buried whenever it is handed out shall not fill the dead letters.
                if (look_began < handed->second.gaps_wait_until) continue;
                with_gaps.push_back(&handed->second);
                gaps += work.now.size();
            }
            for (const auto& w : work.now)
                now.emplace_back(shard, store::ledgers::due_chunk{c.id, via, w.first, w.count, 0});
        }
    }
    for (const auto& [shard, chunk] : later)
        if (auto noted = co_await ledgers_.put_due(shard, chunk, true); !noted) co_return noted.error();
    r.looked = all_looked && now.empty(); // until then it is looked at often, so that its end is seen
    if (auto handed = co_await hand_out(c, std::move(now)); !handed) co_return handed.error();
    for (auto* out : with_gaps)
        out->gaps_wait_until =
            look_began + (look_again_soon * (1 << std::min(out->in_vain++, most_doublings)));
    if (gaps > 0) {
        gaps_.Increment(static_cast<double>(gaps));
        log::error("work that no record carried is handed out again",
                   {{"campaign", c.id}, {"chunks", gaps}, {"fix", "docs/operations.md"}});
    }
    if (any_left) co_return result<void>{};
    // A Redis that came back empty has the campaign again before its deliveries: nothing is left only where
    // every shard has its audience.
    auto frozen = co_await ledgers_.frozen(c.id, shards_);
    if (!frozen) co_return frozen.error();
    if (!frozen->missing.empty()) {
        r.looked = false; // soon again
        co_return result<void>{};
    }
    auto over = apply(c, campaign_action::finish, the_system(), now_ms());
    if (!over) co_return over.error();
    auto changed = co_await keep(std::move(*over));
    if (!changed) co_return changed.error();
    log::info("campaign finished", {{"campaign", c.id}});
    news_.finished(*changed);
    co_return co_await campaigns_.close(c.id);
}

asio::awaitable<result<void>>
scheduler::hand_out(const campaign& c, std::vector<std::pair<int, store::ledgers::due_chunk>> chunks) {
    if (chunks.empty()) co_return result<void>{};
    std::vector<io::log_message> messages;
    messages.reserve(chunks.size());
    for (const auto& [shard, chunk] : chunks)
        messages.push_back(
            dispatch_message({c.id, shard, chunk.via, chunk.first, chunk.count, c.urgency}, clock_.now()));
    ZHIDA_FAILPOINT("release.before");
    auto appended = co_await log_->append_all(std::move(messages));
    if (!appended) co_return appended.error();
    ZHIDA_FAILPOINT("release.after");
    auto& handed = running_[c.id].handed;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        auto& out = handed[{chunks[i].first, chunks[i].second.via}];
        out.before = std::max(out.before, (*appended)[i] + 1);
        out.by_us = true;
    }
    handed_out_.Increment(static_cast<double>(chunks.size()));
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::release_due() {
    auto due = co_await ledgers_.due_until(shards_, unix_seconds(clock_.now()));
    if (!due) co_return due.error();
    if (due->empty()) co_return result<void>{};
    std::map<std::string, std::vector<std::pair<int, store::ledgers::due_chunk>>> by_campaign;
    for (const auto& d : *due) by_campaign[d.second.campaign].push_back(d);
    for (auto& [id, chunks] : by_campaign) {
        // One that does not run is looked at when it goes on.
        if (const auto c = known_.find(id); c != known_.end())
            if (auto handed = co_await hand_out(c->second, chunks); !handed) co_return handed.error();
    }
    co_return co_await ledgers_.drop_due(std::move(*due));
}

asio::awaitable<result<void>> scheduler::end_what_is_over(const campaign& c) {
    if (c.state == campaign_state::withdrawn)
        if (auto done = co_await cancel_groundless(); !done) co_return done.error();
    if (c.state != campaign_state::finished) {
        ledger::record to;
        to.now = c.state == campaign_state::withdrawn ? state::suppressed : state::cancelled;
        to.why = c.state == campaign_state::withdrawn ? reason::withdrawn : reason::none;
        to.at = unix_seconds(clock_.now());
        // The matchers may be freezing its audience still; asked before, so that what is frozen is ended.
        auto frozen = co_await ledgers_.frozen(c.id, shards_);
        if (!frozen) co_return frozen.error();
        auto left = co_await end_deliveries(c, to);
        if (!left) co_return left.error();
        if (*left > 0) co_return result<void>{};
        if (c.base.empty() && !frozen->missing.empty()) co_return result<void>{};
        // Now it stands whom it reached. On the web the package itself says that it was withdrawn.
        if (c.state == campaign_state::withdrawn && c.kind != "correction")
            if (auto made = co_await changes_.correct(c); !made) co_return made.error();
    }
    co_return co_await campaigns_.close(c.id);
}

namespace {

// Since when no delivery of it has been claimed.
std::int64_t stopped_ms(const campaign& c) noexcept {
    return final(c.state) && !c.history.empty() ? c.history.back().at_ms : c.expires_ms;
}

} // namespace

asio::awaitable<result<std::int64_t>> scheduler::end_deliveries(const campaign& c, ledger::record to) {
    auto progress = co_await campaigns_.progress_of_shards(c);
    if (!progress) co_return progress.error();
    // Whoever lives has heard from the gateway by then: what is claimed still was claimed by one who is gone.
    const bool given_up = clock_.now() - wall_time(milliseconds(stopped_ms(c))) >= claims_settle_within;
    std::int64_t under_way = 0;
    for (const auto& [where, counts] : *progress) {
        const auto [shard, via] = where;
        if (!given_up) under_way += counts[2];
        if (counts[0] + counts[1] + (given_up ? counts[2] : 0) == 0) continue;
        auto records = co_await ledgers_.ledger_bytes(shard, c.id, via);
        if (!records) co_return records.error();
        std::vector<store::change> changes;
        for (std::size_t i = 0; i < records->size() / ledger::record_size; ++i) {
            auto r = ledger::decode(records->data() + i * ledger::record_size);
            const bool claimed = r.now == state::submitting;
            if (claimed ? !given_up : r.now != state::queued && r.now != state::held) continue;
            if (dispatcher::in_doubt(r)) {
                r.why = claimed ? reason::crashed_in_flight : reason::no_answer;
                r.now = state::unknown;
            } else {
                r.now = to.now;
                r.why = to.why;
            }
            r.at = to.at;
            changes.push_back({static_cast<std::uint32_t>(i), r});
        }
        if (auto done = co_await write(c, shard, via, "sweep", std::move(changes)); !done)
            co_return done.error();
    }
    co_return under_way;
}

} // namespace zhida::scheduler
