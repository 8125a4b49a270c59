#include "common/io/kafka_consumer.hpp"

#include "common/base/log.hpp"
#include "common/io/kafka_consumer_state.hpp"
#include "common/io/spawn.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <random>

namespace zhida::io {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t records_at_once = 512;                 // of one next()
constexpr std::size_t turn_records = 64;                     // of one partition before the next has its turn
constexpr std::size_t bytes_at_once = std::size_t{16} << 20; // of one next(), about

kafka::settings consumer_settings(const kafka_config& c, const std::string& group) {
    auto s = kafka::common_settings(c);
    // An instance without a group has to name one as well; nothing is committed, so it comes to nothing.
    std::random_device random;
    s["group.id"] = group.empty() ? "zhida-broadcast-" + std::to_string(random()) : group;
    s["auto.offset.reset"] = "earliest";
    s["enable.auto.commit"] = "false"; // we commit what was stored, and look at the answer
    s["enable.auto.offset.store"] = "false";
    s["partition.assignment.strategy"] = "range"; // cooperative rebalancing can hang in librdkafka 2.0
    s["session.timeout.ms"] = std::to_string(c.session_timeout_ms);
    s["heartbeat.interval.ms"] = std::to_string(std::min<std::int64_t>(3000, c.session_timeout_ms / 3));
    s["topic.metadata.refresh.interval.ms"] = "3000"; // how soon a topic made later is found
    s["queued.min.messages"] = "10000";
    s["queued.max.messages.kbytes"] = "32768";
    return s;
}

} // namespace

void kafka_consumer::state::report(failure why) {
    trouble = std::move(why);
    for_next.cancel();
}

// A call that only fails when it is used wrongly or when librdkafka is broken: seen, not acted on.
void kafka_consumer::state::check(rd_kafka_resp_err_t code, const char* what) {
    if (code)
        log::error("kafka.call_failed",
                   {{"call", what}, {"reason", rd_kafka_err2str(code)}, {"group", group}});
}

void kafka_consumer::state::open() {
    auto made = kafka::client::make(core->executor, RD_KAFKA_CONSUMER,
                                    consumer_settings(core->settings, group), core->settings.brokers);
    if (!made) return report(made.error());
    client = *made;
    client->start([this](rd_kafka_event_t* e) { on_event(e); }, [this] { return has_room(); });
    if (group.empty()) return;
    const auto list = kafka::to_list(std::map<topic_partition, std::int64_t>{});
    for (const auto& topic : topics)
        rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    check(rd_kafka_subscribe(client->get(), list.get()), "subscribe");
}

void kafka_consumer::state::on_event(rd_kafka_event_t* e) {
    switch (rd_kafka_event_type(e)) {
    case RD_KAFKA_EVENT_FETCH:
        while (const auto* m = rd_kafka_event_message_next(e)) take(m);
        break;
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(e);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        on_committed(e);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(e);
        break;
    default:
        break;
    }
}

void kafka_consumer::state::take(const rd_kafka_message_t* m) {
    if (m->err) {
        return report(kafka::failure_of(m->err, rd_kafka_message_errstr(m), core->settings.brokers));
    }
    const auto found = sources.find({rd_kafka_topic_name(m->rkt), m->partition});
    if (found == sources.end() || !applied) return; // of what we no longer have
    auto& from = found->second;
    const auto size = m->len + m->key_len;
    from.waiting.push_back(kafka::to_record(m));
    from.bytes += size;
    if (!from.paused) {
        ++waiting;
        waiting_bytes += size;
        for_next.cancel();
    }
}

void kafka_consumer::state::on_error(rd_kafka_event_t* e) {
    const auto code = rd_kafka_event_error(e);
    std::string text = rd_kafka_event_error_string(e);
    switch (code) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        if (!client->last_error.empty()) text += ": " + client->last_error;
        report(kafka::unreachable(text, core->settings.brokers));
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        report({errc::unavailable, text, "Kafka " + core->settings.brokers,
                "topics are made when zhida starts: it is waited for"});
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR__FATAL:
        report(kafka::failure_of(code, text, core->settings.brokers));
        break;
    default: // one broker of several, or one attempt: librdkafka goes on by itself
        client->last_error = text;
        break;
    }
}

std::vector<log_record> kafka_consumer::state::give_out() {
    std::vector<log_record> out;
    if (waiting == 0) return out;
    std::size_t bytes = 0;
    const bool was_full = is_full();
    // From the partition after the last one served, round.
    auto at = std::next(sources.begin(), static_cast<std::ptrdiff_t>(turn % sources.size()));
    for (std::size_t seen = 0; seen < sources.size() && out.size() < records_at_once && bytes < bytes_at_once;
         ++seen, ++turn) {
        auto& from = at->second;
        for (std::size_t n = 0;
             n < turn_records && !from.paused && !from.waiting.empty() && bytes < bytes_at_once; ++n) {
            const auto size = from.waiting.front().value.size() + from.waiting.front().key.size();
            bytes += size;
            from.bytes -= size;
            waiting_bytes -= size;
            --waiting;
            out.push_back(std::move(from.waiting.front()));
            from.waiting.pop_front();
        }
        if (++at == sources.end()) at = sources.begin();
    }
    if (was_full && !is_full()) client->wake();
    unchoke();
    return out;
}

kafka_consumer::kafka_consumer(std::shared_ptr<kafka::core> core, std::string group,
                               std::vector<std::string> topics, bool from_start)
    : state_(std::make_shared<state>(std::move(core), std::move(group), std::move(topics), from_start)) {
    state_->open();
    if (!state_->client) return;
    spawn(state_->core->executor,
          state_->group.empty() ? state::find_partitions(state_) : state::upkeep(state_));
}

kafka_consumer::~kafka_consumer() {
    state_->closed = true;
    if (state_->client) state_->client->stop();
    state_->for_next.cancel();
    state_->for_upkeep.cancel();
    state_->for_commit.cancel();
}

asio::awaitable<result<log_event>> kafka_consumer::next() {
    const auto s = state_;
    co_await state::settle(s);
    for (;;) {
        if (s->closed) co_return failure{errc::cancelled, "the consumer was closed", "", ""};
        if (!s->events.empty()) {
            auto event = std::move(s->events.front());
            s->events.pop_front();
            if (const auto* a = std::get_if<assigned>(&event)) {
                s->told_last = state::told::assigned;
                for (const auto& p : a->partitions) s->sources[p];
            } else {
                s->told_last = state::told::revoked;
            }
            co_return event;
        }
        if (s->trouble) {
            auto why = std::move(*s->trouble);
            // Settings that librdkafka does not take stay wrong.
            if (s->client) s->trouble.reset();
            co_return why;
        }
        if (auto records = s->give_out(); !records.empty()) co_return log_event(std::move(records));
        s->for_next.expires_at(steady::time_point::max());
        co_await s->for_next.async_wait(tuple); // cancelled by whoever has something, or by our caller
        if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
            co_return failure{errc::cancelled, "the caller stopped waiting", "", ""};
    }
}

void kafka_consumer::store(const topic_partition& partition, std::int64_t next_offset) {
    if (!state_->group.empty() && state_->sources.contains(partition))
        state_->unsaved[partition] = next_offset;
}

void kafka_consumer::seek(const topic_partition& partition, std::int64_t offset) {
    const auto found = state_->sources.find(partition);
    if (found == state_->sources.end()) return;
    if (!state_->applied) {
        state_->starts[partition] = offset;
        return;
    }
    auto& from = found->second;
    if (!from.paused) {
        state_->waiting -= from.waiting.size();
        state_->waiting_bytes -= from.bytes;
    }
    from.waiting.clear();
    from.bytes = 0;
    const auto list = kafka::to_list({partition}, offset);
    // Time limit 0: what is fetched from before is dropped by librdkafka, the rest happens in the background.
    const kafka::error wrong(rd_kafka_seek_partitions(state_->client->get(), list.get(), 0));
    if (wrong) state_->check(rd_kafka_error_code(wrong.get()), "seek");
}

void kafka_consumer::pause(const topic_partition& partition) {
    const auto found = state_->sources.find(partition);
    if (found == state_->sources.end() || found->second.paused) return;
    found->second.paused = true;
    if (!state_->applied) return;
    // What waits already stays where it is and comes first after resume().
    state_->waiting -= found->second.waiting.size();
    state_->waiting_bytes -= found->second.bytes;
    state_->client->wake();
    if (state_->choked) return state_->unchoke();
    const auto list = kafka::to_list(std::vector{partition});
    state_->check(rd_kafka_pause_partitions(state_->client->get(), list.get()), "pause");
}

void kafka_consumer::resume(const topic_partition& partition) {
    const auto found = state_->sources.find(partition);
    if (found == state_->sources.end() || !found->second.paused) return;
    found->second.paused = false;
    if (!state_->applied) return;
    state_->waiting += found->second.waiting.size();
    state_->waiting_bytes += found->second.bytes;
    state_->for_next.cancel();
    if (state_->choked) return;
    const auto list = kafka::to_list(std::vector{partition});
    state_->check(rd_kafka_resume_partitions(state_->client->get(), list.get()), "resume");
}

// Leaves the group. librdkafka must not be destroyed while it does: its thread would never end.
asio::awaitable<void> kafka_consumer::state::leave(std::shared_ptr<state> s) {
    if (!s->lost) co_await commit_and_wait(s);
    auto* rk = s->client->get();
    // An answer that librdkafka still waits for would keep it from leaving.
    if (s->told_last != told::nothing || !s->events.empty()) s->check(rd_kafka_assign(rk, nullptr), "assign");
    const kafka::error wrong(rd_kafka_consumer_close_queue(rk, s->client->events()));
    if (wrong) {
        s->check(rd_kafka_error_code(wrong.get()), "close");
    } else {
        const auto until = steady::now() + state::close_limit;
        asio::steady_timer timer(s->core->executor);
        while (!rd_kafka_consumer_closed(rk) && steady::now() < until) {
            timer.expires_after(milliseconds(5));
            co_await timer.async_wait(tuple);
        }
    }
    s->client->stop();
}

asio::awaitable<void> kafka_consumer::close() {
    const auto s = state_;
    if (s->closed) {
        while (!s->left) { // the first call is at it
            s->for_close.expires_at(steady::time_point::max());
            co_await s->for_close.async_wait(tuple);
        }
        co_return;
    }
    s->closed = true;
    s->for_next.cancel();
    s->for_upkeep.cancel();
    // So that nothing waits behind records that nobody takes any more.
    s->sources.clear();
    s->waiting = s->waiting_bytes = 0;
    if (s->client) co_await state::leave(s);
    s->left = true;
    s->for_close.cancel();
}

} // namespace zhida::io
