#include "common/base/clock.hpp"

#include <array>
#include <cstdio>

namespace zhida {

namespace {

constexpr auto shanghai_offset = std::chrono::hours(8);

std::chrono::year_month_day civil(std::int32_t day) noexcept {
    return std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
}

// Exactly `count` decimal digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
    if (at + count > text.size()) return -1;
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

} // namespace

wall_time system_clock::now() const noexcept {
    return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

steady_time system_clock::steady_now() const noexcept {
    return std::chrono::floor<milliseconds>(std::chrono::steady_clock::now());
}

std::int32_t shanghai_day(wall_time t) noexcept {
    return static_cast<std::int32_t>(
        std::chrono::floor<std::chrono::days>(t + shanghai_offset).time_since_epoch().count());
}

std::int32_t minutes_of_shanghai_day(wall_time t) noexcept {
    const auto local = t + shanghai_offset;
    return static_cast<std::int32_t>(
        std::chrono::floor<std::chrono::minutes>(local - std::chrono::floor<std::chrono::days>(local))
            .count());
}

std::string to_rfc3339(wall_time t) {
    const auto local = t + shanghai_offset;
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day ymd(day);
    const std::chrono::hh_mm_ss time(local - day);
    std::array<char, 48> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03d+08:00", static_cast<int>(ymd.year()),
        static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return std::string(text.data(), static_cast<std::size_t>(length));
}

bool parse_rfc3339(std::string_view text, wall_time& out) {
    std::int32_t day = 0;
    if (text.size() < 20 || !parse_date(text.substr(0, 10), day)) return false;
    if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return false;
    const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
    if (text[13] != ':' || text[16] != ':') return false;
    std::size_t at = 19;
    int millis = 0;
    if (text[at] == '.') {
        int scale = 100;
        std::size_t start = ++at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
            millis += (text[at] - '0') * scale;
        if (at == start) return false;
    }
    if (at >= text.size()) return false;
    auto offset = std::chrono::minutes(0);
    if (text[at] == 'Z' || text[at] == 'z') {
        ++at;
    } else if (text[at] == '+' || text[at] == '-') {
        const int oh = digits(text, at + 1, 2), om = digits(text, at + 4, 2);
        if (oh < 0 || oh > 23 || om < 0 || om > 59 || text[at + 3] != ':') return false;
        offset = std::chrono::minutes(oh * 60 + om) * (text[at] == '+' ? 1 : -1);
        at += 6;
    } else {
        return false;
    }
    if (at != text.size()) return false;
    out = wall_time(std::chrono::days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
          std::chrono::seconds(second) + milliseconds(millis) - offset;
    return true;
}

bool parse_time_of_day(std::string_view text, std::int32_t& minute) noexcept {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return false;
    const auto number = [&](std::size_t i) { return (text[i] - '0') * 10 + (text[i + 1] - '0'); };
    if (number(0) > 23 || number(3) > 59) return false;
    minute = number(0) * 60 + number(3);
    return true;
}

bool parse_date(std::string_view text, std::int32_t& day) noexcept {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    const int y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
    if (y < 0 || m < 1 || d < 1) return false;
    const std::chrono::year_month_day ymd{std::chrono::year(y), std::chrono::month(static_cast<unsigned>(m)),
                                          std::chrono::day(static_cast<unsigned>(d))};
    if (!ymd.ok()) return false;
    day = static_cast<std::int32_t>(std::chrono::sys_days(ymd).time_since_epoch().count());
    return true;
}

std::string format_date(std::int32_t day) {
    const auto ymd = civil(day);
    std::array<char, 32> text{};
    const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(ymd.year()),
                                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
    return std::string(text.data(), static_cast<std::size_t>(length));
}

std::int32_t add_months(std::int32_t day, int n) noexcept {
    auto ymd = civil(day) + std::chrono::months(n);
    if (!ymd.ok()) ymd = ymd.year() / ymd.month() / std::chrono::last;
    return static_cast<std::int32_t>(std::chrono::sys_days(ymd).time_since_epoch().count());
}

} // namespace zhida
