// An audience preview as the API tells it. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "matching/catalogue.hpp"
#include "services/portal/preview.hpp"

namespace zhida::portal {

// Why publishing the item reaches nobody: "not_public", "closed"; null where it may reach somebody.
const char* not_sent(const policy& p, const policy_item& item, std::int32_t today);

// {subject, reach, audience, rounded_to, not_sent, complete, missing_shards, note, verdicts, channels,
// breakdown, missing_data, sms, sample, fresh}; sms: null, until there is a policy to say. Of residents, 1 to
// 4 is told as "<5" and every other number rounded to `rounded_to`; where the audience or a verdict is as
// few, channels, breakdown and missing data are empty. Residents are never sampled. enabled: by channel,
// whether it is switched on. shown: of the sample.
json preview_document(const preview_question& q, const preview_outcome& found,
                      const std::vector<profile>& shown, const std::vector<bool>& enabled, wall_time now,
                      const matching::catalogue& catalogue);

// Of an enterprise: "宝山钢铁股份有限公司" -> "宝山钢铁****".
std::string masked_name(std::string_view name);

} // namespace zhida::portal
