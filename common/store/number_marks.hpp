// What gateways said of phone numbers: that one does not exist, or that its owner refuses us there. Kept by
// shard for a month, as numbers get new owners, under the digest of the number (store::number_digests). A
// Redis that loses them learns them again.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/redis.hpp"
#include "common/model/ledger.hpp"

#include <string>
#include <utility>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

class number_marks {
  public:
    explicit number_marks(io::redis& r) : redis_(r) {}
    static constexpr std::chrono::hours kept{30 * 24};

    // Digests and why: bad_number or refused.
    asio::awaitable<result<void>>
    put(int shard, std::vector<std::pair<std::string, zhida::ledger::reason>> said, wall_time now);
    asio::awaitable<result<bool>> any(int shard);
    // Parallel to the digests; none: nothing was said of it, or too long ago.
    asio::awaitable<result<std::vector<zhida::ledger::reason>>>
    of(int shard, std::vector<std::string> digests, wall_time now);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
