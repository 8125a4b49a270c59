// How often a subject may be sent to on a channel, whoever sends: counts of today and of this week (Monday to
// Sunday, Asia/Shanghai).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace zhida {

struct frequency_cap {
    std::int64_t per_day = 0, per_week = 0; // 0: as often as there is something to send
    bool any() const noexcept { return per_day > 0 || per_week > 0; }
};

// Four bytes a subject: the day of its last message (u16 little-endian, days since 1970-01-01), how many it
// was sent on that day and in that day's week; both stop at 255.
struct sent_count {
    std::int32_t day = 0;
    std::int64_t that_day = 0, that_week = 0;
    static constexpr std::size_t size = 4;

    static sent_count read(std::string_view bytes) noexcept { // fewer than four bytes: nothing was sent
        if (bytes.size() < size) return {};
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        return {at(0) | at(1) << 8, at(2), at(3)};
    }
    std::string bytes() const {
        return {static_cast<char>(day & 0xff), static_cast<char>(day >> 8 & 0xff),
                static_cast<char>(that_day), static_cast<char>(that_week)};
    }
    // With one more, sent today.
    sent_count with_one_more(std::int32_t today) const noexcept {
        const bool holds = day <= today + 1;
        const auto on = holds ? std::max(day, today) : today;
        const auto before_day = holds && day == on ? that_day : 0;
        const auto before_week = holds && week(day) == week(on) ? that_week : 0;
        return {on, std::min<std::int64_t>(before_day + 1, 255),
                std::min<std::int64_t>(before_week + 1, 255)};
    }
    // A clock that was set back by up to a day does not give anybody a second day. A day further ahead was
    // counted by a clock that was wrong: it says nothing, else nobody would be sent to until it comes.
    bool reached(const frequency_cap& cap, std::int32_t today) const noexcept {
        if (day > today + 1) return false;
        const auto on = std::max(day, today);
        const auto in_week = week(on) == week(day) ? that_week : 0;
        const auto in_day = on == day ? that_day : 0;
        return (cap.per_day > 0 && in_day >= cap.per_day) || (cap.per_week > 0 && in_week >= cap.per_week);
    }

  private:
    static std::int32_t week(std::int32_t d) noexcept { return (d + 3) / 7; }
};

} // namespace zhida
