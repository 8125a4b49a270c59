// All simulators and their control endpoints in one. On the HTTP port (simulator.wechat_port):
//   POST   /             what the SMS clouds are asked: Aliyun's by the header x-acs-action, Tencent's by
//                        x-tc-action
//   GET    /sim/messages?channel=sms|wechat|robot&phone=|openid=&since=MS&assembled=1   what was taken, a
//   JSON
//                        list
//   DELETE /sim/messages
//   GET    /sim/stats
//   GET    /sim/faults   the rules and how often each applied
//   POST   /sim/faults   {"replace": true, "rules": [{...}], "do": ["rotate_token", "terminate",
//                        "disconnect", "active_test"], "wechat_daily_quota": N, "cmpp_window": N,
//                        "cmpp_connections": N}
//                        the members of a rule: see faults.hpp; `do` also takes the names of bad_pdu.hpp; it
//                        acts on CMPP and SMPP alike: unbind is SMPP's terminate, enquire_link its
//                        active_test. A rule that names an SMPP account and what only CMPP has is refused
//   POST   /sim/clouds   {"callback_base": "http://127.0.0.1:8080", "aliyun": {...}, "tencent": {...}}: where
//                        receipts are posted to, and what a cloud has: templates (by id), signatures,
//                        requests_per_s, per_moment, per_hour, per_day, report_delay_ms
//   POST   /sim/wechat   what people do with our accounts at WeChat, and what these allow: see
//                        wechat_control.hpp; with "account": "wecom" wecom_simulator::configure
//   POST   /sim/inbound  {"phone": "13800000001", "text": "R"}: what somebody writes to our number, perhaps
//                        with the other members of inbound_message: see inbound_parts.hpp; with "protocol":
//                        "smpp" on an SMPP connection; "aliyun", "tencent": pushed to the gateway "account",
//                        where "to" is the extension. formats, ref, wide_ref and order: CMPP's alone
// docs/api.md has all of it.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "services/simulator/aliyun_simulator.hpp"
#include "services/simulator/cmpp_simulator.hpp"
#include "services/simulator/smpp_simulator.hpp"
#include "services/simulator/tencent_simulator.hpp"
#include "services/simulator/wechat_simulator.hpp"
#include "services/simulator/wecom_simulator.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace zhida::simulator {

// Its accounts are those of the clients' own settings (sms.source_addr, sms.secret, wechat.appid,
// wechat.secret, wecom.corpid; of the clouds every gateway with protocol aliyun or tencent). A mini-program
// is there where it has an appid. The clock outlives it.
class simulator {
  public:
    simulator(asio::any_io_executor executor, const clock& time, simulator_config settings, sms_config sms,
              wechat_config wechat, wechat_config miniprogram = wechat_config::of_miniprogram(),
              wecom_config wecom = {});
    ~simulator();
    // Reads the record file and binds the ports.
    result<void> listen();
    std::uint16_t cmpp_port() const noexcept;
    std::uint16_t smpp_port() const noexcept;
    std::uint16_t wechat_port() const noexcept;
    void set_callback_base(const std::string& base); // of the clouds and WeChat's accounts; after listen()
    asio::awaitable<void> run();                     // until stop(); then everything has ended
    void stop();

    // For tests in the same process.
    message_log& messages() noexcept;
    fault_table& faults() noexcept;
    cmpp_simulator& cmpp() noexcept;
    smpp_simulator& smpp() noexcept;
    wechat_simulator& wechat() noexcept;
    wecom_simulator& wecom() noexcept;
    aliyun_simulator& aliyun() noexcept;
    tencent_simulator& tencent() noexcept;
    // What a test changes before listen(): delays, window, quota.
    cmpp_simulator_options& cmpp_options() noexcept;
    smpp_simulator_options& smpp_options() noexcept;
    wechat_account_options& wechat_options() noexcept;
    wechat_account_options& miniprogram_options() noexcept;
    wecom_simulator_options& wecom_options() noexcept;
    io::http_server_options& http_options() noexcept; // with a certificate everything on its port is https
    cloud_options& aliyun_options() noexcept;
    cloud_options& tencent_options() noexcept;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
