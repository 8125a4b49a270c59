// The matcher: owns shards by assignment of zhida.profile. It writes their profiles, judges every policy
// against them in the order of zhida.policy and freezes the audiences, which the scheduler hands out; and it
// judges every profile that changes, and every day that begins, against the policies that stand.
//
// Profile events, policy events and days of a shard form one sequence: each pair of a policy's version and a
// profile's version is judged once, when the later of the two arrives.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/base/metrics.hpp"
#include "common/io/event_log.hpp"
#include "common/io/http_server.hpp"
#include "common/io/mutex.hpp"
#include "common/io/redis.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/consents.hpp"
#include "common/store/ledger.hpp"
#include "common/store/matchers.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "services/internal_auth.hpp"
#include "services/ledger_replay.hpp"
#include "services/matcher/audience.hpp"
#include "services/matcher/exclusions.hpp"
#include "services/matcher/match_event.hpp"
#include "services/matcher/policy_log.hpp"
#include "services/matcher/shard_compaction.hpp"
#include "services/matcher/snapshot_folder.hpp"
#include "services/matcher/standing.hpp"

#include <prometheus/counter.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace zhida::matcher {

namespace asio = boost::asio;

class matcher {
  public:
    matcher(asio::any_io_executor executor, const config& c, const matching::catalogue& catalogue,
            const clock& clock, const crypto::sealer& sealer, metrics& meters);
    // Binds the internal service; before run(). io: says why not.
    result<void> listen();
    std::uint16_t port() const noexcept { return server_->port(); }
    // Until stop(); then everything under way is finished and the offsets are stored.
    asio::awaitable<void> run();
    void stop();
    // Lays shards of more rows than this out again; for tests, which have fewer than is worth it.
    void compact_beyond(std::size_t rows) { compact_beyond_ = rows; }

  private:
    struct shard {
        explicit shard(shard_rows r) : subjects(std::move(r)) {}
        shard_rows subjects;
        // zhida.profile: events before `applied` are in Redis and were judged; those before `read` are in the
        // rows as well. From a snapshot on, `read` has to come up to `applied`.
        std::int64_t applied = 0, read = 0;
        std::string lineage;
        std::int64_t policy_offset = 0; // next event of zhida.policy to judge
        std::int32_t day = 0;           // the last one that was judged
        // What the owner before had begun, which is done first, and in its terms: store::ledgers::matched.
        std::int64_t policies_begun = 0, profiles_begun = 0;
        std::int32_t day_begun = 0;
        std::uint32_t epoch = 0;        // of store::ledgers::take_matching
        std::string redis;              // run id of the server that it was taken from
        std::uint32_t numbers_told = 0; // ordinals below it are known to zhida.delivery
        std::int64_t snapshot_at = -1;  // `read` when the last snapshot was made
        std::optional<shard_compaction> compaction;
        shard_exclusions excluded;    // for previews
        std::int64_t profile_end = 0; // of the log, as it was a moment ago
    };
    // A count that is one higher for a while.
    struct counted_in {
        explicit counted_in(int& c) noexcept : count(c) { ++count; }
        counted_in(const counted_in&) = delete;
        counted_in& operator=(const counted_in&) = delete;
        ~counted_in() { --count; }
        int& count;
    };
    // One profile event, read.
    struct arrival {
        profile row;
        std::int64_t offset = 0;
    };
    struct arrivals {
        std::vector<arrival> rows;
        std::int64_t next_offset = 0;
        std::uint32_t epoch = 0; // of the shard when the log gave them to us; 0: it was not ours
    };

    asio::awaitable<void> follow_profiles();
    asio::awaitable<void> follow_policies();
    asio::awaitable<void> follow_days();
    // matcher_reminders.cpp
    asio::awaitable<void> follow_reminders();
    asio::awaitable<bool> match_reminder(const campaign& c);
    asio::awaitable<bool> tell_frozen(int number, const campaign& c, std::size_t item,
                                      std::map<std::string, std::int64_t> verdicts);
    asio::awaitable<void> retake_dropped();
    asio::awaitable<void> keep_house(); // snapshots and compactions

    // internal_api.cpp: what portals ask, over HTTP, and where they find it
    io::http_router internal_routes();
    using internal_handler = asio::awaitable<io::http_response>(io::http_request);
    asio::awaitable<io::http_response> guarded(internal_handler matcher::* handler, io::http_request r);
    asio::awaitable<void> keep_registered();
    asio::awaitable<void> register_shards(bool changed);
    asio::awaitable<io::http_response> answer_shards(io::http_request r);
    asio::awaitable<io::http_response> answer_checkup(io::http_request r);

    // matcher_preview.cpp
    asio::awaitable<io::http_response> answer_audience(io::http_request r);
    asio::awaitable<void> keep_exclusions();
    asio::awaitable<void> read_profile_ends(milliseconds older_than);
    asio::awaitable<void> read_exclusions(std::vector<int> shards, milliseconds older_than);

    // Nothing may go on as if it were done: where a step was given up for good, the role ends.
    void must(bool done) const;
    asio::awaitable<bool> bury_record(io::log_record record, std::vector<failure> errors);

    // matcher_shards.cpp: which shards, and their rows
    asio::awaitable<bool> take(std::vector<io::topic_partition> partitions);
    void stay_within(int number, shard& s, std::int64_t policies, std::int64_t profiles) const;
    void own(int number, shard s);
    asio::awaitable<bool> take_stored(std::map<int, shard> coming);
    // Tells zhida.delivery which ordinals subjects have been given. Gives how many; nothing where we are
    // stopping.
    asio::awaitable<std::optional<std::uint32_t>> tell_numbers(int number);
    // Drops those of the shards that were taken from another Redis server than the one that answers now: it
    // may have lost what was written last. False: we are stopping.
    asio::awaitable<bool> drop_lost(std::vector<int>& shards);
    asio::awaitable<void> save(int number);
    asio::awaitable<void> compact(int number);

    // matcher_profiles.cpp
    enum class outcome : std::uint8_t { done, waiting, stopped };
    asio::awaitable<bool> apply_profiles(std::vector<io::log_record> records);
    asio::awaitable<outcome> apply(int number, arrivals& came);
    asio::awaitable<bool> read_arrivals(std::vector<io::log_record> records,
                                        std::map<int, arrivals>& by_shard);
    asio::awaitable<bool> replay(int number, std::vector<arrival> rows);
    asio::awaitable<bool> judge_arrivals(int number, const std::vector<arrival>& rows,
                                         std::int64_t next_offset);
    asio::awaitable<bool> write_rows(int number, std::vector<arrival> rows, std::int64_t next_offset);
    void put_row(shard& s, std::uint32_t ordinal, const profile& row);

    // matcher_policies.cpp
    // Whether a shard's rows and policies are both as far as the log is known: only then may it judge.
    bool in_step(const shard& s) const {
        return s.read >= s.applied && std::max(s.policy_offset, s.policies_begun) <= policy_log_.end();
    }
    // Days and policies wait for the profiles that were begun before them.
    bool may_move_on(const shard& s) const { return in_step(s) && s.applied >= s.profiles_begun; }
    // A day that was begun may be told of already: it is done, even where our clock has not come to it.
    bool days_done(const shard& s) const { return s.day >= std::max(day_, s.day_begun); }
    bool up_to_date(const shard& s) const { return days_done(s) && s.policy_offset >= policy_log_.end(); }
    asio::awaitable<bool> judge_pending(); // days and policies, of all shards that may move on
    enum class how_far : std::uint8_t { begun, all };
    asio::awaitable<bool> judge_policies(how_far most);
    asio::awaitable<bool> judge_days();
    asio::awaitable<bool> judge(const policy_event& event, std::vector<int> shards);
    // Drops those that another process has taken, as keep() does.
    asio::awaitable<bool> push(const policy_event& event, std::vector<int>& shards);
    asio::awaitable<bool> tell_day(const std::vector<int>& shards, std::int32_t from, std::int32_t to);
    // Whoever awaits keeps it: others may ask for another one meanwhile.
    std::shared_ptr<const standing_items> standing(std::int64_t until, std::int32_t day);
    // Keeps it for these shards; drops those that another process has taken, here and from the list.
    asio::awaitable<bool> keep(store::ledgers::place what, std::vector<int>& shards, std::int64_t value);
    // It is taken again soon, if it is still assigned to us.
    void drop(int number, const char* why);

    const config& config_;
    const matching::catalogue& catalogue_;
    const clock& clock_;
    const crypto::sealer& sealer_;
    io::redis redis_;
    std::unique_ptr<io::event_log> log_;
    store::profiles profiles_;
    store::policies policies_;
    store::campaigns campaigns_;
    store::ledgers ledgers_;
    store::subject_numbers numbers_;
    ledger_replay replay_;
    store::matchers registry_;
    store::consents consents_;
    row_layouts layouts_;
    matching::scan_space scan_space_;
    policy_log policy_log_;
    std::shared_ptr<const standing_items> standing_;
    standing_space standing_space_;
    std::int32_t day_; // today, as far as follow_days has seen
    snapshot_folder snapshots_;
    io::mutex turn_;            // of whoever judges or writes
    io::mutex exclusions_turn_; // who wants them while they are read waits for that reading
    int previews_ = 0;          // under way
    std::optional<steady_time> previewed_at_;
    std::optional<steady_time> ends_read_at_;
    std::size_t compact_beyond_ = matching::columns::block_rows;
    std::map<int, shard> shards_;
    std::set<std::pair<std::string, int>> reminders_frozen_; // campaign, shard; by us
    std::set<int> dropped_; // of those assigned to us: another process took them, perhaps by mistake
    std::unique_ptr<io::log_consumer> profile_consumer_, policy_consumer_;
    const std::string instance_;
    const internal_auth auth_;
    std::int64_t shards_since_ms_ = 0;
    std::unique_ptr<io::http_server> server_;
    bool stopping_ = false;

    prometheus::Counter& profiles_written_;
    prometheus::Counter& policies_judged_;
    prometheus::Counter& subjects_matched_;
    prometheus::Counter& changes_told_;
    prometheus::Counter& compactions_;
    prometheus::Counter& events_buried_;
};

} // namespace zhida::matcher
