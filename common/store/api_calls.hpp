// How often an account's interfaces were called today, by all processes together: platforms count them, and
// refuse what goes beyond.
#pragma once

#include "common/io/redis.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace zhida::store {

namespace asio = boost::asio;

class api_calls {
  public:
    explicit api_calls(io::redis& r) : redis_(r) {}
    // Adds calls by interface; gives the day's totals of those, from all processes. day: days since
    // 1970-01-01 in Asia/Shanghai, as the platforms count.
    asio::awaitable<result<std::map<std::string, std::int64_t>>>
    add(std::string account, std::int32_t day, std::map<std::string, std::int64_t> calls);
    asio::awaitable<result<std::map<std::string, std::int64_t>>> of_day(std::string account,
                                                                        std::int32_t day);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
