// Random trees over random rows: laws of the logic, and equality with an evaluator that shares no code with
// ours: it walks the JSON, and compares the values as documents say them (texts, doubles, sets of words).
#include "random_conditions.hpp"

namespace zhida::matching {
namespace {

// ---- the naive evaluator: 0 no, 1 yes, nothing unknown ----

using naive_truth = std::optional<bool>;

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
