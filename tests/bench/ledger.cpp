// What the ledger costs: the pure steps in a loop; the others against a redis-server of its own with its
// append-only file, the event log in it too, over one connection, one batch of 1,024 after another.
//   merge_ns      the lattice's merge of two records
//   decide_ns     decide() of one SMS that is to be sent
//   freeze_ns     wall time a delivery: an audience of one channel, frozen shard by shard
//   claim_us      wall time a delivery: the compare and swap of a batch with its counts of messages; of
//                 neighbours, as where everybody has a number
//   record_us     ... the outcomes of the batch merged
//   audit_us      ... both transitions of the batch written to the log
//   audit_bytes_per_transition  an event's key, value and headers over its 1,024 deliveries, the mean
//                               of claim and record
//   audit_claim_bytes, audit_record_bytes  of each; a record's with the ids that receipts will name
//   bytes_per_delivery  MEMORY USAGE of the campaign's keys: audience, ledger, counts and verdicts
//   rebuild_per_s       deliveries a second, each claimed and recorded, that ledger_replay makes again from
//                       the log in a Redis without any ledger key, with the places of receipts
// Argument: deliveries (1000000; in equal parts of 64 shards, from 65536 on with whole batches).
#include "common/base/log.hpp"
#include "common/model/campaign.hpp"
#include "services/dispatcher/decide.hpp"
#include "services/embedded_redis.hpp"
#include "services/ledger_replay.hpp"
#include "services/publishing.hpp"
#include "services/run_once.hpp"
#include "tests/bench/support/measure.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace zhida;
using bench::print;
using ledger::record;
using ledger::state;

constexpr int shards = 64;
constexpr std::uint32_t batch = 1024;

// Adds up what took how long, between two calls of the clock each.
class stopwatch {
  public:
    void start() { began_ = std::chrono::steady_clock::now(); }
    void stop() { sum_ += std::chrono::steady_clock::now() - began_; }
    double seconds() const { return std::chrono::duration<double>(sum_).count(); }

  private:
    std::chrono::steady_clock::time_point began_;
    std::chrono::steady_clock::duration sum_{};
};

// ---- the pure steps

void measure_merge() {
    std::mt19937 random(1);
    std::vector<record> records(4096);
    for (auto& r : records) {
        r.now = static_cast<state>(random() % ledger::state_count);
        r.attempts = static_cast<std::uint8_t>(random() % 3);
        r.engaged = static_cast<std::uint8_t>(random() % 4);
        r.at = static_cast<std::uint32_t>(random());
        r.items = 1;
    }
    constexpr int rounds = 5000;
    std::uint64_t seen = 0; // printed nowhere, asked for below: the loop cannot be left out
    stopwatch took;
    took.start();
    for (int round = 1; round <= rounds; ++round)
        for (std::size_t i = 0; i < records.size(); ++i)
            seen +=
                ledger::merge(records[i], records[(i + static_cast<std::size_t>(round)) % records.size()]).at;
    took.stop();
    if (seen == 0) throw std::runtime_error("nothing was merged");
    print("merge_ns", took.seconds() * 1e9 / rounds / static_cast<double>(records.size()), "ns");
}

void measure_decide() {
    profile subject;
    subject.id = "91310113000000000X";
    subject.contacts = {{"法人", "13800000001", "openid-1"}, {"财务", "13800000002", ""}};
    dispatcher::facts f;
    f.via = channel::sms;
    f.subject = &subject;
    f.now = 1'800'000'000;
    f.expires = f.now + 86400;
    f.cap = {3, 10};
    f.today = static_cast<std::int32_t>(f.now / 86400);
    f.sent = sent_count{}.with_one_more(f.today - 1);
    f.epoch = 7;
    record queued;
    queued.items = 1;
    constexpr int rounds = 5'000'000;
    std::int64_t sends = 0;
    stopwatch took;
    took.start();
    for (int round = 0; round < rounds; ++round) {
        queued.items = static_cast<std::uint16_t>(1 + round % 3);
        sends += dispatcher::decide(f, queued).what == dispatcher::decision::kind::send ? 1 : 0;
    }
    took.stop();
    if (sends != rounds) throw std::runtime_error("a message was not to be sent");
    print("decide_ns", took.seconds() * 1e9 / rounds, "ns");
}

// ---- in Redis

struct written {
    std::size_t bytes = 0, transitions = 0; // of whole batches

    void add(const io::log_message& m, std::uint32_t count) {
        if (count < batch) return;
        transitions += count;
        bytes += m.key.size() + m.value.size();
        for (const auto& [name, value] : m.headers) bytes += name.size() + value.size();
    }
    double each() const { return static_cast<double>(bytes) / static_cast<double>(transitions); }
};

struct costs {
    stopwatch freeze, claim, record, audit;
    written claims, records;
};

struct parts {
    io::redis& redis;
    io::event_log& log;
    store::ledgers& ledgers;
    const zhida::clock& time;
    std::string campaign;
    std::uint32_t of_a_shard = 0; // deliveries
};

asio::awaitable<void> tell(parts p, io::log_message message, int shard) {
    p.ledgers.appended(shard, (co_await p.log.append(std::move(message))).value());
}

asio::awaitable<void> freeze(parts p, int shard, costs& c) {
    frozen_audience audience{shard, p.campaign, {channel::sms}, {}, {{"0:eligible", p.of_a_shard}}};
    for (std::uint32_t i = 0; i < p.of_a_shard; ++i) audience.members.push_back({i, 1});
    audience.total = p.of_a_shard;
    c.freeze.start();
    (void)(co_await p.ledgers.freeze(shard, p.campaign, audience.channels, audience.members,
                                     audience.verdicts))
        .value();
    c.freeze.stop();
    for (auto& m : audience_messages(audience, p.time.now())) co_await tell(p, std::move(m), shard);
    (co_await p.ledgers.told({shard}, p.campaign)).value();
}

// As a dispatcher does it: claim, tell, (send,) record, tell.
asio::awaitable<void> carry(parts p, int shard, std::uint32_t epoch, std::uint32_t first, costs& c) {
    const auto count = std::min(batch, p.of_a_shard - first);
    const auto now_s = static_cast<std::uint32_t>(p.time.now().time_since_epoch().count() / 1000);
    const auto today = shanghai_day(p.time.now());
    const auto view = (co_await p.ledgers.load(shard, p.campaign, channel::sms, first, count, false)).value();

    transition claim{shard, p.campaign, channel::sms, epoch, "claim", p.time.now().time_since_epoch().count(),
                     {}};
    auto outcome = claim;
    outcome.kind = "record";
    store::commit_request request{shard, p.campaign, channel::sms, {}, {}};
    request.claim = {epoch, view.as_of, {}};
    for (const auto& m : view.members) {
        auto to = m.now;
        to.now = state::submitting;
        to.at = epoch;
        to.first_submitted = now_s;
        request.records.push_back({m.position, m.now, to});
        request.claim->sent.emplace_back(m.ordinal, m.sent.with_one_more(today));
        claim.changes.push_back({m.position, to});
        to.now = state::submitted;
        outcome.changes.push_back({m.position, to});
        outcome.ids.push_back(
            {std::to_string(1'000'000'000'000'000'000 + std::int64_t{shard} * 100'000'000 + m.position),
             {shard, p.campaign, channel::sms, m.position, 1, 1}});
    }
    claim.sent = request.claim->sent;

    c.claim.start();
    const auto committed = (co_await p.ledgers.commit(std::move(request))).value();
    c.claim.stop();
    if (committed != store::commit_outcome::done) throw std::runtime_error("a claim was refused");
    auto message = delivery_message(claim);
    c.claims.add(message, count);
    c.audit.start();
    co_await tell(p, std::move(message), shard);
    c.audit.stop();
    c.record.start();
    const auto applied =
        (co_await p.ledgers.apply(shard, p.campaign, channel::sms, outcome.changes)).value().size();
    c.record.stop();
    if (applied != count) throw std::runtime_error("an outcome changed nothing");
    message = delivery_message(outcome);
    c.records.add(message, count);
    c.audit.start();
    co_await tell(p, std::move(message), shard);
    c.audit.stop();
}

asio::awaitable<void> remove(io::redis& redis, std::string pattern) {
    std::string cursor = "0";
    do {
        const auto page =
            (co_await redis.command({"SCAN", cursor, "MATCH", pattern, "COUNT", "5000"})).value();
        cursor = page.items[0].text;
        io::redis_args unlink{"UNLINK"};
        for (const auto& key : page.items[1].items) unlink.push_back(key.text);
        if (unlink.size() > 1) (void)(co_await redis.command(std::move(unlink))).value();
    } while (cursor != "0");
}

asio::awaitable<std::vector<std::string>> arrays(parts p) {
    std::vector<std::string> all;
    all.reserve(shards);
    for (int shard = 0; shard < shards; ++shard)
        all.push_back((co_await p.ledgers.ledger_bytes(shard, p.campaign, channel::sms)).value());
    co_return all;
}

asio::awaitable<void> measure_rebuild(parts p, double n) {
    const auto before = co_await arrays(p);
    for (const auto* pattern : {"{s*}:c:*", "{s*}:campaigns", "{s*}:sent:*", "{s*}:state"})
        co_await remove(p.redis, pattern);
    store::ledgers fresh(p.redis);
    ledger_replay replay(co_await asio::this_coro::executor, p.log, p.redis, fresh, p.time, shards);
    stopwatch took;
    took.start();
    (co_await replay.rebuild()).value();
    took.stop();
    if (replay.unreadable() > 0 || co_await arrays(p) != before)
        throw std::runtime_error("the log does not give the same ledger again");
    print("rebuild_per_s", n / took.seconds(), "1/s");
}

asio::awaitable<bool> measure(asio::any_io_executor executor, config settings, std::int64_t deliveries) {
    const system_clock time;
    io::redis redis(executor, {settings.redis.url, milliseconds(60000)});
    const auto log = io::make_event_log(executor, settings);
    (co_await log->ensure(all_topics(shards))).value();
    store::ledgers ledgers(redis);
    const parts p{redis,
                  *log,
                  ledgers,
                  time,
                  campaign_id("bench-ledger", 1, 1),
                  static_cast<std::uint32_t>(std::max<std::int64_t>(deliveries / shards, 1))};
    const auto n = static_cast<double>(p.of_a_shard) * shards;
    const auto server = (co_await ledgers.server()).value();
    costs c;
    for (int shard = 0; shard < shards; ++shard) {
        ledgers.brought_up(shard, server);
        co_await freeze(p, shard, c);
    }
    for (int shard = 0; shard < shards; ++shard) {
        const auto epoch = (co_await ledgers.take_epoch(shard, channel::sms)).value();
        for (std::uint32_t first = 0; first < p.of_a_shard; first += batch)
            co_await carry(p, shard, epoch, first, c);
    }
    print("freeze_ns", c.freeze.seconds() * 1e9 / n, "ns");
    print("claim_us", c.claim.seconds() * 1e6 / n, "us");
    print("record_us", c.record.seconds() * 1e6 / n, "us");
    print("audit_us", c.audit.seconds() * 1e6 / n, "us");
    if (c.claims.transitions > 0) { // of fewer than 65,536 deliveries no batch is whole
        print("audit_bytes_per_transition", (c.claims.each() + c.records.each()) / 2, "bytes");
        print("audit_claim_bytes", c.claims.each(), "bytes");
        print("audit_record_bytes", c.records.each(), "bytes");
    }
    print("bytes_per_delivery", co_await bench::memory_of(redis, "{s*}:c:" + p.campaign + ":*") / n, "bytes");
    co_await measure_rebuild(p, n);
    co_await log->close();
    redis.close();
    co_return true;
}

} // namespace

int main(int argc, char** argv) try {
    const std::int64_t deliveries = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
    log::start(log::level::error, "text");
    measure_merge();
    measure_decide();
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    {
        auto redis = embedded_redis::start((folder / "redis").string()).value();
        const auto settings = bench::settings_in(folder.string(), redis.url());
        run_once<bool>([&](auto executor) { return measure(executor, settings, deliveries); });
    }
    std::filesystem::remove_all(folder);
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
