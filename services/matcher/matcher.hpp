// The matcher: owns shards by assignment of zhida.profile. It writes their profiles, judges every policy
// against them in the order of zhida.policy, freezes the audiences and hands out the dispatch records.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/base/metrics.hpp"
#include "common/io/event_log.hpp"
#include "common/io/mutex.hpp"
#include "common/io/redis.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/ledger.hpp"
#include "common/store/policies.hpp"
#include "common/store/profiles.hpp"
#include "services/matcher/audience.hpp"
#include "services/matcher/policy_log.hpp"

#include <prometheus/counter.h>

#include <map>
#include <unordered_map>

namespace zhida::matcher {

namespace asio = boost::asio;

class matcher {
  public:
    matcher(asio::any_io_executor executor, const config& c, const matching::catalogue& catalogue,
            const clock& clock, const crypto::sealer& sealer, metrics& meters);
    // Until stop(); then everything under way is finished and the offsets are stored.
    asio::awaitable<void> run();
    void stop();

  private:
    struct shard {
        explicit shard(const row_layouts& l) : subjects(l) {}
        shard_rows subjects;
        std::int64_t policy_offset = 0; // next event of zhida.policy to judge
    };

    asio::awaitable<void> follow_profiles();
    asio::awaitable<void> follow_policies();
    asio::awaitable<bool> take(std::vector<io::topic_partition> partitions);
    asio::awaitable<bool> apply_profiles(std::vector<io::log_record> records);
    asio::awaitable<bool> write_rows(int shard_number, std::vector<profile> rows, std::int64_t next_offset);
    asio::awaitable<bool> judge_pending();
    asio::awaitable<bool> judge(const policy_event& event, std::vector<int> shards);
    asio::awaitable<bool> push(const policy_event& event, std::vector<int> shards);
    // Nothing may go on as if it were done: where a step was given up for good, the role ends.
    void must(bool done) const;
    asio::awaitable<bool> bury_record(io::log_record record, std::vector<failure> errors);

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
    row_layouts layouts_;
    matching::scan_space scan_space_;
    policy_log policy_log_;
    io::mutex turn_; // profile events and policy events of a shard form one sequence
    std::map<int, shard> shards_;
    std::unique_ptr<io::log_consumer> profile_consumer_, policy_consumer_;
    bool stopping_ = false;

    prometheus::Counter& profiles_written_;
    prometheus::Counter& policies_judged_;
    prometheus::Counter& subjects_matched_;
    prometheus::Counter& events_buried_;
};

} // namespace zhida::matcher
