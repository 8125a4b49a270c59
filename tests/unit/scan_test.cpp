// The scan of columns against judge(), row by row: random conditions over random rows, with every kernel.
#include "agreement.hpp"
#include "matching/tally.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace zhida::matching {
namespace {

// Each line of an explanation, and what the kernels say of the row.
RC_GTEST_PROP(scan, agrees_with_the_explanations_with_every_kernel, ()) {
    table t;
    fill(t, static_cast<std::size_t>(number(1, 30)));
    const auto e = random_tree(3);
    const auto c = compiled(e);
    for (const auto& k : all_kernels()) {
        const auto found = scanned(c, t.held, k);
        for (std::size_t i = 0; i < t.rows.size(); ++i) {
            if (!t.present[i]) continue;
            const auto told = explained(c, t.rows[i]);
            const bool same = found.eligible[i] == (told.outcome == verdict::eligible) &&
                              found.possible[i] == (told.outcome == verdict::possible) &&
                              found.one_short[i] == told.one_short &&
                              (found.decided[i] || !told.only_manual_open);
            if (!same) RC_FAIL(std::string(k.name) + ": " + e.dump());
        }
    }
}

RC_GTEST_PROP(columns, give_back_what_was_put, ()) {
    table t;
    fill(t, static_cast<std::size_t>(number(1, 200)));
    RC_ASSERT(t.held.rows() == t.rows.size());
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        RC_ASSERT(t.held.present(i) == t.present[i]);
        if (!t.present[i]) continue;
        const auto back = t.held.get(i);
        RC_ASSERT(back.known == t.rows[i].known);
        for (int n = 0; n < max_attributes; ++n)
            if (back.has(n))
                RC_ASSERT(back.value[static_cast<std::size_t>(n)] ==
                          t.rows[i].value[static_cast<std::size_t>(n)]);
    }
}

RC_GTEST_PROP(scan, equals_the_plain_judgement_with_every_kernel, ()) {
    table t; // now and then of several blocks
    const auto blocks = number(0, 49) == 0 ? columns::block_rows : 0;
    fill(t, blocks + static_cast<std::size_t>(number(1, 300)));
    for (int i = 0; i < 3; ++i) {
        const auto e = random_tree(3);
        const auto c = compiled(e);
        const auto expected = plainly(c, t.rows, t.present);
        for (const auto& k : all_kernels())
            if (scanned(c, t.held, k) != expected) RC_FAIL(std::string(k.name) + ": " + e.dump());
    }
}

// A list of many values is looked up row by row; numbers of 8, 16 and 32 bits, and codes.
TEST(scan, looks_up_long_lists) {
    std::map<std::string, json> lists;
    for (const char* name : {"ent.headcount", "ent.revenue", "ent.hightech_year"})
        for (int i = 0; i < (std::string(name) == "ent.hightech_year" ? 40 : 140); ++i)
            lists[name].push_back(2008 + i * 2);
    const auto& industry = the_catalogue().industries().entries();
    for (std::size_t i = 0; i < industry.size(); i += 3) lists["ent.industry"].push_back(industry[i].code);
    lists["ent.industry"].erase(lists["ent.industry"].begin() + 600, lists["ent.industry"].end());
    table t;
    for (int i = 0; i < 300; ++i) {
        auto row = row_of({{"ent.headcount", 2000 + i}, {"ent.revenue", 2000 + i}});
        if (i < 93) row.set(the_catalogue().find("ent.hightech_year")->number, 2008 + i);
        if (i % 5)
            row.set(the_catalogue().find("ent.industry")->number,
                    pack_code(industry[static_cast<std::size_t>(i) * 5].code));
        t.rows.push_back(row);
        t.present.push_back(true);
        t.held.put(static_cast<std::size_t>(i), row);
    }
    for (const auto& [name, list] : lists) {
        const auto in = op_of("in", {property(name.c_str()), list});
        for (const auto& e : {in, op_of("not", json::array({in}))}) {
            const auto c = compiled(e);
            for (const auto& k : all_kernels())
                EXPECT_EQ(scanned(c, t.held, k), plainly(c, t.rows, t.present)) << name;
        }
    }
}

// The same counts, one row at a time.
breakdown counted_plainly(const condition& c, const table& t) {
    breakdown out;
    const auto& cat = the_catalogue();
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
        if (!t.present[i]) continue;
        const auto& row = t.rows[i];
        const auto j = judge(c, row, today);
        const verdict_counts n{j.outcome == verdict::eligible, j.outcome == verdict::possible,
                               j.only_manual_open, j.one_short};
        if (n == verdict_counts{}) continue;
        out.all += n;
        const auto code = [&](const char* name) {
            const auto& a = *cat.find(name);
            const auto v = row.value[static_cast<std::size_t>(a.number)];
            const auto shown =
                row.has(a.number) && layout()->held(layout()->at(a.number), v) ? cat.decode(a, v) : json("");
            return shown.get<std::string>();
        };
        out.towns[code("ent.reg_division").substr(0, 9)] += n;
        out.sections[code("ent.industry").substr(0, 1)] += n;
        out.sizes[code("ent.size")] += n;
        if (j.outcome == verdict::possible)
            for (auto m = missing_for(c, row, today); m; m &= m - 1)
                for (const auto& a : cat.attributes())
                    if (a.subject == subject_type::enterprise && a.number == std::countr_zero(m))
                        ++out.missing[a.name];
    }
    return out;
}

RC_GTEST_PROP(tally, counts_whom_the_scan_finds, ()) {
    table t;
    const auto blocks = number(0, 49) == 0 ? columns::block_rows : 0;
    fill(t, blocks + static_cast<std::size_t>(number(1, 300)));
    for (int i = 0; i < 3; ++i) {
        const auto c = compiled(random_tree(3));
        const scan_plan plan(c, layout(), today);
        const auto expected = counted_plainly(c, t);
        for (const auto& k : all_kernels()) {
            scan_space space(k);
            tally sum(*layout());
            space.scan(plan, t.held, [&](const scan_block& b) { sum.add(b, t.held); }, &sum.missing);
            RC_ASSERT(sum.result() == expected);
        }
    }
}

// Every number of a column, at every place of a word: what a mutation of a kernel would change.
template <class T, class Kernel>
void check_range(Kernel kernel, const char* name) {
    constexpr auto most = static_cast<T>(~T{0});
    std::vector<T> x;
    for (const std::uint64_t v :
         {0ULL,          1ULL,          2ULL,          126ULL,        127ULL,        128ULL,
          129ULL,        253ULL,        254ULL,        255ULL,        256ULL,        32766ULL,
          32767ULL,      32768ULL,      32769ULL,      65533ULL,      65534ULL,      65535ULL,
          65536ULL,      2147483646ULL, 2147483647ULL, 2147483648ULL, 2147483649ULL, 4294967293ULL,
          4294967294ULL, 4294967295ULL})
        if (v <= most) x.push_back(static_cast<T>(v));
    const auto edges = x;
    while (x.size() < 64 * edges.size()) x.push_back(edges[(x.size() * 5 + x.size() / 64) % edges.size()]);
    x.resize(x.size() / 64 * 64);
    std::vector<std::uint64_t> in(x.size() / 64), known(x.size() / 64);
    for (const auto low : edges)
        for (const auto high : edges) {
            if (high < low || high == most) continue;
            std::fill(in.begin(), in.end(), 0);
            kernel(x.data(), x.size(), low, static_cast<T>(high - low), in.data(), known.data());
            for (std::size_t i = 0; i < x.size(); ++i) {
                ASSERT_EQ(in[i / 64] >> (i % 64) & 1, low <= x[i] && x[i] <= high ? 1U : 0U)
                    << name << " " << +x[i] << " in " << +low << ".." << +high;
                ASSERT_EQ(known[i / 64] >> (i % 64) & 1, x[i] != most ? 1U : 0U) << name << " " << +x[i];
            }
            // What was set stays.
            std::fill(in.begin(), in.end(), ~std::uint64_t{0});
            kernel(x.data(), x.size(), low, static_cast<T>(high - low), in.data(), nullptr);
            for (const auto word : in) ASSERT_EQ(word, ~std::uint64_t{0});
        }
}

// By name, so that the results say which sets a processor has tested: the properties above take what there
// is.
class kernels_named : public testing::TestWithParam<const char*> {};

TEST_P(kernels_named, have_ranges_that_are_exact_at_every_edge) {
    const std::string name = GetParam();
    const auto& all = all_kernels();
    const auto k = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    if (k == all.end()) GTEST_SKIP() << "this processor has no " << name << ": its kernels are not tested";
    check_range<std::uint8_t>(k->range8, k->name);
    check_range<std::uint16_t>(k->range16, k->name);
    check_range<std::uint32_t>(k->range32, k->name);
}
constexpr std::array kernel_names = {"avx512", "avx2", "sse2", "portable"};
INSTANTIATE_TEST_SUITE_P(each, kernels_named, testing::ValuesIn(kernel_names),
                         [](const auto& named) { return std::string(named.param); });

TEST(kernels, all_have_a_test_by_name_and_the_last_is_portable) {
    for (const auto& k : all_kernels())
        EXPECT_NE(std::find(kernel_names.begin(), kernel_names.end(), std::string(k.name)),
                  kernel_names.end())
            << k.name;
    EXPECT_STREQ(all_kernels().back().name, "portable");
}

} // namespace
} // namespace zhida::matching
