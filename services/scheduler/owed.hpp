// Which chunks of a campaign's ledger have work that can be done now: pure.
#pragma once

#include "common/model/ledger.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace zhida::scheduler {

struct owed_chunk {
    std::uint32_t first = 0, count = 0;
    bool operator==(const owed_chunk&) const = default;
};
struct owed_work {
    std::vector<owed_chunk> now; // queued, claimed by nobody who lives, or held until a time that has come
    std::vector<std::pair<owed_chunk, std::uint32_t>> later; // held: when the first of the chunk falls due
};
// records: the ledger of one shard and channel, 16 bytes each; now: seconds since 1970 UTC.
owed_work owed(std::string_view records, std::uint32_t chunk, std::uint32_t now);

} // namespace zhida::scheduler
