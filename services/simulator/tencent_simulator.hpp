// Tencent Cloud's SMS service, version 2021-01-11: SendSms, PullSmsSendStatus and the receipts that it
// pushes. Source: cloud.tencent.com/document/product/382, npm tencentcloud-sdk-nodejs-sms.
#pragma once

#include "services/simulator/cloud_service.hpp"

#include <memory>

namespace zhida::simulator {

// The log and the faults outlive it. One thread.
class tencent_simulator {
  public:
    tencent_simulator(asio::any_io_executor executor, const clock& time, cloud_options options,
                      message_log& log, fault_table& faults);
    ~tencent_simulator();
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
