// The check-up (政策体检): one profile against every item that stands today. What it is eligible for, what it
// may be eligible for once something is known, and what it misses by one condition; ranked, capped,
// explained. Pure.
#pragma once

#include "common/base/json.hpp"
#include "common/model/deadline.hpp"
#include "services/matcher/standing.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace zhida::matcher {

struct checkup_limits {
    std::size_t entries = 50; // of each list
    // Reasons in all lists together, since a legal condition may have hundreds; entries beyond have none.
    std::size_t lines = 4000;
    std::size_t bytes = 1 << 20; // of their texts
};

struct checkup_entry {
    const standing_items::item* what = nullptr;
    deadline until;
    // Possible: answers by hand are all that is open. One short: every other condition is met for certain.
    bool settled = false;
    std::uint64_t missing = 0; // bit n: attribute n has no value, and that leaves some condition open
    std::vector<matching::explanation> why;
    bool why_left_out = false;
    std::size_t short_of = 0; // one short: the line of `why` that is not met
};

struct checkup_list {
    std::size_t total = 0; // entries holds the first of them
    std::vector<checkup_entry> entries;
};

struct checkup {
    subject_type type = subject_type::enterprise;
    std::int32_t day = 0; // days since 1970-01-01, Asia/Shanghai
    checkup_list eligible, possible, one_short;
};

// Order of each list: what is settled; what can be claimed now before what opens later; the nearest closing
// (else opening) day, none last; a stated benefit before none; the newest publication, then the newest event;
// the item's number. Refers to `items`. Region, subject type and blacklist are never one short: see
// matching::is_hard.
checkup check_up(const standing_items& items, subject_type type, const attribute_row& row,
                 const matching::catalogue& catalogue, standing_space& space,
                 const checkup_limits& limits = {});

// {day, eligible, possible, one_short}, each list {total, items}; docs/api.md says the members.
json checkup_document(const checkup& c, const matching::catalogue& catalogue);

} // namespace zhida::matcher
