// Template messages of a WeChat official account (服务号). Source: developers.weixin.qq.com.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/gateway.hpp"
#include "services/gateways/wechat_fields.hpp"
#include "services/gateways/wechat_token.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace zhida::gateways {

struct wechat_message {
    std::string openid;
    std::string url;           // opened when the message is tapped; may be empty
    wechat_data data;          // in the template's order; values are made to fit their types
    std::string client_msg_id; // ours: for 10 minutes the platform takes one message per openid and id
    std::string template_id;   // empty: wechat.template_id
};

// Pure: the body of template/send, UTF-8 and not \u-escaped. Failure invalid (where: the field).
result<std::string> wechat_body(const wechat_message& m, const std::string& default_template_id);

// Used from the executor's thread alone. The clock outlives the client.
class wechat_client {
  public:
    wechat_client(asio::any_io_executor executor, const clock& time, wechat_config settings,
                  wechat_token_store tokens);
    ~wechat_client();

    // accepted: message_ids holds the platform's msgid (none where it says "sent already"). unknown: no
    // answer in time; sending again with the same client_msg_id within 10 minutes is harmless. stopped:
    // credentials or the day's quota; tried again after retry_after at the earliest.
    asio::awaitable<send_result> send(wechat_message message);

    // Fetches a token where none is there, so that status() says before the first message whether the account
    // works.
    asio::awaitable<void> probe();

    gateway_status status() const;
    void resume(); // somebody has mended what the channel was stopped for
    void close();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
