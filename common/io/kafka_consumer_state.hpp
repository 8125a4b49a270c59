// What one consumer instance keeps. kafka_consumer.cpp takes and gives out records, kafka_membership.cpp
// deals with the group: assignments, offsets, keeping its place while the caller is slow.
#pragma once

#include "common/io/kafka_consumer.hpp"
#include "common/io/kafka_core.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <map>
#include <optional>

namespace zhida::io {

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

    // Beyond this the rest waits in librdkafka, which stops fetching. Where it does not get less within a
    // second, fetching is paused, so that the queue can go on being emptied: behind the records a rebalance
    // may wait, and a member that does not poll is put out of its group.
    static constexpr std::size_t enough_waiting = 4096, enough_bytes = std::size_t{16} << 20;
    static constexpr std::chrono::milliseconds close_limit{5000}; // for offsets, and for leaving
    bool is_full() const { return waiting >= enough_waiting || waiting_bytes >= enough_bytes; }
    bool has_room() const { return choked || !is_full(); }

    static asio::awaitable<void> upkeep(std::shared_ptr<state> s);
    static asio::awaitable<void> find_partitions(std::shared_ptr<state> s);
    static asio::awaitable<void> settle(std::shared_ptr<state> s);
    static asio::awaitable<void> commit_and_wait(std::shared_ptr<state> s);
    static asio::awaitable<void> leave(std::shared_ptr<state> s);

    void apply_assigned();
    void choke();
    void unchoke();
    std::vector<topic_partition> unpaused() const;
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
    bool full_before = false;                        // a second ago
    bool choked = false;                             // all are paused in librdkafka until there is room
    std::map<topic_partition, std::int64_t> unsaved; // stored by the caller, not yet committed
    std::map<topic_partition, std::int64_t> committing; // asked for, not yet answered
    std::size_t waiting = 0, waiting_bytes = 0;         // of the sources that are not paused
    std::size_t turn = 0;
    asio::steady_timer for_next, for_commit, for_upkeep, for_close;
};

} // namespace zhida::io
