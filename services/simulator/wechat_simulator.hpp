// The two calls of the WeChat platform that a sender of template messages makes, with its real semantics:
// POST /cgi-bin/stable_token and POST /cgi-bin/message/template/send. Source: developers.weixin.qq.com.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/http_server.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/message_log.hpp"

#include <map>
#include <memory>

namespace zhida::simulator {

struct wechat_simulator_options {
    std::string appid, secret;
    std::string template_id;           // empty: any is known
    std::int64_t daily_quota = 100000; // messages a day; more get 45009
    std::int64_t token_seconds = 7200;
};

struct wechat_simulator_stats {
    std::int64_t token_calls = 0, tokens_issued = 0, sends = 0, accepted = 0, duplicates = 0;
    std::map<std::int64_t, std::int64_t> errors; // errcode: how often
};
json to_json(const wechat_simulator_stats& s);

// The log and the faults outlive it. One thread.
class wechat_simulator {
  public:
    wechat_simulator(const clock& time, wechat_simulator_options options, message_log& log,
                     fault_table& faults);
    ~wechat_simulator();
    void add_routes(io::http_router& router);
    // The token that is valid now is not any more, and nobody is told.
    void rotate_token();
    void set_daily_quota(std::int64_t messages);
    void stop(); // answers that a fault holds back are given up
    wechat_simulator_stats stats() const;

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
