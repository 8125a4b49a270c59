// What both drivers of the event log ask of a message and of a topic.
#pragma once

#include "common/io/event_log.hpp"

#include <optional>

namespace zhida::io {

// Key, value and headers together. Topics that we create on Kafka take messages up to twice this.
inline constexpr std::size_t max_message_bytes = std::size_t{2} << 20;
// One read() gives no more than about this.
inline constexpr std::size_t read_bytes = std::size_t{16} << 20;

std::size_t size_of(const log_message& message);
// invalid where no log would take it.
std::optional<failure> check_message(const log_message& message);
failure no_such_partition(const topic_partition& wanted, std::int64_t partitions);
// conflict: what ensure() says of a topic that has `found` partitions.
failure another_number_of_partitions(const topic_spec& wanted, const std::string& found);

} // namespace zhida::io
