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

    // all
    std::int64_t delay_ms = 0;  // before the answer
    std::int64_t jitter_ms = 0; // and up to so much more at random: answers change places
    bool drop_response = false; // taken and recorded, never answered

    std::string gateway = "*"; // only of this account, by its name in our settings; WeCom's is wecom

    // sms, by CMPP and SMPP; codes of up to 32 bits, of which CMPP 2.0 says no more than 255
    std::optional<std::int64_t> result; // SUBMIT_RESP.Result, command_status; anything but 0: not taken
    // CONNECT_RESP.Status, command_status of a bind's answer; `to` is matched with Source_Addr or system_id
    std::optional<std::int64_t> login_status;
    bool bad_authenticator = false;    // AuthenticatorISMG wrong; `to` as above; CMPP alone
    bool black_hole = false;           // from here on the connection answers nothing at all
    std::int64_t disconnect_after = 0; // the n-th submit that matches is taken, then the connection is closed
    // normal | none | duplicate | early (before the submit's answer); CMPP: other_layout (60 for 71 bytes and
    // the reverse) | short_tail (no LinkID) | after_next (behind the next report, or a second later) |
    // elsewhere (on another connection of the account, where it has one); SMPP: tlv_only (no text) |
    // text_only (no TLVs). What the other protocol has is normal.
    std::string report = "normal";
    // How SMPP's receipt writes the message_id of the submit's answer: same | hex_and_decimal (hexadecimal in
    // the answer, decimal in the receipt) | decimal_and_hex | upper (hexadecimal, in capital letters there) |
    // zeros (decimal, with leading zeros there).
    std::string ids = "same";
    std::string stat = "DELIVRD";
    std::optional<std::int64_t> report_delay_ms;
    std::int64_t report_jitter_ms = 0;

    // At the login, to which `to` is matched as above
    bool blank_authenticator = false; // AuthenticatorISMG all zero; CMPP alone
    std::string only_version;         // "2.0" | "3.0": a CONNECT of the other gets Status 4, or 5; CMPP alone
    // bytes: from here on each byte of this connection is a write of its own; together: what comes within
    // 50 ms is one
    std::string writes;
    // ACTIVE_TEST, enquire_link. none: never answered | bare: answered without the reserved byte (CMPP alone)
    std::string active_test;
    // At a submit
    // duplicate | after_next (when the next submit has been answered, or a second later) | same_id (the
    // message id of the message before) | wrong_sequence (a sequence number that was not asked with)
    std::string response;
    std::string pdu_before; // the submit's answer: see bad_pdu.hpp
    std::string then_stat;  // of a second report, a report delay after the first
    bool at_login() const {
        return login_status || bad_authenticator || blank_authenticator || !only_version.empty() ||
               !writes.empty() || !active_test.empty();
    }

    // wechat: the official account, the mini-program, WeCom and its robots ("robot" and a digest of the key)
    std::optional<std::int64_t> errcode; // answered instead of taking the message
    std::optional<std::int64_t> http_status;
    // What is told of a message that was taken, not by WeCom: normal | none | early (pushed before the
    // answer) | duplicate
    std::string event = "normal";
    std::string event_status = "success"; // success | failed:user block | failed: system failed
    std::optional<std::int64_t> event_delay_ms;

    // clouds, whose channel is sms too; they know delay_ms, jitter_ms, drop_response, http_status,
    // report_delay_ms, report_jitter_ms and two more forms of `report`: conflicting (success, later failure)
    // and out_of_order (held back until another receipt was taken); early comes before the answer
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
