// The calls of the WeChat platform that a sender of messages makes, with its real semantics, for an official
// account and a mini-program side by side, and the events it pushes. Source: developers.weixin.qq.com.
//   GET  /cgi-bin/token, POST /cgi-bin/stable_token
//   POST /cgi-bin/message/template/send, /cgi-bin/message/subscribe/bizsend: the official account's
//   POST /cgi-bin/message/subscribe/send: the mini-program's
//   POST /cgi-bin/qrcode/create, /cgi-bin/clear_quota, /cgi-bin/openapi/quota/get
#pragma once

#include "common/base/clock.hpp"
#include "common/io/http_server.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/message_log.hpp"
#include "services/simulator/wechat_account.hpp"
#include "services/simulator/wechat_push.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace zhida::simulator {

// The clock, the log and the faults outlive it. One thread.
class wechat_simulator {
  public:
    // The first account is the official one; a second one is the mini-program.
    wechat_simulator(asio::any_io_executor executor, const clock& time,
                     std::vector<wechat_account_options> accounts, message_log& log, fault_table& faults);
    ~wechat_simulator();
    result<void> check() const; // failure invalid: an account's settings cannot be used
    void add_routes(io::http_router& router);
    asio::awaitable<void> run(); // until stop()
    void stop();                 // answers that a fault holds back are given up

    // The tokens that are valid now are not any more, and nobody is told.
    void rotate_token();
    void set_daily_quota(std::int64_t messages); // of each API of the official account
    void set_callback_base(const std::string& base);
    wechat_account_stats stats() const; // of the official account
    json all_stats() const;             // by account, with what became of events

    // Null: there is no such account.
    wechat_account* account(std::string_view name) noexcept;
    wechat_push* push(std::string_view name) noexcept;
    const clock& time() const noexcept;
    std::int64_t new_msgid(); // of what somebody writes

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
