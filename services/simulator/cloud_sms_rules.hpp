// What both clouds ask of a message before they take it. Pure.
#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::simulator {

// Eleven digits of a mobile number of the mainland, of which +, +86, 0086 and 86 are taken off; nothing for
// any other.
std::optional<std::string> mainland_phone(std::string_view text);

// A web address, which no variable of a template may hold.
bool holds_url(std::string_view text);

// A template with its variables put in.
struct filled_template {
    std::string text;
    std::vector<std::string> missing; // variables that nothing was given for
};
// open: "${" (Aliyun) or "{" (Tencent); `}` closes. A name that `find` does not know stays as it is.
filled_template fill_template(std::string_view text, std::string_view open,
                              const std::function<std::optional<std::string>(const std::string&)>& find);

// "2017-01-01 00:00:00", Asia/Shanghai.
std::string shanghai_time(wall_time t);

// How many messages one number may get, in windows that slide. 0: any.
struct number_limits {
    milliseconds moment{60'000};
    std::int64_t per_moment = 0, per_hour = 0, per_day = 0;
};
class number_counts {
  public:
    enum class reached { none, moment, hour, day };
    reached check(const std::string& key, const number_limits& limits, wall_time now);
    void add(const std::string& key, wall_time now) { sent_[key].push_back(now); }

  private:
    std::map<std::string, std::deque<wall_time>> sent_; // not older than a day
};

// Requests of an account in a second of the clock.
class second_counts {
  public:
    bool take(const std::string& key, std::int64_t per_s, wall_time now); // false: enough for now

  private:
    struct count {
        std::int64_t second = 0, taken = 0;
    };
    std::map<std::string, count> counts_;
};

} // namespace zhida::simulator
