#include "common/io/kafka_reader.hpp"

#include "common/io/event_log_limits.hpp"
#include "common/io/kafka_admin.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace zhida::io::kafka {

namespace {

using steady = std::chrono::steady_clock;
using message = owned<rd_kafka_message_t, rd_kafka_message_destroy>;

constexpr std::chrono::milliseconds limit{5000};

settings bystander_settings(const kafka_config& c, const std::string& group) {
    auto s = common_settings(c);
    s["group.id"] = group;
    s["auto.offset.reset"] = "earliest";
    s["enable.auto.commit"] = "false";
    s["enable.auto.offset.store"] = "false";
    s["enable.partition.eof"] = "true"; // the last offset need not be a record's
    s["fetch.wait.max.ms"] = "10";      // the end of a partition is told when a fetch finds nothing
    s["queued.min.messages"] = "5000";
    s["queued.max.messages.kbytes"] = "16384";
    s["log.queue"] = "false"; // nobody polls for it; what matters comes as an error
    return s;
}

void destroy(rd_kafka_t* rk) noexcept {
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

} // namespace

result<std::shared_ptr<rd_kafka_t>> bystander(const kafka_config& c, const std::string& group) {
    std::array<char, 512> text{};
    conf made(rd_kafka_conf_new());
    for (const auto& [name, value] : bystander_settings(c, group))
        if (rd_kafka_conf_set(made.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
            RD_KAFKA_CONF_OK)
            return failure{errc::invalid, text.data(), "Kafka setting " + name,
                           "check the section kafka of the configuration"};
    rd_kafka_conf_set_log_cb(made.get(), nullptr);
    rd_kafka_t* rk = rd_kafka_new(RD_KAFKA_CONSUMER, made.get(), text.data(), text.size());
    if (!rk)
        return failure{errc::invalid, text.data(), "Kafka", "check the section kafka of the configuration"};
    (void)made.release(); // rd_kafka_new() took it
    rd_kafka_poll_set_consumer(rk);
    return std::shared_ptr<rd_kafka_t>(rk, destroy);
}

result<std::shared_ptr<reader>> reader::make(const kafka_config& c) {
    auto handle = bystander(c, "zhida-read"); // it has to be named
    if (!handle) return handle.error();
    std::shared_ptr<reader> out(new reader(c.brokers));
    out->handle_ = std::move(*handle);
    return out;
}

result<void> reader::go_to(const topic_partition& partition, std::int64_t offset) {
    if (at_ == partition && position_ == offset) return {};
    const auto list = to_list({partition}, offset);
    if (const auto code = rd_kafka_assign(handle_.get(), list.get())) return failure_of(code, "", brokers_);
    at_ = partition;
    position_ = offset;
    return {};
}

// What is not read on is not fetched in advance either.
void reader::leave() {
    at_.reset();
    rd_kafka_assign(handle_.get(), nullptr);
}

result<std::vector<log_record>> reader::read(const topic_partition& partition, std::int64_t from,
                                             std::size_t at_most) {
    const auto there = bounds({handle_, brokers_}, partition);
    if (!there) return there.error();
    const auto [first, end] = *there;
    if (from < first || from > end) from = first;
    if (auto gone = go_to(partition, from); !gone) return gone.error();
    std::vector<log_record> records;
    std::size_t bytes = 0;
    std::string why = "no record within 5 s";
    bool ended = from == end;
    for (const auto until = steady::now() + limit;
         !ended && records.size() < at_most && bytes < read_bytes;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now());
        if (left.count() <= 0) break;
        const message m(rd_kafka_consumer_poll(handle_.get(), static_cast<int>(left.count())));
        if (!m) continue;
        if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ended = m->offset >= end; // one of before may still be on its way
        } else if (m->err) {
            why = rd_kafka_message_errstr(m.get());
        } else {
            position_ = m->offset + 1;
            bytes += m->len + m->key_len;
            records.push_back(to_record(m.get()));
            ended = position_ >= end;
        }
    }
    if (ended) leave();
    if (!ended && records.empty()) {
        leave();
        return unreachable(why, brokers_);
    }
    return records;
}

} // namespace zhida::io::kafka
