// The WeChat channel: an official account, a mini-program and a WeCom application, each behind a circuit of
// its own; a recipient's address says which of them reaches it (common/model/wechat_address.hpp).
#pragma once

#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/base/metrics.hpp"
#include "common/io/redis.hpp"
#include "services/dispatcher/sender.hpp"

#include <memory>

namespace zhida::dispatcher {

// Of the accounts that are enabled; null where none is. Access tokens are shared by all processes through
// Redis, sealed; calls are counted there by interface and day. References outlive it.
std::unique_ptr<sender> make_wechat_channel(asio::any_io_executor executor, const clock& c,
                                            const config& settings, io::redis& redis,
                                            const crypto::sealer& sealer, metrics& meters);

// One account of the WeChat platform, without a circuit; addresses are its openids.
std::unique_ptr<sender> make_wechat_sender(asio::any_io_executor executor, const clock& c,
                                           const config& settings, const wechat_config& account,
                                           io::redis& redis, const crypto::sealer& sealer, metrics& meters);

} // namespace zhida::dispatcher
