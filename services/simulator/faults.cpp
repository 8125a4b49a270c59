#include "services/simulator/faults.hpp"

#include "services/simulator/bad_pdu.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

void read_flag(json_reader& in, const char* name, bool& out) {
    if (const auto v = in.boolean(name, false)) out = *v;
}
// One of `known`, or an error that names them all.
template <std::size_t count>
void read_choice(json_reader& in, const char* name, const std::string_view (&known)[count],
                 std::string& out) {
    const auto v = in.text(name, false);
    if (!v) return;
    out = *v;
    if (std::find(std::begin(known), std::end(known), out) != std::end(known)) return;
    std::string all;
    for (std::size_t i = 0; i < count; ++i)
        all.append(i == 0 ? "" : i + 1 < count ? ", " : " or ").append(known[i]);
    in.error_at(name, "must be " + all);
}
void read_number(json_reader& in, const char* name, std::int64_t low, std::int64_t high, std::int64_t& out) {
    if (const auto v = in.integer(name, false, low, high)) out = *v;
}

void read_cmpp(json_reader& in, fault_rule& r) {
    read_flag(in, "blank_authenticator", r.blank_authenticator);
    read_choice(in, "only_version", {"2.0", "3.0"}, r.only_version);
    read_choice(in, "writes", {"bytes", "together"}, r.writes);
    read_choice(in, "active_test", {"none", "bare"}, r.active_test);
    read_choice(in, "response", {"duplicate", "after_next", "same_id", "wrong_sequence"}, r.response);
    if (const auto name = in.text("pdu_before", false)) {
        r.pdu_before = *name;
        if (bad_cmpp_pdu(*name, 1).empty())
            in.error_at("pdu_before", std::string("must be one of ") + bad_pdu_names);
    }
    if (const auto stat = in.text("then_stat", false, 7)) r.then_stat = *stat;
}

fault_rule read_rule(json_reader in) {
    fault_rule r;
    if (!in.is_object()) return r;
    in.only({"channel", "to", "times", "delay_ms", "jitter_ms", "drop_response", "result", "login_status",
             "bad_authenticator", "black_hole", "disconnect_after", "report", "ids", "stat",
             "report_delay_ms", "report_jitter_ms", "errcode", "http_status",
             // WeChat
             "event", "event_status", "event_delay_ms",
             // CMPP
             "blank_authenticator", "only_version", "writes", "active_test", "response", "pdu_before",
             "then_stat",
             // clouds
             "gateway", "code", "text", "whole_request", "err_code"});
    r.channel = in.text("channel", true).value_or("");
    if (!r.channel.empty() && r.channel != "sms" && r.channel != "wechat")
        in.error_at("channel", "must be sms or wechat");
    if (const auto to = in.text("to", false)) r.to = *to;
    read_number(in, "times", -1, INT64_MAX, r.times);
    constexpr std::int64_t day = 86'400'000;
    read_number(in, "delay_ms", 0, day, r.delay_ms);
    read_number(in, "jitter_ms", 0, day, r.jitter_ms);
    read_flag(in, "drop_response", r.drop_response);
    r.result = in.integer("result", false, 0, UINT32_MAX);
    r.login_status = in.integer("login_status", false, 0, UINT32_MAX);
    read_flag(in, "bad_authenticator", r.bad_authenticator);
    read_flag(in, "black_hole", r.black_hole);
    read_number(in, "disconnect_after", 1, INT64_MAX, r.disconnect_after);
    read_choice(in, "report",
                {"normal", "none", "duplicate", "early", "other_layout", "short_tail", "after_next",
                 "elsewhere", "tlv_only", "text_only", "conflicting", "out_of_order"},
                r.report);
    read_choice(in, "ids", {"same", "hex_and_decimal", "decimal_and_hex", "upper", "zeros"}, r.ids);
    if (const auto stat = in.text("stat", false, 7)) r.stat = *stat;
    r.report_delay_ms = in.integer("report_delay_ms", false, 0, day);
    read_number(in, "report_jitter_ms", 0, day, r.report_jitter_ms);
    read_cmpp(in, r);
    r.errcode = in.integer("errcode", false, -1, INT32_MAX);
    r.http_status = in.integer("http_status", false, 400, 599);
    read_choice(in, "event", {"normal", "none", "early", "duplicate"}, r.event);
    read_choice(in, "event_status", {"success", "failed:user block", "failed: system failed"},
                r.event_status);
    r.event_delay_ms = in.integer("event_delay_ms", false, 0, day);
    if (const auto gateway = in.text("gateway", false)) r.gateway = *gateway;
    r.code = in.text("code", false).value_or("");
    r.text = in.text("text", false).value_or("");
    read_flag(in, "whole_request", r.whole_request);
    r.err_code = in.text("err_code", false).value_or("");
    return r;
}

} // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::vector<failure> fault_table::apply(const json& body) {
    std::vector<failure> errors;
    json_reader in(body, "", errors);
    if (!in.is_object()) return errors;
    const bool replace = in.boolean("replace", false).value_or(false);
    std::vector<fault_rule> rules;
    if (const auto* list = in.array("rules", false))
        for (std::size_t i = 0; i < list->size(); ++i)
            rules.push_back(
                read_rule(json_reader(list->at(i), in.at("rules") + "/" + std::to_string(i), errors)));
    if (!errors.empty()) return errors;
    if (replace) rules_.clear();
    rules_.insert(rules_.end(), rules.begin(), rules.end());
    return errors;
}

json fault_table::to_json() const {
    json out = json::array();
    for (const auto& r : rules_)
        out.push_back({{"channel", r.channel}, {"to", r.to}, {"times", r.times}, {"matched", r.matched}});
    return out;
}

} // namespace zhida::simulator
