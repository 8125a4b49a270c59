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

} // namespace zhida
