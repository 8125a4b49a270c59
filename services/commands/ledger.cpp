#include "services/commands.hpp"
#include "services/ledger_check.hpp"
#include "services/ledger_replay.hpp"
#include "services/run_once.hpp"

#include <cstdio>
#include <iostream>

namespace zhida::commands {

namespace {

boost::asio::awaitable<result<ledger_report>> verify(boost::asio::any_io_executor executor, config c) {
    io::redis redis(executor, {c.redis.url, std::chrono::milliseconds(c.redis.timeout_ms)});
    co_return co_await check_ledger(redis, static_cast<int>(c.node.shards));
}

boost::asio::awaitable<result<ledger_report>> rebuild(boost::asio::any_io_executor executor, config c) {
    const auto shards = static_cast<int>(c.node.shards);
    const system_clock time;
    io::redis redis(executor, {c.redis.url, std::chrono::milliseconds(c.redis.timeout_ms)});
    const auto log = io::make_event_log(executor, c);
    store::ledgers ledgers(redis);
    ledger_replay replay(executor, *log, redis, ledgers, time, shards);
    auto done = co_await replay.rebuild();
    co_await log->close();
    if (!done) co_return done.error();
    auto report = co_await check_ledger(redis, shards);
    if (report && replay.unreadable() > 0)
        report->errors.push_back({errc::invalid,
                                  std::to_string(replay.unreadable()) + " events of the log cannot be read",
                                  "zhida.delivery, zhida.campaign", "they are named on standard error"});
    co_return report;
}

int print(const options& o, const char* command, const result<ledger_report>& report) {
    if (!report) {
        std::cerr << "zhida ledger " << command << ": " << report.error().text() << "\n";
        return 1;
    }
    if (o.json) {
        std::cout << zhida::to_text(to_json(*report)) << "\n";
    } else {
        for (const auto& c : report->campaigns) {
            std::cout << c.id << "  受众 " << c.audience << "\n";
            for (const auto& [via, counts] : c.channels) {
                std::cout << "  " << to_string(via) << ":";
                for (int s = 0; s < ledger::state_count; ++s)
                    if (const auto n = counts.states[static_cast<std::size_t>(s)])
                        std::cout << " " << ledger::to_string(static_cast<ledger::state>(s)) << "=" << n;
                std::cout << "\n";
            }
        }
        for (const auto& e : report->errors) std::cout << e.text() << "\n";
        if (report->campaigns.empty())
            std::cout << "ledger: 0 campaigns: is this the right database? (redis.url)\n";
        std::cout << (report->errors.empty()
                          ? "ledger: everything agrees\n"
                          : "ledger: " + std::to_string(report->errors.size()) + " disagreements\n");
    }
    return report->errors.empty() ? 0 : 1;
}

} // namespace

int ledger_verify(const options& o) {
    return print(o, "verify", run_once<result<ledger_report>>([&](auto executor) {
                     return verify(executor, o.settings);
                 }));
}

int ledger_rebuild(const options& o) {
    return print(o, "rebuild", run_once<result<ledger_report>>([&](auto executor) {
                     return rebuild(executor, o.settings);
                 }));
}

} // namespace zhida::commands
