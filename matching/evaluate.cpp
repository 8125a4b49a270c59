// Plain evaluation, one row at a time, by the three-valued truth table of OGC 21-065r2 (and: the least, or:
// the greatest of no < unknown < yes). The reference that every faster method must equal.
#include "common/base/clock.hpp"
#include "matching/condition.hpp"

#include <algorithm>

namespace zhida::matching {

namespace {

truth negated(truth t) {
    return t == truth::yes ? truth::no : t == truth::no ? truth::yes : truth::unknown;
}

truth of(bool b) {
    return b ? truth::yes : truth::no;
}

std::int64_t value_at(const node& n, std::size_t i, std::int32_t today) {
    return n.value_is_months[i] ? add_months(today, -static_cast<int>(n.values[i])) : n.values[i];
}

bool holds(const node& n, std::int64_t x, std::int32_t today) {
    switch (n.what) {
    case op::compare_eq:
        return x == value_at(n, 0, today);
    case op::compare_ne:
        return x != value_at(n, 0, today);
    case op::compare_lt:
        return x < value_at(n, 0, today);
    case op::compare_le:
        return x <= value_at(n, 0, today);
    case op::compare_gt:
        return x > value_at(n, 0, today);
    case op::compare_ge:
        return x >= value_at(n, 0, today);
    case op::between:
        return value_at(n, 0, today) <= x && x <= value_at(n, 1, today);
    case op::in_list:
        return std::binary_search(n.values.begin(), n.values.end(), x);
    case op::prefix:
        for (std::size_t i = 0; i < n.values.size(); i += 2)
            if (n.values[i] <= x && x <= n.values[i + 1]) return true;
        return false;
    case op::overlaps:
        return (x & n.values[0]) != 0;
    case op::contains:
        return (x & n.values[0]) == n.values[0];
    case op::contained_by:
        return (x & ~n.values[0]) == 0;
    case op::equals:
        return x == n.values[0];
    default: // groups, is_null and manual never get here
        return false;
    }
}

} // namespace

truth evaluate(const node& n, const attribute_row& row, std::int32_t today, truth manual_as) {
    switch (n.what) {
    case op::all_of: {
        auto all = truth::yes;
        for (const auto& child : n.children) {
            all = std::min(all, evaluate(child, row, today, manual_as));
            if (all == truth::no) break;
        }
        return all;
    }
    case op::any_of: {
        auto any = truth::no;
        for (const auto& child : n.children) {
            any = std::max(any, evaluate(child, row, today, manual_as));
            if (any == truth::yes) break;
        }
        return any;
    }
    case op::negate:
        return negated(evaluate(n.children[0], row, today, manual_as));
    case op::manual:
        return manual_as;
    case op::is_null:
        return of(!row.has(n.subject->number));
    default:
        if (!row.has(n.subject->number)) return truth::unknown;
        return of(holds(n, row.value[static_cast<std::size_t>(n.subject->number)], today));
    }
}

truth evaluate(const condition& c, const attribute_row& row, std::int32_t today, truth manual_as) {
    return evaluate(c.root(), row, today, manual_as);
}

} // namespace zhida::matching
