// Forward matching: one condition over all rows of a table, with unknown and one-short, one thread; medians.
//   forward_1m_ms            a policy of seven conditions at 1,000,000 rows
//   forward_1m_narrow_ms     the same, bound to one town: most blocks are passed over
//   ..._avx2, _sse2 ...      with the slower kernels; `ratio`: how many times faster than judge() on the same
//   rows matcher_bytes_per_profile  columns over rows update_us                one row written in place
// Argument: rows (1000000).
#include "common/base/clock.hpp"
#include "matching/scan.hpp"
#include "tests/support/folders.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>

using namespace zhida;
using namespace zhida::matching;

namespace {

constexpr std::int32_t today = 20780;

json policy(const char* region) {
    auto p = json::parse(R"({"op": "and", "args": [
      {"op": "or", "args": [{"op": "like", "args": [{"property": "ent.industry"}, "C39%"]},
                            {"op": "like", "args": [{"property": "ent.industry"}, "C4%"]},
                            {"op": "like", "args": [{"property": "ent.industry"}, "I%"]}]},
      {"op": "like", "args": [{"property": "ent.reg_division"}, ""]},
      {"op": "in", "args": [{"property": "ent.size"}, ["中型", "小型", "微型"]]},
      {"op": "between", "args": [{"property": "ent.revenue"}, 100, 40000]},
      {"op": ">=", "args": [{"property": "ent.established"}, {"op": "monthsAgo", "args": [24]}]},
      {"op": "a_overlaps", "args": [{"property": "ent.industry_tags"}, ["互联网", "软件业", "先进制造业"]]},
      {"op": "=", "args": [{"property": "ent.blacklisted"}, false]}]})");
    p["args"][1]["args"][1] = region;
    return p;
}

std::vector<attribute_row> rows_for(const catalogue& c, std::size_t count) {
    std::mt19937_64 random(20261124);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::vector<std::string> towns;
    for (const auto& d : c.divisions().entries())
        if (d.level >= 3) towns.push_back(d.code);
    std::vector<attribute_row> rows(count);
    std::vector<std::size_t> town(count);
    for (auto& t : town) t = below(towns.size());
    std::sort(town.begin(), town.end()); // as shards lay them out
    const auto set = [&](attribute_row& row, const char* name, std::int64_t value) {
        if (below(5) != 0) row.set(c.find(name)->number, value);
    };
    for (std::size_t i = 0; i < count; ++i) {
        auto& row = rows[i];
        row.set(c.find("ent.reg_division")->number, std::stoll(towns[town[i]]));
        const auto& industries = c.industries().entries();
        set(row, "ent.industry", pack_code(industries[below(industries.size())].code));
        set(row, "ent.size", 1 + static_cast<std::int64_t>(below(4)));
        set(row, "ent.revenue", static_cast<std::int64_t>(below(8'000'000)));
        set(row, "ent.established", today - static_cast<std::int64_t>(below(1500)));
        set(row, "ent.industry_tags", static_cast<std::int64_t>(below(std::size_t{1} << 31)));
        set(row, "ent.blacklisted", below(50) == 0 ? 1 : 0);
    }
    return rows;
}

double median_ms(int runs, const std::function<void()>& work) {
    std::vector<double> took;
    for (int i = 0; i < runs; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        took.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    std::nth_element(took.begin(), took.begin() + runs / 2, took.end());
    return took[static_cast<std::size_t>(runs / 2)];
}

void print(json line) {
    std::cout << zhida::to_text(line) << std::endl;
}

} // namespace

int main(int argc, char** argv) {
    const auto count = static_cast<std::size_t>(argc > 1 ? std::atoll(argv[1]) : 1'000'000);
    const auto label =
        count % 1'000'000 == 0 ? std::to_string(count / 1'000'000) + "m" : std::to_string(count);
    const auto c = catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    const auto layout = std::make_shared<const column_layout>(c, subject_type::enterprise);
    const auto rows = rows_for(c, count);
    columns table(layout);
    const auto filled = median_ms(1, [&] {
        for (std::size_t i = 0; i < rows.size(); ++i) table.put(i, rows[i]);
    });
    print({{"name", "matcher_bytes_per_profile"},
           {"value", static_cast<double>(table.bytes()) / static_cast<double>(count)},
           {"unit", "bytes"}});
    print({{"name", "update_us"}, {"value", filled * 1000 / static_cast<double>(count)}, {"unit", "us"}});
    for (const auto& [suffix, region] : {std::pair("", "31%"), std::pair("_narrow", "310113003%")}) {
        std::vector<failure> errors;
        const auto asked = condition::compile(policy(region), subject_type::enterprise, c, errors).value();
        const scan_plan plan(asked, layout, today);
        std::array<std::int64_t, 3> plain{}, scanned{};
        const auto slow = median_ms(3, [&] {
            plain = {};
            for (const auto& row : rows) {
                const auto j = judge(asked, row, today);
                plain[0] += j.outcome == verdict::eligible;
                plain[1] += j.outcome == verdict::possible;
                plain[2] += j.one_short;
            }
        });
        for (const auto& k : all_kernels()) {
            scan_space space(k);
            const auto took = median_ms(31, [&] {
                scanned = {};
                space.scan(plan, table, [&](const scan_block& b) {
                    for (std::size_t w = 0; w < b.words; ++w) {
                        scanned[0] += std::popcount(b.eligible[w]);
                        scanned[1] += std::popcount(b.possible[w]);
                        scanned[2] += std::popcount(b.one_short[w]);
                    }
                });
            });
            if (scanned != plain) {
                std::cerr << "the scan and the plain evaluator do not agree\n";
                return 1;
            }
            const auto best = &k == &all_kernels().front();
            print({{"name", "forward_" + label + suffix + "_ms" + (best ? "" : std::string("_") + k.name)},
                   {"value", took},
                   {"unit", "ms"},
                   {"kernels", k.name},
                   {"peer", "plain"},
                   {"ratio", slow / took}});
        }
    }
    return 0;
}
