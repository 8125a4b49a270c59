// The working days of the installation, from config/calendar/holidays.json.
#pragma once

#include "common/model/workdays.hpp"

#include <string>

namespace zhida {

// io, or what is wrong in the file with its JSON Pointer.
result<workdays> load_workdays(const std::string& file);

} // namespace zhida
