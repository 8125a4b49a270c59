// An account at a cloud's SMS service, whatever vendor it is of: aliyun_client.hpp, tencent_client.hpp.
#pragma once

#include "services/gateways/sms_gateway.hpp"

#include <memory>

namespace zhida::gateways {

class cloud_core;

// Used from the executor's thread alone. The clock outlives the client.
class cloud_client : public sms_gateway {
  public:
    ~cloud_client() override;

    asio::awaitable<void> run() override;
    void stop(milliseconds drain) override;
    // In requests of many numbers where they are sent the same. `connections` requests at once; `rate_per_s`
    // is counted in the parts that the network will bill. accepted: one message id in all. unknown: no answer
    // in response_timeout_s, or none that can be read. stopped: the vendor refuses the account, its quota is
    // used up; or the text has no template id of this vendor ("local:no_template", for this text alone).
    asio::awaitable<std::vector<send_result>> send_all(std::vector<sms_copy> messages) override;
    gateway_status status() const override;
    // Also before the vendor has answered anything: there is no connection to wait for.
    bool ready() const override;
    headroom free() const override;
    void share(std::size_t mine, std::size_t of) override;
    // Somebody has mended what the account was stopped for.
    void resume();

  protected:
    explicit cloud_client(std::shared_ptr<cloud_core> core);

  private:
    std::shared_ptr<cloud_core> core_;
};

} // namespace zhida::gateways
