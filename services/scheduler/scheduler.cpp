#include "services/scheduler/scheduler.hpp"

#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/model/cloud_event.hpp"
#include "common/store/leases.hpp"
#include "services/scheduler/overdue_receipts.hpp"

#include <algorithm>
#include <set>

namespace zhida::scheduler {

namespace {

using ledger::state;

constexpr std::size_t newest = 10'000; // campaigns; those before them are settled long since
constexpr auto lease = std::chrono::milliseconds(5000);
// While a campaign waits to begin; and while nothing moves.
constexpr auto short_pause = milliseconds(30), long_pause = milliseconds(250);

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
      news_(executor, c, clock, meters),
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
                news_.active(active_);
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
            if (auto looked = co_await give_up_receipts(); !looked)
                log::warn("receipts are looked for again in a moment", {{"why", looked.error().text()}});
            auto moved = co_await turn();
            if (!moved)
                log::warn("the scheduler goes on in a moment", {{"why", moved.error().text()}});
            else if (*moved)
                pause = short_pause;
        }
        co_await io::sleep_for(clock_, pause);
    }
    news_.stop();
    if (active_) (void)co_await leases.give_up(store::keys::scheduler_lease(), instance_);
    co_await log_->close();
    redis_.close();
    log::info("scheduler stopped");
}

void scheduler::forget() {
    running_.clear();
    told_.clear();
    all_heard_of_.clear();
    next_receipts_ = {};
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
            if (expired(c, now_ms())) done = co_await cancel(c, expired_early); // nobody approved it in time
        } else if (c.state == campaign_state::paused) {
            if (expired(c, now_ms())) done = co_await cancel(c, expired_paused);
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
    auto all = co_await campaigns_.list(newest);
    if (!all) co_return all.error();
    constexpr std::int64_t lost_at_most_ms = 24LL * 3600 * 1000;
    const auto recent = now_ms() - lost_at_most_ms;
    for (const auto& c : *all)
        if (!final(c.state) || (!c.history.empty() && c.history.back().at_ms > recent))
            if (auto done = co_await campaigns_.reopen(c.id); !done) co_return done.error();
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::give_up_receipts() {
    constexpr auto between_looks = std::chrono::minutes(15);
    const auto now = clock_.steady_now();
    if (now < next_receipts_) co_return result<void>{};
    auto all = co_await campaigns_.list(newest);
    if (!all) co_return all.error();
    for (const auto& c : *all) {
        if (all_heard_of_.contains(c.id)) continue;
        if (auto done = co_await give_up_receipts(c); !done) co_return done.error();
    }
    next_receipts_ = now + between_looks;
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::give_up_receipts(const campaign& c) {
    // Of the others nobody ever tells, or it is said at once.
    std::vector<std::pair<channel, std::int64_t>> told{{channel::sms, config_.sms.receipt_wait_h}};
    if (config_.hears_wechat()) told.emplace_back(channel::wechat, config_.wechat.receipt_wait_h);
    std::erase_if(told, [&](const auto& t) {
        return std::find(c.channels.begin(), c.channels.end(), t.first) == c.channels.end();
    });
    std::int64_t open = 0;
    if (!told.empty()) {
        auto progress = co_await campaigns_.progress_of_shards(c);
        if (!progress) co_return progress.error();
        for (const auto& [via, wait_h] : told)
            for (int shard = 0; shard < shards_; ++shard) {
                const auto& counts = progress->at({shard, via});
                const auto waiting = counts[static_cast<std::size_t>(state::submitted)];
                open += counts[static_cast<std::size_t>(state::submitting)] + waiting;
                if (waiting == 0) continue;
                auto records = co_await ledgers_.ledger_bytes(shard, c.id, via);
                if (!records) co_return records.error();
                auto overdue = overdue_receipts(*records, unix_seconds(clock_.now()),
                                                static_cast<std::uint32_t>(wait_h * 3600));
                if (auto done = co_await write(c, shard, via, "sweep", std::move(overdue)); !done)
                    co_return done.error();
            }
    }
    if (final(c.state) && open == 0) all_heard_of_.insert(c.id);
    co_return result<void>{};
}

asio::awaitable<result<void>> scheduler::cancel(campaign c, const char* why) {
    auto over = apply(c, campaign_action::cancel, the_system(), now_ms(), why);
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
        auto told = co_await log_->append(
            delivery_message({shard, c.id, via, 0, kind, now_ms(), std::move(some), {}, {}}));
        if (!told) co_return told.error();
        ledgers_.appended(shard, *told);
    }
    co_return result<void>{};
}

} // namespace zhida::scheduler
