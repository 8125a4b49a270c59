// What each errcode of the WeChat platform means for a template message, as data. Sources:
// developers.weixin.qq.com (全局返回码, 模板消息, 订阅通知) and field reports; unknown codes fail the
// recipient.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/reason_class.hpp"

#include <cstdint>

namespace zhida::gateways {

struct wechat_reaction {
    enum class next {
        none,
        refresh_token,
        stop_credentials,
        stop_quota,
        next_day, // of this recipient; retry_after_ms at the least
    };

    std::int64_t errcode;
    send_outcome outcome;
    next then;
    const char* recipient_fault; // as in send_result
    std::int64_t retry_after_ms; // for retry
    bool alarm;
    const char* text;
    reason_class means;
    const char* words; // Chinese, for the operator
};
const wechat_reaction& wechat_reaction_to(std::int64_t errcode) noexcept;
std::vector<code_reason> wechat_reasons();

} // namespace zhida::gateways
