// What each errcode of WeCom (企业微信) means for a message of an application or a robot, as data. Sources:
// developer.work.weixin.qq.com (全局错误码, 发送应用消息, 群机器人配置说明) and field reports; unknown codes
// fail the recipient.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/reason_class.hpp"

#include <cstdint>
#include <string_view>

namespace zhida::gateways {

struct wecom_reaction {
    enum class next {
        none,
        refresh_token,
        stop,      // until somebody acts
        slow_down, // all messages, for as long as errmsg says
        split,     // of several recipients one is at fault: the others are sent to without it
    };

    std::int64_t errcode;
    send_outcome outcome;
    next then;
    const char* recipient_fault; // as in send_result
    std::int64_t retry_after_ms; // for retry
    bool alarm;
    const char* text; // what it is and, of a stop, what to mend
    reason_class means;
    const char* words; // Chinese, for the operator
};
const wecom_reaction& wecom_reaction_to(std::int64_t errcode) noexcept;
std::vector<code_reason> wecom_reasons();

// 45009 has one code for three limits and says in words which: "... api minutely|hourly|daily quota limit".
enum class wecom_limit : std::uint8_t { minute, hour, day };
wecom_limit wecom_limit_of(std::string_view errmsg) noexcept; // minute where it does not say

} // namespace zhida::gateways
