#include "services/scheduler/scheduler.hpp"

#include "common/base/failpoint.hpp"
#include "common/base/little_endian.hpp"
#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/io/timer.hpp"
#include "common/model/campaign_recipients.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/leases.hpp"
#include "matching/policy_check.hpp"
#include "matching/sensitivity.hpp"
#include "services/dispatch_records.hpp"
#include "services/dispatcher/decide.hpp"
#include "services/scheduler/owed.hpp"
#include "services/scheduler/quiet_override.hpp"
#include "services/scheduler/routing.hpp"

#include <algorithm>
#include <set>

namespace zhida::scheduler {

namespace {

using ledger::reason;
using ledger::state;

constexpr auto lease = std::chrono::milliseconds(5000);
// While a campaign waits to begin; and while nothing moves.
constexpr auto short_pause = milliseconds(30), long_pause = milliseconds(250);
constexpr auto due_grace = milliseconds(5000);
constexpr auto look_again_soon = milliseconds(1500);
constexpr auto claims_settle_within = milliseconds(60'000);

// Why a campaign is cancelled that did not begin or must not go on; in its history, for people.
constexpr auto expired_early = "到期时尚未开始推送", expired_paused = "到期时仍处于暂停",
               rests_on_nothing = "原任务已撤回";

std::uint32_t seconds(wall_time t) noexcept {
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}

bool expired(const campaign& c, const clock& time) noexcept {
    return c.expires_ms != 0 && time.now().time_since_epoch().count() >= c.expires_ms;
}

bool waits_to_begin(const campaign& c) noexcept {
    return c.state == campaign_state::draft || c.state == campaign_state::approved ||
           c.state == campaign_state::scheduled;
}

} // namespace

scheduler::scheduler(asio::any_io_executor executor, const config& c, const matching::catalogue& catalogue,
                     const workdays& days, const clock& clock, metrics& meters)
    : executor_(executor), config_(c), catalogue_(catalogue), clock_(clock),
      shards_(static_cast<int>(c.node.shards)), instance_(new_event_id()),
      redis_(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)}),
      log_(io::make_event_log(executor, c)), ledgers_(redis_), campaigns_(redis_, shards_), policies_(redis_),
      consents_(redis_), changes_(*log_, campaigns_, ledgers_, clock, shards_),
      reminding_(c, clock, days, redis_, campaigns_, policies_, changes_, meters),
      handed_out_(meters.counter("zhida_dispatch_records_total", "Dispatch records handed out")),
      gaps_(meters.counter("zhida_reconcile_gaps_total",
                           "Chunks with work that no record carried, found and handed out again")),
      quiet_overrides_(
          meters.counter("zhida_quiet_overrides_total", "Emergency campaigns that went out in quiet hours")),
      active_gauge_(meters.gauge("zhida_scheduler_active", "1 in the process whose scheduler is active")) {}

void scheduler::stop() {
    stopping_ = true;
}

asio::awaitable<void> scheduler::run() {
    log::info("scheduler started");
    store::leases leases(redis_);
    auto renewed = steady_time{};
    auto pause = short_pause;
    bool reopened = false;
    while (!stopping_) {
        const auto now = clock_.steady_now();
        if (!active_ || now - renewed >= lease / 4) {
            auto held = co_await leases.hold(store::keys::scheduler_lease(), instance_, lease);
            const bool was = std::exchange(active_, held && *held);
            if (active_) renewed = now;
            if (active_ != was) {
                log::info(active_ ? "this scheduler is active" : "another scheduler is active");
                forget();
                reopened = false;
            }
            active_gauge_.Set(active_ ? 1 : 0);
            // Another server may have lost what was done last: what was over is looked at again too.
            auto server = co_await ledgers_.server();
            if (server && std::exchange(server_, *server) != *server) {
                forget();
                reopened = false;
            }
        }
        pause = long_pause;
        if (active_ && !reopened) {
            const auto done = co_await reopen();
            reopened = done.has_value();
            if (!done) log::warn("open campaigns cannot be listed", {{"why", done.error().text()}});
        }
        if (active_) {
            if (auto looked = co_await reminding_.look(); !looked)
                log::warn("reminders are looked at again in a moment", {{"why", looked.error().text()}});
            auto moved = co_await turn();
            if (!moved)
                log::warn("the scheduler goes on in a moment", {{"why", moved.error().text()}});
            else if (*moved)
                pause = short_pause;
        }
        co_await io::sleep_for(clock_, pause);
    }
    if (active_) (void)co_await leases.give_up(store::keys::scheduler_lease(), instance_);
    co_await log_->close();
    redis_.close();
    log::info("scheduler stopped");
}

void scheduler::forget() {
    running_.clear();
    told_.clear();
    reminding_.forget();
}

asio::awaitable<result<campaign>> scheduler::keep(campaign changed) {
    auto kept = co_await changes_.keep(std::move(changed));
    if (kept) told_[kept->id] = kept->revision;
    co_return kept;
}

asio::awaitable<result<void>> scheduler::tell(const campaign& c) {
    if (const auto told = told_.find(c.id); told != told_.end() && told->second == c.revision)
        co_return result<void>{};
    if (auto told = co_await changes_.tell(c); !told) co_return told.error();
    told_[c.id] = c.revision;
    co_return result<void>{};
}

asio::awaitable<result<bool>> scheduler::turn() {
    auto open = co_await campaigns_.open();
    if (!open) co_return open.error();
    bool waiting = false;
    known_.clear();
    for (const auto& c : *open) {
        result<void> done;
        if (auto told = co_await tell(c); !told) {
            done = told.error();
        } else if (waits_to_begin(c)) {
            auto soon = co_await begin(c);
            waiting = waiting || (soon && *soon);
            if (!soon) done = soon.error();
        } else if (c.state == campaign_state::submitted) {
            if (expired(c, clock_)) done = co_await cancel(c, expired_early); // nobody approved it in time
        } else if (c.state == campaign_state::paused) {
            if (expired(c, clock_)) done = co_await cancel(c, expired_paused);
        } else if (c.state == campaign_state::running) {
            known_.emplace(c.id, c);
            done = co_await carry(c);
        } else if (final(c.state)) {
            done = co_await end_what_is_over(c);
        }
        // One that cannot be carried on now must not hold up the others.
        if (!done && done.error().code != errc::conflict)
            log::warn("a campaign does not move", {{"campaign", c.id}, {"why", done.error().text()}});
    }
    std::erase_if(running_, [this](const auto& r) { return !known_.contains(r.first); });
    std::set<std::string_view> ids;
    for (const auto& c : *open) ids.insert(c.id);
    std::erase_if(told_, [&](const auto& t) { return !ids.contains(t.first); });
    if (auto released = co_await release_due(); !released) co_return released.error();
    co_return waiting;
}

asio::awaitable<result<void>> scheduler::reopen() {
    constexpr std::size_t newest = 10'000;
    auto all = co_await campaigns_.list(newest);
    if (!all) co_return all.error();
    constexpr std::int64_t lost_at_most_ms = 24LL * 3600 * 1000;
    const auto recent = clock_.now().time_since_epoch().count() - lost_at_most_ms;
    for (const auto& c : *all)
        if (!final(c.state) || (!c.history.empty() && c.history.back().at_ms > recent))
            if (auto done = co_await campaigns_.reopen(c.id); !done) co_return done.error();
    co_return result<void>{};
}

asio::awaitable<result<bool>> scheduler::begin(campaign c) {
    const auto now_ms = clock_.now().time_since_epoch().count();
    const bool sent_back = c.state == campaign_state::draft && has_step(c, campaign_action::reject);
    if (expired(c, clock_) && (c.state != campaign_state::draft || sent_back)) {
        if (auto done = co_await cancel(std::move(c), expired_early); !done) co_return done.error();
        co_return false;
    }
    if (sent_back) co_return false; // by who was to approve it: it waits for who drafted it
    if (c.state == campaign_state::scheduled && c.not_before_ms > now_ms) co_return false;
    auto groundless = co_await rests_on_withdrawn(c);
    if (!groundless) co_return groundless.error();
    if (*groundless) {
        if (auto done = co_await cancel(std::move(c), rests_on_nothing); !done) co_return done.error();
        co_return false;
    }
    // Whoever submitted it by hand may have done so before its audience was there.
    auto frozen = co_await ledgers_.frozen(c.id, shards_);
    if (!frozen) co_return frozen.error();
    if (!c.base.empty() && !frozen->missing.empty()) {
        auto done = c.kind == "test" ? co_await freeze_chosen(c, frozen->missing)
                                     : co_await freeze_from_base(c, frozen->missing);
        if (!done) co_return done.error();
        frozen = co_await ledgers_.frozen(c.id, shards_);
        if (!frozen) co_return frozen.error();
    }
    if (!frozen->missing.empty()) co_return true;
    if (c.state == campaign_state::draft) {
        if (expired(c, clock_)) {
            if (auto done = co_await cancel(std::move(c), expired_early); !done) co_return done.error();
            co_return false;
        }
        auto reasons = co_await reasons_to_ask(c, frozen->audience);
        if (!reasons) co_return reasons.error();
        auto submitted = submit(c, *reasons, {c.drafted_by, "department"}, now_ms);
        if (!submitted) co_return submitted.error();
        if (submitted->state == campaign_state::submitted) {
            auto kept = co_await keep(std::move(*submitted));
            if (!kept) co_return kept.error();
            log::info("campaign waits for a second person",
                      {{"campaign", c.id}, {"audience", frozen->audience}});
            co_return false;
        }
        c = std::move(*submitted);
    }
    if (c.not_before_ms > now_ms) {
        auto scheduled = apply(c, campaign_action::schedule, the_system(), now_ms);
        if (!scheduled) co_return scheduled.error();
        auto kept = co_await keep(std::move(*scheduled));
        if (!kept) co_return kept.error();
        co_return false;
    }
    if (auto done = co_await start(std::move(c)); !done) co_return done.error();
    co_return false;
}

asio::awaitable<result<void>> scheduler::cancel(campaign c, const char* why) {
    auto over = apply(c, campaign_action::cancel, the_system(), clock_.now().time_since_epoch().count(), why);
    if (!over) co_return over.error();
    auto kept = co_await keep(std::move(*over));
    if (!kept) co_return kept.error();
    log::info("campaign cancelled", {{"campaign", c.id}, {"why", why}});
    co_return result<void>{};
}

asio::awaitable<result<bool>> scheduler::rests_on_withdrawn(campaign c) {
    while (c.kind != "correction") { // which is for those whom the withdrawn round reached
        auto under = c.base;
        // Whom a reminder is for may be matched anew; it speaks of the first round all the same.
        if (under.empty() && c.reminder) under = campaign_id(c.policy_id, c.policy_version, 1);
        if (under.empty()) break;
        auto base = co_await campaigns_.get(std::move(under));
        if (!base && base.error().code == errc::not_found) break; // it must not hold up the others
        if (!base) co_return base.error();
        if (base->state == campaign_state::withdrawn) co_return true;
        c = std::move(*base);
    }
    co_return false;
}

asio::awaitable<result<void>> scheduler::cancel_groundless() {
    auto open = co_await campaigns_.open();
    if (!open) co_return open.error();
    for (auto& c : *open) {
        if (final(c.state)) continue;
        auto groundless = co_await rests_on_withdrawn(c);
        if (!groundless) co_return groundless.error();
        if (!*groundless) continue;
        if (auto done = co_await cancel(std::move(c), rests_on_nothing); !done) co_return done.error();
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::start(campaign c) {
    auto started = apply(c, campaign_action::start, the_system(), clock_.now().time_since_epoch().count());
    if (!started) co_return started.error();
    auto changed = co_await keep(std::move(*started));
    if (!changed) co_return changed.error();
    log::info("campaign begins", {{"campaign", c.id}});
    known_.emplace(c.id, *changed);
    running_[c.id].begun_by_us = true;
    co_return co_await carry(*changed);
}

asio::awaitable<result<std::vector<approval_reason>>> scheduler::reasons_to_ask(const campaign& c,
                                                                                std::int64_t audience) {
    if (!config_.campaign.approval || c.kind == "correction" || c.kind == "test")
        co_return std::vector<approval_reason>{};
    // Dates of subjects' own are looked for every day, and most days find nobody: nothing to approve.
    if (c.reminder && audience == 0) co_return std::vector<approval_reason>{};
    auto document = co_await policies_.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    const auto checked = matching::check_policy(*document, catalogue_, errors);
    if (!checked) co_return checked.error();
    approval_facts facts;
    facts.audience = audience;
    facts.theme = checked->document.theme;
    facts.urgency = c.urgency;
    for (const auto& condition : checked->conditions)
        for (auto& label : matching::sensitive_attributes(condition))
            if (std::find(facts.sensitive_attributes.begin(), facts.sensitive_attributes.end(), label) ==
                facts.sensitive_attributes.end())
                facts.sensitive_attributes.push_back(std::move(label));
    co_return approval_needed(
        facts, {config_.campaign.approve_above, comma_separated(config_.campaign.approve_themes)});
}

asio::awaitable<result<std::uint16_t>> scheduler::item_bit(const campaign& c) {
    auto document = co_await policies_.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    const auto p = read_policy(*document, errors);
    if (!p) co_return p.error();
    const auto* item = p->find_item(c.reminder->item);
    if (!item) co_return failure{errc::invalid, "the policy has no item " + c.reminder->item, c.id, ""};
    co_return static_cast<std::uint16_t>(1U << (item - p->items.data()));
}

asio::awaitable<result<void>> scheduler::freeze_from_base(const campaign& c, std::vector<int> in) {
    auto base = co_await campaigns_.get(c.base);
    if (!base) co_return base.error();
    std::uint16_t wanted = UINT16_MAX; // items that it is about
    if (c.reminder) {
        auto bit = co_await item_bit(c);
        if (!bit) co_return bit.error();
        wanted = *bit;
    }
    for (const int shard : in) {
        auto audience = co_await ledgers_.audience_bytes(shard, base->id);
        if (!audience) co_return audience.error();
        std::vector<std::string> ledgers;
        for (const auto via : base->channels) {
            // By what became of it on the channels that this round goes out on.
            if (std::find(c.channels.begin(), c.channels.end(), via) == c.channels.end()) continue;
            auto bytes = co_await ledgers_.ledger_bytes(shard, base->id, via);
            if (!bytes) co_return bytes.error();
            ledgers.push_back(std::move(*bytes));
        }
        frozen_audience part{
            shard, c.id, c.channels, {}, {}, c.routing.how == channel_routing::mode::fallback, 0, 0};
        for (std::size_t i = 0; i < audience->size() / 4; ++i) {
            std::vector<ledger::record> records;
            for (const auto& l : ledgers)
                if (l.size() >= (i + 1) * ledger::record_size)
                    records.push_back(ledger::decode(l.data() + i * ledger::record_size));
            if (records.empty() || !takes_part(c.only, records)) continue;
            const auto items = static_cast<std::uint16_t>(records.front().items & wanted);
            if (items == 0 || (c.reminder && seen_to(items, records))) continue;
            part.members.push_back({get32(*audience, i * 4), items});
        }
        if (auto frozen = co_await freeze(std::move(part)); !frozen) co_return frozen.error();
    }
    co_return co_await ledgers_.told(std::move(in), c.id);
}

asio::awaitable<result<void>> scheduler::freeze_chosen(const campaign& c, std::vector<int> in) {
    auto document = co_await policies_.get_version(c.policy_id, c.policy_version);
    if (!document) co_return document.error();
    std::vector<failure> errors;
    const auto about = read_policy(*document, errors);
    if (!about) co_return about.error();
    const auto every_item = static_cast<std::uint16_t>((1U << about->items.size()) - 1);
    for (const int shard : in) {
        frozen_audience part{shard, c.id, c.channels, {}, {}, false, 0, 0};
        for (const auto& s : c.chosen)
            if (shard_of(s.id, shards_) == shard) part.members.push_back({s.ordinal, every_item});
        std::sort(part.members.begin(), part.members.end(),
                  [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
        if (auto frozen = co_await freeze(std::move(part)); !frozen) co_return frozen.error();
    }
    co_return co_await ledgers_.told(std::move(in), c.id);
}

asio::awaitable<result<void>> scheduler::freeze(frozen_audience part) {
    auto frozen = co_await ledgers_.freeze(part.shard, part.campaign, part.channels, part.members,
                                           part.verdicts, 0, part.waiting);
    if (!frozen) co_return frozen.error();
    // Whoever was interrupted here has frozen it already, by what was true then: that is what is told.
    if (frozen->before) {
        auto held = co_await ledgers_.frozen_in(part.shard, part.campaign, part.channels.front());
        if (!held) co_return held.error();
        part.members = std::move(held->members);
    }
    auto appended = co_await log_->append_all(audience_messages(part, clock_.now()));
    if (!appended) co_return appended.error();
    ledgers_.appended(part.shard, appended->back());
    co_return result<void>{};
}

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
    const auto now = seconds(clock_.now());
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

// Merges changes into the ledger and tells the log, so many at a time as an event holds.
asio::awaitable<result<void>> scheduler::write(const campaign& c, int shard, channel via, std::string kind,
                                               std::vector<store::change> changes) {
    constexpr std::size_t at_once = 1024;
    for (std::size_t from = 0; from < changes.size(); from += at_once) {
        const auto end = std::min(changes.size(), from + at_once);
        std::vector<store::change> some(changes.begin() + static_cast<std::ptrdiff_t>(from),
                                        changes.begin() + static_cast<std::ptrdiff_t>(end));
        auto changed = co_await ledgers_.apply(shard, c.id, via, some);
        if (!changed) co_return changed.error();
        auto told = co_await log_->append(delivery_message(
            {shard, c.id, via, 0, kind, clock_.now().time_since_epoch().count(), std::move(some), {}, {}}));
        if (!told) co_return told.error();
        ledgers_.appended(shard, *told);
    }
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::remark_override(campaign c) {
    auto changed = remarked(c, campaign_action::override_quiet, the_system(),
                            clock_.now().time_since_epoch().count(), override_note(c, config_.dispatch));
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
    if (expired(c, clock_)) {
        ledger::record to;
        to.now = state::expired;
        to.at = seconds(clock_.now());
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
                                   seconds(clock_.now() - due_grace));
            if (ours) gaps += work.now.size();
            if (ours && look_began < r.gaps_wait_until) continue;
            for (const auto& w : work.now)
                now.emplace_back(shard, store::ledgers::due_chunk{c.id, via, w.first, w.count, 0});
            for (const auto& [w, at_s] : work.later)
                later.emplace_back(shard, store::ledgers::due_chunk{c.id, via, w.first, w.count, at_s});
        }
    }
    if (gaps == 0 && all_looked) r.fruitless = 0;
    if (gaps > 0 && look_began >= r.gaps_wait_until) {
        // What is buried whenever it is handed out shall not fill the dead letters.
        constexpr int most_doublings = 10;
        r.gaps_wait_until = look_began + (look_again_soon * (1 << std::min(r.fruitless++, most_doublings)));
        gaps_.Increment(static_cast<double>(gaps));
        log::error("work that no record carried is handed out again",
                   {{"campaign", c.id}, {"chunks", gaps}, {"fix", "docs/operations.md"}});
    }
    for (const auto& [shard, chunk] : later)
        if (auto noted = co_await ledgers_.put_due(shard, chunk, true); !noted) co_return noted.error();
    r.looked = all_looked && now.empty(); // until then it is looked at often, so that its end is seen
    if (auto handed = co_await hand_out(c, std::move(now)); !handed) co_return handed.error();
    if (any_left) co_return result<void>{};
    auto over = apply(c, campaign_action::finish, the_system(), clock_.now().time_since_epoch().count());
    if (!over) co_return over.error();
    auto changed = co_await keep(std::move(*over));
    if (!changed) co_return changed.error();
    log::info("campaign finished", {{"campaign", c.id}});
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
        out = {std::max(out.before, (*appended)[i] + 1), true};
    }
    handed_out_.Increment(static_cast<double>(chunks.size()));
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::release_due() {
    auto due = co_await ledgers_.due_until(shards_, seconds(clock_.now()));
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
        to.at = seconds(clock_.now());
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
