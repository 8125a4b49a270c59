// The tree of a condition: limits, operators, groups. Predicates are in condition_predicates.cpp.
#include "matching/condition.hpp"

#include "matching/condition_compiler.hpp"
#include "matching/near.hpp"

#include <algorithm>
#include <array>

namespace zhida::matching {

namespace {

constexpr std::array all_operators = {
    op::all_of,     op::any_of,     op::negate,     op::compare_eq,   op::compare_ne, op::compare_lt,
    op::compare_le, op::compare_gt, op::compare_ge, op::between,      op::in_list,    op::is_null,
    op::prefix,     op::overlaps,   op::contains,   op::contained_by, op::equals,     op::manual};

std::optional<op> operator_named(std::string_view name) {
    for (const auto o : all_operators)
        if (name == to_string(o)) return o;
    return std::nullopt;
}

// What authors write who come from elsewhere.
std::string operator_hint(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 22> others = {{
        {"==", "="},
        {"eq", "="},
        {"!=", "<>"},
        {"ne", "<>"},
        {"neq", "<>"},
        {"lt", "<"},
        {"lte", "<="},
        {"le", "<="},
        {"gt", ">"},
        {"gte", ">="},
        {"ge", ">="},
        {"t_after", ">"},
        {"t_before", "<"},
        {"t_equals", "="},
        {"t_during", "between"},
        {"is_null", "isNull"},
        {"isnull", "isNull"},
        {"overlaps", "a_overlaps"},
        {"contains", "a_contains"},
        {"startsWith", "like"},
        {"&&", "and"},
        {"||", "or"},
    }};
    for (const auto& [theirs, ours] : others)
        if (name == theirs) return "write \"" + std::string(ours) + "\"";
    std::vector<candidate> candidates;
    candidates.reserve(std::size(all_operators));
    for (const auto o : all_operators) candidates.push_back({to_string(o), ""});
    std::string near;
    for (const auto i : nearest(name, candidates, 2))
        near += (near.empty() ? "near it: " : ", ") + std::string(candidates[i].code);
    return near.empty()
               ? "and or not = <> < <= > >= between in isNull like a_overlaps a_contains a_containedBy "
                 "a_equals manual"
               : near;
}

} // namespace

const char* to_string(op what) noexcept {
    switch (what) {
    case op::all_of:
        return "and";
    case op::any_of:
        return "or";
    case op::negate:
        return "not";
    case op::compare_eq:
        return "=";
    case op::compare_ne:
        return "<>";
    case op::compare_lt:
        return "<";
    case op::compare_le:
        return "<=";
    case op::compare_gt:
        return ">";
    case op::compare_ge:
        return ">=";
    case op::between:
        return "between";
    case op::in_list:
        return "in";
    case op::is_null:
        return "isNull";
    case op::prefix:
        return "like";
    case op::overlaps:
        return "a_overlaps";
    case op::contains:
        return "a_contains";
    case op::contained_by:
        return "a_containedBy";
    case op::equals:
        return "a_equals";
    case op::manual:
        return "manual";
    }
    return "unknown";
}

bool condition_compiler::error(const std::string& pointer, std::string what, std::string fix, errc code) {
    ++reported_;
    const auto where = prefix_ + pointer;
    if (reported_ < most_errors)
        errors_.push_back({code, std::move(what), where.empty() ? "/" : where, std::move(fix)});
    else if (reported_ == most_errors)
        errors_.push_back({errc::exhausted, "more errors follow, which are not shown",
                           prefix_.empty() ? "/" : prefix_, "correct these first"});
    return false;
}

bool condition_compiler::known_members(const json& j, std::initializer_list<std::string_view> known,
                                       const std::string& pointer) {
    bool good = true;
    for (const auto& [name, unused] : j.items()) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        std::string all;
        for (const auto k : known) all += (all.empty() ? "" : ", ") + std::string(k);
        good = error(pointer, in_quotes(name) + " is not a known member", "known here: " + all);
    }
    return good;
}

bool condition_compiler::expression(const json& j, const std::string& pointer, std::size_t depth, node& out) {
    out.pointer = pointer;
    if (depth > limits_.depth)
        return error(pointer, "nested deeper than " + std::to_string(limits_.depth) + " levels",
                     "flatten it, or split the item in two", errc::exhausted);
    if (++nodes_ > limits_.nodes) {
        if (too_many_nodes_) return false; // said once
        too_many_nodes_ = true;
        return error(pointer, "more than " + std::to_string(limits_.nodes) + " conditions",
                     "use `in` and a_overlaps for lists, or split the item in two", errc::exhausted);
    }
    if (j.is_boolean()) {
        out.what = j.get<bool>() ? op::all_of : op::any_of;
        return true;
    }
    if (!j.is_object())
        return error(pointer, "a condition must be an object, not " + std::string(j.type_name()),
                     R"(write {"op": "=", "args": [{"property": "ent.size"}, "小型"]})");
    if (has_property(j))
        return error(pointer, "a property alone is not a condition",
                     R"(write {"op": "=", "args": [{"property": ...}, true]})");
    const auto name = j.find("op");
    if (name == j.end() || !name->is_string())
        return error(pointer, "\"op\" is missing or not a text", R"(write {"op": ..., "args": [...]})");
    bool good = known_members(j, {"op", "args"}, pointer);
    const auto& text = name->get_ref<const std::string&>();
    const auto what = operator_named(text);
    if (text == "monthsAgo")
        return error(pointer, "monthsAgo is a date, not a condition", "compare a date with it");
    if (!what) return error(pointer + "/op", "unknown operator " + in_quotes(text), operator_hint(text));
    const auto args = j.find("args");
    if (args == j.end() || !args->is_array())
        return error(pointer, "\"args\" is missing or not a list", R"(write {"op": ..., "args": [...]})");
    out.what = *what;
    const bool is_group = *what == op::all_of || *what == op::any_of || *what == op::negate;
    return (is_group ? group(*args, depth, out) : predicate(*args, out)) && good;
}

bool condition_compiler::group(const json& args, std::size_t depth, node& out) {
    if (out.what == op::negate && args.size() != 1)
        return error(out.pointer + "/args", "\"not\" takes one condition, not " + std::to_string(args.size()),
                     R"(put "and" or "or" into it)");
    if (out.what != op::negate && args.size() < 2) // minItems 2 in the standard's schema
        return error(out.pointer + "/args",
                     std::string("\"") + to_string(out.what) + "\" takes two conditions or more, not " +
                         std::to_string(args.size()),
                     args.empty() ? "for everyone write true" : "write the one condition itself");
    bool good = true;
    out.children.reserve(std::min(args.size(), limits_.nodes));
    for (std::size_t i = 0; i < args.size() && !too_many_nodes_ && !full(); ++i)
        good = expression(args[i], out.pointer + "/args/" + std::to_string(i), depth + 1,
                          out.children.emplace_back()) &&
               good;
    return good && !too_many_nodes_;
}

result<condition> condition::compile(const json& expression, subject_type subject, const catalogue& c,
                                     std::vector<failure>& errors, const std::string& pointer_prefix,
                                     const condition_limits& limits) {
    const auto before = errors.size();
    auto root = std::make_shared<node>();
    condition_compiler compiler(subject, c, errors, pointer_prefix, limits);
    if (!compiler.expression(expression, "", 1, *root)) return errors.at(before);
    condition made;
    made.root_ = std::move(root);
    made.subject_ = subject;
    made.has_manual_ = compiler.has_manual();
    return made;
}

} // namespace zhida::matching
