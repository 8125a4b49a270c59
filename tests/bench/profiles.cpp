// What a stored subject costs and how fast a matcher has all of them: synthetic subjects, 64 shards, a
// redis-server of its own, one thread of ours.
//   redis_bytes_per_profile    MEMORY USAGE of profiles and ids over subjects
//   matcher_bytes_per_profile  shard_rows over subjects: columns, ordinals, places, flags
//   update_us                  shard_rows::put of a changed row
//   ready_1m_redis_s           Redis to rows, all shards; tests/bench/preview.cpp starts a whole process
//   ready_1m_snapshot_s        files (in the page cache) to rows, all shards
//   snapshot_stop_ms           what the longest encode of a shard's snapshot stops the matcher
//   compaction_slice_ms        the longest slice of a compaction, 2,000 rows a step
// Argument: subjects (1000000); the names say 1m whatever it is.
#include "common/store/profiles.hpp"
#include "common/base/clock.hpp"
#include "common/base/config_folder.hpp"
#include "common/base/crypto.hpp"
#include "common/base/murmur2.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/matcher/shard_compaction.hpp"
#include "services/matcher/shard_loading.hpp"
#include "services/matcher/snapshot.hpp"
#include "services/profiles/synthesis.hpp"
#include "tests/bench/support/measure.hpp"
#include "tests/support/loop.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <malloc.h>
#include <unistd.h>

namespace {

using namespace zhida;
using namespace zhida::matcher;
using bench::memory_of;
using bench::print;

constexpr int shards = 64;

template <class Work>
double seconds(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// As the matcher writes them: in batches of a shard, numbered by the script.
boost::asio::awaitable<void> fill(store::profiles& store, const matching::catalogue& catalogue,
                                  std::int64_t subjects) {
    std::int32_t day = 0;
    parse_date("2026-11-01", day);
    const auto enterprises = enterprises_of(subjects);
    auto population =
        profiles::synthesis::make(
            catalogue,
            {.enterprises = enterprises, .residents = subjects - enterprises, .seed = 1, .day = day})
            .value();
    std::vector<std::vector<profile>> waiting(shards);
    std::vector<std::int64_t> offsets(shards);
    const auto put = [&](int shard) {
        auto& rows = waiting[static_cast<std::size_t>(shard)];
        auto& offset = offsets[static_cast<std::size_t>(shard)];
        offset += static_cast<std::int64_t>(rows.size());
        return store.put(shard, std::exchange(rows, {}), offset);
    };
    for (profile p; population.next(p);) {
        const int shard = shard_of(p.id, shards);
        waiting[static_cast<std::size_t>(shard)].push_back(std::move(p));
        if (waiting[static_cast<std::size_t>(shard)].size() == 100) (co_await put(shard)).value();
    }
    for (int shard = 0; shard < shards; ++shard)
        if (!waiting[static_cast<std::size_t>(shard)].empty()) (co_await put(shard)).value();
}

// The server rewrites its append-only file after so many writes: on two cores that would be measured too.
boost::asio::awaitable<void> wait_until_quiet(io::redis& redis) {
    for (;;) {
        const auto info = (co_await redis.command({"INFO", "persistence"})).value().text;
        if (info.find("aof_rewrite_in_progress:0") != info.npos &&
            info.find("aof_rewrite_scheduled:0") != info.npos)
            co_return;
        co_await zhida::tests::pause_for(milliseconds(200));
    }
}

double update_us(std::vector<loaded_shard>& all) {
    std::size_t done = 0;
    const auto took = seconds([&] {
        for (auto& one : all)
            for (std::uint32_t ordinal = 0; ordinal < one.rows.ordinals() && done < 500'000; ordinal += 7) {
                const auto at = one.rows.find(ordinal);
                if (!at) continue;
                auto values = one.rows.of(at->type).get(at->row);
                values.known ^= 2; // something changed
                one.rows.put(ordinal, at->type, values, 3);
                ++done;
            }
    });
    return took * 1e6 / static_cast<double>(std::max<std::size_t>(done, 1));
}

double compaction_slice_ms(const row_layouts& layouts, const shard_rows& rows) {
    std::optional<shard_compaction> work;
    auto longest = seconds([&] { work.emplace(layouts, rows); });
    for (bool done = false; !done;) longest = std::max(longest, seconds([&] { done = work->step(2000); }));
    (void)work->finish();
    return longest * 1000;
}

} // namespace

int main(int argc, char** argv) try {
    const std::int64_t subjects = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
    const auto count = static_cast<double>(subjects);
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    {
        auto server = embedded_redis::start((folder / "redis").string()).value();
        zhida::tests::loop loop;
        io::redis redis(loop.executor(), {server.url(), milliseconds(60000)});
        const auto catalogue = matching::catalogue::load(config_folder({}) + "/catalogue").value();
        const auto sealer = crypto::sealer::from_hex_key(std::string(64, 'a')).value();
        const row_layouts layouts(catalogue);
        store::profiles store(redis, sealer, shards);
        const auto long_enough = std::chrono::hours(1);
        loop.run(fill(store, catalogue, subjects), long_enough);
        const auto bytes = loop.run(memory_of(redis, "{s*}:p:*"), long_enough) +
                           loop.run(memory_of(redis, "{s*}:ids"), long_enough);
        print("redis_bytes_per_profile", bytes / count, "bytes");

        loop.run(wait_until_quiet(redis), long_enough);
        std::vector<int> numbers;
        for (int shard = 0; shard < shards; ++shard) numbers.push_back(shard);
        std::vector<loaded_shard> all;
        const auto from_redis =
            seconds([&] { all = loop.run(load_shards(store, layouts, numbers), long_enough).value(); });
        print("ready_1m_redis_s", from_redis, "s");
        double held = 0, rows = 0;
        for (const auto& one : all) {
            held += static_cast<double>(one.rows.bytes());
            rows += static_cast<double>(one.rows.ordinals() - one.unreadable);
        }
        if (rows != count) throw std::runtime_error("not every subject came back");
        print("matcher_bytes_per_profile", held / count, "bytes");

        const auto layout = fingerprint(layouts);
        const std::string lineage(16, '0');
        const auto file = [&](int shard) { return (folder / std::to_string(shard)).string(); };
        double stop = 0;
        for (const auto& one : all) {
            std::string image;
            stop = std::max(
                stop, seconds([&] { image = encode_snapshot(one.rows, {one.shard, lineage, 1}, layout); }));
            write_snapshot(file(one.shard), std::move(image)).value();
        }
        print("snapshot_stop_ms", stop * 1000, "ms");
        all.clear();
        ::malloc_trim(0); // a process that starts has no pages yet
        const auto from_files = seconds([&] {
            for (const int shard : numbers) {
                auto read = read_snapshot(file(shard), layouts, layout, shard, lineage).value();
                all.push_back({shard, std::move(read.rows), 0});
            }
        });
        print("ready_1m_snapshot_s", from_files, "s");
        rows = 0;
        for (const auto& one : all) rows += static_cast<double>(one.rows.ordinals());
        if (rows != count) throw std::runtime_error("not every subject came back from the files");
        print("update_us", update_us(all), "us");
        print("compaction_slice_ms", compaction_slice_ms(layouts, all.front().rows), "ms");
        redis.close();
    }
    std::filesystem::remove_all(folder);
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
