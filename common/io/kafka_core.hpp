// What the log on Kafka and its consumers share.
#pragma once

#include "common/io/kafka_admin.hpp"
#include "common/io/kafka_client.hpp"
#include "common/io/kafka_worker.hpp"

#include <optional>
#include <set>

namespace zhida::io::kafka {

struct append_batch;
class reader;

struct core : std::enable_shared_from_this<core> {
    core(asio::any_io_executor e, const kafka_config& c);

    // Starts a producer where there is none, or where the last one has failed for good.
    result<void> open();
    asio::awaitable<result<std::int32_t>> partitions_of(std::string topic);
    cluster admin() const { return {producer->share(), settings.brokers}; }
    // detail of librdkafka, completed by why the last connection failed.
    failure explained(failure why) const;

    asio::any_io_executor executor;
    kafka_config settings;
    std::shared_ptr<worker> questions = std::make_shared<worker>(4);
    std::shared_ptr<client> producer;
    bool broken = false; // the producer: librdkafka will not go on with it
    bool closed = false;
    std::vector<std::shared_ptr<reader>> idle;                     // of read()
    std::map<std::string, std::shared_ptr<rd_kafka_t>> bystanders; // of stored_offsets(), by group
    std::map<std::string, std::int32_t> known;                     // partitions by topic
    std::set<std::shared_ptr<append_batch>> appending;             // librdkafka points into them

  private:
    void on_event(rd_kafka_event_t* e);
    void delivered(const rd_kafka_message_t* m);
};

} // namespace zhida::io::kafka
