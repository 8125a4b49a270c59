// Every timer and every date goes through a clock, so that tests can run them in simulated time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace zhida {

using milliseconds = std::chrono::milliseconds;
using wall_time = std::chrono::sys_time<milliseconds>;
using steady_time = std::chrono::time_point<std::chrono::steady_clock, milliseconds>;

class clock {
  public:
    virtual ~clock() = default;
    virtual wall_time now() const noexcept = 0;
    virtual steady_time steady_now() const noexcept = 0;
    // True where time stands still until somebody moves it; sleepers then look at it again and again.
    virtual bool simulated() const noexcept { return false; }
};

class system_clock final : public clock {
  public:
    wall_time now() const noexcept override;
    steady_time steady_now() const noexcept override;
};

// Starts at the given instant; moves only by advance() and set().
class manual_clock final : public clock {
  public:
    explicit manual_clock(wall_time start) : wall_(start) {}
    wall_time now() const noexcept override { return wall_; }
    steady_time steady_now() const noexcept override { return steady_; }
    bool simulated() const noexcept override { return true; }
    void advance(milliseconds by) {
        wall_ += by;
        steady_ += by;
    }
    // The wall clock jumps, the monotonic one does not.
    void jump_to(wall_time t) { wall_ = t; }

  private:
    wall_time wall_;
    steady_time steady_{};
};

// Dates are days since 1970-01-01; local time is Asia/Shanghai, which is UTC+8 without daylight saving since
// 1992.
std::int32_t shanghai_day(wall_time t) noexcept;
std::int32_t minutes_of_shanghai_day(wall_time t) noexcept;
// Seconds since 1970 UTC, as records of the ledger hold times: until the year 2106.
inline std::uint32_t unix_seconds(wall_time t) noexcept {
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}
// "2026-11-23T21:05:00.123+08:00"
std::string to_rfc3339(wall_time t);
bool parse_rfc3339(std::string_view text, wall_time& out);
// "21:00" -> 1260; false for what is no time of a day.
bool parse_time_of_day(std::string_view text, std::int32_t& minute) noexcept;
// "2026-11-23" <-> days since 1970-01-01; false for a date that does not exist.
bool parse_date(std::string_view text, std::int32_t& day) noexcept;
std::string format_date(std::int32_t day);
// The same day n months later (n may be negative); the last day of the month where that day does not exist.
std::int32_t add_months(std::int32_t day, int n) noexcept;

} // namespace zhida
