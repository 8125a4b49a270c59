// A campaign's funnel and the sums over campaigns, as the API tells them. Pure arithmetic.
#pragma once

#include "common/base/json.hpp"
#include "common/store/campaigns.hpp"

#include <map>
#include <vector>

namespace zhida::portal {

// Failed above this share of what has an outcome is shown as a warning.
inline constexpr double failure_warning = 0.03;

// failed / (delivered + failed); nothing while neither is there.
std::optional<double> failure_rate(const state_counts& states) noexcept;
// What the ledger holds too much or too little: the sum of all states less the audience; 0: the identity
// holds.
std::int64_t imbalance(const store::campaign_progress& p, const channel_progress& c) noexcept;

json channel_document(const store::campaign_progress& p, const channel_progress& c);
// {id, policy, version, round, title, issuer, state, created_at, audience, identity_holds, channels, items}
json campaign_document(const store::campaign_progress& p);

struct totals {
    std::int64_t campaigns = 0, audience = 0, imbalance = 0;
    std::map<channel, channel_progress> channels;
};
totals sum(const std::vector<store::campaign_progress>& all);
json totals_document(const totals& t);

} // namespace zhida::portal
