// Aliyun SMS (Dysmsapi 2017-05-25). Its receipts are pushed: cloud_receipts.hpp.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/cloud_client.hpp"
#include "services/gateways/cloud_core.hpp"

namespace zhida::gateways {

// Numbers that get the same text go in one SendSms, the others of a template in SendBatchSms. Where nobody
// says whether a request was taken, QuerySendDetails is asked before its messages are `unknown`
// (docs/gateways.md); their ids are known all the same.
class aliyun_client final : public cloud_client {
  public:
    // The sink is for vendors whose receipts are fetched.
    aliyun_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                  receipt_sink sink, cloud_times times = {}, own_codes codes = {});
};

} // namespace zhida::gateways
