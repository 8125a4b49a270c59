// Reverse matching against judge(), item by item: random conditions over random rows, with every kernel.
#include "agreement.hpp"
#include "matching/value_set.hpp"

namespace zhida::matching {
namespace {

RC_GTEST_PROP(reverse, equals_the_plain_judgement_with_every_kernel, ()) {
    std::vector<condition> items;
    std::vector<json> trees;
    // Now and then more than eight words of items.
    for (int i = number(0, 20) == 0 ? 1200 : number(0, 40); i > 0; --i) {
        trees.push_back(random_tree(number(0, 3)));
        items.push_back(compiled(trees.back()));
    }
    const reverse_index index(items, today);
    RC_ASSERT(index.items() == items.size());
    reverse_index::space space;
    reverse_index::outcome said;
    for (int i = 0; i < 4; ++i) {
        const auto row = row_of(random_row());
        for (const auto& k : all_kernels()) {
            index.match(row, space, said, k);
            if (const auto wrong = disagreement(index, said, row); !wrong.empty())
                RC_FAIL(std::string(k.name) + ": " + wrong + ": " + json(trees).dump());
        }
    }
}

// Thresholds of thousands of items on one attribute: ranges between kept vectors are reached by flips.
TEST(reverse, walks_many_thresholds) {
    std::vector<condition> items;
    for (int i = 0; i < 3000; ++i)
        items.push_back(compiled(op_of(
            "and", json::array({op_of(">=", {property("ent.headcount"), i % 1000}),
                                op_of("<", {property("ent.headcount"), i % 1000 + 10 * (i % 7)}),
                                op_of("=", {property("ent.reg_division"), i % 2 ? "310113" : "310112"})}))));
    const reverse_index index(items, today);
    reverse_index::space space;
    reverse_index::outcome said;
    for (const int headcount : {0, 1, 9, 10, 11, 499, 500, 998, 999, 1000, 1059, 1060, 2000000})
        for (const char* division : {"310113", "310112", "310113003"}) {
            const auto row = row_of({{"ent.headcount", headcount}, {"ent.reg_division", division}});
            index.match(row, space, said);
            EXPECT_EQ(disagreement(index, said, row), "") << headcount << " " << division;
        }
}

RC_GTEST_PROP(value_set, holds_the_values_for_which_the_condition_is_true, ()) {
    const auto name = pick(subjects);
    const auto& a = *the_catalogue().find(name);
    if (a.kind == attribute_kind::set) return;
    const std::function<json(int)> tree = [&](int depth) -> json {
        if (depth == 0 || number(0, 1) == 0) return random_leaf_on(name, true);
        return number(0, 2) == 0
                   ? op_of("not", json::array({tree(depth - 1)}))
                   : op_of(number(0, 1) ? "and" : "or", json::array({tree(depth - 1), tree(depth - 1)}));
    };
    const auto c = compiled(tree(3));
    const auto values = values_for(c.root(), today);
    for (std::size_t i = 0; i < values.size(); ++i) {
        RC_ASSERT(values[i].low <= values[i].high);
        if (i > 0) RC_ASSERT(values[i - 1].high + 1 < values[i].low);
    }
    RC_ASSERT(complement_of(complement_of(values)) == values);
    for (int i = 0; i < 20; ++i) {
        const auto row = row_of({{name, random_value(a)}});
        const auto v = row.value[static_cast<std::size_t>(a.number)];
        const bool in = std::any_of(values.begin(), values.end(),
                                    [v](const value_range& r) { return r.low <= v && v <= r.high; });
        RC_ASSERT(in == (evaluate(c, row, today) == truth::yes));
    }
}

} // namespace
} // namespace zhida::matching
