// What a short message costs, from a batch to a gateway and from a publication to the last SUBMIT.
// The client alone, one connection with a window of 1,024, four batches of 1,024 at once:
//   cmpp_client_per_s       messages a second (client and sink have a thread each)
//   cmpp_client_us, cmpp_sink_us                    processor time a message of each thread
//   cmpp_receipts_client_us, cmpp_receipts_sink_us  ... with a status report for each message
// The whole service with its own redis-server, matcher and dispatcher in this process, four connections with
// a window of 1,024 each:
//   sms_per_s               messages over the time from the publication to the last SUBMIT at the sink
//   sms_dispatcher_us, sms_matcher_us, sms_redis_us, sms_sink_us  processor time a message, until all is
//                           written down
//   first_submit_p99_s      publication until the first SUBMIT, of small policies one after another
// Arguments: subjects (200000; 0: the client alone), "receipts": the sink reports on every message.
#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "common/store/campaigns.hpp"
#include "matching/policy_check.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/gateways/cmpp_client.hpp"
#include "services/publishing.hpp"
#include "tests/bench/support/cmpp_sink.hpp"
#include "tests/bench/support/everyone.hpp"
#include "tests/bench/support/measure.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace zhida;
using bench::own_cpu_s;
using bench::print;
using bench::thread_cpu_s;

constexpr std::size_t batch = 1024;
const std::string secret = "simulated";

sms_config settings_of(const bench::cmpp_sink& sink) {
    sms_config s;
    s.secret = secret;
    s.port = sink.port();
    s.window = batch;
    return s;
}

// ---- the client alone

std::string phone_of(std::size_t n) {
    const auto digits = std::to_string(n);
    return "138" + std::string(8 - digits.size(), '0') + digits;
}

asio::awaitable<bool> keep(std::vector<gateways::receipt>) {
    co_return true;
}

struct progress {
    std::size_t next = 0, total = 0, streams = 0;
};

asio::awaitable<void> stream(gateways::cmpp_client* to, std::shared_ptr<const gateways::sms_body> body,
                             progress* p) {
    while (p->next < p->total) {
        std::vector<gateways::sms_copy> copies;
        copies.reserve(batch);
        for (; copies.size() < batch && p->next < p->total; ++p->next)
            copies.push_back({phone_of(p->next), body});
        for (const auto& r : co_await to->send_all(std::move(copies)))
            if (r.outcome != gateways::send_outcome::accepted) throw std::runtime_error(r.detail);
    }
    --p->streams;
}

template <class Condition>
void run_until(asio::io_context& io, Condition holds) {
    while (!holds()) io.run_one();
}

void measure_client(std::size_t total, bool receipts) {
    bench::cmpp_sink sink({.secret = secret, .receipts = receipts, .expected = total});
    asio::io_context io(1);
    system_clock time;
    gateways::cmpp_client client(
        io.get_executor(), time, settings_of(sink), keep,
        [](std::vector<gateways::inbound_sms>) -> asio::awaitable<bool> { co_return true; });
    bool ended = false;
    asio::co_spawn(io, client.run(), [&](std::exception_ptr) { ended = true; });
    run_until(io, [&] { return client.status().state == "connected"; });
    const auto body = std::make_shared<const gateways::sms_body>(gateways::plain_body(
        "【直达演示】合成数据：按现有数据，您可关注“企业事项”，补贴，2026-12-31截止。拒收请回复R"));

    const auto cpu = own_cpu_s(), sink_cpu = sink.counts().cpu_s;
    const auto began = time.steady_now();
    progress p{0, total, 4};
    for (int i = 0; i < 4; ++i)
        asio::co_spawn(io, stream(&client, body, &p), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    run_until(io, [&] { return p.streams == 0; });
    const auto took = std::chrono::duration<double>(time.steady_now() - began).count();
    const auto n = static_cast<std::int64_t>(total);
    if (receipts) {
        // Waits for work only: a timer keeps the loop from sleeping past the last receipt.
        const auto until = time.steady_now() + milliseconds(10000);
        while (client.status().receipts < n && time.steady_now() < until) io.run_one_for(milliseconds(5));
    }
    const auto used = own_cpu_s() - cpu;
    client.stop(milliseconds(1000));
    run_until(io, [&] { return ended; });
    while (sink.counts().submits < n) ::usleep(1000);
    const auto c = sink.counts();
    if (c.submits != n || c.repeated > 0 || c.garbled > 0 || (receipts && c.reports_sent != n))
        throw std::runtime_error("the sink did not get each message once");
    const std::string prefix = receipts ? "cmpp_receipts_" : "cmpp_";
    if (!receipts) print("cmpp_client_per_s", static_cast<double>(total) / took, "1/s");
    print(prefix + "client_us", used * 1e6 / static_cast<double>(total), "us");
    print(prefix + "sink_us", (c.cpu_s - sink_cpu) * 1e6 / static_cast<double>(total), "us");
}

// ---- the whole

struct cpu_times {
    double dispatcher, matcher, redis, sink;
};

asio::awaitable<cpu_times> look(io::redis& redis, const bench::cmpp_sink& sink) {
    co_return cpu_times{thread_cpu_s("dispatcher"), thread_cpu_s("matcher"),
                        co_await bench::redis_cpu_s(redis), sink.counts().cpu_s};
}

struct published {
    std::int64_t audience = 0, submitted = 0, submits = 0;
    double first_s = 0, last_s = 0; // from the publication to the first and the last SUBMIT
};

// Publishes and waits until every SMS of the campaign has been answered and written down.
asio::awaitable<published> publish(app& a, io::event_log& log, store::campaigns& campaigns,
                                   const bench::cmpp_sink& sink, json policy) {
    std::vector<failure> errors;
    const auto checked = matching::check_policy(policy, a.catalogue(), errors).value();
    const auto before = sink.counts().submits;
    auto seen = before;
    published out;
    const auto began = a.clock().steady_now();
    auto last_look = began;
    const auto since = [&] { return std::chrono::duration<double>(a.clock().steady_now() - began).count(); };
    (void)(co_await log.append(policy_message(checked.document, policy, a.clock().now()))).value();
    const auto id = campaign_id(policy.at("id").get<std::string>(), 1, 1);
    while (!a.stopping()) {
        co_await io::sleep_for(a.clock(), milliseconds(1));
        if (const auto now = sink.counts().submits; now != seen) {
            if (seen == before) out.first_s = since();
            seen = now;
            out.last_s = since();
        }
        // Asking costs Redis something: seldom, and not while messages go.
        if (since() - out.last_s < 0.05 || a.clock().steady_now() - last_look < milliseconds(50)) continue;
        last_look = a.clock().steady_now();
        const auto p = co_await campaigns.progress(id, 2);
        if (!p || p->audience == 0) continue;
        for (const auto& c : p->channels) {
            if (c.via != channel::sms) continue;
            const auto at = [&](ledger::state s) { return c.states[static_cast<std::size_t>(s)]; };
            std::int64_t all = 0;
            for (const auto n : c.states) all += n;
            if (all == 0 ||
                at(ledger::state::queued) + at(ledger::state::held) + at(ledger::state::submitting) > 0)
                continue;
            out.audience = p->audience;
            out.submitted = at(ledger::state::submitted) + at(ledger::state::delivered);
            out.submits = seen - before;
            co_return out;
        }
    }
    co_return out;
}

asio::awaitable<void> measure_whole(app& a, const bench::cmpp_sink& sink, std::int64_t subjects) {
    io::redis redis(a.executor(), {a.settings().redis.url, milliseconds(60000)});
    auto log = io::make_event_log(a.executor(), a.settings());
    store::profiles profiles(redis, a.sealer(), static_cast<int>(a.settings().node.shards));
    store::campaigns campaigns(redis, static_cast<int>(a.settings().node.shards));
    (void)co_await bring_subjects(a, *log, profiles, subjects);

    constexpr int small = 50;
    std::vector<double> first;
    for (int i = 0; i < small && !a.stopping(); ++i) {
        const auto p = co_await publish(a, *log, campaigns, sink,
                                        bench::policy_for_few("bench-few-" + std::to_string(i), i + 1));
        if (p.submits > 0) first.push_back(p.first_s);
    }
    std::sort(first.begin(), first.end());
    if (!first.empty()) print("first_submit_p99_s", first[(first.size() * 99 + 99) / 100 - 1], "s");

    const auto before = co_await look(redis, sink);
    const auto p = co_await publish(a, *log, campaigns, sink, bench::policy_for_everyone("bench-everyone"));
    const auto after = co_await look(redis, sink);
    const auto n = static_cast<double>(std::max<std::int64_t>(p.submits, 1));
    if (p.submits != p.submitted || sink.counts().repeated > 0 || p.audience != subjects)
        std::cerr << "the ledger has " << p.submitted << " of " << p.audience << ", the sink got "
                  << p.submits << ", repeated " << sink.counts().repeated << "\n";
    print("sms_per_s", n / p.last_s, "1/s");
    print("sms_dispatcher_us", (after.dispatcher - before.dispatcher) * 1e6 / n, "us");
    print("sms_matcher_us", (after.matcher - before.matcher) * 1e6 / n, "us");
    print("sms_redis_us", (after.redis - before.redis) * 1e6 / n, "us");
    print("sms_sink_us", (after.sink - before.sink) * 1e6 / n, "us");
    co_await log->close();
    redis.close();
    a.stop();
}

int run_whole(std::int64_t subjects, bool receipts) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    int code = 1;
    {
        bench::cmpp_sink sink({.secret = secret, .receipts = receipts});
        auto redis = embedded_redis::start((folder / "redis").string()).value();
        auto c = bench::settings_in(folder.string(), redis.url());
        c.sms = settings_of(sink);
        c.sms.connections = 4;
        app_roles roles;
        roles.portal = false;
        roles.channels = {channel::sms};
        app a(c, roles);
        code = a.run([&](app& running) { return measure_whole(running, sink, subjects); });
    }
    std::filesystem::remove_all(folder);
    return code;
}

} // namespace

int main(int argc, char** argv) try {
    const std::int64_t subjects = argc > 1 ? std::atoll(argv[1]) : 200000;
    const bool receipts = argc > 2 && std::string(argv[2]) == "receipts";
    log::start(log::level::error, "text");
    measure_client(1'000'000, false);
    measure_client(300'000, true);
    return subjects > 0 ? run_whole(subjects, receipts) : 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
