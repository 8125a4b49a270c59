// Reverse matching: one profile over all items, with near and unknown, one thread; medians over profiles.
//   reverse_10k_us, reverse_100k_us   one profile: eligible, possible, one short of every item
//   ..._avx2, _sse2 ...               with the slower kernels; `ratio`: how many times faster than judge()
//   reverse_10k_mb, reverse_10k_build_ms   memory of the index, and making it
// Arguments: numbers of items (10000 100000), and a folder for what the peers need (tests/bench/peers): items
// and profiles, and reverse.json with what each number of items took here and how many pairs fit.
#include "matching/reverse.hpp"
#include "common/base/clock.hpp"
#include "tests/bench/support/lucene_items.hpp"
#include "tests/bench/support/reverse_data.hpp"
#include "tests/support/folders.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

using namespace zhida;
using namespace zhida::matching;

namespace {

using clock_type = std::chrono::steady_clock;

double median(std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
}

double since(clock_type::time_point begin) {
    return std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
}

void print(json line) {
    std::cout << zhida::to_text(line) << std::endl;
}

struct counts {
    std::int64_t eligible = 0, possible = 0, one_short = 0;
    bool operator==(const counts&) const = default;
};

void write_lines(const std::string& path, const std::vector<json>& all) {
    std::ofstream out(path);
    for (const auto& one : all) out << zhida::to_text(one) << '\n';
    if (!out.flush()) throw std::runtime_error(path + " could not be written");
}

// folder: "" where there are no peers; else its files are written and what they have to beat is added to
// them.
int measure(const catalogue& c, std::size_t items, const std::string& folder, json& for_peers) {
    const auto label = items % 1000 == 0 ? std::to_string(items / 1000) + "k" : std::to_string(items);
    std::mt19937_64 random(20261124);
    std::vector<condition> conditions;
    const auto documents = bench::reverse_items(c, items, random);
    for (const auto& item : documents) {
        std::vector<failure> errors;
        conditions.push_back(condition::compile(item, subject_type::enterprise, c, errors).value());
    }
    std::vector<attribute_row> rows;
    for (int i = 0; i < 400; ++i) rows.push_back(bench::reverse_row(c, random));

    if (!folder.empty()) {
        std::vector<json> queries, profiles;
        for (std::size_t i = 0; i < documents.size(); ++i) {
            auto query = bench::lucene_test(documents[i], bench::today);
            if (!query.contains("all") || documents[i]["op"] != "and")
                query = {{"all", json::array({std::move(query)})}};
            query["id"] = std::to_string(i);
            queries.push_back(std::move(query));
        }
        for (const auto& row : rows) profiles.push_back(bench::lucene_profile(row, c));
        write_lines(folder + "/items-" + label + ".jsonl", queries);
        write_lines(folder + "/profiles-" + label + ".jsonl", profiles);
    }

    const auto begin = clock_type::now();
    const reverse_index index(conditions, bench::today);
    print({{"name", "reverse_" + label + "_build_ms"}, {"value", since(begin) / 1000}, {"unit", "ms"}});
    print({{"name", "reverse_" + label + "_mb"},
           {"value", static_cast<double>(index.bytes()) / (1 << 20)},
           {"unit", "MB"}});

    counts plain;
    std::vector<double> slow;
    for (const auto& row : rows) {
        const auto from = clock_type::now();
        for (const auto& item : conditions) {
            const auto j = judge(item, row, bench::today);
            plain.eligible += j.outcome == verdict::eligible;
            plain.possible += j.outcome == verdict::possible;
            plain.one_short += j.one_short;
        }
        slow.push_back(since(from));
    }
    for (const auto& k : all_kernels()) {
        reverse_index::space space;
        reverse_index::outcome said;
        std::vector<double> took;
        for (int round = 0; round < 5; ++round) {
            counts found;
            for (const auto& row : rows) {
                const auto from = clock_type::now();
                index.match(row, space, said, k);
                took.push_back(since(from));
                const auto sum = [](const auto& v) {
                    std::int64_t n = 0;
                    for (const auto w : v) n += std::popcount(w);
                    return n;
                };
                found.eligible += sum(said.eligible);
                found.possible += sum(said.possible);
                found.one_short += sum(said.one_short);
            }
            if (found != plain) {
                std::cerr << "the index and the plain evaluator do not agree\n";
                return 1;
            }
        }
        const bool best = &k == &all_kernels().front();
        const auto n = static_cast<double>(rows.size());
        if (best)
            for_peers.push_back({{"items", items},
                                 {"label", label},
                                 {"zhida_us", median(took)},
                                 {"eligible", plain.eligible}});
        print({{"name", "reverse_" + label + "_us" + (best ? "" : std::string("_") + k.name)},
               {"value", median(took)},
               {"unit", "us"},
               {"kernels", k.name},
               {"eligible", static_cast<double>(plain.eligible) / n},
               {"possible", static_cast<double>(plain.possible) / n},
               {"one_short", static_cast<double>(plain.one_short) / n},
               {"peer", "plain"},
               {"ratio", median(slow) / median(took)}});
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const auto c = catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    std::vector<std::size_t> sizes;
    std::string folder;
    for (int i = 1; i < argc; ++i)
        if (const auto size = std::atoll(argv[i]); size > 0)
            sizes.push_back(static_cast<std::size_t>(size));
        else
            folder = argv[i];
    if (sizes.empty()) sizes = {10'000, 100'000};
    json for_peers = json::array();
    for (const auto size : sizes)
        if (const auto bad = measure(c, size, folder, for_peers)) return bad;
    if (!folder.empty()) write_lines(folder + "/reverse.json", {for_peers});
    return 0;
}
