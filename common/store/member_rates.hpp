// How many messages each member of WeCom got of late, from all processes together. The platform drops what is
// beyond 30 a minute or 1000 an hour without a word, so that nobody may ever send more. Every message is
// remembered for an hour: a count by buckets would let twice as many through around their borders.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/redis.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

struct member_limits {
    std::int64_t per_minute = 30, per_hour = 1000;
    // What is granted may arrive so much later, by other clocks so much earlier: windows are longer by it, so
    // that those of the platform hold no more than the limit.
    milliseconds slack{0};
};

class member_rates {
  public:
    member_rates(io::redis& r, int shards) : redis_(r), shards_(shards) {}

    struct taken {
        std::string by;                 // names the call, for give_back
        std::vector<milliseconds> wait; // parallel to the members; 0: granted, and counted
    };
    // members: digests, each once. On a failure some may be counted, which only makes us slower.
    asio::awaitable<result<taken>> take(std::vector<std::string> members, member_limits limits,
                                        wall_time now);
    // What was granted by that call and has surely not been sent.
    asio::awaitable<result<void>> give_back(std::string by, std::vector<std::string> members);

  private:
    io::redis& redis_;
    int shards_;
};

} // namespace zhida::store
