// Brings ledger and consents in Redis up to zhida.delivery and zhida.consent: after Redis lost its last
// writes, or all of them.
#pragma once

#include "common/io/event_log.hpp"
#include "common/io/mutex.hpp"
#include "common/io/redis.hpp"
#include "common/store/audit.hpp"
#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "services/consent_log.hpp"

#include <map>
#include <string>

namespace zhida {

class ledger_replay {
  public:
    ledger_replay(const boost::asio::any_io_executor& executor, io::event_log& log, io::redis& redis,
                  const clock& time, int shards)
        : log_(log), ledgers_(redis), messages_(redis), consents_(redis),
          consent_log_(log, consents_, time, shards), turns_(executor, 1) {}

    // Applies what the log has beyond what Redis says it is up to. Gives the run id of the server of which
    // that is true: another one has to be brought up again.
    boost::asio::awaitable<result<std::string>> bring_up(int shard);
    // Events that could not be applied, because they are not what this version writes.
    std::int64_t unreadable() const noexcept { return unreadable_; }
    std::int64_t applied() const noexcept { return applied_; }

  private:
    boost::asio::awaitable<result<void>> apply(const io::log_record& record);
    boost::asio::awaitable<result<void>> apply(frozen_audience part);
    boost::asio::awaitable<result<void>> apply(transition t, std::int64_t offset);

    io::event_log& log_;
    store::ledgers ledgers_;
    store::messages messages_;
    store::consents consents_;
    consent_log consent_log_;
    std::map<std::string, frozen_audience> parts_; // of audiences that are not complete yet
    io::mutex turns_; // one shard after the other: they share one reader of the log
    std::map<int, std::string>
        brought_up_; // shard -> run id of the server: until that changes, nothing is lost
    std::int64_t unreadable_ = 0, applied_ = 0;
};

} // namespace zhida
