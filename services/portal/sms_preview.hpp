// How a short message would read today, what it would be billed as, and what keeps it from going out. Pure.
#pragma once

#include "common/base/json.hpp"
#include "common/model/campaign.hpp"
#include "services/dispatcher/sms_message.hpp"
#include "services/portal/texts.hpp"

namespace zhida::portal {

// Of a campaign that the policy would have: what a recipient who matched the item alone reads of its first
// round.
dispatcher::sms_message sms_of_item(const sms_content&, const sms_config&, const policy&, std::size_t item,
                                    std::int32_t today);
// Of a campaign, where the item is the first one that the recipient matched.
dispatcher::sms_message sms_of_campaign(const sms_content&, const sms_config&, const campaign&, const policy&,
                                        std::size_t item, std::int32_t today);

// {text, characters, parts, part_price_yuan, recipients, cost_yuan, warnings [{code, detail, text}]}.
// characters: UTF-16 units, as networks count: 70 in one part, 67 in each of several. recipients: a number,
// "<5", or null where it is not told; the cost is null then, and where no price is configured.
json sms_document(const dispatcher::sms_message&, const sms_content&, const sms_config&, json recipients,
                  std::int32_t today);
// What pages show of it; false where it is null.
json sms_view(const json& document, language in);

} // namespace zhida::portal
