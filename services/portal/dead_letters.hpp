// The newest events that could not be read, as zhida.deadletter tells them, kept in memory for the operator.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "common/io/event_log.hpp"

#include <deque>

namespace zhida::portal {

namespace asio = boost::asio;

class dead_letters {
  public:
    static constexpr std::size_t most = 200;

    // Reads the topic from its last `most` records on, until the consumer is closed. The log must outlive it.
    asio::awaitable<void> follow(const clock& time, io::event_log& log, io::log_consumer& consumer);
    // Newest first: {at, topic, partition, offset, key, by, errors, bytes, excerpt}
    json newest(std::size_t limit) const;
    // Ever buried, as far as the log remembers.
    std::int64_t total() const noexcept { return total_; }
    void add(const io::log_record& record);

  private:
    std::deque<json> kept_;
    std::int64_t total_ = 0;
};

} // namespace zhida::portal
