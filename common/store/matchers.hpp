// Which matchers run, where they listen and which shards each of them owns: each says it of itself, again and
// again, and is forgotten a few seconds after it fell silent.
#pragma once

#include "common/io/redis.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

struct matcher_registration {
    std::string instance;      // drawn at its start
    std::string url;           // http://host:port of its internal service
    std::int64_t since_ms = 0; // when its shards last changed: where two name a shard, the later one has it
    std::vector<int> shards;   // that it owns, rising
};

class matchers {
  public:
    explicit matchers(io::redis& r) : redis_(r) {}
    asio::awaitable<result<void>> put(matcher_registration about, std::chrono::milliseconds keep);
    asio::awaitable<result<void>> remove(std::string instance);
    // Those that were heard of lately, by instance.
    asio::awaitable<result<std::vector<matcher_registration>>> list();

  private:
    io::redis& redis_;
};

} // namespace zhida::store
