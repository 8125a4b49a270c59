#include "common/io/redis_consumer.hpp"

#include "common/base/log.hpp"
#include "common/io/redis_lease.hpp"
#include "common/io/redis_log_schema.hpp"
#include "common/io/spawn.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <deque>

namespace zhida::io {

namespace schema = redis_log_schema;

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;
constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t records_at_once = 512; // of one next()
constexpr std::size_t turn_records = 64;     // of one partition before the next has its turn
// A partition with as much waiting is not read ahead.
constexpr std::size_t enough_waiting = 64, enough_bytes = std::size_t{4} << 20;
constexpr std::size_t bytes_at_once = std::size_t{16} << 20; // of one next(), about
constexpr std::size_t read_least = 8, read_most = 256;       // of one partition in one XREAD
// A waiting read is woken by CLIENT UNBLOCK; where that fails it ends by itself after this.
constexpr milliseconds wait_long{2000}, wait_short{20};
constexpr milliseconds retry_after{300}, upkeep_every{1000};

asio::awaitable<void> unblock(std::shared_ptr<redis> connection, std::int64_t client) {
    // Not done: the read ends by itself a little later.
    co_await connection->command({"CLIENT", "UNBLOCK", std::to_string(client)});
}

std::size_t size_of(const log_record& r) {
    std::size_t bytes = r.key.size() + r.value.size();
    for (const auto& [name, value] : r.headers) bytes += name.size() + value.size();
    return bytes;
}

} // namespace

struct redis_consumer::state : std::enable_shared_from_this<state> {
    struct source {
        topic_partition id;
        std::string key;
        std::int64_t fetch = 0; // first offset that was not read yet
        std::deque<log_record> waiting;
        std::size_t waiting_bytes = 0;
        bool paused = false;
        std::uint64_t round = 0; // rises with each seek: what was asked before it is dropped

        bool full() const { return waiting.size() >= enough_waiting || waiting_bytes >= enough_bytes; }
    };
    enum class phase { joining, reading, closed };

    state(std::shared_ptr<redis_log_core> c, std::string g, std::vector<std::string> t, bool begin)
        : core(std::move(c)), group(std::move(g)), topics(std::move(t)), from_start(begin),
          reader(core->executor, core->options), for_next(core->executor), for_reader(core->executor),
          for_upkeep(core->executor), for_close(core->executor), for_left(core->executor) {
        if (!group.empty()) lease = std::make_shared<redis_lease>(core->connection, group);
    }

    static asio::awaitable<void> run(std::shared_ptr<state> s);
    static asio::awaitable<void> upkeep(std::shared_ptr<state> s);
    static asio::awaitable<result<void>> join(std::shared_ptr<state> s);
    static asio::awaitable<void> read(std::shared_ptr<state> s);
    static asio::awaitable<void> after_loss(std::shared_ptr<state> s, failure why);
    static asio::awaitable<result<void>> stay_within_ends(std::shared_ptr<state> s);
    static asio::awaitable<result<void>> save(std::shared_ptr<state> s);

    redis_args read_args(milliseconds& block, std::vector<std::uint64_t>& rounds) const;
    void take_in(redis_reply reply, const std::vector<std::uint64_t>& rounds);
    void take_entry(source& from, redis_reply entry);
    std::vector<log_record> give_out();
    source* find(const topic_partition& p);
    void report(failure why);
    void wake_reader();
    void lose(const failure& why);
    std::vector<topic_partition> all() const;

    std::shared_ptr<redis_log_core> core;
    std::string group;
    std::vector<std::string> topics;
    bool from_start;
    redis reader;
    std::shared_ptr<redis_lease> lease;

    phase now = phase::joining;
    bool run_ended = false, holds_lease = false;
    bool abandoned = false; // destroyed without close(): run() gives the lease back
    std::vector<source> sources;
    std::size_t turn = 0; // where give_out() goes on
    std::size_t busy = 1; // partitions that had records in the last read
    std::size_t most = read_most;
    std::deque<log_event> events;
    std::optional<failure> trouble;
    std::map<std::string, std::int64_t> unsaved; // stored by the caller, not yet in Redis
    steady::time_point kept{};                   // when the lease was last renewed
    std::optional<std::int64_t> client;          // CLIENT ID of the reader's connection
    bool waiting_read = false;
    asio::steady_timer for_next, for_reader, for_upkeep, for_close, for_left;
    bool left = false; // close() has ended
    static asio::awaitable<void> leave(std::shared_ptr<state> s, bool reading);
};

redis_consumer::state::source* redis_consumer::state::find(const topic_partition& p) {
    for (auto& s : sources)
        if (s.id == p) return &s;
    return nullptr;
}

std::vector<topic_partition> redis_consumer::state::all() const {
    std::vector<topic_partition> ids;
    for (const auto& s : sources) ids.push_back(s.id);
    return ids;
}

void redis_consumer::state::report(failure why) {
    trouble = std::move(why);
    for_next.cancel();
}

void redis_consumer::state::wake_reader() {
    for_reader.cancel();
    if (waiting_read && client) spawn(core->executor, unblock(core->connection, *client));
}

// The group is somebody else's now.
void redis_consumer::state::lose(const failure& why) {
    if (now != phase::reading) return;
    now = phase::joining;
    holds_lease = false;
    unsaved.clear();
    events.push_back(revoked{all()});
    sources.clear();
    log::warn("event_log.group_lost", {{"group", group}, {"reason", why.text()}});
    report(why);
    wake_reader();
}

asio::awaitable<void> redis_consumer::state::run(std::shared_ptr<state> s) {
    while (s->now != phase::closed) {
        const auto joined = co_await join(s);
        if (s->now == phase::closed) break;
        if (!joined) {
            s->report(joined.error());
            s->for_reader.expires_after(retry_after);
            co_await s->for_reader.async_wait(tuple);
            continue;
        }
        s->trouble.reset();
        s->now = phase::reading;
        s->events.push_back(assigned{s->all()});
        s->for_next.cancel();
        co_await read(s);
    }
    if (s->abandoned && s->holds_lease) co_await s->lease->release();
    s->run_ended = true;
    s->for_close.cancel();
}

asio::awaitable<result<void>> redis_consumer::state::join(std::shared_ptr<state> s) {
    std::vector<topic_partition> ids;
    for (const auto& topic : s->topics) {
        const auto count = co_await s->core->partitions_of(topic);
        if (!count && count.error().code != errc::not_found) co_return count.error();
        if (!count) {
            auto why = count.error(); // it may be made yet
            why.code = errc::unavailable;
            co_return why;
        }
        for (std::int32_t p = 0; p < *count; ++p) ids.push_back({topic, p});
    }
    std::vector<std::int64_t> begin(ids.size(), 0);
    if (s->lease) {
        if (auto ours = co_await s->lease->acquire(); !ours) co_return ours.error();
        s->holds_lease = true;
        s->kept = steady::now();
        for (const auto& topic : s->topics) {
            const auto known =
                co_await s->core->connection->command({"SADD", schema::groups_key(topic), s->group});
            if (!known) co_return known.error();
        }
        auto stored = co_await s->core->stored_by(s->group, ids);
        if (!stored) co_return stored.error();
        begin = std::move(*stored);
    } else if (!s->from_start) {
        auto ends = co_await s->core->ends_of(ids);
        if (!ends) co_return ends.error();
        begin = std::move(*ends);
    }
    s->sources.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        s->sources.emplace_back();
        s->sources.back().id = ids[i];
        s->sources.back().key = schema::stream_key(ids[i]);
        s->sources.back().fetch = begin[i];
    }
    co_return co_await stay_within_ends(s);
}

// A Redis that lost the end of its log gives the lost offsets out again: from a place beyond the end we would
// miss those.
asio::awaitable<result<void>> redis_consumer::state::stay_within_ends(std::shared_ptr<state> s) {
    const auto ids = s->all();
    const auto ends = co_await s->core->ends_of(ids);
    if (!ends) co_return ends.error();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        auto* from = s->find(ids[i]);
        if (!from || from->fetch <= (*ends)[i]) continue;
        log::error("event_log.end_lost",
                   {{"partition", schema::field(ids[i])},
                    {"group", s->group},
                    {"place", from->fetch},
                    {"end", (*ends)[i]},
                    {"reason", "Redis lost the end of its log; reading goes on there"}});
        from->fetch = (*ends)[i];
    }
    co_return result<void>();
}

// Writes what is unsaved and renews the lease.
asio::awaitable<result<void>> redis_consumer::state::save(std::shared_ptr<state> s) {
    const auto offsets = s->unsaved;
    const auto kept = co_await s->lease->keep(offsets);
    if (!kept) co_return kept.error();
    s->kept = steady::now();
    for (const auto& [field, offset] : offsets)
        if (const auto found = s->unsaved.find(field); found != s->unsaved.end() && found->second == offset)
            s->unsaved.erase(found);
    co_return result<void>();
}

asio::awaitable<void> redis_consumer::state::upkeep(std::shared_ptr<state> s) {
    while (s->now != phase::closed) {
        s->for_upkeep.expires_after(upkeep_every);
        co_await s->for_upkeep.async_wait(tuple);
        if (s->now != phase::reading) continue;
        if (s->unsaved.empty() && steady::now() - s->kept < redis_lease::renewal) continue;
        const auto saved = co_await save(s);
        if (saved || s->now == phase::closed) continue;
        if (saved.error().code == errc::conflict)
            s->lose(saved.error());
        else
            log::warn("event_log.offsets_not_stored",
                      {{"group", s->group}, {"reason", saved.error().text()}});
    }
}

redis_args redis_consumer::state::read_args(milliseconds& block, std::vector<std::uint64_t>& rounds) const {
    std::vector<const source*> chosen;
    bool some_full = false;
    rounds.clear();
    for (const auto& s : sources) {
        some_full = some_full || s.full();
        rounds.push_back(s.round);
        if (!s.paused && !s.full()) chosen.push_back(&s);
    }
    if (chosen.empty()) return {};
    // Those that are full are looked at again soon.
    block = some_full ? wait_short : wait_long;
    const auto count = std::clamp(records_at_once / std::max<std::size_t>(busy, 1), read_least, read_most);
    redis_args args{
        "XREAD",  "COUNT", std::to_string(std::min(count, most)), "BLOCK", std::to_string(block.count()),
        "STREAMS"};
    for (const auto* s : chosen) args.push_back(s->key);
    for (const auto* s : chosen) args.push_back(schema::id_before(s->fetch));
    return args;
}

void redis_consumer::state::take_entry(source& from, redis_reply entry) {
    const auto id = entry.items.empty() ? std::string() : entry.items[0].text;
    auto record = schema::record_of(from.id, std::move(entry));
    if (record) {
        from.fetch = record->offset + 1;
        from.waiting_bytes += size_of(*record);
        from.waiting.push_back(std::move(*record));
        return;
    }
    if (const auto offset = schema::offset_of(id)) from.fetch = *offset + 1;
    log::error("event_log.record_skipped", {{"reason", record.error().text()}, {"id", id}});
}

void redis_consumer::state::take_in(redis_reply reply, const std::vector<std::uint64_t>& rounds) {
    if (reply.type != redis_reply::kind::array) return; // nothing came in time
    busy = reply.items.size();
    std::size_t i = 0; // the answer has the order of the question
    for (auto& stream : reply.items) {
        if (stream.items.size() != 2) continue;
        while (i < sources.size() && sources[i].key != stream.items[0].text) ++i;
        if (i == sources.size()) break;
        if (sources[i].round != rounds[i]) continue;
        for (auto& entry : stream.items[1].items) take_entry(sources[i], std::move(entry));
    }
    for_next.cancel();
}

asio::awaitable<void> redis_consumer::state::after_loss(std::shared_ptr<state> s, failure why) {
    s->client.reset();
    s->report(std::move(why));
    while (s->now == phase::reading) {
        s->for_reader.expires_after(retry_after);
        co_await s->for_reader.async_wait(tuple);
        if (s->now != phase::reading) break;
        const auto back = co_await stay_within_ends(s);
        if (back) break;
        if (s->now == phase::reading) s->report(back.error());
    }
}

asio::awaitable<void> redis_consumer::state::read(std::shared_ptr<state> s) {
    std::vector<std::uint64_t> rounds;
    while (s->now == phase::reading) {
        if (!s->client) {
            const auto id = co_await s->reader.command({"CLIENT", "ID"});
            if (id) s->client = id->integer; // without it a read is not woken, and ends by itself
            if (s->now != phase::reading) break;
        }
        milliseconds block{0};
        auto args = s->read_args(block, rounds);
        if (args.empty()) {
            s->for_reader.expires_at(steady::time_point::max());
            co_await s->for_reader.async_wait(tuple);
            continue;
        }
        s->waiting_read = true;
        auto reply = co_await s->reader.command_waiting(std::move(args), block);
        s->waiting_read = false;
        if (s->now != phase::reading) break;
        if (reply) {
            s->most = std::min(read_most, s->most * 2);
            s->take_in(std::move(*reply), rounds);
        } else if (reply.error().code == errc::exhausted && s->most > 1) {
            s->most =
                std::max<std::size_t>(1, std::min(s->most, read_least) / 2); // large records: fewer at once
            s->client.reset();
        } else {
            co_await after_loss(s, reply.error());
        }
    }
}

std::vector<log_record> redis_consumer::state::give_out() {
    std::vector<log_record> out;
    std::size_t bytes = 0;
    bool woken = false;
    for (std::size_t seen = 0; seen < sources.size() && out.size() < records_at_once && bytes < bytes_at_once;
         ++seen) {
        auto& from = sources[turn++ % sources.size()];
        if (from.paused) continue;
        const bool full = from.full();
        for (std::size_t n = 0; n < turn_records && !from.waiting.empty() && bytes < bytes_at_once; ++n) {
            const auto size = size_of(from.waiting.front());
            bytes += size;
            from.waiting_bytes -= size;
            out.push_back(std::move(from.waiting.front()));
            from.waiting.pop_front();
        }
        woken = woken || (full && !from.full());
    }
    if (woken) for_reader.cancel();
    return out;
}

redis_consumer::redis_consumer(std::shared_ptr<redis_log_core> core, std::string group,
                               std::vector<std::string> topics, bool from_start)
    : state_(std::make_shared<state>(std::move(core), std::move(group), std::move(topics), from_start)) {
    spawn(state_->core->executor, state::run(state_));
    if (state_->lease) spawn(state_->core->executor, state::upkeep(state_));
}

redis_consumer::~redis_consumer() {
    if (state_->now == state::phase::closed) return;
    state_->now = state::phase::closed;
    state_->abandoned = true;
    if (state_->lease) state_->lease->stop_waiting();
    state_->reader.close();
    state_->for_reader.cancel();
    state_->for_upkeep.cancel();
    state_->for_next.cancel();
}

asio::awaitable<result<log_event>> redis_consumer::next() {
    const auto s = state_;
    for (;;) {
        if (s->now == state::phase::closed)
            co_return failure{errc::cancelled, "the consumer was closed", "", ""};
        if (!s->events.empty()) {
            auto event = std::move(s->events.front());
            s->events.pop_front();
            co_return event;
        }
        if (s->trouble) co_return std::exchange(s->trouble, std::nullopt).value();
        if (auto records = s->give_out(); !records.empty()) co_return log_event(std::move(records));
        s->for_next.expires_at(steady::time_point::max());
        co_await s->for_next.async_wait(tuple); // cancelled by whoever has something, or by our caller
        if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
            co_return failure{errc::cancelled, "the caller stopped waiting", "", ""};
    }
}

void redis_consumer::store(const topic_partition& partition, std::int64_t next_offset) {
    if (state_->lease && state_->now == state::phase::reading && state_->find(partition))
        state_->unsaved[schema::field(partition)] = next_offset;
}

void redis_consumer::seek(const topic_partition& partition, std::int64_t offset) {
    auto* from = state_->find(partition);
    if (!from) return;
    from->waiting.clear();
    from->waiting_bytes = 0;
    from->fetch = offset;
    ++from->round;
    state_->wake_reader();
}

void redis_consumer::pause(const topic_partition& partition) {
    if (auto* from = state_->find(partition)) from->paused = true;
}

void redis_consumer::resume(const topic_partition& partition) {
    auto* from = state_->find(partition);
    if (!from || !from->paused) return;
    from->paused = false;
    state_->for_next.cancel();
    state_->wake_reader();
}

// Waits for run() to end, writes the offsets and gives the lease back.
asio::awaitable<void> redis_consumer::state::leave(std::shared_ptr<state> s, bool reading) {
    while (!s->run_ended) {
        s->for_close.expires_at(steady::time_point::max());
        co_await s->for_close.async_wait(tuple);
    }
    if (!s->holds_lease) co_return;
    if (reading && !s->unsaved.empty()) {
        const auto saved = co_await state::save(s);
        if (!saved)
            log::warn("event_log.offsets_not_stored",
                      {{"group", s->group}, {"reason", saved.error().text()}});
    }
    co_await s->lease->release();
}

asio::awaitable<void> redis_consumer::close() {
    const auto s = state_;
    if (s->now == state::phase::closed) {
        while (!s->left) { // the first call is at it
            s->for_left.expires_at(steady::time_point::max());
            co_await s->for_left.async_wait(tuple);
        }
        co_return;
    }
    const bool reading = s->now == state::phase::reading;
    s->now = state::phase::closed;
    if (s->lease) s->lease->stop_waiting();
    s->reader.close();
    s->for_reader.cancel();
    s->for_upkeep.cancel();
    s->for_next.cancel();
    // Also where the caller is gone before the end: whoever waits must not wait for ever.
    struct end_of_close {
        state& of;
        ~end_of_close() {
            of.left = true;
            of.for_left.cancel();
        }
    } const end{*s};
    co_await state::leave(s, reading);
}

} // namespace zhida::io
