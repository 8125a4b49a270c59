// The sender of WeCom: what says the same goes to all its members in one call, and nobody gets more than the
// platform lets through.
#pragma once

#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/base/metrics.hpp"
#include "common/io/redis.hpp"
#include "services/dispatcher/sender.hpp"
#include "services/gateways/wechat_token.hpp"

#include <memory>

namespace zhida::dispatcher {

// outgoing.address: the userid. `settings`, `redis` and `sealer` outlive it.
std::unique_ptr<sender> make_wecom_sender(asio::any_io_executor executor, const clock& c,
                                          const config& settings, io::redis& redis,
                                          const crypto::sealer& sealer, metrics& meters,
                                          gateways::wechat_token_store tokens);

} // namespace zhida::dispatcher
