// Questions to the cluster by blocking calls of librdkafka: for the worker's threads only. Each is given up
// after about five seconds.
#pragma once

#include "common/io/kafka_support.hpp"

namespace zhida::io::kafka {

struct cluster {
    std::shared_ptr<rd_kafka_t> handle;
    std::string brokers; // for messages
};

// Number of partitions of every topic.
result<std::map<std::string, std::int32_t>> partitions(const cluster& on);
// Creates those that are missing and waits until they can be used; conflict where one has another number.
result<void> ensure(const cluster& on, const std::vector<topic_spec>& topics, int replication_factor);
// The partition's first offset, and the one after its last record.
result<std::pair<std::int64_t, std::int64_t>> bounds(const cluster& on, const topic_partition& partition);
// Offset after the last record of each.
result<std::map<topic_partition, std::int64_t>> end_offsets(const cluster& on,
                                                            const std::vector<topic_partition>& partitions);
// What the group has committed; 0 where nothing. on: an instance of that group (bystander). Not by the
// admin call ListConsumerGroupOffsets: librdkafka 2.0.2 ends the process in it when a broker goes away.
result<std::map<topic_partition, std::int64_t>>
stored_offsets(const cluster& on, const std::vector<topic_partition>& partitions);

} // namespace zhida::io::kafka
