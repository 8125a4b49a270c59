// Kafka's default partitioner hash (org.apache.kafka.common.utils.Utils.murmur2), so that foreign producers
// that key by subject id land on the partition that is our shard.
#pragma once

#include <cstdint>
#include <string_view>

namespace zhida {

std::uint32_t murmur2(std::string_view key) noexcept;

// 0 .. shards-1
inline int shard_of(std::string_view subject_id, int shards) noexcept {
    return static_cast<int>((murmur2(subject_id) & 0x7fffffffU) % static_cast<std::uint32_t>(shards));
}

} // namespace zhida
