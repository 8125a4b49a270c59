// An audience preview as the API tells it. Pure.
#pragma once

#include "common/base/clock.hpp"
#include "matching/catalogue.hpp"
#include "services/portal/preview.hpp"

namespace zhida::portal {

// {subject, reach, audience, complete, missing_shards, note, verdicts, channels, breakdown, missing_data,
// sample, fresh}. Of residents, numbers of a breakdown from 1 to 4 are told as "<5", and nobody is named
// where the audience is as small. enabled: by channel, whether it is switched on. shown: of the sample.
json preview_document(const preview_question& q, const preview_outcome& found,
                      const std::vector<profile>& shown, const std::vector<bool>& enabled, wall_time now,
                      const matching::catalogue& catalogue);

// "宝山钢铁股份有限公司" -> "宝山钢铁****", of a person "张**".
std::string masked_name(subject_type type, std::string_view name);

} // namespace zhida::portal
