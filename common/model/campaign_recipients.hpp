// Whom a further round of a campaign is for, by what the ledger says of the round it is based on. Pure.
#pragma once

#include "common/model/campaign.hpp"

#include <span>

namespace zhida {

// The recipient did something with the message. To have seen its line in a list is not to have opened it.
constexpr bool opened(const ledger::record& r) noexcept {
    using namespace ledger::engagement;
    return (r.engaged & (read | clicked | confirmed | applied)) != 0;
}

// Sent, as far as is known: submitted, delivered, in doubt, or within the message of another package.
constexpr bool went_out(const ledger::record& r) noexcept {
    using ledger::state;
    return r.now == state::submitted || r.now == state::unknown || r.now == state::delivered ||
           (r.now == state::suppressed && r.why == ledger::reason::merged);
}

// Of one recipient, the records of all channels of the base. Nobody is taken as failed while anything is
// still to be sent.
bool takes_part(campaign_recipients only, std::span<const ledger::record> of_channels) noexcept;

// Whether the recipient confirmed or applied for what a reminder is about. Flags are of the whole package:
// where it had other items too, nobody knows for which of them.
bool seen_to(std::uint16_t items, std::span<const ledger::record> of_channels) noexcept;

} // namespace zhida
