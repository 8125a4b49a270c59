// Receipts on their way into the ledger. Who hears one looks up which delivery it belongs to and passes it on
// in zhida.receipt (services/receipt_intake.hpp); whoever has that shard's partition there writes it down.
#pragma once

#include "common/base/metrics.hpp"
#include "common/store/messages.hpp"
#include "services/dispatcher/chunk.hpp"
#include "services/ledger_replay.hpp"
#include "services/receipts.hpp"

#include <prometheus/counter.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

namespace zhida::dispatcher {

class receipt_worker {
  public:
    // References must outlive it. bury: keeps an event that cannot be read; false where it could not. pushed:
    // told the scoped message id of each receipt that the portal heard.
    receipt_worker(asio::any_io_executor executor, deliverer& d, ledger_replay& replay, metrics& meters,
                   std::function<asio::awaitable<bool>(io::log_record, std::vector<failure>)> bury,
                   std::function<void(std::string_view)> pushed);

    // Writes down what is passed on, until stop(). Throws where it cannot go on.
    asio::awaitable<void> run();
    void stop();
    asio::awaitable<void> close();

  private:
    // How far one partition was read, and of which Redis that is true.
    struct place {
        std::string server;
        std::int64_t next = 0; // after the last receipt that was written down
        // Those before are read again, and then it is noted to be true of this Redis.
        std::optional<std::int64_t> again_until;
        std::uint64_t sought_in = 0; // what came in this turn or before was not read again
        bool reads_again = false;    // it has begun
    };
    asio::awaitable<bool> look_up_again(const json& receipt, std::vector<failure>& errors);
    asio::awaitable<void> follow();
    asio::awaitable<bool> gain(std::vector<io::topic_partition> partitions);
    asio::awaitable<bool> apply(std::vector<io::log_record> records);
    asio::awaitable<bool> apply_under_way(std::vector<io::log_record> records);
    // These offsets of a partition were written down.
    asio::awaitable<bool> has_read(int shard, std::int64_t first, std::int64_t next);
    asio::awaitable<bool> note_server(int shard, place& p);
    asio::awaitable<void> watch_server();
    asio::awaitable<void> read_lost_ones();

    asio::any_io_executor executor_;
    deliverer& d_;
    ledger_replay& replay_;
    std::function<asio::awaitable<bool>(io::log_record, std::vector<failure>)> bury_;
    std::function<void(std::string_view)> pushed_;
    const std::string group_;
    std::unique_ptr<io::log_consumer> consumer_;
    std::map<int, place> places_; // by shard
    std::set<int> under_way_;     // shards of what is being written down
    std::uint64_t turn_ = 0;      // rises with each batch that is asked for
    prometheus::Counter& applied_;
};

} // namespace zhida::dispatcher
