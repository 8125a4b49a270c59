// The event log on Kafka, by librdkafka: one idempotent producer, one consumer instance for each
// subscription.
#pragma once

#include "common/io/event_log.hpp"

#include <memory>

namespace zhida::io {

namespace kafka {
struct core;
}

class kafka_log final : public event_log {
  public:
    kafka_log(asio::any_io_executor executor, const config& c);
    // Waits for questions under way on other threads, up to their time limit.
    ~kafka_log() override;

    asio::awaitable<result<void>> ensure(std::vector<topic_spec> topics) override;
    asio::awaitable<result<std::int64_t>> append(log_message message) override;
    asio::awaitable<result<std::vector<std::int64_t>>> append_all(std::vector<log_message> messages) override;
    std::unique_ptr<log_consumer> subscribe(const std::string& group,
                                            std::vector<std::string> topics) override;
    std::unique_ptr<log_consumer> broadcast(std::vector<std::string> topics, bool from_start) override;
    asio::awaitable<result<std::vector<log_record>>> read(topic_partition partition, std::int64_t from,
                                                          std::size_t at_most) override;
    asio::awaitable<result<std::vector<std::int64_t>>> end_offsets(std::string topic) override;
    asio::awaitable<result<std::vector<std::int64_t>>> stored_offsets(std::string group,
                                                                      std::string topic) override;
    // What is being appended has a few seconds to be acknowledged. Close consumers first.
    asio::awaitable<void> close() override;

  private:
    std::shared_ptr<kafka::core> core_;
};

} // namespace zhida::io
