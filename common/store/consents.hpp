// To whom nothing may be sent, and who was sent to often enough: never about the web inbox.
#pragma once

#include "common/io/redis.hpp"
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

class consents {
  public:
    explicit consents(io::redis& r) : redis_(r) {}
    // Acknowledged only when it is durable.
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
    asio::awaitable<result<subject_bits>> texts(std::vector<std::string> names);

    io::redis& redis_;
};

} // namespace zhida::store
