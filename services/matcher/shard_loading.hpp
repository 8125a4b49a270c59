// Rows of shards from Redis, as fast as both sides can go: while one shard is laid out, Redis answers for the
// next.
#pragma once

#include "common/store/profiles.hpp"
#include "services/matcher/shard_rows.hpp"

#include <vector>

namespace zhida::matcher {

namespace asio = boost::asio;

struct loaded_shard {
    int shard = 0;
    shard_rows rows;
    std::size_t unreadable = 0; // profiles that were left out
};

// In the order of `shards`. Keeps the loop busy for some ten milliseconds a shard of 15,000.
asio::awaitable<result<std::vector<loaded_shard>>>
load_shards(store::profiles& profiles, const row_layouts& layouts, std::vector<int> shards);

} // namespace zhida::matcher
