// An account at an ISMG (CMPP 2.0 or 3.0).
#pragma once

#include "services/gateways/code_table.hpp"
#include "services/gateways/wire_client.hpp"

namespace zhida::gateways {

class cmpp_client final : public wire_client {
  public:
    cmpp_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                receipt_sink sink, inbound_sink inbound, own_codes codes = {});
};

} // namespace zhida::gateways
