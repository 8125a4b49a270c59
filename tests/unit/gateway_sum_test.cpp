#include "services/gateways/gateway.hpp"
#include "services/portal/gateway_sum.hpp"

#include <gtest/gtest.h>

namespace zhida::portal {
namespace {

using gateways::gateway_status;

json sum_of(std::initializer_list<gateway_status> processes) {
    std::vector<json> all;
    for (const auto& p : processes) all.push_back(to_json(p));
    return gateway_of_processes(all);
}

gateway_status in_state(std::string state) {
    gateway_status s;
    s.name = "sms";
    s.protocol = "CMPP 3.0";
    s.state = std::move(state);
    return s;
}

TEST(gateway_sum, one_process_is_told_as_it_is) {
    auto s = in_state("connected");
    s.detail = "签名即将到期";
    s.sent = 7;
    s.rate_per_s = -1;
    s.health = 0.5;
    s.codes = {{"cmpp:8", 2}};
    auto sum = sum_of({s});
    EXPECT_EQ(sum["processes"], 1);
    EXPECT_EQ(sum["states"], (json{{"connected", 1}}));
    sum.erase("processes");
    sum.erase("states");
    EXPECT_EQ(sum, to_json(s));
}

TEST(gateway_sum, counters_codes_and_what_goes_at_once_are_added_up) {
    auto a = in_state("connected"), b = a;
    a.sent = 10, a.accepted = 8, a.rejected = 1, a.retried = 1, a.receipts = 5, a.inbound = 2;
    a.connections = 2, a.in_flight = 3, a.window = 32, a.rate_per_s = 75, a.receipt_ms = 800, a.health = 1;
    a.since_ms = 2000, a.codes = {{"cmpp:8", 2}, {"cmpp:13", 1}};
    b.sent = 5, b.accepted = 4, b.unknown = 1, b.orphans = 1, b.receipts = 3;
    b.connections = 1, b.in_flight = 1, b.window = 32, b.rate_per_s = 25, b.receipt_ms = -1, b.health = 0.5;
    b.since_ms = 1000, b.codes = {{"cmpp:8", 3}};
    const auto sum = sum_of({a, b});
    const std::pair<const char*, std::int64_t> expected[] = {
        {"sent", 15},   {"accepted", 12},    {"rejected", 1},     {"retried", 1},     {"unknown", 1},
        {"orphans", 1}, {"receipts", 8},     {"inbound", 2},      {"connections", 3}, {"in_flight", 4},
        {"window", 64}, {"rate_per_s", 100}, {"receipt_ms", 800}, {"since_ms", 2000}, {"processes", 2}};
    for (const auto& [name, value] : expected) EXPECT_EQ(sum.at(name), value) << name;
    EXPECT_EQ(sum.at("codes"), (json{{"cmpp:8", 5}, {"cmpp:13", 1}}));
    EXPECT_DOUBLE_EQ(sum.at("health").get<double>(), 0.75);
}

TEST(gateway_sum, no_limit_is_not_the_same_as_nothing) {
    const auto rate = [](std::int64_t a, std::int64_t b) {
        auto x = in_state("connected"), y = x;
        x.rate_per_s = a, y.rate_per_s = b;
        return sum_of({x, y}).at("rate_per_s").get<std::int64_t>();
    };
    EXPECT_EQ(rate(100, -1), 100); // one process has all shards
    EXPECT_EQ(rate(-1, 100), 100);
    EXPECT_EQ(rate(-1, -1), -1);
    EXPECT_EQ(rate(0, 0), 0);
    EXPECT_EQ(rate(0, -1), 0);
}

TEST(gateway_sum, the_best_state_is_shown_and_none_is_hidden) {
    auto up = in_state("connected"), stopped = in_state("stopped"), failing = in_state("circuit_open");
    stopped.detail = "cmpp:connect:3 口令错误";
    failing.circuit = "half_open";
    failing.detail = "cmpp:9";
    auto sum = sum_of({stopped, failing, up, up});
    EXPECT_EQ(sum.at("state"), "connected");
    EXPECT_EQ(sum.at("circuit"), "half_open");
    EXPECT_EQ(sum.at("states"), (json{{"connected", 2}, {"stopped", 1}, {"circuit_open", 1}}));
    EXPECT_EQ(sum.at("detail"), "cmpp:connect:3 口令错误; cmpp:9");
    failing.circuit = "open";
    EXPECT_EQ(sum_of({in_state("down"), failing, stopped}).at("state"), "circuit_open");
    EXPECT_EQ(sum_of({in_state("down"), failing, stopped}).at("circuit"), "open");
    EXPECT_EQ(sum_of({stopped, in_state("connecting"), in_state("down")}).at("state"), "connecting");
}

TEST(gateway_sum, the_same_words_are_said_once) {
    auto a = in_state("down");
    a.detail = "拒绝连接";
    EXPECT_EQ(sum_of({a, a, a}).at("detail"), "拒绝连接");
}

TEST(gateway_sum, what_an_older_process_leaves_out_does_no_harm) {
    const auto sum =
        gateway_of_processes({{{"name", "sms"}}, to_json(in_state("connected")), json::object()});
    EXPECT_EQ(sum.at("state"), "connected");
    EXPECT_EQ(sum.at("processes"), 3);
}

} // namespace
} // namespace zhida::portal
