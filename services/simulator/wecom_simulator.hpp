// WeCom as an application and robots of groups see it. Source: developer.work.weixin.qq.com,
// 获取access_token, 发送应用消息, 群机器人配置说明.
//   GET  /cgi-bin/gettoken?corpid=&corpsecret=
//   POST /cgi-bin/message/send?access_token=
//   POST /cgi-bin/webhook/send?key=
#pragma once

#include "common/base/clock.hpp"
#include "common/io/http_server.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/message_log.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace zhida::simulator {

namespace asio = boost::asio;

struct wecom_simulator_options {
    std::string corpid, secret;
    std::int64_t agentid = 0;
    std::set<std::string> robots;          // keys
    std::set<std::string> missing;         // members that do not exist
    std::string missing_prefix = "nobody"; // likewise all whose id begins so; empty: none
    // Of one member; what is more is dropped and nobody is told.
    std::int64_t member_per_minute = 30, member_per_hour = 1000;
    std::int64_t daily_quota = 0; // person-sends; more get 45009; 0: any
    std::int64_t robot_per_minute = 20;
    std::int64_t token_seconds = 7200;
};
// The keys of wecom.robots: "DEPARTMENT=KEY, ...".
std::set<std::string> robot_keys(const std::string& robots);
// How the message log names a robot: its key is a secret.
std::string robot_name(const std::string& key);

struct wecom_simulator_stats {
    std::int64_t token_calls = 0, tokens_issued = 0, sends = 0;
    std::int64_t accepted = 0;   // of a member each
    std::int64_t dropped = 0;    // of a member each, that had enough
    std::int64_t duplicates = 0; // of a member each, that had the same
    std::int64_t robot_sends = 0, robot_accepted = 0;
    std::map<std::int64_t, std::int64_t> errors; // errcode: how often
};
json to_json(const wecom_simulator_stats& s);

// The clock, the log and the faults outlive it. One thread. Faults: channel "wechat", gateway "wecom", of the
// first member that has one, or of a robot by robot_name().
class wecom_simulator {
  public:
    wecom_simulator(asio::any_io_executor executor, const clock& time, wecom_simulator_options options,
                    message_log& log, fault_table& faults);
    ~wecom_simulator();
    void add_routes(io::http_router& router);
    void stop(); // answers that a fault holds back are given up
    void rotate_token();
    // Members of POST /sim/wechat for the account "wecom": missing, member_per_minute, member_per_hour,
    // daily_quota, robot_per_minute, "do": "rotate_token". Nothing is changed where there are errors.
    void configure(json_reader in);
    wecom_simulator_stats stats() const;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
