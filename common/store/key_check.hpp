// Whether a process belongs to the data that is in Redis: it lays them out as they are, and seals with the
// contact key of the installation: Redis holds a keyed hash of a constant, which tells nothing about the key.
// What is sealed with another key is lost, so it is seen before anything is.
#pragma once

#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"

namespace zhida::store {

// A service that starts: the first one's key and layout become the installation's. conflict: it has others.
boost::asio::awaitable<result<void>> claim_key(io::redis& redis, const crypto::sealer& sealer);

// A command that seals. conflict: another key or layout; not_found: no service has started with this Redis
// yet.
boost::asio::awaitable<result<void>> check_key(io::redis& redis, const crypto::sealer& sealer);

} // namespace zhida::store
