// Profiles in Redis: packed, contacts sealed. Written by the shard's owner alone.
#pragma once

#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"
#include "common/model/profile.hpp"

#include <optional>

namespace zhida::store {

namespace asio = boost::asio;

struct stored_profile {
    profile subject; // contacts opened
    std::uint32_t ordinal = 0;
    int shard = 0;
};

struct shard_profile {
    std::string id;
    std::string packed;
};

class profiles {
  public:
    profiles(io::redis& r, const crypto::sealer& s, int shards) : redis_(r), sealer_(s), shards_(shards) {}
    asio::awaitable<result<stored_profile>> get(std::string subject_id); // not_found
    // Upserts the rows (all of this shard), gives new subjects the next ordinals, and keeps next_offset, in
    // one call. Returns the ordinals. Repeating it changes nothing.
    asio::awaitable<result<std::vector<std::uint32_t>>> put(int shard, std::vector<profile> rows,
                                                            std::int64_t next_offset);
    // Every profile of a shard, by ordinal: packed bytes as stored.
    asio::awaitable<result<std::vector<shard_profile>>> load(int shard);
    // Offset after the last profile event applied; 0 where none was.
    asio::awaitable<result<std::vector<std::int64_t>>> applied_offsets();
    asio::awaitable<result<std::int64_t>> applied_offset(int shard);
    asio::awaitable<result<std::int64_t>> count(); // subjects in all shards
    // A few subjects to show in a demonstration: ids of the first ordinals of each type.
    asio::awaitable<result<std::vector<stored_profile>>> sample(subject_type type, std::size_t count);

  private:
    io::redis& redis_;
    const crypto::sealer& sealer_;
    int shards_;
};

} // namespace zhida::store
