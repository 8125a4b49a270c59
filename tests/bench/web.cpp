// One campaign to everybody on the web, the whole service with its own redis-server, all roles but the portal
// in this process.
//   web_1m_visible_s          from the publication until the last package is visible on its subject's page
//                             (so named with the 1000000 subjects that it is meant for)
//   redis_bytes_per_delivery  of audience, ledger, counts and verdicts in Redis; an inbox is the ledger read
//   by
//                             subject and takes nothing
//   web_matcher_us, web_scheduler_us, web_dispatcher_us, web_redis_us  processor time a delivery
// Arguments: subjects (1000000), times (5: as many campaigns one after another; the median is printed).
#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/inbox.hpp"
#include "common/store/keys.hpp"
#include "matching/policy_check.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/publishing.hpp"
#include "tests/bench/support/everyone.hpp"
#include "tests/bench/support/measure.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace zhida;

struct cpu_times {
    double matcher, scheduler, dispatcher, redis;
};

asio::awaitable<cpu_times> look(io::redis& redis) {
    co_return cpu_times{bench::thread_cpu_s("matcher"), bench::thread_cpu_s("scheduler"),
                        bench::thread_cpu_s("dispatcher"), co_await bench::redis_cpu_s(redis)};
}

// Delivered, so that a page shows them: from the counters, which change in the same call as the records.
asio::awaitable<std::int64_t> visible(io::redis& redis, const std::string& id, int shards) {
    std::vector<io::redis_args> ask;
    for (int shard = 0; shard < shards; ++shard)
        ask.push_back({"HGET", store::keys::counters(shard, id, channel::web),
                       "s" + std::to_string(static_cast<int>(ledger::state::delivered))});
    std::int64_t sum = 0;
    for (const auto& r : (co_await redis.pipeline(std::move(ask))).value()) sum += r.number();
    co_return sum;
}

asio::awaitable<double> publish(app& a, io::event_log& log, io::redis& redis, const std::string& name,
                                std::int64_t subjects) {
    auto policy = bench::policy_for_everyone(name);
    policy["push"] = {{"channels", json::array({"web"})}};
    std::vector<failure> errors;
    const auto checked = matching::check_policy(policy, a.catalogue(), errors).value();
    const auto id = campaign_id(name, 1, 1);
    const auto began = a.clock().steady_now();
    const auto since = [&] { return std::chrono::duration<double>(a.clock().steady_now() - began).count(); };
    (void)(co_await log.append(policy_message(checked.document, policy, a.clock().now()))).value();
    while (!a.stopping()) {
        co_await io::sleep_for(a.clock(), milliseconds(10)); // asking costs Redis something
        if (co_await visible(redis, id, static_cast<int>(a.settings().node.shards)) == subjects) break;
    }
    co_return since();
}

asio::awaitable<void> measure(app& a, std::int64_t subjects, int times) {
    io::redis redis(a.executor(), {a.settings().redis.url, milliseconds(60000)});
    auto log = io::make_event_log(a.executor(), a.settings());
    const auto shards = static_cast<int>(a.settings().node.shards);
    store::profiles profiles(redis, a.sealer(), shards);
    (void)co_await bring_subjects(a, *log, profiles, subjects);

    std::vector<double> took;
    const auto before = co_await look(redis);
    for (int i = 0; i < times && !a.stopping(); ++i)
        took.push_back(co_await publish(a, *log, redis, "bench-web-" + std::to_string(i), subjects));
    const auto after = co_await look(redis);
    for (const double t : took) std::cerr << "visible after " << t << " s\n";
    std::sort(took.begin(), took.end());
    bench::print("web_1m_visible_s", took[took.size() / 2], "s");
    const auto n = static_cast<double>(subjects) * times;
    bench::print("redis_bytes_per_delivery", co_await bench::memory_of(redis, "{s*}:c:bench-web-*") / n,
                 "bytes");
    bench::print("web_matcher_us", (after.matcher - before.matcher) * 1e6 / n, "us");
    bench::print("web_scheduler_us", (after.scheduler - before.scheduler) * 1e6 / n, "us");
    bench::print("web_dispatcher_us", (after.dispatcher - before.dispatcher) * 1e6 / n, "us");
    bench::print("web_redis_us", (after.redis - before.redis) * 1e6 / n, "us");

    // What pages read: everybody whom we ask has all of them.
    store::inbox inbox(redis);
    for (int shard = 0; shard < shards; ++shard) {
        const auto entries = (co_await inbox.of(shard, static_cast<std::uint32_t>(shard))).value();
        if (entries.size() != static_cast<std::size_t>(times))
            throw std::runtime_error("a subject of shard " + std::to_string(shard) + " sees " +
                                     std::to_string(entries.size()) + " packages");
    }
    co_await log->close();
    redis.close();
    a.stop();
}

} // namespace

int main(int argc, char** argv) try {
    const std::int64_t subjects = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
    const int times = argc > 2 ? std::atoi(argv[2]) : 5;
    log::start(log::level::error, "text");
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    int code = 1;
    {
        auto redis = embedded_redis::start((folder / "redis").string()).value();
        auto c = bench::settings_in(folder.string(), redis.url());
        c.sms.enabled = false;
        app_roles roles;
        roles.portal = false;
        roles.channels = {channel::web};
        app a(c, roles);
        code = a.run([&](app& running) { return measure(running, subjects, times); });
    }
    std::filesystem::remove_all(folder);
    return code;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
