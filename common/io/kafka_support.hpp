// Owning types for librdkafka's handles, and its errors in our words.
#pragma once

#include "common/base/config.hpp"
#include "common/base/error.hpp"
#include "common/io/event_log.hpp"

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zhida::io::kafka {

template <auto Destroy>
struct destroyer {
    template <class T>
    void operator()(T* handle) const noexcept {
        Destroy(handle);
    }
};
template <class T, auto Destroy>
using owned = std::unique_ptr<T, destroyer<Destroy>>;

using partition_list = owned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using queue = owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using event = owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using conf = owned<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using error = owned<rd_kafka_error_t, rd_kafka_error_destroy>;

using settings = std::map<std::string, std::string>;

// What producer and consumers share: brokers and how to sign in.
settings common_settings(const kafka_config& c);

// Every partition with `offset`.
partition_list to_list(const std::vector<topic_partition>& partitions,
                       std::int64_t offset = RD_KAFKA_OFFSET_INVALID);
partition_list to_list(const std::map<topic_partition, std::int64_t>& offsets);
std::vector<topic_partition> from_list(const rd_kafka_topic_partition_list_t* list);

log_record to_record(const rd_kafka_message_t* m);

// detail: what librdkafka said; empty: its general text for the code.
failure failure_of(rd_kafka_resp_err_t code, std::string detail, const std::string& brokers);
failure unreachable(std::string what, const std::string& brokers);

} // namespace zhida::io::kafka
