// Messages of one account of the WeChat platform to openids: template messages and subscription notices of an
// official account (服务号), subscription messages of a mini-program. Source: developers.weixin.qq.com.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/gateway.hpp"
#include "services/gateways/wechat_fields.hpp"
#include "services/gateways/wechat_token.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <map>
#include <memory>

namespace zhida::gateways {

struct wechat_message {
    std::string openid;
    std::string url;  // opened when the message is tapped; may be empty; of a mini-program a page
    wechat_data data; // in the template's order; values are made to fit their types
    std::string
        client_msg_id;       // ours: for 10 minutes the platform takes one template message per openid and id
    std::string template_id; // empty: the account's
};

// The API that an account sends by: template/send, subscribe/bizsend or subscribe/send, each with its quota.
const char* message_api(const wechat_config& account) noexcept;
// template/send drops a repeated client_msg_id for ten minutes; the others know no such thing.
bool drops_repetitions(const wechat_config& account) noexcept;
// Pure: the body of that API, UTF-8 and not \u-escaped. Failure invalid (where: the field).
result<std::string> wechat_body(const wechat_message& m, const wechat_config& account);

// A QR code that somebody scans to follow the account, which then tells us the scene.
struct wechat_scene_code {
    std::string url; // what the code says
    std::chrono::seconds lives{};
};

// Used from the executor's thread alone. The clock outlives the client.
class wechat_client {
  public:
    wechat_client(asio::any_io_executor executor, const clock& time, wechat_config settings,
                  wechat_token_store tokens);
    ~wechat_client();

    // accepted: message_ids holds the platform's msgid (none where it says "sent already"), scoped by the
    // account's name. unknown: no answer in time; sending again with the same client_msg_id within 10 minutes
    // is harmless where the API knows it. stopped: credentials or the day's quota; tried again after
    // retry_after at the earliest.
    asio::awaitable<send_result> send(wechat_message message);

    // scene: 1 to 64 characters.
    asio::awaitable<result<wechat_scene_code>> scene_code(std::string scene, std::chrono::seconds lives);

    // Fetches a token where none is there, so that status() says before the first message whether the account
    // works.
    asio::awaitable<void> probe();

    // Calls by API since it was asked last: the platform counts them by the day.
    std::map<std::string, std::int64_t> take_calls();

    gateway_status status() const;
    // Until the message interface may be called again: the day's quota is used up, or the account is stopped.
    milliseconds used_up_for() const;
    // A receipt came past the client.
    void heard();
    void resume(); // somebody has mended what the channel was stopped for
    void close();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
