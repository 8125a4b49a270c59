#include "common/io/kafka_log.hpp"

#include "common/base/log.hpp"
#include "common/io/event_log_limits.hpp"
#include "common/io/kafka_consumer.hpp"
#include "common/io/kafka_core.hpp"
#include "common/io/kafka_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace zhida::io {

namespace kafka {

namespace {

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

// An append is given up after this; whoever wants it kept tries again.
constexpr auto append_timeout = std::chrono::milliseconds(6000);

settings producer_settings(const kafka_config& c) {
    auto s = common_settings(c);
    s["acks"] = "all";
    s["enable.idempotence"] = "true"; // librdkafka's own retries neither double nor reorder
    // One request at a time. A broker that is only about to lead a partition refuses its first batch; once it
    // leads, it takes a later batch, already on its way, as the first of a producer it knows nothing of.
    // librdkafka concludes from that answer that the refused batch was written as well: acknowledged, and
    // lost.
    s["max.in.flight.requests.per.connection"] = "1";
    s["linger.ms"] = "1";
    s["compression.codec"] = "lz4";
    s["message.timeout.ms"] = std::to_string(append_timeout.count());
    s["message.max.bytes"] = std::to_string(2 * max_message_bytes);
    s["queue.buffering.max.messages"] = "200000";
    s["queue.buffering.max.kbytes"] = "262144";
    return s;
}

rd_kafka_vu_t vu_topic(const std::string& name) {
    rd_kafka_vu_t u{};
    u.vtype = RD_KAFKA_VTYPE_TOPIC;
    u.u.cstr = name.c_str();
    return u;
}
rd_kafka_vu_t vu_partition(std::int32_t partition) {
    rd_kafka_vu_t u{};
    u.vtype = RD_KAFKA_VTYPE_PARTITION;
    u.u.i32 = partition;
    return u;
}
rd_kafka_vu_t vu_bytes(rd_kafka_vtype_t type, const std::string& bytes) {
    rd_kafka_vu_t u{};
    u.vtype = type;
    // librdkafka copies (RD_KAFKA_MSG_F_COPY); an empty key is a key, not none.
    u.u.mem.ptr = const_cast<char*>(bytes.data());
    u.u.mem.size = bytes.size();
    return u;
}

} // namespace

// The messages of one append_all(); librdkafka holds a pointer to a slot for each until it reports on it.
struct append_batch : std::enable_shared_from_this<append_batch> {
    append_batch(const asio::any_io_executor& executor, std::size_t count)
        : wake(executor), slots(count), offsets(count, -1), left(count) {
        for (std::size_t i = 0; i < count; ++i) slots[i] = {this, i};
    }
    struct slot {
        append_batch* batch;
        std::size_t index;
    };
    asio::steady_timer wake;
    std::vector<slot> slots;
    std::vector<std::int64_t> offsets;
    std::size_t left;
    std::optional<failure> failed; // the first
};

core::core(asio::any_io_executor e, const kafka_config& c) : executor(std::move(e)), settings(c) {}

result<void> core::open() {
    if (closed) return failure{errc::cancelled, "the log was closed", "Kafka " + settings.brokers, ""};
    if (producer && !broken) return {};
    if (!appending.empty())
        return unreachable("the producer is being replaced after a fatal error", settings.brokers);
    auto made = client::make(executor, RD_KAFKA_PRODUCER, producer_settings(settings), settings.brokers);
    if (!made) return made.error();
    if (producer) producer->stop();
    producer = *made;
    broken = false;
    producer->start([this](rd_kafka_event_t* e) { on_event(e); }, [] { return true; });
    return {};
}

failure core::explained(failure why) const {
    if (why.code == errc::unavailable && producer && !producer->last_error.empty())
        why.what += ": " + producer->last_error;
    return why;
}

void core::on_event(rd_kafka_event_t* e) {
    switch (rd_kafka_event_type(e)) {
    case RD_KAFKA_EVENT_DR:
        while (const auto* m = rd_kafka_event_message_next(e)) delivered(m);
        break;
    case RD_KAFKA_EVENT_ERROR:
        producer->last_error = rd_kafka_event_error_string(e);
        if (rd_kafka_event_error_is_fatal(e)) {
            log::error("kafka.producer_failed",
                       {{"reason", producer->last_error}, {"brokers", settings.brokers}});
            broken = true;
            rd_kafka_purge(producer->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        }
        break;
    default:
        break;
    }
}

void core::delivered(const rd_kafka_message_t* m) {
    const auto* slot = static_cast<append_batch::slot*>(m->_private);
    auto& batch = *slot->batch;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset < 0) {
        // Only concluded from the answer to a later batch: it need not be there.
        if (!batch.failed)
            batch.failed =
                failure{errc::timeout, "acknowledged without an offset: whether it is there is unknown",
                        "Kafka " + settings.brokers, "look at the brokers' state"};
    } else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        batch.offsets[slot->index] = m->offset;
        producer->last_error.clear();
    } else if (!batch.failed) {
        if (rd_kafka_message_status(m) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED)
            batch.failed = failure{errc::timeout,
                                   std::string("sent, but not acknowledged (") + rd_kafka_err2str(m->err) +
                                       "): whether it is there is unknown",
                                   "Kafka " + settings.brokers, "look at the brokers' state"};
        else
            batch.failed = explained(failure_of(m->err, "", settings.brokers));
    }
    if (--batch.left == 0) {
        batch.wake.cancel();
        appending.erase(batch.shared_from_this());
    }
}

asio::awaitable<result<std::int32_t>> core::partitions_of(std::string topic) {
    if (const auto found = known.find(topic); found != known.end()) co_return found->second;
    if (auto ready = open(); !ready) co_return ready.error();
    const auto self = shared_from_this();
    const auto cluster = admin();
    std::function<result<std::map<std::string, std::int32_t>>()> question = [cluster] {
        return partitions(cluster);
    };
    auto found = co_await ask(questions, std::move(question));
    if (!found) co_return self->explained(found.error());
    self->known = std::move(*found);
    if (const auto it = self->known.find(topic); it != self->known.end()) co_return it->second;
    co_return failure{errc::not_found, "topic " + topic + " does not exist",
                      "Kafka " + self->settings.brokers,
                      "it is made when zhida starts: check that kafka.brokers names the right cluster"};
}

} // namespace kafka

using kafka::append_batch;

kafka_log::kafka_log(asio::any_io_executor executor, const config& c)
    : core_(std::make_shared<kafka::core>(std::move(executor), c.kafka)) {}

kafka_log::~kafka_log() {
    core_->closed = true;
    if (core_->producer) core_->producer->stop();
    core_->questions->join();
}

asio::awaitable<result<void>> kafka_log::ensure(std::vector<topic_spec> topics) {
    const auto core = core_;
    if (auto ready = core->open(); !ready) co_return ready.error();
    const auto cluster = core->admin();
    const auto factor = static_cast<int>(core->settings.replication_factor);
    std::function<result<void>()> question = [cluster, topics, factor] {
        return kafka::ensure(cluster, topics, factor);
    };
    const auto done = co_await kafka::ask(core->questions, std::move(question));
    if (!done) co_return core->explained(done.error());
    for (const auto& t : topics) core->known[t.name] = t.partitions;
    co_return result<void>();
}

asio::awaitable<result<std::int64_t>> kafka_log::append(log_message message) {
    std::vector<log_message> one;
    one.push_back(std::move(message));
    const auto offsets = co_await append_all(std::move(one));
    if (!offsets) co_return offsets.error();
    co_return offsets->front();
}

namespace {

// Gives one message to the producer; the code where librdkafka does not take it.
rd_kafka_resp_err_t produce(rd_kafka_t* rk, const log_message& m, append_batch::slot* slot) {
    using namespace kafka;
    std::array<rd_kafka_vu_t, 7> parts{vu_topic(m.topic), vu_partition(m.partition),
                                       vu_bytes(RD_KAFKA_VTYPE_KEY, m.key),
                                       vu_bytes(RD_KAFKA_VTYPE_VALUE, m.value)};
    parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[4].u.i = RD_KAFKA_MSG_F_COPY;
    parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
    parts[5].u.ptr = slot;
    std::size_t count = 6;
    owned<rd_kafka_headers_t, rd_kafka_headers_destroy> headers;
    if (!m.headers.empty()) {
        headers.reset(rd_kafka_headers_new(m.headers.size()));
        for (const auto& [name, value] : m.headers)
            rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                                static_cast<ssize_t>(value.size()));
        parts[6].vtype = RD_KAFKA_VTYPE_HEADERS;
        parts[6].u.headers = headers.get();
        count = 7;
    }
    const error wrong(rd_kafka_produceva(rk, parts.data(), count));
    if (wrong) return rd_kafka_error_code(wrong.get());
    (void)headers.release(); // the message has them now
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

} // namespace

asio::awaitable<result<std::vector<std::int64_t>>> kafka_log::append_all(std::vector<log_message> messages) {
    const auto core = core_;
    if (auto ready = core->open(); !ready) co_return ready.error();
    const log_message* before = nullptr;
    std::int32_t partitions_now = 0;
    for (const auto& m : messages) {
        if (auto wrong = check_message(m)) co_return *wrong;
        if (!before || before->topic != m.topic) {
            const auto count = co_await core->partitions_of(m.topic);
            if (!count) co_return count.error();
            partitions_now = *count;
            before = &m;
        }
        if (m.partition < 0 || m.partition >= partitions_now)
            co_return no_such_partition({m.topic, m.partition}, partitions_now);
    }
    if (messages.empty()) co_return std::vector<std::int64_t>();
    if (auto ready = core->open(); !ready) co_return ready.error(); // closed in the meantime
    const auto batch = std::make_shared<append_batch>(core->executor, messages.size());
    core->appending.insert(batch);
    const auto producer = core->producer;
    for (std::size_t i = 0; i < messages.size() && !core->closed; ++i) {
        auto code = produce(producer->get(), messages[i], &batch->slots[i]);
        // librdkafka reports on what it took within append_timeout, so there is room again by then.
        while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !core->closed) {
            batch->wake.expires_after(std::chrono::milliseconds(2));
            co_await batch->wake.async_wait(kafka::tuple);
            if (!core->closed) code = produce(producer->get(), messages[i], &batch->slots[i]);
        }
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            messages[i] = {};
            continue;
        }
        if (!batch->failed)
            batch->failed = core->explained(kafka::failure_of(code, "", core->settings.brokers));
        batch->left -= messages.size() - i; // the rest is not even tried: it would come out of order
        break;
    }
    if (batch->left == 0) core->appending.erase(batch);
    while (batch->left > 0) {
        if (core->closed && !core->appending.contains(batch)) break;
        batch->wake.expires_at(std::chrono::steady_clock::time_point::max());
        co_await batch->wake.async_wait(kafka::tuple);
        if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
            co_return failure{errc::cancelled, "the caller stopped waiting",
                              "Kafka " + core->settings.brokers, ""};
    }
    if (batch->failed) co_return std::move(*batch->failed);
    co_return std::move(batch->offsets);
}

std::unique_ptr<log_consumer> kafka_log::subscribe(const std::string& group,
                                                   std::vector<std::string> topics) {
    return std::make_unique<kafka_consumer>(core_, group, std::move(topics), true);
}

std::unique_ptr<log_consumer> kafka_log::broadcast(std::vector<std::string> topics, bool from_start) {
    return std::make_unique<kafka_consumer>(core_, "", std::move(topics), from_start);
}

namespace {

constexpr std::size_t idle_readers = 2;

std::vector<topic_partition> all_of(const std::string& topic, std::int32_t count) {
    std::vector<topic_partition> all;
    for (std::int32_t p = 0; p < count; ++p) all.push_back({topic, p});
    return all;
}

using offsets_question = std::function<result<std::map<topic_partition, std::int64_t>>()>;

asio::awaitable<result<std::vector<std::int64_t>>> offsets(std::shared_ptr<kafka::core> core,
                                                           std::vector<topic_partition> partitions,
                                                           offsets_question question) {
    const auto found = co_await kafka::ask(core->questions, std::move(question));
    if (!found) co_return core->explained(found.error());
    std::vector<std::int64_t> values;
    for (const auto& p : partitions) {
        const auto it = found->find(p);
        values.push_back(it == found->end() ? 0 : it->second);
    }
    co_return values;
}

} // namespace

asio::awaitable<result<std::vector<log_record>>> kafka_log::read(topic_partition partition, std::int64_t from,
                                                                 std::size_t at_most) {
    const auto core = core_;
    const auto count = co_await core->partitions_of(partition.topic);
    if (!count) co_return count.error();
    if (partition.partition < 0 || partition.partition >= *count)
        co_return no_such_partition(partition, *count);
    if (at_most == 0) co_return std::vector<log_record>();
    if (auto ready = core->open(); !ready) co_return ready.error();
    // An instance of librdkafka for each question under way; the last one may have read ahead already.
    std::shared_ptr<kafka::reader> reader;
    if (core->idle.empty()) {
        auto made = kafka::reader::make(core->settings);
        if (!made) co_return made.error();
        reader = std::move(*made);
    } else {
        reader = std::move(core->idle.back());
        core->idle.pop_back();
    }
    std::function<result<std::vector<log_record>>()> question = [reader, partition, from, at_most] {
        return reader->read(partition, from, at_most);
    };
    auto found = co_await kafka::ask(core->questions, std::move(question));
    if (core->idle.size() < idle_readers) core->idle.push_back(std::move(reader));
    if (!found) co_return core->explained(found.error());
    co_return std::move(*found);
}

asio::awaitable<result<std::vector<std::int64_t>>> kafka_log::end_offsets(std::string topic) {
    const auto core = core_;
    const auto count = co_await core->partitions_of(topic);
    if (!count) co_return count.error();
    if (auto ready = core->open(); !ready) co_return ready.error();
    const auto partitions = all_of(topic, *count);
    const auto cluster = core->admin();
    offsets_question question = [cluster, partitions] { return kafka::end_offsets(cluster, partitions); };
    co_return co_await offsets(core, partitions, std::move(question));
}

asio::awaitable<result<std::vector<std::int64_t>>> kafka_log::stored_offsets(std::string group,
                                                                             std::string topic) {
    const auto core = core_;
    const auto count = co_await core->partitions_of(topic);
    if (!count) co_return count.error();
    if (auto ready = core->open(); !ready) co_return ready.error();
    auto& member = core->bystanders[group];
    if (!member) {
        auto made = kafka::bystander(core->settings, group);
        if (!made) co_return made.error();
        member = std::move(*made);
    }
    const auto partitions = all_of(topic, *count);
    offsets_question question = [on = kafka::cluster{member, core->settings.brokers}, partitions] {
        return kafka::stored_offsets(on, partitions);
    };
    co_return co_await offsets(core, partitions, std::move(question));
}

asio::awaitable<void> kafka_log::close() {
    const auto core = core_;
    if (core->closed) co_return;
    core->closed = true;
    if (!core->producer) co_return;
    asio::steady_timer timer(core->executor);
    const auto until = std::chrono::steady_clock::now() + kafka::append_timeout;
    bool purged = false;
    while (!core->appending.empty()) {
        if (const auto now = std::chrono::steady_clock::now(); now > until + std::chrono::seconds(1)) {
            break;
        } else if (now > until && !purged) {
            purged = true; // librdkafka then reports on everything
            rd_kafka_purge(core->producer->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        }
        timer.expires_after(std::chrono::milliseconds(5));
        co_await timer.async_wait(kafka::tuple);
    }
    for (const auto& batch : std::exchange(core->appending, {})) {
        batch->failed = failure{errc::timeout, "the log was closed: whether it is there is unknown",
                                "Kafka " + core->settings.brokers, ""};
        batch->wake.cancel();
    }
    core->producer->stop();
}

} // namespace zhida::io
