#include "common/io/kafka_admin.hpp"

#include "common/io/event_log_limits.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

namespace zhida::io::kafka {

namespace {

constexpr int limit_ms = 5000;

failure no_answer(const cluster& on, rd_kafka_resp_err_t code) {
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
        code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return unreachable("no answer within " + std::to_string(limit_ms / 1000) + " s", on.brokers);
    return failure_of(code, "", on.brokers);
}

// Asks again, for as long as our time limit, where the cluster says that it is not ready: a topic just made,
// a leader or coordinator on the move.
template <class T>
result<T> until_ready(const std::function<result<T>(rd_kafka_resp_err_t& why)>& ask) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    for (;;) {
        auto why = RD_KAFKA_RESP_ERR_NO_ERROR;
        auto answer = ask(why);
        if (answer || std::chrono::steady_clock::now() > until) return answer;
        switch (why) {
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
        case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
        case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
        case RD_KAFKA_RESP_ERR__WAIT_COORD:
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            break;
        default:
            return answer;
        }
    }
}

// Options with our time limit, for the admin call of this kind.
owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy> options(const cluster& on,
                                                                      rd_kafka_admin_op_t kind) {
    owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy> made(
        rd_kafka_AdminOptions_new(on.handle.get(), kind));
    char text[256];
    // Out of range is a bug of ours, not a failure of theirs.
    if (rd_kafka_AdminOptions_set_request_timeout(made.get(), limit_ms, text, sizeof text) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        throw std::logic_error(text);
    return made;
}

struct new_topics {
    ~new_topics() { rd_kafka_NewTopic_destroy_array(all.data(), all.size()); }
    std::vector<rd_kafka_NewTopic_t*> all;
};

result<void> create(const cluster& on, const std::vector<topic_spec>& topics, int replication_factor) {
    new_topics wanted;
    const auto set = [](rd_kafka_NewTopic_t* topic, const char* name, std::int64_t value) {
        rd_kafka_NewTopic_set_config(topic, name, std::to_string(value).c_str());
    };
    for (const auto& t : topics) {
        char text[256];
        auto* topic =
            rd_kafka_NewTopic_new(t.name.c_str(), t.partitions, replication_factor, text, sizeof text);
        if (!topic) return failure{errc::invalid, text, "topic " + t.name, ""};
        wanted.all.push_back(topic);
        set(topic, "retention.ms", t.retention_ms);
        set(topic, "max.message.bytes", 2 * static_cast<std::int64_t>(max_message_bytes));
        // With three replicas an acknowledged record survives the loss of one at any moment.
        set(topic, "min.insync.replicas", std::max(1, replication_factor - 1));
    }
    const queue answers(rd_kafka_queue_new(on.handle.get()));
    const auto how = options(on, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(on.handle.get(), wanted.all.data(), wanted.all.size(), how.get(), answers.get());
    const event answer(rd_kafka_queue_poll(answers.get(), limit_ms + 1000));
    if (!answer) return no_answer(on, RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto code = rd_kafka_event_error(answer.get())) return no_answer(on, code);
    std::size_t count = 0;
    const auto* made =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.get()), &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_topic_result_error(made[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
        const auto* why = rd_kafka_topic_result_error_string(made[i]);
        return failure_of(code,
                          std::string("topic ") + rd_kafka_topic_result_name(made[i]) +
                              " cannot be created: " + (why ? why : rd_kafka_err2str(code)),
                          on.brokers);
    }
    return {};
}

} // namespace

result<std::map<std::string, std::int32_t>> partitions(const cluster& on) {
    const rd_kafka_metadata_t* raw = nullptr;
    if (const auto code = rd_kafka_metadata(on.handle.get(), 1, nullptr, &raw, limit_ms))
        return no_answer(on, code);
    const owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy> all(raw);
    std::map<std::string, std::int32_t> counts;
    for (int i = 0; i < all->topic_cnt; ++i) {
        const auto& topic = all->topics[i];
        // One that is being made has no leaders yet: nothing can be appended to it.
        const bool led = std::all_of(topic.partitions, topic.partitions + topic.partition_cnt,
                                     [](const auto& p) { return p.leader >= 0; });
        if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR && led) counts[topic.topic] = topic.partition_cnt;
    }
    return counts;
}

result<void> ensure(const cluster& on, const std::vector<topic_spec>& topics, int replication_factor) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(2 * limit_ms);
    for (bool first = true;; first = false) {
        const auto found = partitions(on);
        if (!found) return found.error();
        std::vector<topic_spec> missing;
        for (const auto& t : topics) {
            const auto have = found->find(t.name);
            if (have == found->end())
                missing.push_back(t);
            else if (have->second != t.partitions)
                return another_number_of_partitions(t, std::to_string(have->second));
        }
        if (missing.empty()) return {};
        if (first) {
            if (auto made = create(on, missing, replication_factor); !made) return made.error();
        } else if (std::chrono::steady_clock::now() > until) {
            return unreachable("topic " + missing.front().name + " was created but has no leader",
                               on.brokers);
        }
        // Made, but not yet known to every broker.
        if (!first) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

namespace {

using offsets = std::map<topic_partition, std::int64_t>;

result<offsets> ask_ends(const cluster& on, const std::vector<topic_partition>& wanted,
                         rd_kafka_resp_err_t& why) {
    // A look-up by time, where the "time" -1 is the end.
    const auto list = to_list(wanted, RD_KAFKA_OFFSET_END);
    if ((why = rd_kafka_offsets_for_times(on.handle.get(), list.get(), limit_ms))) return no_answer(on, why);
    offsets ends;
    for (int i = 0; i < list->cnt; ++i) {
        const auto& p = list->elems[i];
        if ((why = p.err)) return no_answer(on, why);
        ends[{p.topic, p.partition}] = p.offset;
    }
    return ends;
}

result<offsets> ask_stored(const cluster& on, const std::vector<topic_partition>& wanted,
                           rd_kafka_resp_err_t& why) {
    const auto list = to_list(wanted);
    if ((why = rd_kafka_committed(on.handle.get(), list.get(), limit_ms))) return no_answer(on, why);
    offsets stored;
    for (int i = 0; i < list->cnt; ++i) {
        const auto& p = list->elems[i];
        if ((why = p.err)) return no_answer(on, why);
        stored[{p.topic, p.partition}] = std::max<std::int64_t>(p.offset, 0);
    }
    return stored;
}

} // namespace

result<std::pair<std::int64_t, std::int64_t>> bounds(const cluster& on, const topic_partition& p) {
    using pair = std::pair<std::int64_t, std::int64_t>;
    return until_ready<pair>([&](auto& why) -> result<pair> {
        pair found;
        why = rd_kafka_query_watermark_offsets(on.handle.get(), p.topic.c_str(), p.partition, &found.first,
                                               &found.second, limit_ms);
        if (why) return no_answer(on, why);
        return found;
    });
}

result<offsets> end_offsets(const cluster& on, const std::vector<topic_partition>& wanted) {
    return until_ready<offsets>([&](auto& why) { return ask_ends(on, wanted, why); });
}

result<offsets> stored_offsets(const cluster& on, const std::vector<topic_partition>& wanted) {
    return until_ready<offsets>([&](auto& why) { return ask_stored(on, wanted, why); });
}

} // namespace zhida::io::kafka
