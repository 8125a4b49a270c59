// Which shards the matcher owns, and how their rows are loaded, laid out again and saved.
#include "services/matcher/matcher.hpp"

#include "common/base/log.hpp"
#include "common/model/topics.hpp"
#include "services/matcher/shard_loading.hpp"
#include "services/persist.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace zhida::matcher {

// What was judged lies before the end of the logs, and of today: else nothing would be judged any more.
void matcher::stay_within(int number, shard& s, std::int64_t policies, std::int64_t profiles) const {
    if (s.policy_offset > policies) {
        log::error(
            "zhida.policy is shorter than what was judged of it: was it deleted? Going on from its end",
            {{"shard", number}, {"judged", s.policy_offset}, {"end", policies}});
        s.policy_offset = policies;
    }
    s.policies_begun = std::min(s.policies_begun, policies);
    s.profiles_begun = std::min(s.profiles_begun, profiles);
    // A process whose clock is a little ahead of ours may have begun the day, or be done with it.
    if (s.day > day_ + 1) {
        log::error("the shard was judged on a day that has not come: was a clock wrong? Going on from today",
                   {{"shard", number}, {"judged", format_date(s.day)}, {"today", format_date(day_)}});
        s.day = day_;
    }
    if (s.day_begun > day_ + 1) {
        log::error("a day that has not come was begun in the shard: was a clock wrong? Going on to today",
                   {{"shard", number}, {"begun", format_date(s.day_begun)}, {"today", format_date(day_)}});
        s.day_begun = day_;
    }
}

asio::awaitable<bool> matcher::take(std::vector<io::topic_partition> partitions) {
    auto profile_ends = co_await persist(clock_, stopping_, "asking how long zhida.profile is",
                                         [&] { return log_->end_offsets(topics::profile); });
    auto policy_ends = co_await persist(clock_, stopping_, "asking how long zhida.policy is",
                                        [&] { return log_->end_offsets(topics::policy); });
    if (!profile_ends || !policy_ends) co_return false;
    std::map<int, shard> from_redis; // nobody sees them before they are whole
    std::size_t from_snapshots = 0;
    for (const auto& p : partitions) {
        const int number = p.partition;
        // First nobody else may change them any more; then how far they are applied, then the profiles: what
        // comes in between is applied twice, not lost.
        auto epoch = co_await persist(clock_, stopping_, "taking the shard",
                                      [&] { return ledgers_.take_matching(number); });
        auto server = co_await persist(clock_, stopping_, "bringing Redis up to the log",
                                       [&] { return replay_.bring_up(number); });
        if (!server) co_return false;
        const auto numbers = co_await tell_numbers(number);
        if (!numbers) co_return false;
        auto place = co_await persist(clock_, stopping_, "loading the shard's place",
                                      [&] { return profiles_.place(number); });
        auto matched = co_await persist(clock_, stopping_, "loading the shard's place",
                                        [&] { return ledgers_.matched_until(number); });
        if (!epoch || !place || !matched) co_return false;
        shard s{shard_rows(layouts_)};
        s.applied = s.read = place->applied_offset;
        s.lineage = place->lineage;
        s.day = matched->day;
        s.policy_offset = matched->policy_offset;
        s.policies_begun = matched->policies_begun;
        s.profiles_begun = matched->profiles_begun;
        s.day_begun = matched->day_begun;
        s.epoch = *epoch;
        s.redis = std::move(*server);
        s.numbers_told = *numbers;
        s.profile_end = profile_ends->at(static_cast<std::size_t>(number));
        stay_within(number, s, policy_ends->at(0), profile_ends->at(static_cast<std::size_t>(number)));
        // A snapshot is older than Redis by some events, which the log still has: not where the log was
        // deleted, nor where reading them takes longer than loading the shard.
        auto found = !s.lineage.empty() && s.applied <= profile_ends->at(static_cast<std::size_t>(number))
                         ? snapshots_.read(number, s.lineage, milliseconds(topics::profile_kept_ms / 2))
                         : std::nullopt;
        const auto behind = found ? s.applied - found->applied_offset : 0;
        if (found && behind >= 0 && behind <= static_cast<std::int64_t>(found->rows.ordinals() / 4 + 1000)) {
            s.subjects = std::move(found->rows);
            s.read = s.snapshot_at = found->applied_offset;
        }
        // Redis has lost events, and may give their ordinals to other subjects. Once it has passed the
        // snapshot's offset again nobody could tell.
        if (found && behind < 0) {
            log::warn("snapshot is ahead of Redis, which has lost events: it is removed",
                      {{"shard", number}, {"snapshot", found->applied_offset}, {"redis", s.applied}});
            if (auto removed = co_await snapshots_.remove(number); !removed)
                log::error("snapshot not removed: remove it before the next start",
                           {{"shard", number}, {"why", removed.error().text()}});
        }
        if (s.snapshot_at >= 0) {
            ++from_snapshots;
            own(number, std::move(s));
        } else {
            from_redis.insert_or_assign(number, std::move(s));
        }
        // Snapshots are read in some milliseconds each; others want to go on in between.
        co_await asio::post(turn_.executor(), asio::use_awaitable);
    }
    if (!co_await take_stored(std::move(from_redis))) co_return false;
    log::info("shards taken",
              {{"gained", partitions.size()}, {"from_snapshots", from_snapshots}, {"owned", shards_.size()}});
    co_return co_await judge_pending();
}

asio::awaitable<std::optional<std::uint32_t>> matcher::tell_numbers(int number) {
    while (true) {
        auto untold = co_await persist(clock_, stopping_, "asking which numbers are new",
                                       [&] { return numbers_.untold(number); });
        if (!untold) co_return std::nullopt;
        const auto until = untold->first + static_cast<std::uint32_t>(untold->ids.size());
        if (untold->ids.empty()) co_return until;
        auto appended = co_await persist(clock_, stopping_, "telling the numbers of subjects", [&] {
            return log_->append(numbers_message(*untold, clock_.now()));
        });
        if (!appended) co_return std::nullopt;
        auto kept = co_await persist(clock_, stopping_, "keeping which numbers are told",
                                     [&] { return numbers_.told(number, until); });
        if (!kept) co_return std::nullopt;
    }
}

asio::awaitable<bool> matcher::drop_lost(std::vector<int>& shards) {
    auto server =
        co_await persist(clock_, stopping_, "asking which Redis answers", [&] { return ledgers_.server(); });
    if (!server) co_return false;
    std::erase_if(shards, [&](int number) {
        const auto found = shards_.find(number);
        const bool lost = found == shards_.end() || found->second.redis != *server;
        if (lost && found != shards_.end()) drop(number, "another Redis server answers");
        return lost;
    });
    co_return true;
}

// The log may have stored more than Redis still has, after a crash or a restore. In one step: what is read
// from there on comes to a shard that is ours.
void matcher::own(int number, shard s) {
    profile_consumer_->seek({topics::profile, number}, s.read);
    shards_.insert_or_assign(number, std::move(s));
}

asio::awaitable<bool> matcher::take_stored(std::map<int, shard> coming) {
    std::vector<int> numbers;
    numbers.reserve(coming.size());
    for (const auto& [number, s] : coming) numbers.push_back(number);
    auto loaded = co_await persist(clock_, stopping_, "loading profiles",
                                   [&] { return load_shards(profiles_, layouts_, numbers); });
    if (!loaded) co_return false;
    for (auto& l : *loaded) {
        if (l.unreadable > 0)
            log::error("profiles cannot be read", {{"shard", l.shard}, {"count", l.unreadable}});
        auto& s = coming.at(l.shard);
        s.subjects = std::move(l.rows);
        own(l.shard, std::move(s));
    }
    co_return true;
}

asio::awaitable<void> matcher::save(int number) {
    const auto found = shards_.find(number);
    if (found == shards_.end()) co_return;
    auto& s = found->second;
    // Rows that are still coming up to Redis, or have not changed, are not worth a file; without a lineage
    // nobody could tell later whose they are.
    if (s.read < s.applied || s.read == s.snapshot_at || s.lineage.empty()) co_return;
    const auto at = s.read;
    auto written = co_await snapshots_.write(s.subjects, {number, s.lineage, at});
    if (!written)
        log::warn("snapshot not written", {{"shard", number}, {"why", written.error().text()}});
    else if (const auto still = shards_.find(number); still != shards_.end())
        still->second.snapshot_at = at;
}

asio::awaitable<void> matcher::compact(int number) {
    auto found = shards_.find(number);
    if (found == shards_.end() || !found->second.subjects.wants_compaction(compact_beyond_)) co_return;
    found->second.compaction.emplace(layouts_, found->second.subjects);
    while (!stopping_) {
        co_await asio::post(turn_.executor(), asio::use_awaitable); // others first
        found = shards_.find(number);
        if (found == shards_.end() || !found->second.compaction) co_return; // given up, or taken anew
        if (!found->second.compaction->step(2000)) continue;
        found->second.subjects = found->second.compaction->finish();
        found->second.excluded.lay_out(found->second.subjects);
        found->second.compaction.reset();
        compactions_.Increment();
        co_return;
    }
}

} // namespace zhida::matcher
