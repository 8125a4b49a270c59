#include "common/base/clock.hpp"
#include "matching/condition.hpp"

#include <algorithm>

namespace zhida::matching {

namespace {

// A legal condition may list thousands of codes; whoever needs them all reads the document.
constexpr std::size_t most_named = 30;   // of one list
constexpr std::size_t most_text = 1'000; // bytes of what a group says of its parts, and then it ends

// "…… 等 900 项", after the last one that is named.
std::string and_others(std::size_t all) {
    return all > most_named ? "…… 等 " + std::to_string(all) + " 项" : "";
}

struct sign {
    const char* number; // 从业人员 ≤ 500 人
    const char* date;   // 成立日期 2024-11-23 及以后
    const char* other;  // 企业规模 为 小型
};

sign sign_of(op what) {
    switch (what) {
    case op::compare_eq:
        return {"=", "", "为"};
    case op::compare_ne:
        return {"≠", "", "不为"};
    case op::compare_lt:
        return {"<", " 以前", ""};
    case op::compare_le:
        return {"≤", " 及以前", ""};
    case op::compare_gt:
        return {">", " 以后", ""};
    case op::compare_ge:
        return {"≥", " 及以后", ""};
    default:
        return {"", "", ""};
    }
}

// Codes by the name of their own level; industries with the code, since levels share names.
std::string code_name(const attribute& a, const std::string& code, const catalogue& cat) {
    const bool industry = a.kind == attribute_kind::industry;
    const auto* e = industry ? cat.industries().find(code) : cat.divisions().find(code);
    if (!e) return code;
    if (industry) return e->name + "（" + e->code + "）";
    // The name of a village says little without its street.
    const auto* parent = e->level == 5 ? cat.divisions().find(e->parent) : nullptr;
    return (parent ? parent->name : "") + e->name;
}

std::string value_text(const node& n, std::size_t i, std::int32_t today, const catalogue& cat) {
    const auto& a = *n.subject;
    if (n.value_is_months[i]) {
        const auto day = format_date(add_months(today, -static_cast<int>(n.values[i])));
        return n.values[i] == 0 ? "今天(" + day + ")" : day;
    }
    if (a.kind == attribute_kind::industry || a.kind == attribute_kind::division)
        return code_name(
            a, a.kind == attribute_kind::industry ? unpack_code(n.values[i]) : std::to_string(n.values[i]),
            cat);
    return cat.display(a, n.values[i]);
}

std::string prefix_text(const node& n, const catalogue& cat) {
    const auto& a = *n.subject;
    std::string names;
    for (std::size_t i = 0; i < std::min(n.texts.size(), most_named); ++i) {
        const auto& prefix = n.texts[i];
        auto code = prefix;
        if (a.kind == attribute_kind::division && (code.size() == 2 || code.size() == 4)) code.resize(6, '0');
        const bool listed =
            a.kind == attribute_kind::industry ? cat.industries().find(code) : cat.divisions().find(code);
        names +=
            (names.empty() ? "" : "、") + (listed ? code_name(a, code, cat) : "代码以 " + prefix + " 开头的");
    }
    return "属于 " + names + and_others(n.texts.size());
}

// What is asked of the attribute, without its label.
std::string requirement_of(const node& n, std::int32_t today, const catalogue& cat) {
    const auto& a = *n.subject;
    const auto join = [&](const char* between) {
        std::string all;
        for (std::size_t i = 0; i < std::min(n.values.size(), most_named); ++i)
            all += (i == 0 ? "" : between) + value_text(n, i, today, cat);
        return all + and_others(n.values.size());
    };
    switch (n.what) {
    case op::between:
        return "介于 " + join(" 与 ") + " 之间";
    case op::in_list:
        return n.values.size() == 1 ? "为 " + join("") : "为其中之一：" + join("、");
    case op::is_null:
        return "没有登记";
    case op::prefix:
        return prefix_text(n, cat);
    case op::overlaps:
        return "含任一：" + join("");
    case op::contains:
        return "含全部：" + join("");
    case op::contained_by:
        return "不超出：" + join("");
    case op::equals:
        return "正好是：" + join("");
    default: {
        const auto sign = sign_of(n.what);
        const auto value = value_text(n, 0, today, cat);
        const bool equality = n.what == op::compare_eq || n.what == op::compare_ne;
        if (a.kind == attribute_kind::date && !equality) return value + sign.date;
        const bool number = a.kind == attribute_kind::integer || a.kind == attribute_kind::decimal;
        return std::string(number ? sign.number : sign.other) + " " + value;
    }
    }
}

bool is_group(const node& n) {
    return n.what == op::all_of || n.what == op::any_of || n.what == op::negate;
}

std::string group_text(const node& n) {
    if (n.children.empty()) return n.what == op::all_of ? "不设条件" : "不可能满足";
    return n.what == op::all_of   ? "同时满足以下各项"
           : n.what == op::any_of ? "满足以下任一项"
                                  : "以下情形除外";
}

explanation explain_node(const node& n, const attribute_row& row, std::int32_t today, const catalogue& cat,
                         const std::map<std::string, label_text>& labels) {
    explanation e;
    e.pointer = n.pointer;
    e.outcome = evaluate(n, row, today);
    e.manual = n.what == op::manual;
    if (n.subject) {
        e.attribute = n.subject->name;
        e.requirement = requirement_of(n, today, cat);
        if (row.has(n.subject->number))
            e.value = cat.display(*n.subject, row.value[static_cast<std::size_t>(n.subject->number)]);
    }
    const auto label = labels.find(n.pointer);
    if (label != labels.end()) e.clause = label->second.clause;
    if (label != labels.end() && !label->second.text.empty())
        e.text = label->second.text;
    else
        e.text = is_group(n) && !(n.what == op::negate && !is_group(n.children[0])) ? group_text(n)
                                                                                    : describe(n, today, cat);
    if (is_group(n)) e.group = n.what == op::all_of ? "all" : n.what == op::any_of ? "any" : "not";
    for (const auto& child : n.children) e.parts.push_back(explain_node(child, row, today, cat, labels));
    return e;
}

} // namespace

std::string describe(const node& n, std::int32_t today, const catalogue& cat) {
    if (n.what == op::manual) return n.texts[0];
    if (n.subject) return n.subject->label + " " + requirement_of(n, today, cat);
    if (n.what == op::negate && n.children[0].what == op::is_null)
        return n.children[0].subject->label + " 已登记";
    std::string parts;
    for (const auto& child : n.children) {
        if (parts.size() > most_text) {
            parts += "；……";
            break;
        }
        const auto text = describe(child, today, cat);
        const bool nested = is_group(child) && child.children.size() > 1;
        parts += (parts.empty()          ? ""
                  : n.what == op::any_of ? " 或 "
                                         : "；") +
                 (nested ? "（" + text + "）" : text);
    }
    if (n.children.empty()) return group_text(n);
    return n.what == op::negate ? "以下情形除外：" + parts : parts;
}

std::vector<explanation> explain(const condition& c, const attribute_row& row, std::int32_t today,
                                 const catalogue& cat, const std::map<std::string, label_text>& labels) {
    std::vector<explanation> lines;
    if (c.root().what == op::all_of && !c.root().children.empty())
        for (const auto& child : c.root().children)
            lines.push_back(explain_node(child, row, today, cat, labels));
    else
        lines.push_back(explain_node(c.root(), row, today, cat, labels));
    return lines;
}

} // namespace zhida::matching
