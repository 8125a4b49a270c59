// Brings Redis up to what the log knows that cannot be had from anywhere else: zhida.delivery (the numbers of
// subjects, audiences, the ledger), zhida.consent and zhida.campaign; after Redis lost its last writes, or
// all of them.
#pragma once

#include "common/io/event_log.hpp"
#include "common/io/mutex.hpp"
#include "common/io/redis.hpp"
#include "common/store/audit.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "common/store/subject_numbers.hpp"
#include "services/consent_log.hpp"

#include <map>
#include <string>

namespace zhida {

class ledger_replay {
  public:
    // References must outlive it.
    ledger_replay(const boost::asio::any_io_executor& executor, io::event_log& log, io::redis& redis,
                  store::ledgers& ledgers, const clock& time, int shards)
        : log_(log), ledgers_(ledgers), messages_(redis), numbers_(redis), campaigns_(redis, shards),
          consents_(redis), consent_log_(log, consents_, time, shards), time_(time), shards_(shards),
          turns_(executor, 1) {}

    // Applies what the log has beyond what Redis says it is up to. Gives the run id of the server of which
    // that is true: another one has to be brought up again.
    boost::asio::awaitable<result<std::string>> bring_up(int shard);
    // The same of all shards, from the beginning of the log, whatever Redis says it has.
    boost::asio::awaitable<result<void>> rebuild();
    // Events that could not be applied, because they are not what this version writes.
    std::int64_t unreadable() const noexcept { return unreadable_; }
    std::int64_t applied() const noexcept { return applied_; }

  private:
    boost::asio::awaitable<result<void>> bring_up_deliveries(int shard, store::ledgers::log_place from);
    boost::asio::awaitable<result<void>> bring_up_campaigns(std::int64_t from);
    boost::asio::awaitable<result<void>> apply(const io::log_record& record);
    void unreadable(const io::log_record& record, const failure& why);
    boost::asio::awaitable<result<void>> apply(frozen_audience part);
    boost::asio::awaitable<result<void>> apply(transition t, std::int64_t offset);

    io::event_log& log_;
    store::ledgers& ledgers_;
    store::messages messages_;
    store::subject_numbers numbers_;
    store::campaigns campaigns_;
    store::consents consents_;
    consent_log consent_log_;
    const clock& time_;
    const int shards_;
    std::map<std::string, frozen_audience> parts_; // of audiences that are not complete yet
    io::mutex turns_; // one shard after the other: they share one reader of the log
    std::map<int, std::string>
        brought_up_;                   // shard -> run id of the server: until that changes, nothing is lost
    std::string campaigns_brought_up_; // run id
    std::int64_t unreadable_ = 0, applied_ = 0;
};

} // namespace zhida
