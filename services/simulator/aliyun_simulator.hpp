// Aliyun's SMS service, Dysmsapi 2017-05-25: SendSms, SendBatchSms, QuerySendDetails and the receipts that it
// pushes (SmsReport). Source: help.aliyun.com/zh/sms/developer-reference, npm @alicloud/dysmsapi20170525.
#pragma once

#include "services/simulator/cloud_service.hpp"

#include <memory>

namespace zhida::simulator {

// The log and the faults outlive it. One thread.
class aliyun_simulator {
  public:
    aliyun_simulator(asio::any_io_executor executor, const clock& time, cloud_options options,
                     message_log& log, fault_table& faults);
    ~aliyun_simulator();
    // Every action is POST /, as are the other cloud's: whoever has the route asks this one for those.
    static bool meant(const io::http_request& r);
    asio::awaitable<io::http_response> serve(io::http_request r);
    result<void> write_back(const inbound_message& m); // see cloud_service::reply
    asio::awaitable<void> run();                       // pushes receipts until stop()
    void stop();
    cloud_service& service() noexcept;
    cloud_stats stats() const;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
