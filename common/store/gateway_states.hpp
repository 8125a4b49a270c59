// What each process last said of a gateway: JSON as of services/gateways/gateway.hpp, kept for a short while,
// so that silence shows.
#pragma once

#include "common/base/json.hpp"
#include "common/io/redis.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

class gateway_states {
  public:
    explicit gateway_states(io::redis& r) : redis_(r) {}
    // Of processes that were silent for longer than they asked for, by Redis' clock, nothing is kept.
    asio::awaitable<result<void>> put(std::string name, std::string process, json status,
                                      std::chrono::seconds keep);
    asio::awaitable<result<void>> forget(std::string name, std::string process);
    // One of each process that is heard of, always in the same order; none: the gateway is silent.
    asio::awaitable<result<std::vector<json>>> get(std::string name);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
