// The event log on Redis Streams: durable with Redis' AOF, one consuming process a group, nothing else to
// install. redis_log_schema.hpp says how it lies in Redis.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/io/redis.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zhida::io {

// What the log and its consumers share.
struct redis_log_core {
    redis_log_core(asio::any_io_executor e, redis_options o);

    // Partitions of a topic. not_found where nobody has created it.
    asio::awaitable<result<std::int32_t>> partitions_of(std::string topic);
    // Offset after the last record of each.
    asio::awaitable<result<std::vector<std::int64_t>>> ends_of(std::vector<topic_partition> partitions);
    asio::awaitable<result<std::vector<std::int64_t>>> stored_by(std::string group,
                                                                 std::vector<topic_partition> partitions);

    asio::any_io_executor executor;
    redis_options options;
    std::shared_ptr<redis> connection;             // for all but waiting reads
    std::map<std::string, std::int32_t> known;     // partitions by topic
    std::map<std::string, std::int64_t> retention; // of the topics that this process trims, in ms
    bool closed = false;
    std::function<void()> stop_trimming; // set while it runs

    void close();
};

class redis_log final : public event_log {
  public:
    redis_log(asio::any_io_executor executor, const config& c);
    ~redis_log() override;

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
    // Consumers still open can do nothing afterwards: close them first.
    asio::awaitable<void> close() override;

    // Removes records older than their topic's retention that every group has stored; runs by itself every
    // minute. Redis trims in whole nodes, so up to about a hundred records more may stay. Returns how many
    // went.
    asio::awaitable<result<std::int64_t>> trim(wall_time now);

  private:
    std::shared_ptr<redis_log_core> core_;
    bool trimming_ = false;
};

// In redis_log_trim.cpp.
asio::awaitable<result<std::int64_t>> trim_redis_log(std::shared_ptr<redis_log_core> core, wall_time now);
asio::awaitable<void> trim_redis_log_for_ever(std::shared_ptr<redis_log_core> core);

} // namespace zhida::io
