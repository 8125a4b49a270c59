// "Within N months" moves with the day: which rows may be judged otherwise on a later day than on an earlier
// one.
#pragma once

#include "matching/columns.hpp"
#include "matching/condition.hpp"
#include "matching/kernels.hpp"

#include <cstdint>
#include <vector>

namespace zhida::matching {

// False where the day changes nothing: no monthsAgo in it.
bool depends_on_day(const condition& c);

// Rows of which a date lies between the cut-off of one day and that of the other, both inclusive, for some
// monthsAgo of the condition; by rising rows. All others are judged alike on both days.
std::vector<std::size_t> rows_that_cross(const condition& c, const columns& rows, std::int32_t from,
                                         std::int32_t to, const kernels& with = best_kernels());

} // namespace zhida::matching
