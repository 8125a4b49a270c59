// What the simulators do wrong on purpose: rules by recipient, given at run time. Pure.
#pragma once

#include "common/base/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::simulator {

struct fault_rule {
    std::string channel;     // "sms" | "wechat"
    std::string to = "*";    // phone or openid; * stands for any characters
    std::int64_t times = -1; // how often it still applies; -1: always

    // both
    std::int64_t delay_ms = 0;  // before the answer
    std::int64_t jitter_ms = 0; // and up to so much more at random: answers change places
    bool drop_response = false; // taken and recorded, never answered

    // sms
    std::optional<std::int64_t> result;       // SUBMIT_RESP.Result; anything but 0: not taken
    std::optional<std::int64_t> login_status; // CONNECT_RESP.Status; `to` is matched with Source_Addr
    bool bad_authenticator = false;           // AuthenticatorISMG wrong; `to` as above
    bool black_hole = false;                  // from here on the connection answers nothing at all
    std::int64_t disconnect_after = 0; // the n-th SUBMIT that matches is taken, then the connection is closed
    // normal | none | duplicate | early (before the SUBMIT_RESP) | other_layout (60 for 71 bytes and the
    // reverse) | short_tail (no LinkID)
    std::string report = "normal";
    std::string stat = "DELIVRD";
    std::optional<std::int64_t> report_delay_ms;
    std::int64_t report_jitter_ms = 0;

    // wechat
    std::optional<std::int64_t> errcode; // answered instead of taking the message
    std::optional<std::int64_t> http_status;

    // clouds, whose channel is sms too; they know delay_ms, jitter_ms, drop_response, http_status,
    // report_delay_ms, report_jitter_ms and two more forms of `report`: conflicting (success, later failure)
    // and out_of_order (held back until another receipt was taken); early comes before the answer
    std::string gateway = "*";  // only of this account, by its name in our settings
    std::string code, text;     // the vendor's, answered instead of taking the message
    bool whole_request = false; // Tencent: `code` for the request, not for this number; Aliyun has no other
    std::string err_code;       // of a receipt that tells of a failure; empty: it tells of success

    std::int64_t matched = 0;
};

bool glob_match(std::string_view pattern, std::string_view text) noexcept;

class fault_table {
  public:
    // {"replace": bool, "rules": [...]}; nothing is changed where there are errors.
    std::vector<failure> apply(const json& body);
    void clear() { rules_.clear(); }
    // The first rule that applies, used up by one; nothing where there is none. `wants` looks closer.
    // gateway: the account's name, where it has one.
    template <class Wants>
    std::optional<fault_rule> take(std::string_view channel, std::string_view to, Wants wants,
                                   std::string_view gateway = "") {
        for (auto& rule : rules_) {
            if (rule.channel != channel || rule.times == 0 || !glob_match(rule.gateway, gateway) ||
                !glob_match(rule.to, to) || !wants(rule))
                continue;
            if (rule.times > 0) --rule.times;
            ++rule.matched;
            return rule;
        }
        return std::nullopt;
    }
    json to_json() const;

  private:
    std::vector<fault_rule> rules_;
};

} // namespace zhida::simulator
