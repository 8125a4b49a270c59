#include "common/io/kafka_support.hpp"

namespace zhida::io::kafka {

settings common_settings(const kafka_config& c) {
    settings s{
        {"bootstrap.servers", c.brokers},
        {"client.id", "zhida"},
        {"security.protocol", c.security_protocol},
        {"log.queue", "true"},
        {"log.connection.close", "false"},
        {"socket.keepalive.enable", "true"},
        {"socket.connection.setup.timeout.ms", "5000"},
        // A broker that restarts is found again within a second, not within ten.
        {"reconnect.backoff.ms", "100"},
        {"reconnect.backoff.max.ms", "1000"},
        {"topic.metadata.refresh.interval.ms", "10000"},
    };
    if (!c.sasl_mechanism.empty()) s["sasl.mechanism"] = c.sasl_mechanism;
    if (!c.sasl_username.empty()) s["sasl.username"] = c.sasl_username;
    if (!c.sasl_password.empty()) s["sasl.password"] = c.sasl_password;
    if (!c.ssl_ca_file.empty()) s["ssl.ca.location"] = c.ssl_ca_file;
    return s;
}

partition_list to_list(const std::vector<topic_partition>& partitions, std::int64_t offset) {
    partition_list list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
    for (const auto& p : partitions)
        rd_kafka_topic_partition_list_add(list.get(), p.topic.c_str(), p.partition)->offset = offset;
    return list;
}

partition_list to_list(const std::map<topic_partition, std::int64_t>& offsets) {
    partition_list list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
    for (const auto& [p, offset] : offsets)
        rd_kafka_topic_partition_list_add(list.get(), p.topic.c_str(), p.partition)->offset = offset;
    return list;
}

std::vector<topic_partition> from_list(const rd_kafka_topic_partition_list_t* list) {
    std::vector<topic_partition> partitions;
    for (int i = 0; list && i < list->cnt; ++i)
        partitions.push_back({list->elems[i].topic, list->elems[i].partition});
    return partitions;
}

log_record to_record(const rd_kafka_message_t* m) {
    log_record r;
    r.topic = rd_kafka_topic_name(m->rkt);
    r.partition = m->partition;
    r.offset = m->offset;
    r.timestamp_ms = rd_kafka_message_timestamp(m, nullptr);
    if (m->key) r.key.assign(static_cast<const char*>(m->key), m->key_len);
    if (m->payload) r.value.assign(static_cast<const char*>(m->payload), m->len);
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* name = nullptr;
        const void* value = nullptr;
        std::size_t size = 0;
        for (std::size_t i = 0;
             rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
            r.headers.emplace_back(name, value ? std::string(static_cast<const char*>(value), size) : "");
    }
    return r;
}

failure unreachable(std::string what, const std::string& brokers) {
    return {errc::unavailable, std::move(what), "Kafka " + brokers,
            "check that Kafka runs there and that kafka.brokers is right"};
}

failure failure_of(rd_kafka_resp_err_t code, std::string detail, const std::string& brokers) {
    const std::string where = "Kafka " + brokers;
    if (detail.empty()) detail = rd_kafka_err2str(code);
    switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return {errc::not_found, detail, where, "topics are made when zhida starts: check kafka.brokers"};
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return {errc::invalid, detail, where, "raise max.message.bytes of the topic"};
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return {errc::exhausted, detail, where, "send less at once and wait for the answers"};
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return {errc::refused, detail, where,
                "check kafka.security_protocol, the sasl and ssl keys, and the rights of that user"};
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        return {errc::refused, detail, where, "kafka.replication_factor is more than there are brokers"};
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return {errc::refused, detail, where, ""};
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY:
        return {errc::cancelled, "the log was closed", where, ""};
    default:
        return unreachable(std::move(detail), brokers);
    }
}

} // namespace zhida::io::kafka
