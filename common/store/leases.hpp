// Leases in Redis: who holds one does what only one may do at a time, as long as it renews it.
#pragma once

#include "common/io/redis.hpp"
#include "common/store/keys.hpp"

#include <chrono>
#include <string>

namespace zhida::store {

namespace asio = boost::asio;

class leases {
  public:
    explicit leases(io::redis& r) : redis_(r) {}
    // Takes or renews it; false: somebody else holds it.
    asio::awaitable<result<bool>> hold(std::string key, std::string holder,
                                       std::chrono::milliseconds how_long);
    asio::awaitable<result<void>> give_up(std::string key, std::string holder);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
