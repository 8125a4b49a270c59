#include "services/gateways/aliyun_request.hpp"

#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "services/gateways/aliyun_sign.hpp"

#include <cstdio>

namespace zhida::gateways::aliyun {

namespace {

std::string utc_text(wall_time t) { // "2026-11-23T04:55:39Z"
    const auto seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
    const auto day = seconds / 86400, of_day = seconds % 86400;
    char time[16];
    std::snprintf(time, sizeof time, "T%02d:%02d:%02dZ", static_cast<int>(of_day / 3600),
                  static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60));
    return format_date(static_cast<std::int32_t>(day)) + time;
}

std::string text_of(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}
nlohmann::ordered_json variables_of(const sms_body& body) {
    auto out = nlohmann::ordered_json::object();
    for (const auto& [name, value] : body.variables) out[name] = value;
    return out;
}

cloud_call call(const account& a, const stamp& s, const std::string& action,
                std::map<std::string, std::string> query, std::string body) {
    signable r;
    r.query = std::move(query);
    r.body_sha256 = crypto::sha256_hex(body);
    r.headers = {{"host", a.host},
                 {"x-acs-action", action},
                 {"x-acs-content-sha256", r.body_sha256},
                 {"x-acs-date", utc_text(s.now)},
                 {"x-acs-signature-nonce", s.nonce},
                 {"x-acs-version", "2017-05-25"}};
    if (!body.empty()) r.headers["content-type"] = "application/x-www-form-urlencoded";
    cloud_call out;
    out.target = "/?" + canonical_query(r.query);
    for (const auto& [name, value] : r.headers)
        if (name != "host") out.headers.emplace_back(name, value);
    out.headers.emplace_back("accept", "application/json");
    out.headers.emplace_back("authorization", authorization(r, a.access_key, a.secret));
    out.body = std::move(body);
    return out;
}

std::map<std::string, std::string> parameters(const sms_body& body, const std::string& template_id) {
    std::map<std::string, std::string> out{{"SignName", body.signature}, {"TemplateCode", template_id}};
    if (!body.extension.empty()) out["SmsUpExtendCode"] = body.extension;
    if (!body.variables.empty()) out["TemplateParam"] = text_of(variables_of(body));
    return out;
}

result<json> read_object(std::string_view body) {
    auto value = parse_json(body);
    if (!value) return value.error();
    if (!value->is_object())
        return failure{errc::invalid, "the answer is no JSON object", "",
                       "a proxy in between may have answered"};
    return value;
}

result<answer> head_of(const json& value) {
    std::vector<failure> errors;
    json_reader in(value, "", errors);
    answer a;
    a.Code = in.text("Code", true).value_or("");
    a.Message = in.text("Message", false).value_or("");
    a.BizId = in.text("BizId", false, 128).value_or("");
    a.RequestId = in.text("RequestId", false, 128).value_or("");
    if (errors.empty() && !plain_code(a.Code)) in.error_at("Code", "is no code of this service");
    if (!errors.empty()) return errors.front();
    return a;
}

} // namespace

cloud_call send_sms(const account& a, const stamp& s, const sms_body& body, const std::string& template_id,
                    const std::vector<std::string>& phones, const std::string& out_id) {
    auto query = parameters(body, template_id);
    std::string all;
    for (const auto& phone : phones) all += (all.empty() ? "" : ",") + phone;
    query["PhoneNumbers"] = std::move(all);
    query["OutId"] = out_id;
    return call(a, s, "SendSms", std::move(query), "");
}

std::size_t numbers_of_send_sms(const sms_body& body, const std::string& template_id) {
    constexpr std::size_t of_one = 11 + 3, of_others = 100; // "13800000001%2C"; OutId, names
    const auto taken = canonical_query(parameters(body, template_id)).size() + of_others;
    const auto room = most_target_bytes > taken ? (most_target_bytes - taken) / of_one : 0;
    return std::clamp<std::size_t>(room, 1, most_numbers);
}

cloud_call send_batch_sms(const account& a, const stamp& s, const std::string& template_id,
                          const std::vector<addressed>& messages, const std::string& out_id) {
    auto phones = nlohmann::ordered_json::array(), signatures = phones, variables = phones,
         extensions = phones;
    bool any_extension = false;
    for (const auto& m : messages) {
        phones.push_back(m.phone);
        signatures.push_back(m.body->signature);
        variables.push_back(variables_of(*m.body));
        extensions.push_back(m.body->extension);
        any_extension = any_extension || !m.body->extension.empty();
    }
    std::map<std::string, std::string> form{{"PhoneNumberJson", text_of(phones)},
                                            {"SignNameJson", text_of(signatures)},
                                            {"TemplateParamJson", text_of(variables)},
                                            {"OutId", out_id}};
    if (any_extension) form["SmsUpExtendCodeJson"] = text_of(extensions);
    return call(a, s, "SendBatchSms", {{"TemplateCode", template_id}}, canonical_query(form));
}

cloud_call query_send_details(const account& a, const stamp& s, const std::string& phone, std::int32_t day) {
    std::string date = format_date(day);
    std::erase(date, '-');
    return call(a, s, "QuerySendDetails",
                {{"PhoneNumber", phone},
                 {"SendDate", std::move(date)},
                 {"PageSize", std::to_string(page_size)},
                 {"CurrentPage", "1"}},
                "");
}

result<answer> read_answer(std::string_view body) {
    const auto value = read_object(body);
    if (!value) return value.error();
    return head_of(*value);
}

result<send_details> read_send_details(std::string_view body) {
    const auto value = read_object(body);
    if (!value) return value.error();
    auto head = head_of(*value);
    if (!head) return head.error();
    send_details out{std::move(*head), false, {}};
    if (out.head.Code != "OK") return out;
    std::vector<failure> errors;
    json_reader in(*value, "", errors);
    // SDKs in some languages are given the number as a text.
    std::int64_t total = 0;
    if (const auto found = value->find("TotalCount"); found != value->end() && found->is_string()) {
        const auto text = in.text("TotalCount", true, 9).value_or("");
        if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
            in.error_at("TotalCount", "is no number");
        else
            total = std::stoll(text);
    } else {
        total = in.integer("TotalCount", true, 0, 1'000'000'000).value_or(0);
    }
    if (const auto* box = in.object("SmsSendDetailDTOs", true)) {
        json_reader details(*box, "/SmsSendDetailDTOs", errors);
        if (const auto* list = details.array("SmsSendDetailDTO", true, 1000))
            for (std::size_t i = 0; i < list->size(); ++i) {
                json_reader one((*list)[i], "/SmsSendDetailDTOs/SmsSendDetailDTO/" + std::to_string(i),
                                errors);
                if (one.is_object()) out.out_ids.push_back(one.text("OutId", false).value_or(""));
            }
    }
    if (!errors.empty()) return errors.front();
    out.whole = total <= static_cast<std::int64_t>(out.out_ids.size());
    return out;
}

} // namespace zhida::gateways::aliyun
