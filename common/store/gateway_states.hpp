// What each gateway last said of itself: JSON as of services/gateways/gateway.hpp, kept for a short while, so
// that silence shows.
#pragma once

#include "common/base/json.hpp"
#include "common/io/redis.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace zhida::store {

namespace asio = boost::asio;

class gateway_states {
  public:
    explicit gateway_states(io::redis& r) : redis_(r) {}
    asio::awaitable<result<void>> put(std::string name, json status, std::chrono::seconds keep);
    // Nothing where it has not been heard of for longer than it was kept.
    asio::awaitable<result<std::optional<json>>> get(std::string name);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
