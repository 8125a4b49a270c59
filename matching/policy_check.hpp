// Everything that can be said against a policy document before it is published: its own form, its conditions
// against the catalogue, and what no form can express.
#pragma once

#include "common/model/policy.hpp"
#include "matching/condition.hpp"

#include <vector>

namespace zhida::matching {

struct checked_policy {
    policy document;
    std::vector<condition> conditions; // by item; they refer to the catalogue, which must outlive them
};

// read_policy, and the conditions of every item compiled; labels name conditions that exist; the region is
// known; no item id is given twice; windows do not end before they start and their stages lie within them;
// reminders count from dates that such subjects have.
// All errors with their JSON Pointers; failure: the first of them.
result<checked_policy> check_policy(const json& document, const catalogue& c, std::vector<failure>& errors);

} // namespace zhida::matching
