// Reads one partition from an offset, without a group: by blocking calls of librdkafka, for the worker's
// threads only, one at a time.
#pragma once

#include "common/io/kafka_support.hpp"

#include <optional>

namespace zhida::io::kafka {

// An instance that belongs to the group by name alone: it joins nothing and commits nothing, so that it can
// read, and ask what the group has committed.
result<std::shared_ptr<rd_kafka_t>> bystander(const kafka_config& c, const std::string& group);

class reader {
  public:
    static result<std::shared_ptr<reader>> make(const kafka_config& c);

    // As event_log::read. Given up after about five seconds without a record: unavailable.
    result<std::vector<log_record>> read(const topic_partition& partition, std::int64_t from,
                                         std::size_t at_most);

  private:
    explicit reader(std::string brokers) : brokers_(std::move(brokers)) {}
    result<void> go_to(const topic_partition& partition, std::int64_t offset);
    void leave();

    std::string brokers_;
    std::shared_ptr<rd_kafka_t> handle_;
    // Where the next record comes from: who reads on needs no new fetch.
    std::optional<topic_partition> at_;
    std::int64_t position_ = 0;
};

} // namespace zhida::io::kafka
