#include "common/io/kafka_consumer.hpp"

#include "common/base/log.hpp"
#include "common/io/kafka_core.hpp"
#include "common/io/spawn.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <deque>
#include <random>

namespace zhida::io {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t records_at_once = 512;                 // of one next()
constexpr std::size_t turn_records = 64;                     // of one partition before the next has its turn
constexpr std::size_t bytes_at_once = std::size_t{16} << 20; // of one next(), about
// Beyond this the rest waits in librdkafka, which stops fetching.
constexpr std::size_t enough_waiting = 4096, enough_bytes = std::size_t{16} << 20;
constexpr milliseconds commit_every{1000}, retry_after{500}, close_limit{5000};

kafka::settings consumer_settings(const kafka_config& c, const std::string& group) {
    auto s = kafka::common_settings(c);
    // An instance without a group has to name one as well; nothing is committed, so it comes to nothing.
    std::random_device random;
    s["group.id"] = group.empty() ? "zhida-broadcast-" + std::to_string(random()) : group;
    s["auto.offset.reset"] = "earliest";
    s["enable.auto.commit"] = "false"; // we commit what was stored, and look at the answer
    s["enable.auto.offset.store"] = "false";
    s["partition.assignment.strategy"] = "range"; // cooperative rebalancing can hang in librdkafka 2.0
    s["session.timeout.ms"] = "10000";
    s["topic.metadata.refresh.interval.ms"] = "3000"; // how soon a topic made later is found
    s["queued.min.messages"] = "10000";
    s["queued.max.messages.kbytes"] = "32768";
    return s;
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

} // namespace

struct kafka_consumer::state : std::enable_shared_from_this<state> {
    struct source {
        std::deque<log_record> waiting;
        std::size_t bytes = 0;
        bool paused = false;
    };

    state(std::shared_ptr<kafka::core> c, std::string g, std::vector<std::string> t, bool begin)
        : core(std::move(c)), group(std::move(g)), topics(std::move(t)), from_start(begin),
          for_next(core->executor), for_commit(core->executor), for_upkeep(core->executor),
          for_close(core->executor) {}
    ~state() {
        if (client) client->stop();
    }

    void open();
    void on_event(rd_kafka_event_t* e);
    void on_rebalance(rd_kafka_event_t* e);
    void on_error(rd_kafka_event_t* e);
    void on_committed(rd_kafka_event_t* e);
    void take(const rd_kafka_message_t* m);
    bool has_room() const { return waiting < enough_waiting && waiting_bytes < enough_bytes; }

    static asio::awaitable<void> upkeep(std::shared_ptr<state> s);
    static asio::awaitable<void> find_partitions(std::shared_ptr<state> s);
    static asio::awaitable<void> settle(std::shared_ptr<state> s);
    static asio::awaitable<void> commit_and_wait(std::shared_ptr<state> s);
    static asio::awaitable<void> leave(std::shared_ptr<state> s);

    void apply_assigned();
    void commit();
    void forget_sources();
    std::vector<log_record> give_out();
    void report(failure why);
    void check(rd_kafka_resp_err_t code, const char* what);

    std::shared_ptr<kafka::core> core;
    std::string group;
    std::vector<std::string> topics;
    bool from_start;
    std::shared_ptr<kafka::client> client;

    bool closed = false, left = false, lost = false; // left: close() has ended
    std::deque<log_event> events;
    std::optional<failure> trouble;
    // What the caller was told last and what is done about it at the next call.
    enum class told { nothing, assigned, revoked } told_last = told::nothing;
    std::map<topic_partition, source> sources;       // what is ours, from being told on
    std::map<topic_partition, std::int64_t> starts;  // where a new assignment begins, where not at its offset
    bool applied = false;                            // librdkafka reads the sources
    std::map<topic_partition, std::int64_t> unsaved; // stored by the caller, not yet committed
    std::map<topic_partition, std::int64_t> committing; // asked for, not yet answered
    std::size_t waiting = 0, waiting_bytes = 0;         // of the sources that are not paused
    std::size_t turn = 0;
    asio::steady_timer for_next, for_commit, for_upkeep, for_close;
};

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
    from.waiting.push_back(to_record(m));
    from.bytes += size;
    if (!from.paused) {
        ++waiting;
        waiting_bytes += size;
        for_next.cancel();
    }
}

void kafka_consumer::state::forget_sources() {
    sources.clear();
    starts.clear();
    waiting = waiting_bytes = 0;
    applied = false;
}

void kafka_consumer::state::on_rebalance(rd_kafka_event_t* e) {
    const auto partitions = kafka::from_list(rd_kafka_event_topic_partition_list(e));
    auto* rk = client->get();
    if (rd_kafka_event_error(e) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && !closed) {
        events.push_back(assigned{partitions});
        for_next.cancel();
        return;
    }
    // What waits of them goes to the next owner. Range is an eager strategy: all are revoked together.
    lost = lost || rd_kafka_assignment_lost(rk) != 0;
    for (auto& [partition, from] : sources) {
        from.waiting.clear();
        from.bytes = 0;
    }
    waiting = waiting_bytes = 0;
    if (closed) {
        check(rd_kafka_assign(rk, nullptr), "assign");
        return;
    }
    // Nobody has heard of an assignment that is taken back at once.
    if (!events.empty() && std::holds_alternative<assigned>(events.back())) {
        events.pop_back();
        check(rd_kafka_assign(rk, nullptr), "assign");
        return;
    }
    events.push_back(revoked{partitions});
    for_next.cancel();
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

void kafka_consumer::state::commit() {
    if (unsaved.empty() || !committing.empty() || !client) return;
    committing = std::exchange(unsaved, {});
    const auto list = kafka::to_list(committing);
    const auto code = rd_kafka_commit_queue(client->get(), list.get(), client->events(), nullptr, nullptr);
    if (!code) return;
    check(code, "commit");
    committing.clear();
}

void kafka_consumer::state::on_committed(rd_kafka_event_t* e) {
    auto code = rd_kafka_event_error(e);
    if (const auto* list = rd_kafka_event_topic_partition_list(e); !code && list)
        for (int i = 0; i < list->cnt && !code; ++i) code = list->elems[i].err;
    if (code) {
        log::warn("event_log.offsets_not_stored", {{"group", group}, {"reason", rd_kafka_err2str(code)}});
        for (const auto& [partition, offset] : committing)
            if (sources.contains(partition)) unsaved.try_emplace(partition, offset);
    }
    committing.clear();
    for_commit.cancel();
}

asio::awaitable<void> kafka_consumer::state::commit_and_wait(std::shared_ptr<state> s) {
    const auto until = steady::now() + close_limit;
    // Twice: one may be on its way already.
    for (int turn = 0; turn < 2; ++turn) {
        s->commit();
        while (!s->committing.empty() && steady::now() < until) {
            s->for_commit.expires_at(until);
            co_await s->for_commit.async_wait(tuple);
        }
    }
    if (!s->unsaved.empty() || !s->committing.empty())
        log::warn("event_log.offsets_not_stored", {{"group", s->group}, {"reason", "given up when leaving"}});
}

asio::awaitable<void> kafka_consumer::state::upkeep(std::shared_ptr<state> s) {
    while (!s->closed) {
        s->for_upkeep.expires_after(commit_every);
        co_await s->for_upkeep.async_wait(tuple);
        if (!s->closed) s->commit();
    }
}

// Without a group: all partitions, as soon as the cluster tells which there are.
asio::awaitable<void> kafka_consumer::state::find_partitions(std::shared_ptr<state> s) {
    while (!s->closed) {
        std::vector<topic_partition> all;
        std::optional<failure> wrong;
        for (const auto& topic : s->topics) {
            const auto count = co_await s->core->partitions_of(topic);
            if (!count) {
                wrong = count.error();
                if (wrong->code == errc::not_found) wrong->code = errc::unavailable; // it may be made yet
                break;
            }
            for (std::int32_t p = 0; p < *count; ++p) all.push_back({topic, p});
        }
        std::map<topic_partition, std::int64_t> begin;
        if (!wrong && !s->closed && !s->core->closed) {
            for (const auto& p : all) begin[p] = RD_KAFKA_OFFSET_BEGINNING;
            if (!s->from_start) {
                const auto cluster = s->core->admin();
                std::function<result<std::map<topic_partition, std::int64_t>>()> question = [cluster, all] {
                    return kafka::end_offsets(cluster, all);
                };
                auto ends = co_await kafka::ask(s->core->questions, std::move(question));
                if (ends)
                    begin = std::move(*ends);
                else
                    wrong = s->core->explained(ends.error());
            }
        }
        if (s->closed) break;
        if (!wrong) {
            s->starts = std::move(begin);
            s->events.push_back(assigned{std::move(all)});
            s->for_next.cancel();
            co_return;
        }
        s->report(std::move(*wrong));
        s->for_upkeep.expires_after(retry_after);
        co_await s->for_upkeep.async_wait(tuple);
    }
}

void kafka_consumer::state::apply_assigned() {
    // Taken back while the caller heard of it: librdkafka waits for that answer now.
    if (!events.empty() && std::holds_alternative<revoked>(events.front())) return;
    std::map<topic_partition, std::int64_t> begin;
    std::vector<topic_partition> paused;
    for (const auto& [partition, from] : sources) {
        const auto start = starts.find(partition);
        begin[partition] = start == starts.end() ? RD_KAFKA_OFFSET_INVALID : start->second;
        if (from.paused) paused.push_back(partition);
    }
    starts.clear();
    const auto list = kafka::to_list(begin);
    check(rd_kafka_assign(client->get(), list.get()), "assign");
    applied = true;
    if (paused.empty()) return;
    const auto stopped = kafka::to_list(paused);
    check(rd_kafka_pause_partitions(client->get(), stopped.get()), "pause");
}

// Does what the last event asked for.
asio::awaitable<void> kafka_consumer::state::settle(std::shared_ptr<state> s) {
    if (s->told_last == told::assigned) {
        s->told_last = told::nothing;
        s->apply_assigned();
    }
    if (s->told_last != told::revoked) co_return;
    if (s->lost) {
        s->unsaved.clear(); // somebody else has them already
        log::warn("event_log.partitions_lost", {{"group", s->group}});
    } else {
        co_await commit_and_wait(s);
    }
    s->told_last = told::nothing; // not before: a caller that stops waiting comes back here
    s->lost = false;
    s->unsaved.clear();
    s->forget_sources();
    if (!s->closed) s->check(rd_kafka_assign(s->client->get(), nullptr), "assign");
}

std::vector<log_record> kafka_consumer::state::give_out() {
    std::vector<log_record> out;
    if (waiting == 0) return out;
    std::size_t bytes = 0;
    const bool was_full = !has_room();
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
    if (was_full && has_room()) client->wake();
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
    const auto list = kafka::to_list({partition});
    state_->check(rd_kafka_pause_partitions(state_->client->get(), list.get()), "pause");
    state_->client->wake();
}

void kafka_consumer::resume(const topic_partition& partition) {
    const auto found = state_->sources.find(partition);
    if (found == state_->sources.end() || !found->second.paused) return;
    found->second.paused = false;
    if (!state_->applied) return;
    state_->waiting += found->second.waiting.size();
    state_->waiting_bytes += found->second.bytes;
    const auto list = kafka::to_list({partition});
    state_->check(rd_kafka_resume_partitions(state_->client->get(), list.get()), "resume");
    state_->for_next.cancel();
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
        const auto until = steady::now() + close_limit;
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
