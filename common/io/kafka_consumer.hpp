// One consumer instance: member of a group, or reader of all partitions without one.
#pragma once

#include "common/io/event_log.hpp"

#include <memory>

namespace zhida::io {

namespace kafka {
struct core;
}

// What the group decides becomes effective only when the caller has heard of it: a new assignment is taken
// up, a revoked one given up, at the call of next() after the one that told of it. A consumer destroyed
// without close() vanishes like a crashed process: its group notices after ten seconds.
class kafka_consumer final : public log_consumer {
  public:
    // group: "" for none. from_start: where a consumer without a group begins.
    kafka_consumer(std::shared_ptr<kafka::core> core, std::string group, std::vector<std::string> topics,
                   bool from_start);
    ~kafka_consumer() override;

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
