// Topics of the event log. Sharded ones have one partition a shard.
#pragma once

#include "common/model/policy.hpp"

#include <cstdint>
#include <string>

namespace zhida::topics {

inline constexpr const char* policy = "zhida.policy"; // one partition, kept for ever, read by every matcher
inline constexpr const char* campaign =
    "zhida.campaign"; // one partition, kept for ever: what is done to campaigns
inline constexpr const char* profile = "zhida.profile";   // sharded
inline constexpr const char* delivery = "zhida.delivery"; // sharded: every transition of the ledger
inline constexpr const char* receipt = "zhida.receipt";   // sharded: what gateways report
inline constexpr const char* match =
    "zhida.match"; // sharded: who became eligible for what, and who is no more
inline constexpr const char* consent =
    "zhida.consent"; // sharded, kept for ever: opt-outs and preferences, the last one of each holds
inline constexpr const char* dead_letter = "zhida.deadletter"; // one partition

// How long events are kept for who has to look back.
inline constexpr std::int64_t day_ms = 24LL * 3600 * 1000, profile_kept_ms = 7 * day_ms;

inline std::string dispatch(channel c) {
    return std::string("zhida.dispatch.") + to_string(c);
} // sharded

} // namespace zhida::topics
