// Tencent Cloud SMS (2021-01-11).
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/cloud_client.hpp"
#include "services/gateways/cloud_core.hpp"

namespace zhida::gateways {

// Where no callback_secret is set, so that nobody pushes its receipts to us, run() fetches them. A fetched
// receipt is given to nobody again: it is kept until the sink has taken it, and run() does not return before,
// unless the drain is over.
class tencent_client final : public cloud_client {
  public:
    tencent_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                   receipt_sink sink, cloud_times times = {}, own_codes codes = {});
};

} // namespace zhida::gateways
