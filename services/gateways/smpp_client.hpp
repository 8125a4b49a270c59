// An account at an SMSC (SMPP 3.4, bound as a transceiver).
#pragma once

#include "services/gateways/code_table.hpp"
#include "services/gateways/wire_client.hpp"

namespace zhida::gateways {

class smpp_client final : public wire_client {
  public:
    smpp_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                receipt_sink sink, inbound_sink inbound, own_codes codes = {});
};

} // namespace zhida::gateways
