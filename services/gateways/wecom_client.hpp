// Messages of an application of WeCom (企业微信) to members of the corporation. Source:
// developer.work.weixin.qq.com.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/gateway.hpp"
#include "services/gateways/wechat_token.hpp"
#include "services/gateways/wecom_text.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zhida::gateways {

// Used from the executor's thread alone. The clock outlives the client. Neither the secret nor a token nor an
// address that holds one is ever logged or told.
class wecom_client {
  public:
    wecom_client(asio::any_io_executor executor, const clock& time, wecom_config settings,
                 wechat_token_store tokens);
    ~wecom_client();

    // One result each, in their order. accepted: delivered, for the platform says at once whom it does not
    // reach: rejected, "wecom:invaliduser" or "wecom:unlicenseduser". unknown: no answer in time; the same
    // text to the same members is dropped within duplicate_check_s. No request begins later than the
    // settings' time-out after the call.
    asio::awaitable<std::vector<send_result>> send(wecom_text text, std::vector<std::string> userids);

    // Fetches a token where none is there, so that status() says before the first message whether the
    // application works.
    asio::awaitable<void> probe();

    milliseconds stopped_for() const; // 0: it is not
    gateway_status status() const;
    void resume(); // somebody has mended what the channel was stopped for
    void close();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
