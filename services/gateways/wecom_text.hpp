// What is said by WeCom (企业微信), made to fit its limits. Pure. Source: developer.work.weixin.qq.com,
// 发送应用消息.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

struct wecom_text {
    std::string title;
    std::string description; // lines
    std::string url;         // opened when the message is tapped; may be empty
    bool operator==(const wecom_text&) const = default;
    auto operator<=>(const wecom_text&) const = default;
};

// Bytes of UTF-8.
inline constexpr std::size_t most_wecom_title = 128, most_wecom_description = 512, most_wecom_text = 2048;
inline constexpr std::size_t most_wecom_recipients = 1000; // of one call

// At most so many bytes, cut between characters, with … where something was cut. Bytes that are no UTF-8 end
// the text.
std::string cut_to_bytes(std::string_view text, std::size_t bytes);

// What the console allows as a member's name. Others are not sent to: "|" would be two members and "@all" the
// whole corporation.
bool valid_userid(std::string_view userid) noexcept;
// The platform does not tell upper from lower case, and answers in lower case.
std::string folded_userid(std::string_view userid);

// The body of message/send: a text card where there is a url, else a text. A repetition of it within
// duplicate_check_s is dropped by the platform.
inline constexpr std::int64_t duplicate_check_s = 1800;
std::string wecom_body(const wecom_text& text, const std::vector<std::string>& userids, std::int64_t agentid);

} // namespace zhida::gateways
