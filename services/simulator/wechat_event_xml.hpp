// Events and messages as the WeChat platform posts them, before they are encrypted. Pure. Source:
// developers.weixin.qq.com, 接收事件推送, 接收普通消息, 模板消息, 订阅通知.
#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zhida::simulator {

struct wechat_parties {
    std::string account; // ToUserName: the account's original id
    std::string openid;  // FromUserName
    wall_time at{};      // CreateTime
};

// key: EventKey, where the event has one; ticket: of a QR code.
std::string event_xml(const wechat_parties& p, std::string_view event, std::string_view key = "",
                      std::string_view ticket = "");
std::string text_xml(const wechat_parties& p, std::string_view text, std::int64_t msg_id);
// Status: success | failed:user block | failed: system failed
std::string template_finish_xml(const wechat_parties& p, std::int64_t msg_id, std::string_view status);
std::string subscription_sent_xml(const wechat_parties& p, std::string_view template_id, std::int64_t msg_id,
                                  std::string_view status);
// event: subscribe_msg_popup_event | subscribe_msg_change_event; choices: template and accept | reject.
std::string subscription_choice_xml(const wechat_parties& p, std::string_view event,
                                    const std::vector<std::pair<std::string, std::string>>& choices);

// Around what is encrypted, in safe mode.
std::string encrypted_xml(std::string_view account, std::string_view encrypted);

} // namespace zhida::simulator
