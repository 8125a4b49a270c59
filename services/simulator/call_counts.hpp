// How often something was done, by key: on a day of Asia/Shanghai, and in windows that slide. Pure.
#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace zhida::simulator {

class day_counts {
  public:
    std::int64_t today(const std::string& key, wall_time now);
    void add(const std::string& key, wall_time now, std::int64_t count = 1);
    void clear() { counts_.clear(); }

  private:
    void turn(wall_time now);
    std::int32_t day_ = 0;
    std::map<std::string, std::int64_t> counts_;
};

class window_counts {
  public:
    // In the window that ends now; older ones are forgotten, so one object has windows of one length only.
    std::int64_t count(const std::string& key, milliseconds window, wall_time now);
    void add(const std::string& key, wall_time now) { times_[key].push_back(now); }
    void clear() { times_.clear(); }

  private:
    std::map<std::string, std::deque<wall_time>> times_;
};

} // namespace zhida::simulator
