// Which messages nobody will hear of any more: pure.
#pragma once

#include "common/store/ledger.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace zhida::scheduler {

// Of a shard's ledger of one channel (16 bytes a record): what a gateway took and sent no receipt for in
// `wait_s` becomes unknown, never failed; a receipt that comes later still counts. A record says when it was
// claimed first: of one that was put back in between, the last try may have been as late as a try may be.
// now: seconds since 1970 UTC.
std::vector<store::change> overdue_receipts(std::string_view records, std::uint32_t now,
                                            std::uint32_t wait_s);

} // namespace zhida::scheduler
