#include "tests/bench/support/measure.hpp"

#include "common/base/json.hpp"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace zhida::bench {

void print(const std::string& name, double value, const char* unit) {
    std::cout << zhida::to_text(json{{"name", name}, {"value", value}, {"unit", unit}}) << std::endl;
}

double own_cpu_s() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double thread_cpu_s(const std::string& name) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream in(task.path() / "stat");
        std::string line;
        std::getline(in, line);
        const auto from = line.find('('), to = line.rfind(')');
        if (to == std::string::npos || line.substr(from + 1, to - from - 1) != name) continue;
        std::istringstream fields(line.substr(to + 2));
        std::string skipped;
        for (int i = 0; i < 11; ++i) fields >> skipped;
        double user = 0, system = 0;
        fields >> user >> system;
        return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    return 0;
}

boost::asio::awaitable<double> redis_cpu_s(io::redis& redis) {
    const auto info = (co_await redis.command({"INFO", "cpu"})).value().text;
    const auto of = [&](const std::string& field) {
        const auto at = info.find(field + ":");
        return at == std::string::npos ? 0.0 : std::atof(info.c_str() + at + field.size() + 1);
    };
    co_return of("used_cpu_user") + of("used_cpu_sys");
}

boost::asio::awaitable<double> memory_of(io::redis& redis, std::string pattern) {
    double sum = 0;
    std::string cursor = "0";
    do {
        const auto page =
            (co_await redis.command({"SCAN", cursor, "MATCH", pattern, "COUNT", "5000"})).value();
        cursor = page.items[0].text;
        std::vector<io::redis_args> ask;
        for (const auto& key : page.items[1].items) ask.push_back({"MEMORY", "USAGE", key.text});
        if (ask.empty()) continue;
        for (const auto& r : (co_await redis.pipeline(std::move(ask))).value())
            sum += static_cast<double>(r.integer);
    } while (cursor != "0");
    co_return sum;
}

config settings_in(const std::string& folder, const std::string& redis_url) {
    config c;
    c.campaign.approval = false;
    c.dispatch.quiet_until = c.dispatch.quiet_from;
    c.dispatch.sms_per_day = c.dispatch.sms_per_week = 0;
    c.node.data_dir = folder;
    c.redis.url = redis_url;
    c.event_log.driver = "redis";
    c.wechat.enabled = false;
    return c;
}

} // namespace zhida::bench
