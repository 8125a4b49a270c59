// Working days in China: Monday to Friday, without the statutory holidays, with the days that are worked
// instead of them. Pure; days are days since 1970-01-01 in Asia/Shanghai.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida {

class workdays {
  public:
    // Without a calendar every year is one that is not known.
    workdays() = default;
    // config/calendar/holidays.json: {schema, years [{year, source, off [{name, start, end}], work [date]}]}.
    // Source of its dates: the yearly notices of the General Office of the State Council. Failure: the first
    // error, all of them in `errors`, each with its JSON Pointer.
    static result<workdays> read(const json& document, std::vector<failure>& errors);

    // In a year that is not known: whether it is no Saturday and no Sunday.
    bool is_workday(std::int32_t day) const noexcept;
    // The n-th working day before the day, which itself need not be one; the day itself where n is 0.
    std::int32_t minus_workdays(std::int32_t day, int n) const noexcept;
    // Rising: the years whose holidays are known.
    const std::vector<int>& known_years() const noexcept { return years_; }

  private:
    std::vector<int> years_;
    std::vector<std::int32_t> off_, work_; // rising
};

} // namespace zhida
