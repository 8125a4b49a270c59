// Forward matching: one condition over all rows of a table, with unknown and one-short, one thread; medians.
//   forward_1m_ms            a policy of seven conditions at 1,000,000 rows
//   forward_1m_narrow_ms     the same, bound to one town: most blocks are passed over
//   forward_1m_sh_001_ms ... the policies of config/samples, with `or`, `not` and what is checked by hand
//   ..._avx2, _sse2 ...      with the slower kernels; `ratio`: how many times faster than judge() on the same
//                            rows
//   matcher_bytes_per_profile  columns over rows
//   update_us                one row written in place
// Every count is compared with judge()'s over the same rows.
// Arguments: rows (1000000), and a folder for what the peers need (tests/bench/peers): the rows in rows.tsv,
// and conditions.json with each condition in SQL, what it took here and whom it found.
#include "common/base/clock.hpp"
#include "matching/scan.hpp"
#include "tests/bench/support/enterprises.hpp"
#include "tests/bench/support/sql.hpp"
#include "tests/support/folders.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>

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

json sample(const char* id) {
    std::ifstream file(zhida::tests::in_source(std::string("config/samples/policies/") + id + ".json"));
    return json::parse(file)["items"][0]["eligibility"];
}

struct question {
    std::string name;
    condition asked;
    std::array<std::int64_t, 3> plain{}; // eligible, possible, one short: as judge() says
    double plain_ms = 0;
};

std::vector<question> questions(const catalogue& c) {
    std::vector<question> out;
    const auto add = [&](const char* name, const json& expression) {
        std::vector<failure> errors;
        out.push_back({name, condition::compile(expression, subject_type::enterprise, c, errors).value()});
    };
    add("", policy("31%"));
    add("narrow", policy("310113003%"));
    add("sh_001", sample("SH-001")); // with `and` within `or`
    add("bs_013", sample("BS-013")); // of one district, with dates
    add("bs_006",
        sample("BS-006")); // the same, `or` within `not` within `or`, and parts that are checked by hand
    return out;
}

double milliseconds_of(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double median_ms(int runs, const std::function<void()>& work) {
    std::vector<double> took;
    for (int i = 0; i < runs; ++i) took.push_back(milliseconds_of(work));
    std::nth_element(took.begin(), took.begin() + runs / 2, took.end());
    return took[static_cast<std::size_t>(runs / 2)];
}

void print(const json& line) {
    std::cout << zhida::to_text(line) << std::endl;
}

void judge_all(question& q, const std::vector<attribute_row>& rows) {
    for (const auto& row : rows) {
        const auto j = judge(q.asked, row, today);
        q.plain[0] += j.outcome == verdict::eligible;
        q.plain[1] += j.outcome == verdict::possible;
        q.plain[2] += j.one_short;
    }
}

std::array<std::int64_t, 3> scan_all(scan_space& space, const scan_plan& plan, const columns& table) {
    std::array<std::int64_t, 3> found{};
    space.scan(plan, table, [&](const scan_block& b) {
        for (std::size_t w = 0; w < b.words; ++w) {
            found[0] += std::popcount(b.eligible[w]);
            found[1] += std::popcount(b.possible[w]);
            found[2] += std::popcount(b.one_short[w]);
        }
    });
    return found;
}

} // namespace

int main(int argc, char** argv) {
    std::size_t count = 1'000'000;
    std::string folder;
    for (int i = 1; i < argc; ++i)
        if (const auto rows = std::atoll(argv[i]); rows > 0)
            count = static_cast<std::size_t>(rows);
        else
            folder = argv[i];
    const auto label =
        count % 1'000'000 == 0 ? std::to_string(count / 1'000'000) + "m" : std::to_string(count);
    const auto c = catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    const auto layout = std::make_shared<const column_layout>(c, subject_type::enterprise);
    auto asked = questions(c);
    std::vector<condition> conditions;
    for (const auto& q : asked) conditions.push_back(q.asked);
    std::optional<bench::table_writer> file;
    if (!folder.empty()) file.emplace(folder + "/rows.tsv", bench::asked_by(conditions), c);

    // A part of the rows at a time: as rows, ten million would fill five gigabytes.
    const bench::enterprises all(c, count, today);
    columns table(layout);
    double filled = 0;
    std::vector<attribute_row> rows;
    for (std::size_t first = 0; first < count; first += rows.size()) {
        rows.clear();
        while (rows.size() < columns::block_rows && first + rows.size() < count)
            rows.push_back(all[first + rows.size()]);
        filled += milliseconds_of([&] {
            for (std::size_t i = 0; i < rows.size(); ++i) table.put(first + i, rows[i]);
        });
        for (auto& q : asked) q.plain_ms += milliseconds_of([&] { judge_all(q, rows); });
        if (file)
            for (const auto& row : rows) file->write(row);
    }
    print({{"name", "matcher_bytes_per_profile"},
           {"value", static_cast<double>(table.bytes()) / static_cast<double>(count)},
           {"unit", "bytes"}});
    print({{"name", "update_us"}, {"value", filled * 1000 / static_cast<double>(count)}, {"unit", "us"}});

    json for_peers = json::array();
    for (const auto& q : asked) {
        const scan_plan plan(q.asked, layout, today);
        const auto name = "forward_" + label + (q.name.empty() ? "" : "_" + q.name) + "_ms";
        for (const auto& k : all_kernels()) {
            const auto best = &k == &all_kernels().front();
            scan_space space(k);
            std::array<std::int64_t, 3> found{};
            const auto took = median_ms(31, [&] { found = scan_all(space, plan, table); });
            if (found != q.plain) {
                std::cerr << name << ": the scan and the plain evaluator do not agree\n";
                return 1;
            }
            print({{"name", best ? name : name + "_" + k.name},
                   {"value", took},
                   {"unit", "ms"},
                   {"kernels", k.name},
                   {"peer", "plain"},
                   {"ratio", q.plain_ms / took}});
            if (!best) continue;
            auto line = bench::to_sql(q.name.empty() ? "broad" : q.name, q.asked, c, today);
            line["zhida_ms"] = took;
            line["found"] = found;
            for_peers.push_back(std::move(line));
        }
    }
    if (file) {
        std::ofstream out(folder + "/conditions.json");
        out << zhida::to_text({{"rows", count}, {"columns", file->finish()}, {"conditions", for_peers}});
        if (!out.flush()) {
            std::cerr << "conditions.json could not be written\n";
            return 1;
        }
    }
    return 0;
}
