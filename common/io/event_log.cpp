#include "common/io/event_log.hpp"

#include "common/io/event_log_limits.hpp"
#include "common/io/kafka_log.hpp"
#include "common/io/redis_log.hpp"

namespace zhida::io {

std::size_t size_of(const log_message& m) {
    std::size_t bytes = m.key.size() + m.value.size();
    for (const auto& [name, value] : m.headers) bytes += name.size() + value.size();
    return bytes;
}

std::optional<failure> check_message(const log_message& m) {
    const auto bytes = size_of(m);
    if (bytes <= max_message_bytes) return std::nullopt;
    return failure{errc::invalid, "a message of " + std::to_string(bytes) + " bytes",
                   "topic " + m.topic + "/" + std::to_string(m.partition),
                   "at most " + std::to_string(max_message_bytes) + " bytes, key and headers included"};
}

failure no_such_partition(const topic_partition& p, std::int64_t partitions) {
    return {errc::not_found,
            "topic " + p.topic + " has no partition " + std::to_string(p.partition) + ", only " +
                std::to_string(partitions),
            "event log", "check node.shards: it must be what the installation was made with"};
}

failure another_number_of_partitions(const topic_spec& wanted, const std::string& found) {
    return {errc::conflict,
            "topic " + wanted.name + " has " + found + " partitions, not " +
                std::to_string(wanted.partitions),
            "event log",
            "set node.shards to what this installation was made with; the number cannot change in place"};
}

std::unique_ptr<event_log> make_event_log(asio::any_io_executor executor, const config& c) {
    if (c.event_log.driver == "kafka") return std::make_unique<kafka_log>(std::move(executor), c);
    return std::make_unique<redis_log>(std::move(executor), c);
}

} // namespace zhida::io
