// Up to which day the reminders of each policy were seen to.
#pragma once

#include "common/io/redis.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace zhida::store {

namespace asio = boost::asio;

class reminder_days {
  public:
    explicit reminder_days(io::redis& r) : redis_(r) {}
    // By policy id; days since 1970-01-01, Asia/Shanghai.
    asio::awaitable<result<std::map<std::string, std::int32_t>>> all();
    asio::awaitable<result<void>> keep(std::string policy, std::int32_t day);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
