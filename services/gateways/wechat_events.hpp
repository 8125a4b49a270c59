// What WeChat and WeCom post to us, as they write it: XML, read without DTDs and entities of its own, or JSON
// where an account of a mini-program is set to it (数据格式). Pure.
// Source: developers.weixin.qq.com, 接收事件推送, 模板消息, 订阅通知; developer.work.weixin.qq.com.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

inline constexpr std::size_t most_event_bytes = 64 << 10;
inline constexpr std::size_t most_envelope_bytes = 256 << 10; // an event in clear and encrypted

// The outer document of the safe mode; in the mixed mode (兼容模式) what else it holds is not looked at.
// invalid: neither XML nor a JSON object, a DTD, no Encrypt, or more than most_envelope_bytes.
struct encrypted_event {
    std::string to; // ToUserName
    std::string encrypted;
};
result<encrypted_event> read_encrypted_event(std::string_view xml);
// The answer in safe mode: Encrypt, MsgSignature, TimeStamp, Nonce.
std::string encrypted_answer(std::string_view encrypted, std::string_view signature,
                             std::string_view timestamp, std::string_view nonce);
// A text as the answer to what somebody wrote or did (被动回复), before it is encrypted; cut to the 2048
// bytes that the platform takes.
std::string text_answer(std::string_view to, std::string_view from, wall_time now, std::string_view text);

// What became of one template in an event about subscription notices.
struct subscription_entry {
    std::string template_id;
    std::string status; // accept | reject | ban | filter ..., lower case; of a message sent: success | failed
    std::string msg_id; // of subscribe_msg_sent_event
    std::int64_t error_code = 0; // of the same
    std::string error_status;    // of the same
};

struct wechat_event {
    std::string to, from; // ToUserName: the account; FromUserName: openid, WeCom: userid
    wall_time at{};       // CreateTime
    std::string type;     // MsgType in lower case: event | text | image ...
    std::string event;    // Event in lower case: subscribe | unsubscribe | scan | templatesendjobfinish ...
    std::string key;      // EventKey: of a QR code that was scanned, without "qrscene_"
    std::string text;     // Content of a text, up to 4096 bytes
    std::string msg_id;   // MsgId of what somebody wrote, MsgID of a template message
    std::string status;   // of templatesendjobfinish, without spaces after the colon: failed:user block
    std::vector<subscription_entry> entries; // one or many <List>, at most 100
};
// invalid: neither XML nor a JSON object, a DTD, nested deeper than 16 levels, or without what every event
// has (FromUserName of up to 128 bytes, CreateTime, MsgType); more than most_event_bytes. Other members are
// cut to what anything of ours can be as long as.
result<wechat_event> read_wechat_event(std::string_view xml);

// The same for the same event told again, another for every other: of what somebody wrote by sender and
// MsgId; of events by sender, time, name, key, status, and the message ids and templates in it (MsgID alone
// collides). A digest: names nobody.
std::string repetition_key(const wechat_event& e);

} // namespace zhida::gateways
