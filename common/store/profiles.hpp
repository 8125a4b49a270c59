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

// Where a shard stands in zhida.profile.
struct shard_place {
    std::int64_t applied_offset = 0; // after the last profile event applied; 0 where none was
    // 16 hex digits, drawn when the shard's first profile was written; "" where none was. Other digits than
    // before: it is another installation's shard, or one that was emptied, whatever its offset says.
    std::string lineage;
};

struct shard_writer {
    std::uint32_t epoch = 0;  // of ledgers::take_matching; 0: not asked
    std::int64_t applied = 0; // offset after the last profile event that it knows to be in Redis
};

struct subject_place {
    int shard = 0;
    std::uint32_t ordinal = 0;
};

class profiles {
  public:
    profiles(io::redis& r, const crypto::sealer& s, int shards) : redis_(r), sealer_(s), shards_(shards) {}
    asio::awaitable<result<stored_profile>> get(std::string subject_id); // not_found
    // Upserts the rows (all of this shard), gives new subjects the next ordinals, and keeps next_offset, in
    // one call. Returns the ordinals. Repeating it changes nothing; nor does an owner that lost the shard:
    // with a next_offset that is not beyond the stored one, subjects that are there keep the profile they
    // have. conflict: the writer has lost the shard, or Redis has lost what the writer wrote before; the
    // shard has to be taken again. Ordinals are told to zhida.delivery by who owns the shard:
    // subject_numbers.
    asio::awaitable<result<std::vector<std::uint32_t>>> put(int shard, std::vector<profile> rows,
                                                            std::int64_t next_offset, shard_writer by = {});
    // Every profile of a shard, by ordinal: packed bytes as stored; both empty where an ordinal has none.
    asio::awaitable<result<std::vector<shard_profile>>> load(int shard);
    // The same without ids and in no order, in one round trip: for read_facts, which finds the ordinal.
    asio::awaitable<result<std::vector<std::string>>> load_packed(int shard);
    // Nothing for an id that has no profile.
    asio::awaitable<result<std::vector<std::optional<std::uint32_t>>>> ordinals(int shard,
                                                                                std::vector<std::string> ids);
    // Empty for an ordinal that nobody has.
    asio::awaitable<result<std::vector<std::string>>> ids(int shard, std::vector<std::uint32_t> ordinals);
    // To show a few: their contacts stay sealed and are left out. Places that nobody has are left out.
    asio::awaitable<result<std::vector<profile>>> without_contacts(std::vector<subject_place> places);
    asio::awaitable<result<shard_place>> place(int shard);
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
