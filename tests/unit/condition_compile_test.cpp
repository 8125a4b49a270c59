// What is accepted and what is refused, each error at its place.
#include "matching_support.hpp"

#include <gmock/gmock.h>

namespace zhida::matching {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<failure> errors_of(const json& expression, const condition_limits& limits = {},
                               const std::string& prefix = "") {
    std::vector<failure> errors;
    const auto made =
        condition::compile(expression, subject_type::enterprise, the_catalogue(), errors, prefix, limits);
    EXPECT_EQ(made.has_value(), errors.empty());
    if (!made && !errors.empty()) EXPECT_EQ(made.error().text(), errors.front().text());
    return errors;
}

// The text of the one error.
std::string error_of(const json& expression) {
    const auto errors = errors_of(expression);
    EXPECT_THAT(errors, SizeIs(1)) << expression;
    return errors.empty() ? "" : errors.front().text();
}

json compare(const char* op, const char* name, json value) {
    return op_of(op, {property(name), std::move(value)});
}
const json good = compare("=", "ent.blacklisted", false);

TEST(condition_compile, keeps_the_tree_with_pointers_and_codes) {
    const auto c = compiled(
        op_of("and", {compare("like", "ent.reg_division", "310113%"), op_of("not", json::array({good})),
                      compare(">=", "ent.established", op_of("monthsAgo", json::array({24}))),
                      op_of("manual", json::array({"落户宝山"}))}));
    const auto& root = c.root();
    EXPECT_EQ(root.what, op::all_of);
    EXPECT_EQ(root.pointer, "");
    ASSERT_THAT(root.children, SizeIs(4));
    EXPECT_EQ(root.children[0].pointer, "/args/0");
    EXPECT_EQ(root.children[0].what, op::prefix);
    EXPECT_THAT(root.children[0].texts, ElementsAre("310113"));
    EXPECT_THAT(root.children[0].values,
                ElementsAre(310113, 310113, 310113000, 310113999, 310113000000, 310113999999));
    EXPECT_EQ(root.children[1].children[0].pointer, "/args/1/args/0");
    EXPECT_THAT(root.children[2].values, ElementsAre(24));
    EXPECT_TRUE(root.children[2].value_is_months[0]);
    EXPECT_EQ(root.children[3].subject, nullptr);
    EXPECT_TRUE(c.has_manual());
    EXPECT_FALSE(compiled(good).has_manual());
    EXPECT_EQ(c.subject(), subject_type::enterprise);
}

TEST(condition_compile, takes_the_property_on_either_side) {
    const std::vector<std::pair<const char*, op>> flips = {{"<", op::compare_gt},
                                                           {"<=", op::compare_ge},
                                                           {">", op::compare_lt},
                                                           {">=", op::compare_le},
                                                           {"=", op::compare_eq}};
    for (const auto& [written, meant] : flips) {
        const auto c = compiled(op_of(written, {500, property("ent.headcount")}));
        EXPECT_EQ(c.root().what, meant) << written;
        EXPECT_THAT(c.root().values, ElementsAre(500));
    }
    const json terms = {"邮轮产业"};
    EXPECT_EQ(compiled(op_of("a_contains", {terms, property("ent.industry_tags")})).root().what,
              op::contained_by);
    EXPECT_EQ(compiled(op_of("a_containedBy", {terms, property("ent.industry_tags")})).root().what,
              op::contains);
    EXPECT_EQ(compiled(op_of("a_overlaps", {terms, property("ent.industry_tags")})).root().what,
              op::overlaps);
    EXPECT_EQ(error_of(op_of("<", {5, property("ent.nothing")})).substr(0, 7), "/args/1");
}

TEST(condition_compile, sorts_lists_and_drops_repeats) {
    const auto c = compiled(compare("in", "ent.headcount", {5, 3, 5, 4}));
    EXPECT_THAT(c.root().values, ElementsAre(3, 4, 5));
    EXPECT_THAT(c.root().value_is_months, SizeIs(3));
}

TEST(condition_compile, takes_truth_itself) {
    EXPECT_EQ(compiled(true).root().what, op::all_of);
    EXPECT_EQ(compiled(false).root().what, op::any_of);
}

TEST(condition_compile, refuses_what_is_not_a_condition) {
    EXPECT_EQ(error_of(5).substr(0, 42), "/: a condition must be an object, not numb");
    EXPECT_THAT(error_of(nullptr), HasSubstr("/: a condition must be an object, not null"));
    EXPECT_THAT(error_of(json::object()), HasSubstr("/: \"op\" is missing"));
    EXPECT_THAT(error_of({{"op", 3}, {"args", json::array()}}),
                HasSubstr("/: \"op\" is missing or not a text"));
    EXPECT_THAT(error_of({{"op", "="}}), HasSubstr("/: \"args\" is missing"));
    EXPECT_THAT(error_of({{"op", "="}, {"args", 5}}), HasSubstr("/: \"args\" is missing or not a list"));
    EXPECT_THAT(error_of(property("ent.blacklisted")), HasSubstr("/: a property alone is not a condition"));
    auto extra = good;
    extra["label"] = "x";
    EXPECT_THAT(error_of(extra), HasSubstr("/: 'label' is not a known member (known here: op, args)"));
}

TEST(condition_compile, refuses_unknown_operators) {
    EXPECT_EQ(error_of(compare("==", "ent.headcount", 5)), "/op: unknown operator '==' (write \"=\")");
    EXPECT_THAT(error_of(compare("t_after", "ent.established", {{"date", "2024-01-01"}})),
                HasSubstr("write \">\""));
    EXPECT_THAT(error_of(compare("a_overlap", "ent.headcount", 5)), HasSubstr("near it: a_overlaps"));
    EXPECT_THAT(error_of(compare("s_intersects", "ent.headcount", 5)), HasSubstr("unknown operator"));
    EXPECT_THAT(error_of(op_of("monthsAgo", json::array({3}))), HasSubstr("/: monthsAgo is a date"));
    EXPECT_THAT(error_of(op_of("and", {good, compare("??", "ent.headcount", 5)})),
                HasSubstr("/args/1/op: unknown"));
}

TEST(condition_compile, refuses_wrong_counts_of_args) {
    EXPECT_EQ(error_of(op_of("and", json::array())),
              "/args: \"and\" takes two conditions or more, not 0 (for everyone write true)");
    EXPECT_EQ(error_of(op_of("or", json::array({good}))),
              "/args: \"or\" takes two conditions or more, not 1 (write the one condition itself)");
    EXPECT_THAT(error_of(op_of("not", {good, good})), HasSubstr("/args: \"not\" takes one condition, not 2"));
    EXPECT_THAT(error_of(op_of("=", json::array({property("ent.headcount")}))),
                HasSubstr("/args: \"=\" takes 2 args, not 1"));
    EXPECT_THAT(error_of(op_of("between", {property("ent.headcount"), 5})),
                HasSubstr("/args: \"between\" takes 3 args"));
    EXPECT_THAT(error_of(op_of("isNull", {property("ent.headcount"), 5})),
                HasSubstr("/args: \"isNull\" takes 1 args"));
    EXPECT_THAT(error_of(op_of("in", json::array({property("ent.headcount")}))),
                HasSubstr("/args: \"in\" takes 2"));
    EXPECT_THAT(error_of(op_of("like", json::array({property("ent.industry")}))),
                HasSubstr("/args: \"like\" takes 2"));
    EXPECT_THAT(error_of(op_of("a_equals", json::array({property("ent.industry_tags")}))),
                HasSubstr("/args: \"a_equals\""));
    EXPECT_THAT(error_of(op_of("manual", json::array())), HasSubstr("/args: \"manual\" takes 1"));
}

TEST(condition_compile, refuses_unknown_attributes) {
    EXPECT_EQ(error_of(compare("<", "ent.headcont", 5)),
              "/args/0: unknown attribute 'ent.headcont' (near it: ent.headcount 从业人员)");
    EXPECT_THAT(error_of(compare("<", "zzzzzz", 5)), HasSubstr("the catalogue lists them"));
    EXPECT_EQ(
        error_of(compare("=", "person.veteran", true)),
        "/args/0: attribute person.veteran is of residents, the item is for enterprises (use an attribute of "
        "enterprises, or change the item's subject)");
    EXPECT_THAT(error_of(op_of("=", {{{"property", 5}}, 5})),
                HasSubstr("/args/0: the property's name must be a text"));
    EXPECT_THAT(error_of(op_of("=", {{{"property", "ent.headcount"}, {"x", 1}}, 5})),
                HasSubstr("/args/0: 'x' is not a known"));
    EXPECT_THAT(error_of(op_of("=", {5, 5})), HasSubstr("/args/0: must be a property"));
    EXPECT_THAT(error_of(op_of("isNull", json::array({5}))), HasSubstr("/args/0: must be a property"));
}

TEST(condition_compile, refuses_what_does_not_suit_the_type) {
    const std::vector<std::pair<json, const char*>> cases = {
        {compare("<", "ent.size", "小型"), "\"<\" cannot be asked of ent.size"},
        {compare(">=", "ent.reg_division", "310113"), "\">=\" cannot be asked of ent.reg_division"},
        {compare("<", "ent.blacklisted", true), "\"<\" cannot be asked of ent.blacklisted"},
        {compare("=", "ent.industry_tags", "邮轮产业"), "of type set (of it: a_overlaps a_contains"},
        {compare("in", "ent.industry_tags", {"邮轮产业"}), "\"in\" cannot be asked of ent.industry_tags"},
        {compare("in", "ent.blacklisted", {true}), "\"in\" cannot be asked of ent.blacklisted"},
        {compare("like", "ent.size", "小%"), "\"like\" cannot be asked of ent.size"},
        {compare("a_overlaps", "ent.size", {"小型"}), "\"a_overlaps\" cannot be asked of ent.size"},
        {op_of("between", {property("ent.size"), "小型", "大型"}),
         "\"between\" cannot be asked of ent.size"}};
    for (const auto& [expression, said] : cases) {
        EXPECT_THAT(error_of(expression), HasSubstr(said));
        EXPECT_EQ(error_of(expression).substr(0, 3), "/: ");
    }
}

TEST(condition_compile, refuses_bad_values) {
    EXPECT_THAT(error_of(compare("=", "ent.headcount", "5")),
                HasSubstr("/args/1: '\"5\"' is not a value of ent.headcount"));
    EXPECT_THAT(error_of(compare("=", "ent.headcount", nullptr)),
                HasSubstr("/args/1: nothing compares with null (ask with isNull)"));
    EXPECT_THAT(error_of(compare("=", "ent.headcount", property("ent.insured_headcount"))),
                HasSubstr("/args/1: a property cannot be compared with another"));
    EXPECT_THAT(error_of(compare("<", "ent.headcount", op_of("monthsAgo", json::array({3})))),
                HasSubstr("/args/1: must be a value of"));
    EXPECT_THAT(error_of(compare("<=", "ent.layoff_rate", 5.555)),
                HasSubstr("/args/1: '5.555' has too many decimals"));
    EXPECT_THAT(error_of(compare("<=", "ent.headcount", 3000000)),
                HasSubstr("/args/1: '3000000' is out of range"));
    EXPECT_THAT(error_of(compare("=", "ent.reg_division", "310199")),
                HasSubstr("/args/1: '310199' is not a division code"));
    EXPECT_THAT(error_of(compare("=", "ent.size", "小形")), HasSubstr("near it: 小型"));
    EXPECT_THAT(error_of(op_of("between", {property("ent.headcount"), 5, "x"})), HasSubstr("/args/2: "));
    EXPECT_THAT(error_of(op_of("between", {property("ent.headcount"), 5, 4})),
                HasSubstr("/args/1: the lower bound is above"));
    EXPECT_EQ(errors_of(op_of("between", {property("ent.headcount"), 5, 5})).size(), 0U);
}

TEST(condition_compile, refuses_bad_dates) {
    const auto date = [](json value) { return compare(">=", "ent.established", std::move(value)); };
    EXPECT_THAT(error_of(date("2024-01-01")),
                HasSubstr("/args/1: '\"2024-01-01\"' is not a date literal (write {\"date\""));
    EXPECT_THAT(error_of(date({{"date", "2024-02-30"}})),
                HasSubstr("/args/1/date: '2024-02-30' is not a date"));
    EXPECT_THAT(error_of(date({{"date", 5}})), HasSubstr("/args/1/date: "));
    EXPECT_THAT(error_of(date({{"timestamp", "2024-02-01T00:00:00Z"}})),
                HasSubstr("/args/1: is not a date literal"));
    EXPECT_THAT(error_of(date({{"date", "2024-02-01"}, {"x", 1}})),
                HasSubstr("/args/1: 'x' is not a known member"));
    const auto months = [&](json args) { return date(op_of("monthsAgo", std::move(args))); };
    EXPECT_THAT(error_of(months(json::array({1.5}))), HasSubstr("/args/1: monthsAgo takes one whole number"));
    EXPECT_THAT(error_of(months(json::array({1, 2}))), HasSubstr("/args/1: monthsAgo takes one"));
    EXPECT_THAT(error_of(months(json::array())), HasSubstr("/args/1: monthsAgo takes one"));
    EXPECT_THAT(error_of(months(json::array({1201}))), HasSubstr("/args/1/args/0: monthsAgo takes one"));
    EXPECT_THAT(error_of(months(json::array({18446744073709551615U}))), HasSubstr("/args/1/args/0: "));
    const auto between = [](int a, int b) {
        return op_of("between", {property("ent.established"), op_of("monthsAgo", json::array({a})),
                                 op_of("monthsAgo", json::array({b}))});
    };
    EXPECT_THAT(error_of(between(3, 6)), HasSubstr("/args/1: the lower bound is above"));
    EXPECT_EQ(errors_of(between(6, 3)).size(), 0U);
}

TEST(condition_compile, refuses_bad_lists) {
    EXPECT_THAT(error_of(compare("in", "ent.headcount", json::array())),
                HasSubstr("/args/1: the list is empty"));
    EXPECT_THAT(error_of(compare("in", "ent.headcount", 5)), HasSubstr("/args/1: must be a list of values"));
    EXPECT_THAT(error_of(compare("in", "ent.established",
                                 {{{"date", "2024-01-01"}}, op_of("monthsAgo", json::array({3}))})),
                HasSubstr("/args/1/1: monthsAgo cannot be in a list"));
    const auto errors = errors_of(compare("in", "ent.size", {"小型", "小形", nullptr}));
    ASSERT_THAT(errors, SizeIs(2));
    EXPECT_EQ(errors[0].where, "/args/1/1");
    EXPECT_EQ(errors[1].where, "/args/1/2");
    EXPECT_THAT(error_of(compare("a_overlaps", "ent.industry_tags", json::array())),
                HasSubstr("/args/1: the list is empty"));
    EXPECT_THAT(error_of(compare("a_contains", "ent.industry_tags", json::array())),
                HasSubstr("/args/1: the list is empty"));
    EXPECT_EQ(errors_of(compare("a_equals", "ent.industry_tags", json::array())).size(), 0U);
    EXPECT_THAT(error_of(compare("a_contains", "ent.industry_tags", "邮轮产业")),
                HasSubstr("/args/1: must be a list of terms"));
    EXPECT_THAT(error_of(compare("a_contains", "ent.industry_tags", {"邮轮产业", "邮轮工业"})),
                HasSubstr("/args/1/1: '邮轮工业' is not a term"));
    EXPECT_THAT(error_of(compare("a_contains", "ent.industry_tags", property("ent.qualifications"))),
                HasSubstr("/args/1: a property cannot be compared"));
}

TEST(condition_compile, refuses_patterns_that_are_no_prefix) {
    const auto like = [](json pattern) { return compare("like", "ent.industry", std::move(pattern)); };
    for (const auto* bad : {"%39", "C%9", "C3_", "C39\\%", "C39%%"})
        EXPECT_THAT(error_of(like(bad)), HasSubstr("is not a prefix (one % at the end")) << bad;
    EXPECT_THAT(error_of(like("%")), HasSubstr("/args/1: the pattern matches every code"));
    EXPECT_THAT(error_of(like(39)), HasSubstr("/args/1: the pattern must be a text"));
    EXPECT_THAT(error_of(like("")), HasSubstr("/args/1: '' is not a code"));
    EXPECT_THAT(error_of(like("39%")), HasSubstr("no code begins with '39' (write C39%)"));
    EXPECT_THAT(error_of(like("c39%")), HasSubstr("near it: C39%"));
    EXPECT_EQ(compiled(like("C39")).root().what, op::compare_eq);
    EXPECT_EQ(compiled(like("C3%")).root().what, op::prefix);

    const auto in = [](const char* pattern) { return compare("like", "ent.reg_division", pattern); };
    EXPECT_EQ(error_of(in("310000%")),
              "/args/1: '310000%' matches the code 310000 alone, not what lies in 上海市 (write 31%)");
    EXPECT_THAT(error_of(in("141100%")), HasSubstr("not what lies in 吕梁市 (write 1411%)"));
    EXPECT_THAT(error_of(in("110000%")), HasSubstr("write 11%"));
    EXPECT_THAT(error_of(in("99%")), HasSubstr("no code begins with '99'"));
    for (const auto* fine : {"31%", "3101%", "310113%", "310113003%", "310113003001%", "11%", "1411%"})
        EXPECT_EQ(errors_of(in(fine)).size(), 0U) << fine;
    EXPECT_EQ(errors_of(compare("=", "ent.reg_division", "310113")).size(), 0U);
}

TEST(condition_compile, refuses_bad_manual_texts) {
    EXPECT_THAT(error_of(op_of("manual", json::array({""}))), HasSubstr("/args/0: must be a text"));
    EXPECT_THAT(error_of(op_of("manual", json::array({5}))), HasSubstr("/args/0: must be a text"));
    EXPECT_THAT(error_of(op_of("manual", json::array({std::string(1001, 'x')}))),
                HasSubstr("/args/0: is longer"));
}

TEST(condition_compile, reports_every_error_below_its_prefix) {
    const auto errors = errors_of(op_of("or", {compare("<", "ent.nothing", 1), good,
                                               op_of("not", json::array({compare("=", "ent.size", 5)}))}),
                                  {}, "/items/0/eligibility");
    ASSERT_THAT(errors, SizeIs(2));
    EXPECT_EQ(errors[0].where, "/items/0/eligibility/args/0/args/0");
    EXPECT_EQ(errors[1].where, "/items/0/eligibility/args/2/args/0/args/1");
}

json nested(int depth) {
    json j = good;
    for (int i = 1; i < depth; ++i) j = op_of("not", json::array({std::move(j)}));
    return j;
}

TEST(condition_compile, stops_at_its_limits) {
    EXPECT_EQ(errors_of(nested(16)).size(), 0U);
    const auto deep = errors_of(nested(17));
    ASSERT_THAT(deep, SizeIs(1));
    EXPECT_EQ(deep[0].code, errc::exhausted);
    EXPECT_THAT(deep[0].text(), HasSubstr("nested deeper than 16 levels"));
    EXPECT_EQ(deep[0].where.size(), 16 * std::string("/args/0").size());

    const auto many = [](std::size_t n) { return op_of("or", json(json::array_t(n, good))); };
    EXPECT_EQ(errors_of(many(511)).size(), 0U);
    const auto wide = errors_of(many(5000));
    ASSERT_THAT(wide, SizeIs(1));
    EXPECT_EQ(wide[0].code, errc::exhausted);
    EXPECT_EQ(wide[0].where, "/args/511");

    json list = json::array();
    for (int i = 0; i < 1024; ++i) list.push_back(i);
    EXPECT_EQ(errors_of(compare("in", "ent.headcount", list)).size(), 0U);
    EXPECT_THAT(error_of(op_of("or", json(json::array_t(5, compare("in", "ent.headcount", list))))),
                HasSubstr("/args/4/args/1: the lists of the condition have more than 4096"));
    list.push_back(1024);
    EXPECT_THAT(error_of(compare("in", "ent.headcount", list)),
                HasSubstr("/args/1: a list of more than 1024"));
    EXPECT_THAT(error_of(compare("a_overlaps", "ent.industry_tags", list)),
                HasSubstr("/args/1: a list of more than 1024"));
    const auto tight = errors_of(nested(3), {.depth = 2, .nodes = 9, .list_items = 9});
    ASSERT_THAT(tight, SizeIs(1));
    EXPECT_EQ(tight[0].where, "/args/0/args/0");
}

TEST(condition_compile, shows_a_hundred_errors_at_most) {
    const json wrong = compare("in", "ent.reg_division", json(json::array_t(1000, "31011x")));
    const auto errors = errors_of(op_of("or", json(json::array_t(500, wrong))));
    ASSERT_THAT(errors, SizeIs(100));
    EXPECT_THAT(errors.back().text(), HasSubstr("more errors follow"));
}

} // namespace
} // namespace zhida::matching
