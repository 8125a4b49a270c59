#include "common/model/campaign_recipients.hpp"

#include <algorithm>

namespace zhida {

bool takes_part(campaign_recipients only, std::span<const ledger::record> of_channels) noexcept {
    const bool reached = std::any_of(of_channels.begin(), of_channels.end(), went_out);
    switch (only) {
    case campaign_recipients::everybody:
        return true;
    case campaign_recipients::reached:
        return reached;
    case campaign_recipients::unread:
        return reached && std::none_of(of_channels.begin(), of_channels.end(), opened);
    case campaign_recipients::failed:
        return !reached && std::all_of(of_channels.begin(), of_channels.end(),
                                       [](const ledger::record& r) { return terminal(r.now); });
    }
    return false;
}

bool seen_to(std::uint16_t items, std::span<const ledger::record> of_channels) noexcept {
    using namespace ledger::engagement;
    return std::any_of(of_channels.begin(), of_channels.end(), [items](const ledger::record& r) {
        return r.items == items && (r.engaged & (confirmed | applied)) != 0;
    });
}

} // namespace zhida
