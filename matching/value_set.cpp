#include "matching/value_set.hpp"

#include "common/base/clock.hpp"

#include <algorithm>
#include <limits>

namespace zhida::matching {

namespace {

constexpr auto least = std::numeric_limits<std::int64_t>::min();
constexpr auto most = std::numeric_limits<std::int64_t>::max();

// Sorts, and makes one of ranges that touch.
value_set merged(value_set s) {
    std::sort(s.begin(), s.end(), [](const auto& a, const auto& b) { return a.low < b.low; });
    value_set out;
    for (const auto& r : s) {
        if (!out.empty() && (out.back().high == most || r.low <= out.back().high + 1))
            out.back().high = std::max(out.back().high, r.high);
        else
            out.push_back(r);
    }
    return out;
}

value_set both(const value_set& a, const value_set& b) {
    value_set out;
    for (std::size_t i = 0, k = 0; i < a.size() && k < b.size();) {
        const auto low = std::max(a[i].low, b[k].low), high = std::min(a[i].high, b[k].high);
        if (low <= high) out.push_back({low, high});
        if (a[i].high < b[k].high)
            ++i;
        else
            ++k;
    }
    return out;
}

value_set of_leaf(const node& n, std::int32_t today) {
    const auto at = [&](std::size_t i) {
        return n.value_is_months[i] ? std::int64_t{add_months(today, -static_cast<int>(n.values[i]))}
                                    : n.values[i];
    };
    switch (n.what) {
    case op::compare_eq:
    case op::equals:
        return {{at(0), at(0)}};
    case op::compare_ne:
        return complement_of({{at(0), at(0)}});
    case op::compare_lt:
        if (at(0) == least) return {};
        return {{least, at(0) - 1}};
    case op::compare_le:
        return {{least, at(0)}};
    case op::compare_gt:
        if (at(0) == most) return {};
        return {{at(0) + 1, most}};
    case op::compare_ge:
        return {{at(0), most}};
    case op::between:
        if (at(0) > at(1)) return {};
        return {{at(0), at(1)}};
    case op::in_list: {
        value_set out;
        for (const auto v : n.values) out.push_back({v, v});
        return merged(std::move(out));
    }
    case op::prefix: {
        value_set out;
        for (std::size_t i = 0; i < n.values.size(); i += 2) out.push_back({n.values[i], n.values[i + 1]});
        return merged(std::move(out));
    }
    default: // is_null: what is known is not missing
        return {};
    }
}

} // namespace

const attribute* only_attribute(const node& n) {
    if (n.subject) return n.subject;
    const attribute* only = nullptr;
    for (const auto& child : n.children) {
        const auto* a = only_attribute(child);
        if (!a || (only && only != a)) return nullptr;
        only = a;
    }
    return only;
}

bool asks_for_null(const node& n) {
    return n.what == op::is_null || std::any_of(n.children.begin(), n.children.end(), asks_for_null);
}

value_set complement_of(const value_set& s) {
    value_set out;
    auto from = least;
    for (const auto& r : s) {
        if (r.low > from) out.push_back({from, r.low - 1});
        if (r.high == most) return out;
        from = r.high + 1;
    }
    out.push_back({from, most});
    return out;
}

value_set values_for(const node& n, std::int32_t today) {
    switch (n.what) {
    case op::negate:
        return complement_of(values_for(n.children[0], today));
    case op::all_of: {
        value_set out = {{least, most}};
        for (const auto& child : n.children) out = both(out, values_for(child, today));
        return out;
    }
    case op::any_of: {
        value_set out;
        for (const auto& child : n.children) {
            const auto more = values_for(child, today);
            out.insert(out.end(), more.begin(), more.end());
        }
        return merged(std::move(out));
    }
    default:
        return of_leaf(n, today);
    }
}

} // namespace zhida::matching
