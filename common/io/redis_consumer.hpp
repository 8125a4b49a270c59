// Reads streams of the event log: those of a group, for which it holds the lease, or all without a group.
#pragma once

#include "common/io/redis_log.hpp"

namespace zhida::io {

// What it reads waits in a small buffer for each partition, filled by one blocking XREAD over all of them on
// a connection of its own. A consumer that is destroyed without close() writes no offsets, like a crash, but
// gives its lease back.
class redis_consumer final : public log_consumer {
  public:
    // group: "" for none. from_start: where a consumer without a group begins.
    redis_consumer(std::shared_ptr<redis_log_core> core, std::string group, std::vector<std::string> topics,
                   bool from_start);
    ~redis_consumer() override;

    asio::awaitable<result<log_event>> next() override;
    void store(const topic_partition& partition, std::int64_t next_offset) override;
    void seek(const topic_partition& partition, std::int64_t offset) override;
    void pause(const topic_partition& partition) override;
    void resume(const topic_partition& partition) override;
    asio::awaitable<void> close() override;

  private:
    struct state;

    std::shared_ptr<state> state_;
};

} // namespace zhida::io
