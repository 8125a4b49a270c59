#include "services/gateways/make_sms_gateway.hpp"

#include "services/gateways/aliyun_client.hpp"
#include "services/gateways/cmpp_client.hpp"
#include "services/gateways/smpp_client.hpp"
#include "services/gateways/tencent_client.hpp"

namespace zhida::gateways {

std::unique_ptr<sms_gateway> make_sms_gateway(asio::any_io_executor executor, const clock& time,
                                              const sms_gateway_config& settings, receipt_sink receipts,
                                              inbound_sink inbound, own_codes codes) {
    if (settings.protocol == "smpp")
        return std::make_unique<smpp_client>(executor, time, settings, std::move(receipts),
                                             std::move(inbound), std::move(codes));
    if (settings.protocol == "aliyun")
        return std::make_unique<aliyun_client>(executor, time, settings, std::move(receipts), cloud_times{},
                                               std::move(codes));
    if (settings.protocol == "tencent")
        return std::make_unique<tencent_client>(executor, time, settings, std::move(receipts), cloud_times{},
                                                std::move(codes));
    return std::make_unique<cmpp_client>(executor, time, settings, std::move(receipts), std::move(inbound),
                                         std::move(codes));
}

} // namespace zhida::gateways
