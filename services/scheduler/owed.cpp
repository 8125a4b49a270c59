#include "services/scheduler/owed.hpp"

#include <algorithm>

namespace zhida::scheduler {

owed_work owed(std::string_view records, std::uint32_t chunk, std::uint32_t now) {
    using ledger::state;
    owed_work out;
    const auto size = static_cast<std::uint32_t>(records.size() / ledger::record_size);
    for (std::uint32_t first = 0; first < size; first += chunk) {
        const owed_chunk of{first, std::min(chunk, size - first)};
        bool at_once = false;
        std::uint32_t next = UINT32_MAX;
        for (std::uint32_t i = 0; i < of.count; ++i) {
            const auto* bytes = records.data() + std::size_t{first + i} * ledger::record_size;
            const auto s = static_cast<state>(bytes[0]);
            if (s == state::queued || s == state::submitting) {
                at_once = true;
            } else if (s == state::held) {
                const auto r = ledger::decode(bytes);
                if (!ledger::waits_its_turn(r)) next = std::min(next, r.at);
            }
        }
        if (at_once || next <= now)
            out.now.push_back(of);
        else if (next != UINT32_MAX)
            out.later.emplace_back(of, next);
    }
    return out;
}

} // namespace zhida::scheduler
