// What a member reads on WeCom, by the kind of round: pure, the same words as on the other channels.
#pragma once

#include "services/dispatcher/round_text.hpp"
#include "services/gateways/wecom_text.hpp"

#include <cstdint>
#include <string>

namespace zhida::dispatcher {

// Title: that of the policy. Description, a line each: what is new in the round or which item was matched,
// benefit, deadline, issuer, and how many packages of other campaigns it stands for. url: may be empty.
gateways::wecom_text wecom_of_round(const message_round& round, const policy& p, std::uint16_t items,
                                    std::int32_t today, std::size_t others, const std::string& url);

} // namespace zhida::dispatcher
