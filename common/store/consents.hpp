// To whom nothing may be sent, and who was sent to often enough: never about the web inbox.
#pragma once

#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"
#include "common/model/consent_change.hpp"
#include "common/model/frequency_cap.hpp"
#include "common/model/policy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

// Of each shard, subjects as bits by ordinal: bit n is byte n / 8 from its highest bit on, as SETBIT has it
// (bytes[n / 8] >> (7 - n % 8) & 1); where the bytes end, nobody is meant.
using subject_bits = std::vector<std::string>;

// Numbers that refuse messages are kept as keyed digests: who reads Redis or the log learns no number, and
// without the contact key nobody can try them all.
class number_digests {
  public:
    explicit number_digests(const crypto::sealer& sealer)
        : key_(sealer.lookup_hash("zhida refused numbers, version 1")) {}
    // 32 hex digits. Of the number as profiles have it, 11 digits; or of a WeChat address.
    std::string of(std::string_view phone) const;

  private:
    std::string key_;
};

// A change and its offset in its shard's partition of zhida.consent. `after`: everything below this offset
// must have been applied before; where it was not, the change is not applied either.
struct placed_change {
    int shard = 0;
    std::int64_t after = 0, offset = 0;
    consent_change change;
};
struct applied_change {
    bool applied = false;   // false: changes are missing before it, or later ones stand
    std::int64_t place = 0; // next offset that the shard has to apply
};

class consents {
  public:
    explicit consents(io::redis& r) : redis_(r) {}
    // All in one pipeline, in order; one answer each.
    asio::awaitable<result<std::vector<applied_change>>> apply(std::vector<placed_change> changes);
    // The next offset of zhida.consent that the shard has to apply.
    asio::awaitable<result<std::int64_t>> place(int shard);
    // Where the log has lost its end: the shard's place was `from`, which the log does not reach any more.
    asio::awaitable<result<void>> move_place(int shard, std::int64_t from, std::int64_t to);

    // What the subject said, `all_messages` included.
    asio::awaitable<result<preferences>> preferences_of(int shard, std::string subject_id);
    // Of the shard's subjects with an order of channels of their own: ordinal and order.
    asio::awaitable<result<std::vector<std::pair<std::uint32_t, std::vector<channel>>>>>
    channel_orders(int shard);
    asio::awaitable<result<bool>> number_refused(int shard, std::string digest);
    asio::awaitable<result<std::vector<bool>>> numbers_refused(int shard, std::vector<std::string> digests);
    asio::awaitable<result<subject_bits>> untargeted_bits(std::vector<int> shards);

    // Directly, not through the log: a Redis that loses its tail forgets them. Who acts for people uses
    // services/consent_log.hpp.
    asio::awaitable<result<void>> opt_out(int shard, std::string subject_id);
    // Also says that WeChat may send again, whatever it refused before.
    asio::awaitable<result<void>> opt_in(int shard, std::string subject_id);
    asio::awaitable<result<bool>> opted_out(int shard, std::string subject_id);
    // It lags behind nothing: a subject that opted out before it had a profile has its bit from the moment it
    // has an ordinal.
    asio::awaitable<result<subject_bits>> opted_out_bits(std::vector<int> shards);

    // WeChat told that these subjects refuse our messages, or do not follow us.
    asio::awaitable<result<void>> refuse(int shard, std::vector<std::string> subject_ids);
    asio::awaitable<result<subject_bits>> no_grant_bits(std::vector<int> shards);

    // Who has had as many messages on this channel as the cap allows.
    // today: days since 1970-01-01, Asia/Shanghai.
    asio::awaitable<result<subject_bits>> capped_bits(std::vector<int> shards, channel via, frequency_cap cap,
                                                      std::int32_t today);

  private:
    asio::awaitable<result<void>> put(int shard, consent_kind kind, std::string subject_id);
    asio::awaitable<result<subject_bits>> texts(std::vector<std::string> names);

    io::redis& redis_;
};

} // namespace zhida::store
