// POST /sim/wechat: what people do with an account of the simulated WeChat platform, and what the account
// allows.
#pragma once

#include "common/io/http_server.hpp"

#include <boost/asio/awaitable.hpp>

namespace zhida::simulator {

namespace asio = boost::asio;
class wechat_simulator;

//   {"account": "wechat" | "miniprogram", settings..., "do": "scan", "openid": "oX", "scene": "S",
//    "wait": true}
// Settings: callback_base, ip_allow_list, quotas (API: messages a day), per_minute, token_overlap_s,
// event_delay_ms, everybody_follows, everybody_granted. What may be done, and with which members, is in
// docs/api.md. With "wait" the answer says what became of the push. Nothing is changed where there are
// errors. The simulator outlives the answer.
asio::awaitable<io::http_response> steer_wechat(wechat_simulator* platform, io::http_request r);

} // namespace zhida::simulator
