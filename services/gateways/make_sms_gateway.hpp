// The client of an account, by its protocol.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/code_table.hpp"
#include "services/gateways/sms_gateway.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace zhida::gateways {

// The clock outlives it.
std::unique_ptr<sms_gateway> make_sms_gateway(asio::any_io_executor executor, const clock& time,
                                              const sms_gateway_config& settings, receipt_sink receipts,
                                              inbound_sink inbound, own_codes codes = {});

} // namespace zhida::gateways
