// What a condition asks of people that is not everybody's to know.
#pragma once

#include "matching/condition.hpp"

#include <string>
#include <vector>

namespace zhida::matching {

// Labels of the attributes that the condition uses and whose sensitivity in the catalogue is neither public
// nor internal, each once, in the catalogue's order.
std::vector<std::string> sensitive_attributes(const condition& c);

} // namespace zhida::matching
