// Plain evaluation of a typical policy (industry prefixes, regions, size, revenue, age, qualifications,
// blacklist): median over runs, one thread. Rows differ, and a fifth of the values is missing.
#include "common/base/clock.hpp"
#include "matching/condition.hpp"
#include "tests/support/folders.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

using namespace zhida;
using namespace zhida::matching;

namespace {

constexpr auto policy = R"({"op": "and", "args": [
  {"op": "or", "args": [{"op": "like", "args": [{"property": "ent.industry"}, "C39%"]},
                        {"op": "like", "args": [{"property": "ent.industry"}, "C4%"]},
                        {"op": "like", "args": [{"property": "ent.industry"}, "I%"]}]},
  {"op": "like", "args": [{"property": "ent.reg_division"}, "310113%"]},
  {"op": "in", "args": [{"property": "ent.size"}, ["中型", "小型", "微型"]]},
  {"op": "between", "args": [{"property": "ent.revenue"}, 100, 40000]},
  {"op": ">=", "args": [{"property": "ent.established"}, {"op": "monthsAgo", "args": [24]}]},
  {"op": "a_overlaps", "args": [{"property": "ent.industry_tags"}, ["互联网", "软件业", "先进制造业"]]},
  {"op": "=", "args": [{"property": "ent.blacklisted"}, false]}]})";

constexpr std::int32_t today = 20780;

std::vector<attribute_row> rows_for(const catalogue& c, std::size_t count) {
    std::mt19937_64 random(20261123);
    const auto below = [&](std::int64_t n) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
    };
    const auto code = [&](const code_list& list) {
        return list
            .entries()[static_cast<std::size_t>(below(static_cast<std::int64_t>(list.entries().size())))]
            .code;
    };
    std::vector<attribute_row> rows(count);
    const auto set = [&](attribute_row& row, const char* name, std::int64_t value) {
        if (below(5) != 0) row.set(c.find(name)->number, value);
    };
    for (auto& row : rows) {
        set(row, "ent.industry", pack_code(below(2) == 0 ? "C3911" : code(c.industries())));
        set(row, "ent.reg_division", std::stoll(below(3) == 0 ? "310113003" : code(c.divisions())));
        set(row, "ent.size", 1 + below(4));
        set(row, "ent.revenue", below(8'000'000));
        set(row, "ent.established", today - below(1500));
        set(row, "ent.industry_tags", below(std::int64_t{1} << 31));
        set(row, "ent.blacklisted", below(50) == 0 ? 1 : 0);
    }
    return rows;
}

} // namespace

int main() {
    const auto c = catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    std::vector<failure> errors;
    const auto made = condition::compile(json::parse(policy), subject_type::enterprise, c, errors).value();
    const auto rows = rows_for(c, 100'000);
    std::vector<double> runs;
    std::size_t matched = 0;
    for (int run = 0; run < 21; ++run) {
        const auto start = std::chrono::steady_clock::now();
        for (const auto& row : rows) matched += evaluate(made, row, today) == truth::yes ? 1 : 0;
        const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
        runs.push_back(spent.count() / static_cast<double>(rows.size()));
    }
    if (matched == 0) return 1; // a benchmark of nothing
    std::nth_element(runs.begin(), runs.begin() + 10, runs.end());
    std::printf("{\"name\":\"plain_eval_ns\",\"value\":%.1f,\"unit\":\"ns\"}\n", runs[10]);
    return 0;
}
