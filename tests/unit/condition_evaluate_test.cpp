// The truth table, each operator, the verdict.
#include "matching_support.hpp"

#include <gmock/gmock.h>

namespace zhida::matching {
namespace {

constexpr auto no = truth::no, unknown = truth::unknown, yes = truth::yes;
const std::int32_t today = day("2026-11-23");

truth asked(const json& expression, const json& row, std::int32_t on = today) {
    return evaluate(compiled(expression), row_of(row), on);
}
truth asked(const char* op, const char* name, json value, const json& row, std::int32_t on = today) {
    return asked(op_of(op, {property(name), std::move(value)}), row, on);
}

// Three conditions whose outcome is fixed by the row.
const json row_of_three = {{"ent.blacklisted", true}, {"ent.legal_person", false}};
json fixed(truth t) {
    const char* name = t == yes ? "ent.blacklisted" : t == no ? "ent.legal_person" : "ent.fund_guaranteed";
    return op_of("=", {property(name), true});
}

TEST(condition_evaluate, follows_the_truth_table_of_the_standard) {
    struct line {
        truth a, b, conjunction, disjunction;
    };
    for (const auto& [a, b, conjunction, disjunction] : {line{yes, yes, yes, yes},
                                                         {yes, no, no, yes},
                                                         {yes, unknown, unknown, yes},
                                                         {no, yes, no, yes},
                                                         {no, no, no, no},
                                                         {no, unknown, no, unknown},
                                                         {unknown, yes, unknown, yes},
                                                         {unknown, no, no, unknown},
                                                         {unknown, unknown, unknown, unknown}}) {
        EXPECT_EQ(asked(op_of("and", {fixed(a), fixed(b)}), row_of_three), conjunction);
        EXPECT_EQ(asked(op_of("or", {fixed(a), fixed(b)}), row_of_three), disjunction);
    }
    EXPECT_EQ(asked(op_of("not", json::array({fixed(yes)})), row_of_three), no);
    EXPECT_EQ(asked(op_of("not", json::array({fixed(no)})), row_of_three), yes);
    EXPECT_EQ(asked(op_of("not", json::array({fixed(unknown)})), row_of_three), unknown);
    EXPECT_EQ(asked(true, {}), yes);
    EXPECT_EQ(asked(false, {}), no);
}

TEST(condition_evaluate, gives_unknown_for_an_unknown_value) {
    const auto x = property("ent.headcount");
    for (const auto* op : {"=", "<>", "<", "<=", ">", ">="})
        EXPECT_EQ(asked(op_of(op, {x, 5}), {}), unknown) << op;
    EXPECT_EQ(asked(op_of("between", {x, 1, 5}), {}), unknown);
    EXPECT_EQ(asked(op_of("in", {x, {1, 5}}), {}), unknown);
    EXPECT_EQ(asked("like", "ent.industry", "C39%", {}), unknown);
    for (const auto* op : {"a_overlaps", "a_contains", "a_containedBy", "a_equals"})
        EXPECT_EQ(asked(op, "ent.industry_tags", {"邮轮产业"}, {}), unknown) << op;
    // Kleene's logic does not know that the two exclude nothing.
    EXPECT_EQ(asked(op_of("or", {op_of(">", {x, 5}), op_of("<=", {x, 5})}), {}), unknown);
}

TEST(condition_evaluate, asks_for_null_in_two_values) {
    EXPECT_EQ(asked(op_of("isNull", json::array({property("ent.headcount")})), {}), yes);
    EXPECT_EQ(asked(op_of("isNull", json::array({property("ent.headcount")})), {{"ent.headcount", 0}}), no);
    EXPECT_EQ(asked(op_of("isNull", json::array({property("ent.industry_tags")})),
                    {{"ent.industry_tags", json::array()}}),
              no);
}

TEST(condition_evaluate, compares_numbers) {
    struct line {
        const char* op;
        truth below, at, above;
    };
    for (const auto& [op, below, at, above] : {line{"=", no, yes, no},
                                               {"<>", yes, no, yes},
                                               {"<", yes, no, no},
                                               {"<=", yes, yes, no},
                                               {">", no, no, yes},
                                               {">=", no, yes, yes}}) {
        EXPECT_EQ(asked(op, "ent.headcount", 500, {{"ent.headcount", 499}}), below) << op;
        EXPECT_EQ(asked(op, "ent.headcount", 500, {{"ent.headcount", 500}}), at) << op;
        EXPECT_EQ(asked(op, "ent.headcount", 500, {{"ent.headcount", 501}}), above) << op;
        EXPECT_EQ(asked(op, "ent.layoff_rate", 5.5, {{"ent.layoff_rate", 5.49}}), below) << op;
        EXPECT_EQ(asked(op, "ent.layoff_rate", 5.5, {{"ent.layoff_rate", 5.5}}), at) << op;
        EXPECT_EQ(asked(op, "ent.layoff_rate", 5.5, {{"ent.layoff_rate", 5.51}}), above) << op;
    }
    const auto between = op_of("between", {property("ent.headcount"), 10, 20});
    for (const auto& [value, expected] : {std::pair{9, no}, {10, yes}, {20, yes}, {21, no}})
        EXPECT_EQ(asked(between, {{"ent.headcount", value}}), expected) << value;
    EXPECT_EQ(asked("in", "ent.headcount", {3, 9, 5}, {{"ent.headcount", 5}}), yes);
    EXPECT_EQ(asked("in", "ent.headcount", {3, 9, 5}, {{"ent.headcount", 4}}), no);
}

TEST(condition_evaluate, compares_terms_and_flags) {
    EXPECT_EQ(asked("=", "ent.size", "小型", {{"ent.size", "小型"}}), yes);
    EXPECT_EQ(asked("<>", "ent.size", "小型", {{"ent.size", "小型"}}), no);
    EXPECT_EQ(asked("in", "ent.size", {"小型", "微型"}, {{"ent.size", "微型"}}), yes);
    EXPECT_EQ(asked("=", "ent.blacklisted", false, {{"ent.blacklisted", false}}), yes);
    EXPECT_EQ(asked("<>", "ent.blacklisted", false, {{"ent.blacklisted", true}}), yes);
}

TEST(condition_evaluate, takes_codes_literally_and_prefixes_as_subtrees) {
    const auto industry = [](const char* code) { return json{{"ent.industry", code}}; };
    EXPECT_EQ(asked("=", "ent.industry", "C39", industry("C39")), yes);
    EXPECT_EQ(asked("=", "ent.industry", "C39", industry("C3911")), no);
    EXPECT_EQ(asked("like", "ent.industry", "C39", industry("C3911")), no);
    for (const auto* below : {"C39", "C391", "C3911", "C3990"})
        EXPECT_EQ(asked("like", "ent.industry", "C39%", industry(below)), yes) << below;
    for (const auto* beside : {"C", "C38", "C3891", "C40", "C4011", "I6513"})
        EXPECT_EQ(asked("like", "ent.industry", "C39%", industry(beside)), no) << beside;
    EXPECT_EQ(asked("like", "ent.industry", "C3%", industry("C3011")), yes);
    EXPECT_EQ(asked("like", "ent.industry", "C%", industry("C4310")), yes);
    EXPECT_EQ(asked("like", "ent.industry", "C%", industry("D44")), no);
    EXPECT_EQ(asked("like", "ent.industry", "C3911%", industry("C3911")), yes);

    const auto division = [](const char* code) { return json{{"ent.reg_division", code}}; };
    EXPECT_EQ(asked("=", "ent.reg_division", "310113", division("310113003")), no);
    for (const auto* below : {"310113", "310113003", "310113003001", "310113501202"})
        EXPECT_EQ(asked("like", "ent.reg_division", "310113%", division(below)), yes) << below;
    for (const auto* beside : {"310000", "310112", "310114", "310114001"})
        EXPECT_EQ(asked("like", "ent.reg_division", "310113%", division(beside)), no) << beside;
    EXPECT_EQ(asked("like", "ent.reg_division", "310113003%", division("310113")), no);
    EXPECT_EQ(asked("like", "ent.reg_division", "31%", division("310113003001")), yes);
    EXPECT_EQ(asked("like", "ent.reg_division", "31%", division("310000")), yes);
    EXPECT_EQ(asked("like", "ent.reg_division", "31%", division("320000")), no);
    EXPECT_EQ(asked("in", "ent.reg_division", {"310113", "310112"}, division("310112")), yes);
}

TEST(condition_evaluate, compares_sets) {
    struct line {
        json has;
        truth overlaps, contains, contained, equals;
    };
    const json asked_for = {"邮轮产业", "邮轮公司"};
    for (const auto& [has, overlaps, contains, contained, equals] :
         {line{json::array(), no, no, yes, no},
          {{"邮轮产业"}, yes, no, yes, no},
          {{"邮轮产业", "邮轮公司"}, yes, yes, yes, yes},
          {{"邮轮产业", "邮轮公司", "影视"}, yes, yes, no, no},
          {{"影视"}, no, no, no, no}}) {
        const json row = {{"ent.industry_tags", has}};
        EXPECT_EQ(asked("a_overlaps", "ent.industry_tags", asked_for, row), overlaps) << has;
        EXPECT_EQ(asked("a_contains", "ent.industry_tags", asked_for, row), contains) << has;
        EXPECT_EQ(asked("a_containedBy", "ent.industry_tags", asked_for, row), contained) << has;
        EXPECT_EQ(asked("a_equals", "ent.industry_tags", asked_for, row), equals) << has;
    }
    EXPECT_EQ(asked("a_equals", "ent.industry_tags", json::array(), {{"ent.industry_tags", json::array()}}),
              yes);
}

TEST(condition_evaluate, counts_months_back_from_today) {
    const auto within = [](int months, const char* established, const char* on) {
        return asked(">=", "ent.established", op_of("monthsAgo", json::array({months})),
                     {{"ent.established", established}}, day(on));
    };
    EXPECT_EQ(within(24, "2024-11-23", "2026-11-23"), yes);
    EXPECT_EQ(within(24, "2024-11-22", "2026-11-23"), no);
    // The last day of a shorter month.
    EXPECT_EQ(within(1, "2026-02-28", "2026-03-31"), yes);
    EXPECT_EQ(within(1, "2026-02-27", "2026-03-31"), no);
    EXPECT_EQ(within(12, "2027-02-28", "2028-02-29"), yes);
    EXPECT_EQ(within(48, "2024-02-29", "2028-02-29"), yes);
    EXPECT_EQ(within(48, "2024-02-28", "2028-02-29"), no);
    EXPECT_EQ(within(0, "2026-11-23", "2026-11-23"), yes);
    EXPECT_EQ(within(-3, "2027-02-22", "2026-11-23"), no);
    EXPECT_EQ(within(-3, "2027-02-23", "2026-11-23"), yes);
    const auto range =
        op_of("between",
              {property("ent.established"), op_of("monthsAgo", json::array({24})), {{"date", "2025-12-31"}}});
    EXPECT_EQ(asked(range, {{"ent.established", "2024-11-23"}}), yes);
    EXPECT_EQ(asked(range, {{"ent.established", "2025-12-31"}}), yes);
    EXPECT_EQ(asked(range, {{"ent.established", "2026-01-01"}}), no);
    EXPECT_EQ(asked("in", "ent.established", {{{"date", "2025-12-31"}}, {{"date", "2024-12-31"}}},
                    {{"ent.established", "2024-12-31"}}),
              yes);
}

const json manual = op_of("manual", json::array({"落户宝山"}));

TEST(judge, caps_the_verdict_where_something_is_manual) {
    const auto judged = [](const json& e, const json& row) { return judge(compiled(e), row_of(row), today); };
    const auto small = op_of("=", {property("ent.size"), "小型"});
    const auto both = op_of("and", {small, manual});
    EXPECT_EQ(judged(small, {{"ent.size", "小型"}}).outcome, verdict::eligible);
    EXPECT_FALSE(judged(small, {{"ent.size", "小型"}}).only_manual_open);
    EXPECT_EQ(judged(both, {{"ent.size", "小型"}}).outcome, verdict::possible);
    EXPECT_TRUE(judged(both, {{"ent.size", "小型"}}).only_manual_open);
    EXPECT_EQ(judged(both, {}).outcome, verdict::possible);
    EXPECT_FALSE(judged(both, {}).only_manual_open);
    EXPECT_EQ(judged(both, {{"ent.size", "大型"}}).outcome, verdict::ineligible);
    // "Has not claimed the like": the favourable answer is no.
    const auto without = op_of("and", {small, op_of("not", json::array({manual}))});
    EXPECT_TRUE(judged(without, {{"ent.size", "小型"}}).only_manual_open);
    EXPECT_FALSE(judged(without, {}).only_manual_open);
    EXPECT_EQ(judged(op_of("or", {small, manual}), {{"ent.size", "小型"}}).outcome, verdict::eligible);
    EXPECT_TRUE(judged(op_of("or", {small, manual}), {{"ent.size", "大型"}}).only_manual_open);
    EXPECT_TRUE(judged(manual, {}).only_manual_open);
}

TEST(judge, knows_who_is_one_condition_short) {
    const auto e = op_of("and", {op_of("=", {property("ent.size"), "小型"}),
                                 op_of("<=", {property("ent.headcount"), 50}),
                                 op_of("like", {property("ent.reg_division"), "310113%"}),
                                 op_of("or", {op_of("=", {property("ent.blacklisted"), false}),
                                              op_of("=", {property("ent.legal_person"), true})})});
    const auto one_short = [&](json row) { return judge(compiled(e), row_of(row), today).one_short; };
    json row = {{"ent.size", "小型"},
                {"ent.headcount", 10},
                {"ent.reg_division", "310113003"},
                {"ent.blacklisted", false}};
    EXPECT_FALSE(one_short(row)); // eligible
    row["ent.headcount"] = 51;
    EXPECT_TRUE(one_short(row));
    row["ent.size"] = "大型";
    EXPECT_FALSE(one_short(row)); // two
    row.erase("ent.size");
    EXPECT_TRUE(one_short(row)); // the other is open
    row["ent.headcount"] = 5;
    row["ent.reg_division"] = "310112";
    EXPECT_FALSE(one_short(row)); // hard
    row["ent.reg_division"] = "310113";
    row["ent.blacklisted"] = true;
    row["ent.legal_person"] = false;
    EXPECT_FALSE(one_short(row)); // hard somewhere within
    const auto single = [](const json& expression, const json& values) {
        return judge(compiled(expression), row_of(values), today).one_short;
    };
    EXPECT_TRUE(single(op_of("=", {property("ent.size"), "小型"}), {{"ent.size", "大型"}}));
    EXPECT_FALSE(
        single(op_of("=", {property("ent.reg_division"), "310113"}), {{"ent.reg_division", "310112"}}));
    EXPECT_FALSE(single(op_of("=", {property("ent.size"), "小型"}), {}));
    EXPECT_FALSE(single(op_of("not", json::array({op_of("=", {property("ent.blacklisted"), true})})),
                        {{"ent.blacklisted", true}}));
}

TEST(judge, has_words_for_verdicts) {
    EXPECT_STREQ(to_string(verdict::possible), "possible");
    EXPECT_STREQ(label(verdict::ineligible), "不符合");
    EXPECT_STREQ(label(verdict::possible), "可能符合");
    EXPECT_STREQ(label(verdict::eligible), "符合");
}

} // namespace
} // namespace zhida::matching
