// What a subject receives, as the API tells it: the policy's items that were matched, why, until when. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"
#include "common/model/campaign.hpp"
#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"
#include "matching/catalogue.hpp"
#include "matching/condition.hpp"
#include "matching/explanation_document.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zhida::portal {

// A stored policy, ready to be shown and judged.
struct compiled_policy {
    policy about;
    json document;
    std::vector<std::optional<matching::condition>> conditions; // parallel to about.items
    std::int64_t received_ms = 0;
    bool pushed = false;
};
// invalid: the stored document is not readable any more.
result<compiled_policy> compile_policy(const json& document, const matching::catalogue& catalogue);

// {id, title, subject, benefit, tiers, mode, deadline, materials, exclusions, apply_channel, link, contact,
// why}, and with a row: verdict, only_manual_open, one_short and missing. today: days since 1970-01-01 in
// Asia/Shanghai. levels: of groups within groups that `why` tells.
json item_document(const compiled_policy& p, std::size_t item, std::int32_t today,
                   const matching::catalogue& catalogue, const attribute_row* row,
                   int levels = matching::explained_levels);

// One package, of the version that was sent in this round. newest_version: of the policy; it tells whether
// another came since. kind: of the round, of a retry that of what it repeats. notice: what a further round
// says that the first did not, zh and en; null: nothing. Bit i of web.items is item i; items that the policy
// does not have are left out.
json package_document(const campaign& round, const ledger::record& web, const compiled_policy& p,
                      int newest_version, const attribute_row& row, wall_time now,
                      const matching::catalogue& catalogue);

// A line of a list: id, version, title, doc_no, issuer, level, region, theme, disclosure, published, items,
// pushed, received_at, campaign (null where it was not pushed).
json policy_summary(const compiled_policy& p);
// The summary with items (without a subject), validity and interpretations.
json policy_document(const compiled_policy& p, wall_time now, const matching::catalogue& catalogue);

} // namespace zhida::portal
