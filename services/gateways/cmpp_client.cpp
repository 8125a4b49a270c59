#include "services/gateways/cmpp_client.hpp"

#include "services/gateways/cmpp_protocol.hpp"

namespace zhida::gateways {

cmpp_client::cmpp_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                         receipt_sink sink, inbound_sink inbound, own_codes codes)
    : wire_client(std::move(executor), time, settings,
                  std::make_unique<cmpp::protocol>(settings, std::move(codes)), std::move(sink),
                  std::move(inbound)) {}

} // namespace zhida::gateways
