#include "services/gateways/cloud_reaction.hpp"

#include "services/gateways/cmpp_stats.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

constexpr milliseconds second{1000}, minute{60'000}, hour{3'600'000}, day{86'400'000};

milliseconds until_minute_of_day(wall_time now, std::int32_t of_day) noexcept {
    const auto today = wall_time{std::chrono::days(shanghai_day(now))} - std::chrono::hours(8);
    auto at = today + of_day * minute;
    if (at <= now) at += day;
    return at - now;
}

bool has(std::string_view text, std::string_view word) noexcept {
    return text.find(word) != std::string_view::npos;
}

} // namespace

const cloud_reaction& find_reaction(std::span<const cloud_reaction> table, std::string_view code) noexcept {
    for (const auto& row : table)
        if (code == row.code) return row;
    const auto found = std::find_if(table.begin(), table.end(), [&](const auto& row) {
        const std::string_view name = row.code;
        return name.ends_with('*') && code.starts_with(name.substr(0, name.size() - 1));
    });
    return found == table.end() ? table.back() : *found;
}

std::vector<code_reason> reasons_of(std::span<const cloud_reaction> table) {
    std::vector<code_reason> out;
    for (const auto& row : table) out.push_back({row.code, row.means, row.words});
    return out;
}

milliseconds until_shanghai_midnight(wall_time now) noexcept {
    return until_minute_of_day(now, 0);
}

milliseconds wait_of(cloud_reaction::again when, std::string_view said, wall_time now) noexcept {
    using enum cloud_reaction::again;
    switch (when) {
    case none:
        return milliseconds(0);
    case soon:
        return 5 * second;
    case half_minute:
        return 30 * second;
    case minute:
        return gateways::minute;
    case hour:
        return gateways::hour;
    case day:
        return gateways::day;
    case as_said: // "触发分钟级流控Permits:1", "触发小时级流控Permits:5", "触发天级流控Permits:10"
        if (has(said, "分钟") || has(said, "minute")) return gateways::minute;
        if (has(said, "小时") || has(said, "hour")) return gateways::hour;
        if (has(said, "天") || has(said, "日") || has(said, "day")) return gateways::day;
        return gateways::hour;
    case morning: {
        // Said by day, it is the vendor's clock that is late. A minute more than 08:00 for the same reason.
        const auto of_day = minutes_of_shanghai_day(now);
        if (of_day >= 8 * 60 && of_day < 22 * 60) return 10 * gateways::minute;
        return until_minute_of_day(now, 8 * 60 + 1);
    }
    }
    return milliseconds(0);
}

std::string receipt_fault(std::span<const cloud_receipt_code> table, std::string_view code, bool delivered) {
    if (delivered) return "";
    for (const auto& row : table)
        if (code == row.code) return row.recipient_fault;
    return cmpp::reaction_to_stat(code).recipient_fault;
}

std::vector<code_reason> reasons_of(std::span<const cloud_receipt_code> table) {
    std::vector<code_reason> out;
    for (const auto& row : table) out.push_back({row.code, row.means, row.words});
    return out;
}

} // namespace zhida::gateways
