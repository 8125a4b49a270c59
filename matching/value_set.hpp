// The coded values for which a condition on one attribute is true, as sorted, disjoint closed ranges. Only
// for attributes whose values are ordered (all but sets), and for known values.
#pragma once

#include "matching/condition.hpp"

#include <cstdint>
#include <vector>

namespace zhida::matching {

struct value_range {
    std::int64_t low = 0, high = 0; // both inclusive
    bool operator==(const value_range&) const = default;
};
using value_set = std::vector<value_range>;

// The attribute that all of a condition asks for, whatever it asks; null where there are several, or none, or
// a manual() among them.
const attribute* only_attribute(const node& n);
bool asks_for_null(const node& n);

// n: a leaf, or and/or/not of such, all on the same attribute; no manual(). today: as for evaluate.
value_set values_for(const node& n, std::int32_t today);
value_set complement_of(const value_set& s);

} // namespace zhida::matching
