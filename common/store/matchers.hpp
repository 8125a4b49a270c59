// Which matchers run, where they listen and which shards each of them owns: each says it of itself, again and
// again, and is forgotten a few seconds after it fell silent. Portals send questions to these addresses, so
// each registration carries a MAC (HMAC-SM3) over all of it: who can write to Redis alone names no address.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/redis.hpp"

#include <chrono>
#include <cstdint>
#include <set>
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

// key: secret. A registration with another MAC, from the future or long over is no registration.
std::string to_registered(const matcher_registration& about, wall_time until, std::string_view key);
result<matcher_registration> read_registered(std::string instance, std::string_view text,
                                             std::string_view key, wall_time now);

class matchers {
  public:
    // key: of the installation, by which registrations are authenticated.
    matchers(io::redis& r, const clock& time, std::string key)
        : redis_(r), time_(time), key_(std::move(key)) {}
    asio::awaitable<result<void>> put(matcher_registration about, std::chrono::milliseconds keep);
    asio::awaitable<result<void>> remove(std::string instance);
    // Those that were heard of lately, by instance. Others that do not verify are left out, and told of in
    // the log once each.
    asio::awaitable<result<std::vector<matcher_registration>>> list();

  private:
    io::redis& redis_;
    const clock& time_;
    std::string key_;
    std::set<std::string> told_; // whose registration did not verify
};

} // namespace zhida::store
