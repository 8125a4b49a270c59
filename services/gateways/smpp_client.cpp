#include "services/gateways/smpp_client.hpp"

#include "services/gateways/smpp_protocol.hpp"

namespace zhida::gateways {

smpp_client::smpp_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                         receipt_sink sink, inbound_sink inbound, own_codes codes)
    : wire_client(std::move(executor), time, settings,
                  std::make_unique<smpp::protocol>(settings, std::move(codes)), std::move(sink),
                  std::move(inbound)) {}

} // namespace zhida::gateways
