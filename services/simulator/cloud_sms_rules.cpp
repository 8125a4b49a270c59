#include "services/simulator/cloud_sms_rules.hpp"

#include <algorithm>
#include <array>

namespace zhida::simulator {

std::optional<std::string> mainland_phone(std::string_view text) {
    for (const std::string_view prefix : {"+86", "0086", "86", "+"}) {
        if (!text.starts_with(prefix) || text.size() != prefix.size() + 11) continue;
        text.remove_prefix(prefix.size());
        break;
    }
    if (text.size() != 11 || text[0] != '1' || text[1] < '3' ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    return std::string(text);
}

bool holds_url(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower.find("http://") != std::string::npos || lower.find("https://") != std::string::npos ||
           lower.find("www.") != std::string::npos;
}

filled_template fill_template(std::string_view text, std::string_view open,
                              const std::function<std::optional<std::string>(const std::string&)>& find) {
    filled_template out;
    while (true) {
        const auto at = text.find(open);
        const auto end = at == std::string_view::npos ? at : text.find('}', at);
        if (end == std::string_view::npos) break;
        out.text += text.substr(0, at);
        const std::string name(text.substr(at + open.size(), end - at - open.size()));
        if (const auto value = find(name)) {
            out.text += *value;
        } else {
            out.text += text.substr(at, end + 1 - at);
            out.missing.push_back(name);
        }
        text.remove_prefix(end + 1);
    }
    out.text += text;
    return out;
}

std::string shanghai_time(wall_time t) {
    auto text = to_rfc3339(t).substr(0, 19); // it writes +08:00
    text[10] = ' ';
    return text;
}

number_counts::reached number_counts::check(const std::string& key, const number_limits& limits,
                                            wall_time now) {
    const auto found = sent_.find(key);
    if (found == sent_.end()) return reached::none;
    auto& times = found->second;
    constexpr milliseconds hour{3'600'000}, day{86'400'000};
    while (!times.empty() && now - times.front() >= day) times.pop_front();
    const auto within = [&](milliseconds window) {
        return std::count_if(times.begin(), times.end(), [&](wall_time t) { return now - t < window; });
    };
    if (limits.per_moment > 0 && within(limits.moment) >= limits.per_moment) return reached::moment;
    if (limits.per_hour > 0 && within(hour) >= limits.per_hour) return reached::hour;
    if (limits.per_day > 0 && within(day) >= limits.per_day) return reached::day;
    return reached::none;
}

bool second_counts::take(const std::string& key, std::int64_t per_s, wall_time now) {
    auto& c = counts_[key];
    const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    if (c.second != second) c = {second, 0};
    if (per_s > 0 && c.taken >= per_s) return false;
    ++c.taken;
    return true;
}

} // namespace zhida::simulator
