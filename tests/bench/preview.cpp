// Audience previews over HTTP while profiles change: portal and matcher in one process, a redis-server of its
// own, 64 shards, the sample policies published. Every event changes numbers of its subject, so that it is
// judged against the policies that stand and what it alters is told.
//   start_1m_redis_s, start_1m_snapshot_s   from the start of the process' roles until every shard is counted
//   in a
//                                           preview: topics, rows, policies, registration and all
//   preview_1m_p50_ms, preview_1m_p99_ms    POST /api/v1/audience/preview, whole answers, one after another
//   preview_1m_max_ms
//   preview_profile_events_s                profile events that were applied meanwhile, of 5,000 appended
//   preview_changes_told_s                  events on zhida.match meanwhile
//   preview_widest_ms                       median of a legal condition of 512 nodes
// Arguments: subjects (1000000; the names say 1m whatever it is), previews (600).
#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/io/http_client.hpp"
#include "common/io/timer.hpp"
#include "common/model/topics.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger.hpp"
#include "services/demo_subjects.hpp"
#include "services/embedded_redis.hpp"
#include "services/profiles/synthesis.hpp"
#include "services/publishing.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/json_files.hpp"
#include "tests/support/loop.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>
#include <unistd.h>

namespace {

using namespace zhida;

constexpr int shards = 64;
constexpr std::size_t changed_subjects = 20'000, events_s = 5000;
constexpr auto batch_every = milliseconds(20), pause = milliseconds(30);

void print(const char* name, double value, const char* unit) {
    std::cout << to_text(json{{"name", name}, {"value", value}, {"unit", unit}}) << std::endl;
}

profiles::synthesis population(const matching::catalogue& catalogue, std::int64_t subjects) {
    std::int32_t day = 0;
    parse_date("2026-11-01", day);
    const auto enterprises = enterprises_of(subjects);
    return profiles::synthesis::make(
               catalogue,
               {.enterprises = enterprises, .residents = subjects - enterprises, .seed = 1, .day = day})
        .value();
}

// As a restored Redis would be: no event of the log stands for these.
boost::asio::awaitable<void> fill(io::redis& redis, store::profiles& store,
                                  const matching::catalogue& catalogue, std::int64_t subjects) {
    auto people = population(catalogue, subjects);
    std::vector<std::vector<profile>> waiting(shards);
    for (profile p; people.next(p);) {
        const int shard = shard_of(p.id, shards);
        auto& rows = waiting[static_cast<std::size_t>(shard)];
        rows.push_back(std::move(p));
        if (rows.size() == 200) (co_await store.put(shard, std::exchange(rows, {}), 0)).value();
    }
    for (int shard = 0; shard < shards; ++shard) {
        auto& rows = waiting[static_cast<std::size_t>(shard)];
        if (!rows.empty()) (co_await store.put(shard, std::move(rows), 0)).value();
        // Events draw it; without one there are no snapshots.
        (co_await redis.command({"HSET", store::keys::shard_state(shard), "lineage", "0123456789abcdef"}))
            .value();
    }
}

void raise_numbers(profile& p, const matching::catalogue& catalogue, std::int64_t by) {
    for (const auto& a : catalogue.attributes())
        if (a.subject == p.type && p.attributes.has(a.number) &&
            (a.kind == matching::attribute_kind::integer || a.kind == matching::attribute_kind::decimal))
            p.attributes.set(a.number,
                             std::min(p.attributes.value[static_cast<std::size_t>(a.number)] + by, a.high));
}

// Spread over the whole population: all of them with higher numbers, then all as they were.
std::vector<io::log_message> changes_of(const app& a, std::int64_t subjects) {
    auto people = population(a.catalogue(), subjects);
    std::vector<io::log_message> out;
    const auto every = std::max<std::int64_t>(1, subjects / static_cast<std::int64_t>(changed_subjects));
    std::int64_t n = 0;
    std::vector<io::log_message> as_they_were;
    for (profile p; people.next(p);) {
        if (n++ % every != 0) continue;
        as_they_were.push_back(profile_message(p, a.catalogue(), a.sealer(), shards, a.clock().now()));
        raise_numbers(p, a.catalogue(), 300);
        out.push_back(profile_message(p, a.catalogue(), a.sealer(), shards, a.clock().now()));
    }
    std::move(as_they_were.begin(), as_they_were.end(), std::back_inserter(out));
    return out;
}

json comparison(const char* op, const char* property, json value) {
    return {{"op", op}, {"args", json::array({{{"property", property}}, std::move(value)})}};
}

std::vector<std::string> bodies() {
    std::vector<std::string> out;
    const auto add = [&](const char* subject, const json& condition) {
        out.push_back(to_text(
            {{"subject", subject}, {"condition", condition}, {"channels", {"web", "sms", "wechat"}}}));
    };
    for (const char* id : {"SH-001", "BS-013", "BS-006"}) {
        std::ifstream file(tests::in_source(std::string("config/samples/policies/") + id + ".json"));
        const auto item = json::parse(file)["items"][0];
        add(item["subject"].get<std::string>().c_str(), item["eligibility"]);
    }
    for (const char* town : {"310113%", "310113101%", "310113003%"})
        add("enterprise",
            {{"op", "and"},
             {"args",
              {comparison("like", "ent.reg_division", town), comparison("like", "ent.industry", "C%"),
               comparison("<=", "ent.headcount", 300)}}});
    for (const char* born : {"1960-01-01", "1990-01-01", "2010-01-01"})
        add("resident", {{"op", "and"},
                         {"args",
                          {comparison("like", "person.residence_division", "310113%"),
                           comparison(">=", "person.birth_date", {{"date", born}})}}});
    return out;
}

// As wide as it may be: nothing that a block could be passed over for.
std::string widest_body() {
    json args = json::array();
    for (int i = 0; i < 511; ++i)
        args.push_back(comparison("<>", i % 2 ? "ent.headcount" : "ent.revenue", i + 1));
    return to_text({{"subject", "enterprise"}, {"condition", {{"op", "and"}, {"args", args}}}});
}

struct measured {
    std::vector<double> ms, widest_ms;
    std::string failed;
};

// On a thread of its own, as a browser would be.
boost::asio::awaitable<measured> ask_all(boost::asio::any_io_executor executor, std::string address,
                                         std::size_t count) {
    io::http_client_options options;
    options.base_url = address;
    io::http_client client(executor, options);
    measured out;
    const auto asked = bodies();
    const auto ask = [&](std::string body) -> boost::asio::awaitable<double> {
        const auto began = std::chrono::steady_clock::now();
        const auto reply = co_await client.request(
            "POST", "/api/v1/audience/preview",
            {{"Authorization", "Bearer demo-department"}, {"Content-Type", "application/json"}},
            std::move(body));
        const auto took = std::chrono::steady_clock::now() - began;
        if (!reply)
            out.failed = reply.error().text();
        else if (reply->status != 200 || !json::parse(reply->body).at("complete").get<bool>())
            out.failed = reply->body;
        co_return std::chrono::duration<double, std::milli>(took).count();
    };
    for (std::size_t i = 0; i < asked.size(); ++i) (void)co_await ask(asked[i]); // warm
    out.failed.clear();
    for (std::size_t i = 0; i < count; ++i) {
        out.ms.push_back(co_await ask(asked[i % asked.size()]));
        co_await tests::pause_for(pause);
    }
    for (int i = 0; i < 15; ++i) {
        out.widest_ms.push_back(co_await ask(widest_body()));
        co_await tests::pause_for(pause);
    }
    client.close();
    co_return out;
}

double part_of(std::vector<double> v, double share) {
    std::sort(v.begin(), v.end());
    return v[std::min(v.size() - 1, static_cast<std::size_t>(static_cast<double>(v.size()) * share))];
}

boost::asio::awaitable<void> wait_until_whole(const app& a) {
    io::http_client_options options;
    options.base_url = a.address();
    io::http_client client(co_await boost::asio::this_coro::executor, options);
    while (!a.stopping()) {
        const auto reply =
            co_await client.request("POST", "/api/v1/audience/preview",
                                    {{"Authorization", "Bearer demo-department"}}, bodies().back());
        if (reply && reply->status == 200 && json::parse(reply->body).at("complete").get<bool>()) co_return;
        co_await io::sleep_for(a.clock(), milliseconds(10));
    }
}

// Until every shard has a snapshot.
boost::asio::awaitable<void> wait_for_snapshots(app& a, std::string folder) {
    const auto written = [&] {
        std::error_code none;
        std::ptrdiff_t n = 0;
        for (const auto& f : std::filesystem::directory_iterator(folder + "/matcher", none))
            n += f.path().extension() == ".snapshot" ? 1 : 0;
        return n;
    };
    while (written() < shards && !a.stopping()) co_await io::sleep_for(a.clock(), milliseconds(50));
    a.stop();
}

using steady = std::chrono::steady_clock;

void print_start(const char* name, steady::time_point began) {
    print(name, std::chrono::duration<double>(steady::now() - began).count(), "s");
}

// Until every shard has judged them.
boost::asio::awaitable<void> publish_samples(const app& a, io::event_log& log, io::redis& redis) {
    std::int64_t end = 0;
    for (const auto& [file, document] : tests::json_files(tests::in_source("config/samples/policies"))) {
        std::vector<failure> errors;
        const auto p = read_policy(document, errors).value();
        end = (co_await log.append(policy_message(p, document, a.clock().now()))).value() + 1;
    }
    store::ledgers ledgers(redis);
    for (int shard = 0; shard < shards; ++shard)
        while ((co_await ledgers.matched_until(shard)).value().policy_offset < end && !a.stopping())
            co_await io::sleep_for(a.clock(), milliseconds(50));
}

boost::asio::awaitable<void> measure(app& a, std::int64_t subjects, std::size_t count) {
    io::redis redis(a.executor(), {a.settings().redis.url, milliseconds(60000)});
    auto log = io::make_event_log(a.executor(), a.settings());
    store::profiles stored(redis, a.sealer(), shards);
    co_await publish_samples(a, *log, redis);
    const auto changes = changes_of(a, subjects);

    measured answers;
    bool done = false; // set on this thread
    std::thread asking([&] {
        tests::loop loop;
        auto all = loop.run(ask_all(loop.executor(), a.address(), count), std::chrono::hours(1));
        boost::asio::post(a.executor(), [&, all = std::move(all)]() mutable {
            answers = std::move(all);
            done = true;
        });
    });
    const auto sum = [](const std::vector<std::int64_t>& offsets) {
        std::int64_t n = 0;
        for (const auto o : offsets) n += o;
        return n;
    };
    const auto told_before = sum((co_await log->end_offsets(topics::match)).value());
    const auto began = a.clock().steady_now();
    const auto before = sum((co_await stored.applied_offsets()).value());
    std::size_t next = 0;
    auto due = began;
    while (!done) {
        std::vector<io::log_message> batch;
        for (std::size_t i = 0; i < events_s * batch_every.count() / 1000; ++i)
            batch.push_back(changes[next++ % changes.size()]);
        (void)(co_await log->append_all(std::move(batch))).value();
        const auto now = a.clock().steady_now();
        due += batch_every;
        if (due > now) co_await io::sleep_for(a.clock(), due - now);
    }
    asking.join();
    const auto took = std::chrono::duration<double>(a.clock().steady_now() - began).count();
    const auto applied = sum((co_await stored.applied_offsets()).value()) - before;
    if (!answers.failed.empty()) throw std::runtime_error("not every preview was whole: " + answers.failed);
    print("preview_1m_p50_ms", part_of(answers.ms, 0.5), "ms");
    print("preview_1m_p99_ms", part_of(answers.ms, 0.99), "ms");
    print("preview_1m_max_ms", part_of(answers.ms, 1), "ms");
    print("preview_profile_events_s", static_cast<double>(applied) / took, "events/s");
    print("preview_changes_told_s",
          static_cast<double>(sum((co_await log->end_offsets(topics::match)).value()) - told_before) / took,
          "events/s");
    print("preview_widest_ms", part_of(answers.widest_ms, 0.5), "ms");
    co_await log->close();
    redis.close();
    a.stop();
}

} // namespace

int main(int argc, char** argv) try {
    const std::int64_t subjects = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
    const std::size_t count = argc > 2 ? static_cast<std::size_t>(std::atoll(argv[2])) : 600;
    log::start(log::level::warn, "text");
    const auto folder =
        std::filesystem::temp_directory_path() / ("zhida-bench-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    int code = 1;
    {
        auto redis = embedded_redis::start((folder / "redis").string()).value();
        config c;
        c.node.data_dir = folder.string();
        c.redis.url = redis.url();
        c.event_log.driver = "redis";
        c.portal.port = 0;
        c.portal.demo_sign_in = true;
        app_roles roles;
        roles.dispatcher = false;
        {
            app a(c, roles);
            tests::loop loop;
            io::redis filling(loop.executor(), {redis.url(), milliseconds(60000)});
            store::profiles store(filling, a.sealer(), shards);
            loop.run(fill(filling, store, a.catalogue(), subjects), std::chrono::hours(1));
            filling.close();
        }
        c.matcher.snapshot_s = 1;
        auto began = steady::now();
        const auto first = [&](app& running) -> boost::asio::awaitable<void> {
            co_await wait_until_whole(running);
            print_start("start_1m_redis_s", began);
            co_await wait_for_snapshots(running, c.node.data_dir);
        };
        code = app(c, roles).run(first);
        if (code != 0) return code;
        c.matcher.snapshot_s = 0;
        began = steady::now();
        const auto second = [&](app& running) -> boost::asio::awaitable<void> {
            co_await wait_until_whole(running);
            print_start("start_1m_snapshot_s", began);
            co_await measure(running, subjects, count);
        };
        code = app(c, roles).run(second);
    }
    std::filesystem::remove_all(folder);
    return code;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
