// Random trees over random rows: laws of the logic, and equality with an evaluator that shares no code with
// ours: it walks the JSON, and compares the values as documents say them (texts, doubles, sets of words).
#include "matching_support.hpp"

#include <rapidcheck/gtest.h>

#include <set>

namespace zhida::matching {
namespace {

const std::int32_t today = day("2026-11-23");

// ---- the naive evaluator: 0 no, 1 yes, nothing unknown ----

using naive_truth = std::optional<bool>;

std::string naive_months_ago(int n) { // from 2026-11-23, a day that every month has
    int y = 2026, m = 11 - 1 - n;
    while (m < 0) m += 12, --y;
    while (m > 11) m -= 12, ++y;
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02d-23", y, m + 1);
    return text;
}

json naive_literal(const json& j) {
    if (!j.is_object()) return j;
    if (j.contains("date")) return j.at("date");
    return naive_months_ago(j.at("args").at(0).get<int>());
}

bool naive_compare(const std::string& op, const json& a, const json& b) {
    if (op == "=") return a == b;
    if (op == "<>") return a != b;
    if (op == "<") return a < b;
    if (op == "<=") return a <= b;
    if (op == ">") return a > b;
    return a >= b;
}

naive_truth naive(const json& e, const json& row) {
    if (e.is_boolean()) return e.get<bool>();
    const auto op = e.at("op").get<std::string>();
    const auto& args = e.at("args");
    if (op == "and" || op == "or") {
        const bool decisive = op == "or";
        bool open = false;
        for (const auto& arg : args) {
            const auto t = naive(arg, row);
            if (t == decisive) return decisive;
            open = open || !t;
        }
        return open ? naive_truth() : naive_truth(!decisive);
    }
    if (op == "not") {
        const auto t = naive(args.at(0), row);
        return t ? naive_truth(!*t) : t;
    }
    if (op == "manual") return std::nullopt;
    const bool swapped = !(args.at(0).is_object() && args.at(0).contains("property"));
    const auto name = args.at(swapped ? 1 : 0).at("property").get<std::string>();
    if (op == "isNull") return !row.contains(name);
    if (!row.contains(name)) return std::nullopt;
    const auto& x = row.at(name);
    if (op == "between") return naive_literal(args.at(1)) <= x && x <= naive_literal(args.at(2));
    const auto& y = args.at(swapped ? 0 : 1);
    if (op == "like") {
        const auto pattern = y.get<std::string>(), text = x.get<std::string>();
        return pattern.back() == '%' ? text.starts_with(pattern.substr(0, pattern.size() - 1))
                                     : text == pattern;
    }
    if (op == "in") {
        for (const auto& item : y)
            if (naive_literal(item) == x) return true;
        return false;
    }
    if (op.starts_with("a_")) {
        auto left = x.get<std::set<std::string>>(), right = y.get<std::set<std::string>>();
        if (swapped) std::swap(left, right);
        if (op == "a_equals") return left == right;
        if (op == "a_contains") return std::includes(left.begin(), left.end(), right.begin(), right.end());
        if (op == "a_containedBy") return std::includes(right.begin(), right.end(), left.begin(), left.end());
        for (const auto& term : left)
            if (right.contains(term)) return true;
        return false;
    }
    return swapped ? naive_compare(op, naive_literal(y), x) : naive_compare(op, x, naive_literal(y));
}

truth as_truth(naive_truth t) {
    return !t ? truth::unknown : *t ? truth::yes : truth::no;
}

// ---- random values, rows and trees; few values, so that they meet ----

const std::vector<std::string> subjects = {"ent.headcount",   "ent.revenue",      "ent.layoff_rate",
                                           "ent.established", "ent.size",         "ent.industry_tags",
                                           "ent.industry",    "ent.reg_division", "ent.blacklisted"};
const std::vector<std::string> industries = {"C", "C3", "C39", "C391", "C3911", "I65", "I6513", "C38"};
const std::vector<std::string> divisions = {"310000",       "310113", "310113003",
                                            "310113003001", "310112", "141181"};

template <class T>
T pick(const std::vector<T>& from) {
    return *rc::gen::elementOf(from);
}
int number(int low, int high) {
    return *rc::gen::inRange(low, high + 1);
}

json random_terms(const attribute& a, std::size_t least) {
    json list = json::array();
    const auto count = static_cast<std::size_t>(number(static_cast<int>(least), 3));
    for (std::size_t i = 0; i < count; ++i)
        list.push_back(a.terms[static_cast<std::size_t>(number(0, 4)) % a.terms.size()].code);
    return list;
}

// As profiles say it.
json random_value(const attribute& a) {
    switch (a.kind) {
    case attribute_kind::boolean:
        return number(0, 1) == 1;
    case attribute_kind::integer:
        return number(0, 6);
    case attribute_kind::decimal:
        return number(0, 12) / 4.0;
    case attribute_kind::date:
        return naive_months_ago(number(-3, 3));
    case attribute_kind::term:
        return pick(a.terms).code;
    case attribute_kind::set: {
        const auto drawn = random_terms(a, 0).get<std::set<std::string>>();
        return json(drawn);
    }
    case attribute_kind::industry: {
        auto code = pick(industries);
        return code == "C3" ? "C39" : code; // a prefix, not a code
    }
    case attribute_kind::division:
        return pick(divisions);
    }
    return {};
}

// As conditions say it.
json random_literal(const attribute& a) {
    if (a.kind != attribute_kind::date) return random_value(a);
    if (number(0, 1) == 1) return op_of("monthsAgo", json::array({number(-3, 3)}));
    return {{"date", random_value(a)}};
}

json random_row() {
    json row = json::object();
    for (const auto& name : subjects)
        if (number(0, 3) != 0) row[name] = random_value(*the_catalogue().find(name));
    return row;
}

json random_leaf(bool nulls) {
    if (number(0, 12) == 0) return op_of("manual", json::array({"现场核查"}));
    const auto name = pick(subjects);
    const auto& a = *the_catalogue().find(name);
    const auto x = property(name.c_str());
    const int shape = number(0, 5);
    if (shape == 0 && nulls) return op_of("isNull", json::array({x}));
    if (a.kind == attribute_kind::set) {
        const auto op = pick<std::string>({"a_overlaps", "a_contains", "a_containedBy", "a_equals"});
        json args = {x, random_terms(a, 1)};
        if (shape == 1) args = {args[1], args[0]};
        return op_of(op.c_str(), args);
    }
    const bool code = a.kind == attribute_kind::industry || a.kind == attribute_kind::division;
    if (code && shape <= 2) {
        const auto pattern =
            a.kind == attribute_kind::industry
                ? pick<std::string>({"C%", "C3%", "C39%", "C391%", "I65%", "C39", "C3911%"})
                : pick<std::string>({"31%", "3101%", "310113%", "310113003%", "310113", "14%"});
        return op_of("like", {x, pattern});
    }
    if (shape == 3 && a.kind != attribute_kind::boolean) {
        json list = json::array();
        for (int i = number(1, 3); i > 0; --i)
            list.push_back(a.kind == attribute_kind::date ? json{{"date", random_value(a)}}
                                                          : random_value(a));
        return op_of("in", {x, list});
    }
    const bool ordered = a.kind == attribute_kind::integer || a.kind == attribute_kind::decimal ||
                         a.kind == attribute_kind::date;
    if (shape == 4 && ordered) {
        auto low = random_literal(a), high = random_literal(a);
        if (naive_literal(high) < naive_literal(low)) std::swap(low, high);
        return op_of("between", {x, low, high});
    }
    const auto op =
        ordered ? pick<std::string>({"=", "<>", "<", "<=", ">", ">="}) : pick<std::string>({"=", "<>"});
    json args = {x, random_literal(a)};
    if (shape == 5) args = {args[1], args[0]};
    return op_of(op.c_str(), args);
}

json random_tree(int depth, bool nulls = true) {
    const int shape = depth == 0 ? 3 : number(0, 5);
    if (shape > 2) return random_leaf(nulls);
    if (shape == 2) return op_of("not", json::array({random_tree(depth - 1, nulls)}));
    json args = json::array();
    for (int i = number(2, 4); i > 0; --i) args.push_back(random_tree(depth - 1, nulls));
    return op_of(shape == 0 ? "and" : "or", args);
}

truth asked(const json& e, const json& row) {
    return evaluate(compiled(e), row_of(row), today);
}
json negation(json e) {
    return op_of("not", json::array({std::move(e)}));
}

RC_GTEST_PROP(condition, equals_the_naive_evaluator, ()) {
    const auto e = random_tree(4);
    const auto c = compiled(e);
    for (int i = 0; i < 5; ++i) {
        const auto row = random_row();
        const auto mine = evaluate(c, row_of(row), today);
        if (mine != as_truth(naive(e, row))) RC_FAIL(e.dump() + " on " + row.dump());
    }
}

RC_GTEST_PROP(condition, keeps_de_morgans_laws, ()) {
    const auto a = random_tree(2), b = random_tree(2), row = random_row();
    RC_ASSERT(asked(negation(op_of("and", {a, b})), row) ==
              asked(op_of("or", {negation(a), negation(b)}), row));
    RC_ASSERT(asked(negation(op_of("or", {a, b})), row) ==
              asked(op_of("and", {negation(a), negation(b)}), row));
}

RC_GTEST_PROP(condition, keeps_double_negation_and_order, ()) {
    const auto a = random_tree(3), b = random_tree(2), row = random_row();
    RC_ASSERT(asked(negation(negation(a)), row) == asked(a, row));
    RC_ASSERT(asked(op_of("and", {a, b}), row) == asked(op_of("and", {b, a}), row));
    RC_ASSERT(asked(op_of("or", {a, b}), row) == asked(op_of("or", {b, a}), row));
}

// What is not known can only be decided by more knowledge, never turned round. isNull asks about knowledge
// itself.
RC_GTEST_PROP(condition, never_turns_round_when_more_is_known, ()) {
    const auto e = random_tree(4, false);
    auto row = random_row();
    const auto before = asked(e, row);
    const auto judged = judge(compiled(e), row_of(row), today);
    for (const auto& name : subjects)
        if (!row.contains(name)) row[name] = random_value(*the_catalogue().find(name));
    const auto after = asked(e, row);
    RC_ASSERT(before == truth::unknown || before == after);
    // Where only manual conditions were open, the rest stays as it was.
    if (judged.only_manual_open)
        RC_ASSERT(judge(compiled(e), row_of(row), today).outcome != verdict::ineligible);
}

// Answering all manual conditions in the same way is more knowledge too.
RC_GTEST_PROP(condition, is_not_turned_round_by_answers_to_manual_conditions, ()) {
    const auto e = random_tree(3);
    const auto c = compiled(e);
    const auto row = row_of(random_row());
    const auto open = evaluate(c, row, today);
    for (const auto answer : {truth::no, truth::yes})
        RC_ASSERT(open == truth::unknown || evaluate(c, row, today, answer) == open);
    if (!c.has_manual()) RC_ASSERT(!judge(c, row, today).only_manual_open);
}

void check_parts(const std::vector<explanation>& parts) {
    for (const auto& p : parts) {
        RC_ASSERT(!p.text.empty());
        RC_ASSERT(p.attribute.empty() == p.requirement.empty());
        RC_ASSERT(!p.manual || p.outcome == truth::unknown);
        check_parts(p.parts);
    }
}

RC_GTEST_PROP(explanations, agree_with_the_verdict, ()) {
    const auto e = random_tree(3);
    const auto c = compiled(e);
    const auto row = row_of(random_row());
    const auto lines = explain(c, row, today, the_catalogue(), {});
    auto all = truth::yes;
    int failed = 0;
    for (const auto& l : lines) {
        all = std::min(all, l.outcome);
        failed += l.outcome == truth::no ? 1 : 0;
        const auto& at = e.is_object() && !l.pointer.empty() ? e.at(json::json_pointer(l.pointer)) : e;
        RC_ASSERT(evaluate(compiled(at), row, today) == l.outcome);
    }
    check_parts(lines);
    const auto j = judge(c, row, today);
    RC_ASSERT(all == (j.outcome == verdict::eligible   ? truth::yes
                      : j.outcome == verdict::possible ? truth::unknown
                                                       : truth::no));
    RC_ASSERT(!j.one_short || failed == 1);
    RC_ASSERT(!j.only_manual_open || j.outcome == verdict::possible);
}

} // namespace
} // namespace zhida::matching
