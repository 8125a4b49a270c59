#include "common/model/wechat_address.hpp"

namespace zhida {

namespace {

constexpr std::string_view prefixes[wechat_account_count] = {"", "mp:", "wecom:"};

}

const char* to_string(wechat_account a) noexcept {
    switch (a) {
    case wechat_account::official:
        return "wechat";
    case wechat_account::miniprogram:
        return "miniprogram";
    case wechat_account::wecom:
        break;
    }
    return "wecom";
}

std::optional<wechat_address> parse_wechat_address(std::string_view text) noexcept {
    for (const auto a : {wechat_account::miniprogram, wechat_account::wecom}) {
        const auto prefix = prefixes[static_cast<int>(a)];
        if (!text.starts_with(prefix)) continue;
        text.remove_prefix(prefix.size());
        return text.empty() ? std::nullopt : std::optional<wechat_address>({a, text});
    }
    if (text.empty()) return std::nullopt;
    return wechat_address{wechat_account::official, text};
}

std::string to_text(const wechat_address& a) {
    return std::string(prefixes[static_cast<int>(a.account)]).append(a.id);
}

} // namespace zhida
