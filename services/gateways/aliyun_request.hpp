// Requests of Aliyun's SMS service (Dysmsapi 2017-05-25) and its answers. Pure. Sources: help.aliyun.com
// "SendSms", "SendBatchSms", "QuerySendDetails"; parameters travel as the vendor's SDKs send them.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "services/gateways/cloud_call.hpp"
#include "services/gateways/sms_gateway.hpp"

#include <cstdint>

namespace zhida::gateways::aliyun {

inline constexpr std::size_t most_numbers = 1000; // of one SendSms
inline constexpr std::size_t most_batch = 100;    // of one SendBatchSms
inline constexpr std::size_t page_size = 50;      // of QuerySendDetails, at most
// Of the target of a SendSms, which carries the numbers: servers refuse a head of more than 16 KB.
inline constexpr std::size_t most_target_bytes = 14'000;

struct account {
    std::string access_key, secret;
    std::string host; // host_of(base_url)
};
struct stamp {
    wall_time now{};
    std::string nonce; // never the same twice
};

// Phones are mainland numbers of 11 digits. `template_id`: TemplateCode.
cloud_call send_sms(const account& a, const stamp& s, const sms_body& body, const std::string& template_id,
                    const std::vector<std::string>& phones, const std::string& out_id);
// How many numbers a SendSms of this text has room for.
std::size_t numbers_of_send_sms(const sms_body& body, const std::string& template_id);
struct addressed {
    std::string phone;
    const sms_body* body; // of the same template
};
cloud_call send_batch_sms(const account& a, const stamp& s, const std::string& template_id,
                          const std::vector<addressed>& messages, const std::string& out_id);
// What became of the messages to one number on one day of Shanghai's (days since 1970): the first page.
cloud_call query_send_details(const account& a, const stamp& s, const std::string& phone, std::int32_t day);

struct answer {
    std::string Code, Message, BizId, RequestId;
};
// Of any action, whatever the HTTP status. Failure invalid: no answer of this service.
result<answer> read_answer(std::string_view body);

struct send_details {
    answer head;
    bool whole = false; // the page has all messages to the number on that day
    std::vector<std::string> out_ids;
};
result<send_details> read_send_details(std::string_view body);

} // namespace zhida::gateways::aliyun
