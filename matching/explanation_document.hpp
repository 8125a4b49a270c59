// "Why" as JSON: the same form in the API, in the check-up, on the pages and in `zhida why`. Pure.
#pragma once

#include "common/base/json.hpp"
#include "common/model/policy.hpp"
#include "matching/condition.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace zhida::matching {

const char* outcome_name(truth) noexcept; // "met", "not_met", "unknown"

// The labels that the policy gives its item's conditions, as explain() takes them.
std::map<std::string, label_text> labels_of(const policy_item& item);

// How many levels of groups within groups the pages draw.
inline constexpr int explained_levels = 3;

// [{text, outcome, manual, attribute, value, requirement, clause, pointer, group, parts}], every member
// always there. levels: of parts that are told; below them `parts` is empty.
json explanation_document(const std::vector<explanation>& lines, int levels = explained_levels);

// Of missing_for: [{attribute, label, label_en, source}]; source: the register that would say it.
json missing_document(std::uint64_t attributes, subject_type subject, const catalogue& c);

// Lines that explain() makes of a condition, those of its parts included.
std::size_t explanation_lines(const condition& c);

} // namespace zhida::matching
