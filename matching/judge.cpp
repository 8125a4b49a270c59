#include "matching/condition.hpp"

#include <algorithm>

namespace zhida::matching {

namespace {

// Evaluates with every manual condition answered so as to favour the whole: yes, but no under a `not`.
truth favoured(const node& n, const attribute_row& row, std::int32_t today, truth manual_as) {
    const auto opposite = manual_as == truth::yes ? truth::no : truth::yes;
    auto outcome = n.what == op::any_of ? truth::no : truth::yes;
    switch (n.what) {
    case op::all_of:
        for (const auto& child : n.children)
            outcome = std::min(outcome, favoured(child, row, today, manual_as));
        return outcome;
    case op::any_of:
        for (const auto& child : n.children)
            outcome = std::max(outcome, favoured(child, row, today, manual_as));
        return outcome;
    case op::negate:
        outcome = favoured(n.children[0], row, today, opposite);
        return outcome == truth::yes ? truth::no : outcome == truth::no ? truth::yes : truth::unknown;
    default:
        return evaluate(n, row, today, manual_as);
    }
}

bool one_short(const node& root, const attribute_row& row, std::int32_t today) {
    if (root.what != op::all_of) return !is_hard(root);
    const node* missed = nullptr;
    for (const auto& child : root.children) {
        if (evaluate(child, row, today) != truth::no) continue;
        if (missed) return false;
        missed = &child;
    }
    return missed && !is_hard(*missed);
}

} // namespace

bool is_hard(const node& n) {
    if (n.subject)
        return n.subject->kind == attribute_kind::division || n.subject->name.ends_with(".blacklisted");
    return std::any_of(n.children.begin(), n.children.end(), is_hard);
}

judgement judge(const condition& c, const attribute_row& row, std::int32_t today) {
    judgement j;
    switch (evaluate(c, row, today)) {
    case truth::yes:
        j.outcome = verdict::eligible;
        break;
    case truth::unknown:
        j.outcome = verdict::possible;
        j.only_manual_open = c.has_manual() && favoured(c.root(), row, today, truth::yes) == truth::yes;
        break;
    case truth::no:
        j.outcome = verdict::ineligible;
        j.one_short = one_short(c.root(), row, today);
        break;
    }
    return j;
}

// An open condition is open because of those parts of it that are open themselves.
std::uint64_t missing_for(const node& n, const attribute_row& row, std::int32_t today) {
    if (evaluate(n, row, today) != truth::unknown) return 0;
    if (n.subject) return std::uint64_t{1} << n.subject->number;
    std::uint64_t sum = 0;
    for (const auto& child : n.children) sum |= missing_for(child, row, today);
    return sum;
}

std::uint64_t missing_for(const condition& c, const attribute_row& row, std::int32_t today) {
    return missing_for(c.root(), row, today);
}

const char* to_string(verdict v) noexcept {
    switch (v) {
    case verdict::ineligible:
        return "ineligible";
    case verdict::possible:
        return "possible";
    case verdict::eligible:
        return "eligible";
    }
    return "unknown";
}

const char* label(verdict v) noexcept {
    switch (v) {
    case verdict::ineligible:
        return "不符合";
    case verdict::possible:
        return "可能符合";
    case verdict::eligible:
        return "符合";
    }
    return "";
}

} // namespace zhida::matching
