#include "services/scheduler/overdue_receipts.hpp"

#include "services/dispatcher/outcome.hpp"

namespace zhida::scheduler {

std::vector<store::change> overdue_receipts(std::string_view records, std::uint32_t now,
                                            std::uint32_t wait_s) {
    std::vector<store::change> out;
    const auto size = static_cast<std::uint32_t>(records.size() / ledger::record_size);
    for (std::uint32_t i = 0; i < size; ++i) {
        auto r = ledger::decode(records.data() + std::size_t{i} * ledger::record_size);
        if (r.now != ledger::state::submitted) continue;
        const std::uint64_t sent =
            std::uint64_t{r.first_submitted} + (r.attempts > 0 ? dispatcher::retry_within_s : 0);
        if (sent + wait_s > now) continue;
        r.now = ledger::state::unknown;
        r.why = ledger::reason::no_receipt;
        r.at = now;
        out.push_back({i, r});
    }
    return out;
}

} // namespace zhida::scheduler
