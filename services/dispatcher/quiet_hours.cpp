#include "services/dispatcher/quiet_hours.hpp"

namespace zhida::dispatcher {

quiet_hours quiet_hours_of(const dispatch_config& c) {
    quiet_hours q;
    if (!parse_time_of_day(c.quiet_from, q.from) || !parse_time_of_day(c.quiet_until, q.until)) return {};
    return q;
}

std::optional<wall_time> quiet_until(quiet_hours q, wall_time now) noexcept {
    const auto minute = minutes_of_shanghai_day(now);
    const bool quiet =
        q.from <= q.until ? q.from <= minute && minute < q.until : q.from <= minute || minute < q.until;
    if (!quiet) return std::nullopt;
    constexpr std::int32_t day = 24 * 60;
    const auto left = (q.until - minute + day) % day;
    return std::chrono::floor<std::chrono::minutes>(now) + std::chrono::minutes(left);
}

} // namespace zhida::dispatcher
