// 统计上大中小微型企业划分办法（2017）: figures of its table, at and beside the bounds.
#include "matching_support.hpp"

#include <rapidcheck/gtest.h>

namespace zhida::matching {
namespace {

std::string classified(const json& values) {
    const auto size = the_catalogue().classify(row_of(values));
    if (!size) return "unknown";
    return the_catalogue().find("ent.size")->find_term(static_cast<int>(*size))->code;
}

json firm(const char* industry, json x, json y, json z) {
    json values = {{"ent.industry", industry}};
    if (!x.is_null()) values["ent.headcount"] = std::move(x);
    if (!y.is_null()) values["ent.revenue"] = std::move(y);
    if (!z.is_null()) values["ent.assets"] = std::move(z);
    return values;
}

TEST(size_class, needs_all_lower_bounds_of_a_class) {
    EXPECT_EQ(classified(firm("C3911", 1000, 40000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("C3911", 999, 40000, nullptr)), "中型");
    EXPECT_EQ(classified(firm("C3911", 1000, 39999.99, nullptr)), "中型");
    EXPECT_EQ(classified(firm("C3911", 300, 2000, nullptr)), "中型");
    EXPECT_EQ(classified(firm("C3911", 5000, 1999.99, nullptr)), "小型");
    EXPECT_EQ(classified(firm("C3911", 20, 300, nullptr)), "小型");
    EXPECT_EQ(classified(firm("C3911", 19, 90000, nullptr)), "微型");
    EXPECT_EQ(classified(firm("C3911", 5000, 299.99, nullptr)), "微型");
    EXPECT_EQ(classified(firm("C3911", 0, 0, nullptr)), "微型");
}

TEST(size_class, knows_each_row) {
    EXPECT_EQ(classified(firm("A0111", nullptr, 20000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("A0111", nullptr, 49.99, nullptr)), "微型");
    EXPECT_EQ(classified(firm("E4710", nullptr, 80000, 79999.99)), "中型");
    EXPECT_EQ(classified(firm("E4710", nullptr, 6000, 5000)), "中型");
    EXPECT_EQ(classified(firm("F5111", 200, 40000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("F5211", 200, 40000, nullptr)), "中型");
    EXPECT_EQ(classified(firm("G5437", 1000, 30000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("G5910", 200, 30000, nullptr)), "小型"); // 装卸搬运 counts as transport
    EXPECT_EQ(classified(firm("G5920", 200, 30000, nullptr)), "大型"); // 仓储
    EXPECT_EQ(classified(firm("G6020", 1000, 30000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("H6110", 300, 10000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("H6210", 99, 10000, nullptr)), "小型");
    EXPECT_EQ(classified(firm("I6311", 2000, 99999, nullptr)), "中型");
    EXPECT_EQ(classified(firm("I6511", 10, 50, nullptr)), "小型");
    EXPECT_EQ(classified(firm("I6511", 10, 49.99, nullptr)), "微型");
    EXPECT_EQ(classified(firm("K7010", nullptr, 200000, 10000)), "大型");
    EXPECT_EQ(classified(firm("K7010", nullptr, 200000, 1999)), "微型");
    EXPECT_EQ(classified(firm("K7020", 1000, 5000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("L7211", 300, nullptr, 119999)), "中型");
    EXPECT_EQ(classified(firm("M7320", 100, nullptr, nullptr)), "中型");
    EXPECT_EQ(classified(firm("K7030", 300, nullptr, nullptr)), "大型");
    EXPECT_EQ(classified(firm("Q8511", 9, nullptr, nullptr)), "微型");
    EXPECT_EQ(classified(firm("R8610", 10, nullptr, nullptr)), "小型");
}

TEST(size_class, is_unknown_where_the_rule_does_not_reach) {
    for (const auto* industry : {"G5311", "J6621", "K7040", "P8310", "Q8411", "S9511", "T9700", "A0511"})
        EXPECT_EQ(classified(firm(industry, 1000, 50000, 50000)), "unknown") << industry;
    EXPECT_EQ(classified({{"ent.headcount", 5}}), "unknown");
    attribute_row odd;
    odd.set(the_catalogue().find("ent.industry")->number, pack_code("Z1"));
    EXPECT_FALSE(the_catalogue().classify(odd));
}

TEST(size_class, is_unknown_only_where_a_missing_indicator_could_change_it) {
    EXPECT_EQ(classified(firm("C3911", 5000, nullptr, nullptr)), "unknown");
    EXPECT_EQ(classified(firm("C3911", nullptr, 40000, nullptr)), "unknown");
    EXPECT_EQ(classified(firm("C3911", 20, nullptr, nullptr)), "unknown"); // small or micro
    EXPECT_EQ(classified(firm("C3911", 19, nullptr, nullptr)), "微型");    // nothing lies below
    EXPECT_EQ(classified(firm("C3911", nullptr, 299.99, nullptr)), "微型");
    EXPECT_EQ(classified(firm("C3911", nullptr, nullptr, 1)), "unknown"); // Z says nothing here
    EXPECT_EQ(classified(firm("E4710", 1, 300, nullptr)), "unknown");
}

TEST(size_class, of_a_short_code_needs_all_that_it_may_stand_for_to_agree) {
    EXPECT_EQ(classified(firm("C", 1000, 40000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("F", 4, 50000, nullptr)), "微型");
    EXPECT_EQ(classified(firm("F", 300, 40000, nullptr)), "大型");
    EXPECT_EQ(classified(firm("F", 200, 40000, nullptr)), "unknown"); // wholesale large, retail medium
    EXPECT_EQ(classified(firm("G59", 200, 30000, nullptr)), "unknown");
    EXPECT_EQ(classified(firm("G", 1, 1, nullptr)), "unknown"); // railways are not covered
}

// Whatever a missing indicator turns out to be, a class that was given stays.
RC_GTEST_PROP(size_class, given_early_stays_when_more_is_known, ()) {
    const auto& c = the_catalogue();
    attribute_row full;
    full.set(c.find("ent.industry")->number, pack_code((*rc::gen::elementOf(c.industries().entries())).code));
    const std::array indicators = {c.find("ent.headcount"), c.find("ent.revenue"), c.find("ent.assets")};
    for (const auto* a : indicators)
        full.set(a->number, *rc::gen::elementOf(std::vector<std::int64_t>{0, 5, 20, 100, 300, 1000, 5000,
                                                                          30000, 500000, 20000000}));
    auto partial = full;
    for (const auto* a : indicators)
        if (*rc::gen::arbitrary<bool>()) partial.known &= ~(std::uint64_t{1} << a->number);
    if (const auto early = c.classify(partial)) RC_ASSERT(c.classify(full) == early);
}

} // namespace
} // namespace zhida::matching
