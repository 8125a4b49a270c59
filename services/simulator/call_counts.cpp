#include "services/simulator/call_counts.hpp"

namespace zhida::simulator {

void day_counts::turn(wall_time now) {
    if (const auto day = shanghai_day(now); day != day_) {
        day_ = day;
        counts_.clear();
    }
}

std::int64_t day_counts::today(const std::string& key, wall_time now) {
    turn(now);
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
}

void day_counts::add(const std::string& key, wall_time now, std::int64_t count) {
    turn(now);
    counts_[key] += count;
}

std::int64_t window_counts::count(const std::string& key, milliseconds window, wall_time now) {
    const auto found = times_.find(key);
    if (found == times_.end()) return 0;
    auto& times = found->second;
    while (!times.empty() && times.front() + window <= now) times.pop_front();
    return static_cast<std::int64_t>(times.size());
}

} // namespace zhida::simulator
