// The access token of a WeChat or WeCom account, shared by all processes through Redis, sealed: a token is as
// good as the account's secret. One of them fetches at a time.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"
#include "services/gateways/wechat_token.hpp"

#include <chrono>
#include <string>

namespace zhida {

// account: appid, or what else names it. A turn ends after `turn` where its holder is gone: longer than a
// fetch may take. References outlive every call.
gateways::wechat_token_store share_token(io::redis& redis, const crypto::sealer& sealer, const clock& time,
                                         std::string account, std::chrono::milliseconds turn);

} // namespace zhida
