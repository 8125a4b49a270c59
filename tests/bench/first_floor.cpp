// The whole service in one process with its own redis-server and the simulators: what the first floor can do.
//   import_rows_s             rows from zhida.profile to Redis and the matcher, synthesis and sealing
//   redis_bytes_per_profile  Redis' memory over the rows, the log of the import not counted
//   process_bytes_per_profile growth of this process (all roles) over the rows
//   publish_web_last_ms       publish until the last of all subjects has it on their page
//   publish_sms_last_ms       ... and the last SMS was submitted (CMPP, window of the settings)
//   publish_wechat_last_ms    ... and the last template message
// Argument: number of subjects (80000).
#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/policies.hpp"
#include "matching/policy_check.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/publishing.hpp"
#include "tests/bench/support/everyone.hpp"
#include "tests/bench/support/measure.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace {

using namespace zhida;
using bench::memory_of;
using bench::print;

// Resident memory of this process, bytes.
double resident() {
    std::ifstream in("/proc/self/statm");
    double total = 0, pages = 0;
    in >> total >> pages;
    return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

boost::asio::awaitable<void> measure(app& a, std::int64_t subjects) {
    io::redis redis(a.executor(), {a.settings().redis.url, milliseconds(60000)});
    auto log = io::make_event_log(a.executor(), a.settings());
    store::profiles profiles(redis, a.sealer(), static_cast<int>(a.settings().node.shards));
    store::campaigns campaigns(redis, static_cast<int>(a.settings().node.shards));

    const auto before = resident();
    const auto took = co_await bring_subjects(a, *log, profiles, subjects);
    const auto rows = static_cast<double>(subjects);
    print("import_rows_s", rows * 1000 / static_cast<double>(took.count()), "rows/s");
    print("process_bytes_per_profile", (resident() - before) / rows, "bytes");
    print("redis_bytes_per_profile",
          (co_await memory_of(redis, "{s*}:p:*") + co_await memory_of(redis, "{s*}:ids")) / rows, "bytes");

    const auto everyone = bench::policy_for_everyone("bench-everyone");
    std::vector<failure> errors;
    const auto checked = matching::check_policy(everyone, a.catalogue(), errors).value();
    const auto started = a.clock().steady_now();
    (void)(co_await log->append(policy_message(checked.document, everyone, a.clock().now()))).value();
    const auto id = campaign_id("bench-everyone", 1, 1);
    bool done[channel_count] = {};
    while (!a.stopping() && !(done[0] && done[1] && done[2])) {
        const auto p = co_await campaigns.progress(id, 2);
        if (p && p->audience == subjects)
            for (const auto& c : p->channels) {
                const auto at = [&](ledger::state s) { return c.states[static_cast<std::size_t>(s)]; };
                const bool over =
                    at(ledger::state::queued) + at(ledger::state::held) + at(ledger::state::submitting) == 0;
                auto& known = done[static_cast<int>(c.via)];
                if (!over || known) continue;
                known = true;
                const auto name = "publish_" + std::string(to_string(c.via)) + "_last_ms";
                print(name, static_cast<double>((a.clock().steady_now() - started).count()), "ms");
            }
        co_await io::sleep_for(a.clock(), milliseconds(5));
    }
    co_await log->close();
    redis.close();
    a.stop();
}

} // namespace

int main(int argc, char** argv) try {
    const std::int64_t subjects = argc > 1 ? std::atoll(argv[1]) : 80000;
    log::start(log::level::warn, "text");
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    int code = 1;
    {
        auto redis = embedded_redis::start((folder / "redis").string()).value();
        config c;
        c.campaign.approval = false;
        c.dispatch.quiet_until = c.dispatch.quiet_from;
        c.node.data_dir = folder.string();
        c.redis.url = redis.url();
        c.event_log.driver = "redis";
        c.portal.port = 0;
        c.simulator.cmpp_port = c.simulator.wechat_port = 0;
        c.sms.secret = c.wechat.secret = "simulated";
        c.wechat.appid = "wx0000000000000000";
        c.wechat.template_id = "policy-notice";
        app_roles roles;
        roles.simulator = true;
        app a(c, roles);
        code = a.run([subjects](app& running) { return measure(running, subjects); });
    }
    std::filesystem::remove_all(folder);
    return code;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
