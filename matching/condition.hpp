// Conditions: the CQL2-JSON (OGC 21-065r2) profile of Zhida, compiled against the catalogue.
//   and or not · = <> < <= > >= · between · in · isNull · like 'C39%' (prefix only) · a_overlaps a_contains
//   a_containedBy a_equals
//   {"date":"2026-11-23"} · custom functions monthsAgo(n) (a date) and manual(text) (a boolean that no data
//   decides)
// Kleene's three values, as the standard's truth table says; only TRUE selects.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/profile.hpp"
#include "matching/catalogue.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zhida::matching {

enum class truth : std::uint8_t { no, unknown, yes };

struct condition_limits {
    std::size_t depth = 16;
    std::size_t nodes = 512;
    std::size_t list_items = 1024; // of one `in` or set literal
    std::size_t all_items = 4096;  // of all of them
};

enum class op : std::uint8_t {
    all_of,
    any_of,
    negate, // and, or, not: children; the literals true and false are all_of and any_of without any
    compare_eq,
    compare_ne,
    compare_lt,
    compare_le,
    compare_gt,
    compare_ge, // values[0], or months with uses_months
    between,    // values[0] <= x <= values[1]
    in_list,    // values, sorted
    is_null,
    prefix, // codes: texts, any of; values: the same as pairs of coded low and high, any of
    overlaps,
    contains,
    contained_by,
    equals, // sets: values[0] is the bit mask
    manual, // text
};

struct node {
    op what = op::all_of;
    std::string pointer;                // JSON Pointer within the condition, "" for the root: the node's id
    const attribute* subject = nullptr; // null for and, or, not, manual
    std::vector<std::int64_t> values;
    std::vector<bool>
        value_is_months; // parallel to values: the value is n of monthsAgo(n), resolved with `today`
    std::vector<std::string> texts;
    std::vector<node> children;
};

// Immutable. Refers to the catalogue it was compiled against, which must outlive it.
class condition {
  public:
    // All errors, each with `where` = pointer_prefix + JSON Pointer and what to do: too deep, too large,
    // unknown operator, unknown attribute (with what is near), attribute of the other subject type, ill-typed
    // comparison, unknown code (which list, what is near), pattern that is not a prefix.
    static result<condition> compile(const json& expression, subject_type subject, const catalogue& c,
                                     std::vector<failure>& errors, const std::string& pointer_prefix = "",
                                     const condition_limits& limits = {});
    const node& root() const noexcept { return *root_; }
    subject_type subject() const noexcept { return subject_; }
    bool has_manual() const noexcept { return has_manual_; }

  private:
    std::shared_ptr<const node> root_;
    subject_type subject_ = subject_type::enterprise;
    bool has_manual_ = false;
};

// The operator as documents write it: "and", "=", "a_overlaps".
const char* to_string(op) noexcept;

// `today`: days since 1970-01-01, Asia/Shanghai, for monthsAgo. manual_as: what manual() counts as.
truth evaluate(const condition& c, const attribute_row& row, std::int32_t today,
               truth manual_as = truth::unknown);
truth evaluate(const node& n, const attribute_row& row, std::int32_t today, truth manual_as = truth::unknown);

enum class verdict : std::uint8_t { ineligible, possible, eligible };
const char* to_string(verdict) noexcept; // "ineligible", "possible", "eligible"
const char* label(verdict) noexcept;     // 不符合 可能符合 符合

struct judgement {
    verdict outcome = verdict::ineligible;
    // Possible, and data leaves nothing open: it is TRUE once each manual condition gets the answer that
    // favours the subject (no where it stands under `not`).
    bool only_manual_open = false;
    // Exactly one top-level condition is false, and nothing in it is hard: a division or a *.blacklisted.
    bool one_short = false;
};
// Nobody moves to another district or off a blacklist to fit a policy, so missing that is not "nearly there".
bool is_hard(const node& n);
judgement judge(const condition& c, const attribute_row& row, std::int32_t today);
// Bit n: attribute n has no value, and that leaves the condition open. 0 where only hands can tell.
std::uint64_t missing_for(const condition& c, const attribute_row& row, std::int32_t today);
std::uint64_t missing_for(const node& n, const attribute_row& row, std::int32_t today);

// One line of "why": a top-level condition of the tree (or a leaf below it).
struct explanation {
    std::string pointer; // of the node
    truth outcome = truth::unknown;
    bool manual = false;            // to be checked by hand
    std::string text;               // the policy's own label, else made from the condition: 从业人员 ≤ 500 人
    std::string clause;             // 条款, from the label
    std::string attribute;          // name; empty for groups and manual
    std::string value;              // the subject's, for display; empty where unknown
    std::string requirement;        // for display
    std::string group;              // "all", "any" or "not" where it has parts, else empty
    std::vector<explanation> parts; // of and, or, not
};
struct label_text {
    std::string text, clause;
};
// What a condition asks for, made from its parts: 从业人员 ≤ 500 人.
std::string describe(const node& n, std::int32_t today, const catalogue& cat);
// Where the root is `and`, a line for each of its conditions, else one line. labels: by the node's pointer.
std::vector<explanation> explain(const condition& c, const attribute_row& row, std::int32_t today,
                                 const catalogue& cat, const std::map<std::string, label_text>& labels);

} // namespace zhida::matching
