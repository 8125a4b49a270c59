// Where WeChat reaches a contact, as contacts have it in `openid`: the openid of our official account; "mp:"
// and that of our mini-program; "wecom:" and a member's userid. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zhida {

enum class wechat_account : std::uint8_t { official, miniprogram, wecom };
inline constexpr int wechat_account_count = 3;
const char* to_string(wechat_account) noexcept; // as gateways are named: "wechat", "miniprogram", "wecom"

struct wechat_address {
    wechat_account account = wechat_account::official;
    std::string_view id; // into the text given
};
// Nothing: a prefix without an id.
std::optional<wechat_address> parse_wechat_address(std::string_view text) noexcept;
std::string to_text(const wechat_address& address);

} // namespace zhida
