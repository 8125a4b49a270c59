// What the three calls that send a message ask of its body. Pure. Source: developers.weixin.qq.com, 模板消息,
// 订阅通知 (bizsend), 小程序订阅消息 (subscribe/send).
#pragma once

#include "common/base/json.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace zhida::simulator {

enum class wechat_api { template_send, bizsend, subscribe_send };
// "template", "subscribe", "miniprogram", as send_by of our settings names them.
const char* name_of(wechat_api api) noexcept;
const char* path_of(wechat_api api) noexcept;

struct wechat_refusal {
    std::int64_t errcode = 0; // 0: nothing is wrong
    std::string errmsg;
};

struct wechat_send {
    std::string touser, template_id;
    std::string client_msg_id; // of template/send alone
    std::string url, page, state, lang;
};

// Templates of the account. Those of one API are no templates of the other; empty: all that are not the
// other's.
struct wechat_templates {
    std::set<std::string> messages, subscriptions;
};

wechat_refusal read_wechat_send(wechat_api api, const wechat_templates& known, const json& body,
                                wechat_send& out);

} // namespace zhida::simulator
