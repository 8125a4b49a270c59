// Who may post as WeChat or WeCom, and what they are answered: signatures, times, and the encryption of the
// safe mode. Pure. Source: developers.weixin.qq.com, 接入指南, 消息加解密说明; developer.work.weixin.qq.com,
// 回调配置.
#pragma once

#include "services/gateways/wechat_crypto.hpp"
#include "services/gateways/wechat_events.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace zhida::gateways {

// Of the request's query, decoded; empty where it has none.
struct wechat_query {
    std::string signature, msg_signature, timestamp, nonce, echostr, encrypt_type;
};

// Whoever is refused is told this and no more, whatever the fault; the failure is for the operator.
inline constexpr int wechat_refused_status = 403;
inline constexpr const char* wechat_refused_body = "refused";
// What keeps the platform from telling the event again (it does so three times, after 5 seconds each).
inline constexpr const char* wechat_kept = "success";

class wechat_door {
  public:
    static constexpr milliseconds most_skew{300'000};

    // name: "wechat", "miniprogram" or "wecom", the section of the configuration. callback_aes_key may be
    // empty: the account posts in clear (明文模式). receive_id: appid or corpid. Failure invalid (where: the
    // configuration's key).
    static result<wechat_door> of(std::string name, std::string callback_token,
                                  std::string_view callback_aes_key, std::string receive_id);

    // GET: what is to be echoed as text/plain. WeCom's echostr is encrypted, known by its msg_signature.
    // refused: not from the platform, too old, or settings that differ from the platform's.
    result<std::string> verify(const wechat_query& query, wall_time now) const;

    // POST: the event. An account with an AES key takes what is encrypted and nothing else, also where the
    // same stands beside it in clear (兼容模式). refused: as above. invalid: from the platform, but it cannot
    // be read; telling it again will not help.
    result<wechat_event> open(const wechat_query& query, std::string_view body, wall_time now) const;

    // A text to whoever wrote, in place of wechat_kept: encrypted and signed where the account has a key.
    // random: 24 bytes, new ones for each answer.
    std::string answer(const wechat_event& to, std::string_view text, wall_time now,
                       std::string_view random) const;
    std::string answer(const wechat_event& to, std::string_view text, wall_time now) const;

    const std::string& name() const noexcept { return name_; }
    bool encrypts() const noexcept { return cipher_.has_value(); }

  private:
    wechat_door() = default;
    std::optional<failure> fault(const wechat_query& query, const char* signature_name,
                                 std::optional<std::string_view> encrypted, wall_time now) const;
    failure refused(std::string what, const char* key, std::string fix) const;
    const char* receive_key() const noexcept { return name_ == "wecom" ? "corpid" : "appid"; }

    std::string name_, token_;
    std::optional<callback_cipher> cipher_;
};

} // namespace zhida::gateways
