// The event log: partitioned topics with stored offsets. Two drivers: Kafka (production) and Redis Streams
// (one process, nothing else to install). At least once: do, record, then store the offset.
#pragma once

#include "common/base/config.hpp"
#include "common/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace zhida::io {

namespace asio = boost::asio;

using log_headers = std::vector<std::pair<std::string, std::string>>;

struct topic_partition {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const topic_partition&) const = default;
};

struct topic_spec {
    std::string name;
    std::int32_t partitions = 1;
    std::int64_t retention_ms = -1; // -1: kept for ever
};

struct log_message {
    std::string topic;
    std::int32_t partition = 0;
    std::string key, value;
    log_headers headers;
};

struct log_record {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;       // from 0, rising by at least 1
    std::int64_t timestamp_ms = 0; // when it was appended, milliseconds since 1970 UTC
    std::string key, value;
    log_headers headers;
};

// What a consumer has to act on, in this order of events: nothing of a partition is delivered before
// `assigned` or after `revoked`. Work on a revoked partition must be finished or dropped before next() is
// called again: that call gives it up.
struct assigned {
    std::vector<topic_partition> partitions;
};
struct revoked {
    std::vector<topic_partition> partitions;
};
using log_event = std::variant<std::vector<log_record>, assigned, revoked>;

class log_consumer {
  public:
    virtual ~log_consumer() = default;
    // Waits. At most a few hundred records of any partitions, in order within each. Failure: unavailable (the
    // caller waits and calls again) or cancelled (after close()).
    virtual asio::awaitable<result<log_event>> next() = 0;
    // Everything below next_offset is done; kept durably for the group, soon (a crash may repeat a little).
    virtual void store(const topic_partition& partition, std::int64_t next_offset) = 0;
    // Start reading the partition again at this offset (used right after `assigned`).
    virtual void seek(const topic_partition& partition, std::int64_t offset) = 0;
    // No records of it until resume(); the place is kept.
    virtual void pause(const topic_partition& partition) = 0;
    virtual void resume(const topic_partition& partition) = 0;
    // Writes the stored offsets and leaves the group. next() then fails with cancelled. Whoever destroys the
    // consumer waits for this first; a second call waits for the first.
    virtual asio::awaitable<void> close() = 0;
};

class event_log {
  public:
    virtual ~event_log() = default;
    // Creates what is missing; fails with conflict where a topic has another number of partitions.
    virtual asio::awaitable<result<void>> ensure(std::vector<topic_spec> topics) = 0;
    // The record's offset, once it is durable (Kafka: acks=all; Redis: answered). timeout: unknown whether it
    // is there.
    virtual asio::awaitable<result<std::int64_t>> append(log_message message) = 0;
    // The same for many, in order within each partition; the first failure if any failed.
    virtual asio::awaitable<result<std::vector<std::int64_t>>>
    append_all(std::vector<log_message> messages) = 0;
    // Member of a group: partitions are shared among its members; a new group starts at the earliest record.
    virtual std::unique_ptr<log_consumer> subscribe(const std::string& group,
                                                    std::vector<std::string> topics) = 0;
    // All partitions of the topics, without a group: from the earliest record, or only what comes from now
    // on.
    virtual std::unique_ptr<log_consumer> broadcast(std::vector<std::string> topics, bool from_start) = 0;
    // Records of one partition from this offset on, without a group: at most so many, fewer where they are
    // large, none at the end. From an offset that is not there (trimmed, or beyond the end of a log that lost
    // it) it begins at the earliest record: who replays must put up with repetitions.
    virtual asio::awaitable<result<std::vector<log_record>>> read(topic_partition partition,
                                                                  std::int64_t from, std::size_t at_most) = 0;
    // Offset after the last record, one a partition.
    virtual asio::awaitable<result<std::vector<std::int64_t>>> end_offsets(std::string topic) = 0;
    // Stored offsets of a group, one a partition; 0 where nothing is stored.
    virtual asio::awaitable<result<std::vector<std::int64_t>>> stored_offsets(std::string group,
                                                                              std::string topic) = 0;
    virtual asio::awaitable<void> close() = 0;
};

// By config.event_log.driver. Used from the executor's thread alone.
std::unique_ptr<event_log> make_event_log(asio::any_io_executor executor, const config& c);

} // namespace zhida::io
