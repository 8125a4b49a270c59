// When SMS and WeChat messages may go out: not at night (Asia/Shanghai). Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"

#include <optional>

namespace zhida::dispatcher {

// Minutes of the day; from 1260 until 480 is 21:00 to 08:00 of the next day, without the minute 08:00 itself.
struct quiet_hours {
    std::int32_t from = 0, until = 0; // equal: there are none
};

// Of the settings, which were checked when they were read.
quiet_hours quiet_hours_of(const dispatch_config& c);

// Where it is quiet now: when it ends. Nothing: send.
std::optional<wall_time> quiet_until(quiet_hours q, wall_time now) noexcept;

} // namespace zhida::dispatcher
