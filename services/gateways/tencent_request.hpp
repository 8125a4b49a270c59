// Requests of Tencent Cloud's SMS service (2021-01-11) and its answers. Pure. Sources: cloud.tencent.com
// "SendSms", "PullSmsSendStatus".
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "services/gateways/cloud_call.hpp"
#include "services/gateways/sms_gateway.hpp"

namespace zhida::gateways::tencent {

inline constexpr std::size_t most_numbers = 200; // of one SendSms
inline constexpr int most_pulled = 100;          // of one PullSmsSendStatus

struct account {
    std::string secret_id, secret;
    std::string host; // host_of(base_url)
    std::string region, app_id;
};

// Phones are mainland numbers of 11 digits.
cloud_call send_sms(const account& a, wall_time now, const sms_body& body, const std::string& template_id,
                    const std::vector<std::string>& phones);
// Takes up to most_pulled receipts: each is given once, whoever asks.
cloud_call pull_send_status(const account& a, wall_time now);

struct sent {
    std::string phone; // 11 digits
    std::string SerialNo, Code, Message;
};
struct answer {
    std::string Code, Message;  // of Response.Error; Code empty: none
    std::vector<sent> sent_to;  // SendSms: of each number
    std::size_t unreadable = 0; // entries of SendStatusSet
    json statuses;              // PullSmsSendStatus: the array, for cloud_receipts.hpp
};
// Of either action, whatever the HTTP status. Failure invalid: no answer of this service.
result<answer> read_answer(std::string_view body);

} // namespace zhida::gateways::tencent
