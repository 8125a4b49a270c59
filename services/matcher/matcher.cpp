#include "services/matcher/matcher.hpp"

#include "common/base/log.hpp"
#include "common/model/topics.hpp"
#include "services/dead_letter.hpp"
#include "services/persist.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <utility>

namespace zhida::matcher {

namespace {

constexpr auto tick = milliseconds(500); // how soon a stop or a new day is seen

} // namespace

matcher::matcher(asio::any_io_executor executor, const config& c, const matching::catalogue& catalogue,
                 const clock& clock, const crypto::sealer& sealer, metrics& meters)
    : config_(c), catalogue_(catalogue), clock_(clock), sealer_(sealer),
      redis_(executor, {c.redis.url, milliseconds(c.redis.timeout_ms)}),
      log_(io::make_event_log(executor, c)), profiles_(redis_, sealer, static_cast<int>(c.node.shards)),
      policies_(redis_), campaigns_(redis_, static_cast<int>(c.node.shards)), ledgers_(redis_),
      numbers_(redis_), replay_(executor, *log_, redis_, ledgers_, clock, static_cast<int>(c.node.shards)),
      registry_(redis_, clock, registration_key(sealer)), consents_(redis_), layouts_(catalogue),
      policy_log_(catalogue), day_(shanghai_day(clock.now())),
      snapshots_(c.node.data_dir + "/matcher", layouts_), turn_(executor), exclusions_turn_(executor),
      instance_(crypto::hex(crypto::random_bytes(8))), auth_(sealer),
      profiles_written_(meters.counter("zhida_profiles_written_total", "Profile events applied")),
      policies_judged_(meters.counter("zhida_policies_judged_total", "Policy events judged, once a shard")),
      subjects_matched_(meters.counter("zhida_subjects_matched_total", "Subjects put into audiences")),
      changes_told_(meters.counter("zhida_match_changes_total",
                                   "Subjects that became eligible for an item, or are no longer")),
      compactions_(meters.counter("zhida_compactions_total", "Times a shard's rows were laid out again")),
      events_buried_(meters.counter("zhida_matcher_dead_letters_total", "Events that could not be read")) {
    io::http_server_options options;
    options.host = c.matcher.host;
    options.port = static_cast<std::uint16_t>(c.matcher.port);
    server_ = std::make_unique<io::http_server>(executor, std::move(options), internal_routes());
}

result<void> matcher::listen() {
    return server_->listen();
}

asio::awaitable<void> matcher::run() {
    const auto shards = static_cast<std::int32_t>(config_.node.shards);
    profile_consumer_ = log_->subscribe(config_.event_log.group + ".matcher", {topics::profile});
    policy_consumer_ = log_->broadcast({topics::policy}, true);
    log::info("matcher started", {{"shards", shards}, {"port", server_->port()}});
    using namespace boost::asio::experimental::awaitable_operators;
    co_await (follow_profiles() && retake_dropped() && follow_policies() && follow_days() &&
              follow_reminders() && keep_house() && keep_registered() && keep_exclusions() && server_->run());
    co_await profile_consumer_->close(); // stop() began it: wait until it has left
    co_await policy_consumer_->close();
    co_await log_->close();
    redis_.close();
    log::info("matcher stopped");
}

void matcher::stop() {
    stopping_ = true;
    server_->stop();
    const auto executor = turn_.executor();
    for (auto* consumer : {profile_consumer_.get(), policy_consumer_.get()})
        if (consumer) asio::co_spawn(executor, consumer->close(), asio::detached);
}

// Also after another Redis server answers, which may have lost what was written last.
// Whoever was stopped while it took a shard, and goes on when the shard is ours, takes it from us: it is told
// soon that it was given away, and we take it again. If it is not ours any more, we are told first.
// Beside next(), not in a race with it: a race throws away what next() brings in the same moment.
asio::awaitable<void> matcher::retake_dropped() {
    while (!stopping_) {
        co_await io::sleep_for(clock_, tick);
        if (dropped_.empty()) {
            const auto turn = co_await turn_.lock();
            std::vector<int> owned;
            owned.reserve(shards_.size());
            for (const auto& [number, s] : shards_) owned.push_back(number);
            if (!co_await drop_lost(owned)) break;
        }
        if (dropped_.empty()) continue;
        co_await io::sleep_for(clock_, tick);
        if (stopping_) break;
        const auto turn = co_await turn_.lock();
        std::vector<io::topic_partition> again;
        for (const int number : std::exchange(dropped_, {})) again.push_back({topics::profile, number});
        if (again.empty()) continue; // it was given away meanwhile
        must(co_await take(std::move(again)));
        co_await register_shards(true);
    }
}

asio::awaitable<void> matcher::follow_profiles() {
    while (!stopping_) {
        auto event = co_await profile_consumer_->next();
        if (!event) {
            if (event.error().code == errc::cancelled) break;
            log::warn("profiles cannot be read", {{"why", event.error().text()}});
            co_await io::sleep_for(clock_, milliseconds(500));
            continue;
        }
        if (auto* records = std::get_if<std::vector<io::log_record>>(&*event)) {
            must(co_await apply_profiles(std::move(*records)));
            continue;
        }
        const auto turn = co_await turn_.lock();
        if (auto* gained = std::get_if<io::assigned>(&*event)) {
            for (const auto& p : gained->partitions) dropped_.erase(p.partition);
            must(co_await take(std::move(gained->partitions)));
        } else {
            for (const auto& p : std::get<io::revoked>(*event).partitions) {
                shards_.erase(p.partition);
                dropped_.erase(p.partition);
            }
            log::info("shards given up", {{"left", shards_.size()}});
        }
        co_await register_shards(true);
    }
}

asio::awaitable<void> matcher::follow_policies() {
    while (!stopping_) {
        auto event = co_await policy_consumer_->next();
        if (!event) {
            if (event.error().code == errc::cancelled) break;
            log::warn("policies cannot be read", {{"why", event.error().text()}});
            co_await io::sleep_for(clock_, milliseconds(500));
            continue;
        }
        auto* records = std::get_if<std::vector<io::log_record>>(&*event);
        if (!records) continue;
        const auto turn = co_await turn_.lock();
        for (auto& r : *records) policy_log_.add(std::move(r));
        must(co_await judge_pending());
    }
}

asio::awaitable<void> matcher::follow_days() {
    while (!stopping_) {
        co_await io::sleep_for(clock_, tick);
        const auto today = shanghai_day(clock_.now());
        if (today <= day_) continue; // a clock that was set back does not take a day away
        const auto turn = co_await turn_.lock();
        day_ = today;
        must(co_await judge_pending());
    }
}

asio::awaitable<void> matcher::keep_house() {
    auto next = clock_.steady_now() + std::chrono::seconds(config_.matcher.snapshot_s);
    while (!stopping_) {
        co_await io::sleep_for(clock_, tick);
        std::vector<int> owned;
        owned.reserve(shards_.size());
        for (const auto& [number, s] : shards_) owned.push_back(number);
        for (const int number : owned) co_await compact(number);
        if (config_.matcher.snapshot_s == 0 || clock_.steady_now() < next) continue;
        for (const int number : owned)
            if (!stopping_) co_await save(number);
        next = clock_.steady_now() + std::chrono::seconds(config_.matcher.snapshot_s);
    }
}

void matcher::must(bool done) const {
    if (!done && !stopping_)
        throw failure_error({errc::invalid, "the matcher cannot go on: see the lines above", "", ""});
}

asio::awaitable<bool> matcher::bury_record(io::log_record record, std::vector<failure> errors) {
    events_buried_.Increment();
    auto buried = co_await persist(clock_, stopping_, "burying an event", [&] {
        return bury(*log_, record, errors, "matcher", to_rfc3339(clock_.now()));
    });
    if (!buried && !stopping_)
        throw failure_error(buried.error()); // nothing may be passed over without a trace
    co_return buried.has_value();
}

} // namespace zhida::matcher
