#include "tests/bench/support/sql.hpp"

#include "common/base/clock.hpp"

#include <algorithm>
#include <stdexcept>

namespace zhida::bench {

using namespace zhida::matching;

namespace {

const code_list* codes_of(const attribute& a, const catalogue& c) {
    return a.kind == attribute_kind::industry   ? &c.industries()
           : a.kind == attribute_kind::division ? &c.divisions()
                                                : nullptr;
}

std::int64_t coded(const attribute& a, const code_entry& e) {
    return a.kind == attribute_kind::industry ? pack_code(e.code) : std::stoll(e.code);
}

std::string range(const std::string& column, std::size_t low, std::size_t high) {
    if (low == high) return column + " = " + std::to_string(low);
    return column + " BETWEEN " + std::to_string(low) + " AND " + std::to_string(high);
}

std::string joined(const std::vector<std::string>& parts, const char* between, const char* none) {
    if (parts.empty()) return none;
    if (parts.size() == 1) return parts[0];
    std::string text;
    for (const auto& p : parts) text += (text.empty() ? "(" : between) + p;
    return text + ")";
}

// The one attribute that is asked for, where there is just one: unknown is then where it is NULL.
const attribute* only_attribute(const node& n) {
    if (n.what == op::is_null || n.what == op::manual) return nullptr;
    if (n.subject) return n.subject;
    const attribute* only = nullptr;
    for (const auto& child : n.children) {
        const auto* of = only_attribute(child);
        if (!of || (only && only != of)) return nullptr;
        only = of;
    }
    return only;
}

// Ranges of places in the list: what the plain evaluator says of each code.
std::string of_codes(const node& n, const attribute& a, const code_list& codes, std::int32_t today) {
    std::vector<std::string> ranges;
    const auto& all = codes.entries();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto fits = [&](std::size_t place) {
            attribute_row row;
            row.set(a.number, coded(a, all[place]));
            return evaluate(n, row, today) == truth::yes;
        };
        if (!fits(i)) continue;
        const auto low = i;
        while (i + 1 < all.size() && fits(i + 1)) ++i;
        ranges.push_back(range(column_name(a), low, i));
    }
    return joined(ranges, " OR ", (column_name(a) + " < 0").c_str()); // not FALSE: NULL stays NULL
}

} // namespace

std::string column_name(const attribute& a) {
    return a.name.substr(a.name.find('.') + 1);
}

std::string to_sql(const node& n, const catalogue& c, std::int32_t today) {
    const auto value = [&](std::size_t i) {
        return std::to_string(n.value_is_months[i] ? add_months(today, -static_cast<int>(n.values[i]))
                                                   : n.values[i]);
    };
    const auto children = [&](const char* between, const char* none) {
        std::vector<std::string> parts;
        for (const auto& child : n.children) parts.push_back(to_sql(child, c, today));
        return joined(parts, between, none);
    };
    if (const auto* a = only_attribute(n))
        if (const auto* codes = codes_of(*a, c)) return "(" + of_codes(n, *a, *codes, today) + ")";
    const auto column = n.subject ? column_name(*n.subject) : "";
    switch (n.what) {
    case op::all_of:
        return children(" AND ", "TRUE");
    case op::any_of:
        return children(" OR ", "FALSE");
    case op::negate:
        return "(NOT " + to_sql(n.children[0], c, today) + ")";
    case op::manual:
        return "CAST(NULL AS BOOLEAN)";
    case op::is_null:
        return column + " IS NULL";
    default:
        break;
    }
    const auto set = "(" + column + " & " + value(0) + ")";
    switch (n.what) {
    case op::overlaps:
        return "(" + set + " <> 0)";
    case op::contains:
        return "(" + set + " = " + value(0) + ")";
    case op::contained_by:
        return "(" + set + " = " + column + ")";
    case op::between:
        return "(" + column + " BETWEEN " + value(0) + " AND " + value(1) + ")";
    case op::in_list: {
        std::string list;
        for (std::size_t i = 0; i < n.values.size(); ++i) list += (i ? ", " : "") + value(i);
        return "(" + column + " IN (" + list + "))";
    }
    case op::compare_ne:
        return "(" + column + " <> " + value(0) + ")";
    case op::compare_lt:
        return "(" + column + " < " + value(0) + ")";
    case op::compare_le:
        return "(" + column + " <= " + value(0) + ")";
    case op::compare_gt:
        return "(" + column + " > " + value(0) + ")";
    case op::compare_ge:
        return "(" + column + " >= " + value(0) + ")";
    default: // =, of sets too
        return "(" + column + " = " + value(0) + ")";
    }
}

json to_sql(const std::string& name, const condition& asked, const catalogue& c, std::int32_t today) {
    const auto& root = asked.root();
    const auto top = root.what == op::all_of ? root.children : std::vector<node>{root};
    json hard = json::array(), tests = json::array();
    for (const auto& n : top) {
        const auto test = to_sql(n, c, today);
        const auto* only = only_attribute(n);
        (is_hard(n) ? hard : tests)
            .push_back({{"test", test}, {"unknown", (only ? column_name(*only) : test) + " IS NULL"}});
    }
    return {{"name", name}, {"hard", hard}, {"tests", tests}, {"condition", to_sql(root, c, today)}};
}

std::vector<const attribute*> asked_by(const std::vector<condition>& all) {
    std::vector<const attribute*> out;
    const auto add = [&](const auto& self, const node& n) -> void {
        if (n.subject && std::find(out.begin(), out.end(), n.subject) == out.end()) out.push_back(n.subject);
        for (const auto& child : n.children) self(self, child);
    };
    for (const auto& c : all) add(add, c.root());
    std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->number < b->number; });
    return out;
}

table_writer::table_writer(const std::string& path, std::vector<const attribute*> columns, const catalogue& c)
    : file_(path, std::ios::binary) {
    for (const auto* a : columns) {
        const auto* codes = codes_of(*a, c);
        columns_.push_back({a, codes});
        if (codes)
            for (std::size_t i = 0; i < codes->entries().size(); ++i)
                places_.emplace(coded(*a, codes->entries()[i]), i);
    }
}

void table_writer::write(const attribute_row& row) {
    line_.clear();
    for (auto& column : columns_) {
        if (&column != &columns_.front()) line_ += '\t';
        const auto n = column.of->number;
        if (!row.has(n)) {
            column.known = false;
            continue;
        }
        auto value = row.value[static_cast<std::size_t>(n)];
        if (column.codes) value = places_.at(value);
        column.most = std::max(column.most, value);
        line_ += std::to_string(value);
    }
    line_ += '\n';
    file_ << line_;
}

json table_writer::finish() {
    file_.close();
    if (!file_) throw std::runtime_error("the rows could not be written: is the disk full?");
    json out = json::array();
    for (const auto& column : columns_)
        out.push_back({{"name", column_name(*column.of)},
                       {"kind", to_string(column.of->kind)},
                       {"most", column.most},
                       {"known", column.known}});
    return out;
}

} // namespace zhida::bench
