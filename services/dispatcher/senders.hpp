// The senders of the channels that have a gateway.
#pragma once

#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"
#include "services/dispatcher/sender.hpp"

#include <memory>

namespace zhida::dispatcher {

// Over all gateways; never sends twice, because a gateway would.
std::unique_ptr<sender> make_sms_sender(asio::any_io_executor executor, const clock& c,
                                        const sms_config& settings, gateways::receipt_sink receipts,
                                        gateways::inbound_sink inbound);
// Template messages; the access token is shared by all processes through Redis, sealed.
std::unique_ptr<sender> make_wechat_sender(asio::any_io_executor executor, const clock& c,
                                           const config& settings, io::redis& redis,
                                           const crypto::sealer& sealer);

} // namespace zhida::dispatcher
