// The sender of the SMS channel.
#pragma once

#include "common/base/config.hpp"
#include "common/model/sms_content.hpp"
#include "services/dispatcher/sender.hpp"
#include "services/gateways/code_table.hpp"

#include <memory>

namespace zhida::dispatcher {

// Over all gateways; never sends twice, because a gateway would. What has no signature that may be used today
// is not sent: stopped, with no_signature (outcome.hpp), while others go on. `settings` and `content` outlive
// it.
std::unique_ptr<sender> make_sms_sender(asio::any_io_executor executor, const clock& c,
                                        const sms_config& settings, const sms_content& content,
                                        gateways::receipt_sink receipts, gateways::inbound_sink inbound,
                                        const gateways::code_table& codes = {});

} // namespace zhida::dispatcher
