#include "common/base/log.hpp"
#include "common/io/kafka_consumer_state.hpp"

namespace zhida::io {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

constexpr milliseconds commit_every{1000}, retry_after{500};

} // namespace

void kafka_consumer::state::forget_sources() {
    sources.clear();
    starts.clear();
    waiting = waiting_bytes = 0;
    applied = choked = full_before = false;
}

std::vector<topic_partition> kafka_consumer::state::unpaused() const {
    std::vector<topic_partition> all;
    for (const auto& [partition, from] : sources)
        if (!from.paused) all.push_back(partition);
    return all;
}

void kafka_consumer::state::choke() {
    const bool full_now = applied && is_full();
    const bool stays_full = std::exchange(full_before, full_now) && full_now;
    if (!stays_full || choked) return;
    choked = true;
    const auto list = kafka::to_list(unpaused());
    check(rd_kafka_pause_partitions(client->get(), list.get()), "pause");
    client->wake();
}

void kafka_consumer::state::unchoke() {
    if (!choked || waiting > enough_waiting / 2 || waiting_bytes > enough_bytes / 2) return;
    choked = false;
    const auto list = kafka::to_list(unpaused());
    check(rd_kafka_resume_partitions(client->get(), list.get()), "resume");
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
        lost = false; // nothing of it was ours to lose
        check(rd_kafka_assign(rk, nullptr), "assign");
        return;
    }
    events.push_back(revoked{partitions});
    for_next.cancel();
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
        if (s->closed) break;
        s->commit();
        s->choke();
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

} // namespace zhida::io
