// Events on their way to our own address as the WeChat platform posts them: signed, in safe mode encrypted,
// three tries of five seconds each. Source: developers.weixin.qq.com, 接收普通消息, 消息加解密说明.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "services/simulator/receipt_push.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace zhida::simulator {

struct wechat_push_options {
    std::string path;       // "/gateways/wechat/events"
    std::string account;    // ToUserName
    std::string receive_id; // appid
    std::string token;      // empty: nothing is pushed
    std::string aes_key;    // empty: in clear
    milliseconds timeout{5'000}, pause{200};
    int tries = 3;
    std::size_t at_once = 16;
};

// What became of an event.
struct wechat_push_outcome {
    bool taken = false;
    int tries = 0;
    int status = 0;    // of the last answer; 0: none
    std::string body;  // of it, decrypted where it was encrypted
    std::string fault; // why it was not taken
};

// Of one account. The clock outlives it. One thread.
class wechat_push {
  public:
    wechat_push(asio::any_io_executor executor, const clock& time, wechat_push_options options);
    ~wechat_push();
    // Failure invalid: the key of the account is none.
    result<void> check() const;
    void set_base(const std::string& base); // as receipt_push
    bool wanted() const noexcept;
    void put(std::string openid, std::string xml);
    // At once, past what waits.
    asio::awaitable<wechat_push_outcome> deliver(std::string openid, std::string xml);
    // The check of the address: GET with echostr.
    asio::awaitable<wechat_push_outcome> verify();
    asio::awaitable<void> run(); // until stop()
    void stop();
    receipt_push_stats stats() const;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
