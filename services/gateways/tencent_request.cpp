#include "services/gateways/tencent_request.hpp"

#include "services/gateways/tencent_sign.hpp"

namespace zhida::gateways::tencent {

namespace {

cloud_call call(const account& a, wall_time now, const std::string& action, const json& payload) {
    signable r;
    r.service = "sms";
    r.payload = to_text(payload);
    r.timestamp = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    r.headers = {{"content-type", "application/json; charset=utf-8"}, {"host", a.host}};
    cloud_call out;
    out.target = "/";
    out.headers = {{"content-type", r.headers["content-type"]},
                   {"authorization", authorization(r, a.secret_id, a.secret)},
                   {"x-tc-action", action},
                   {"x-tc-version", "2021-01-11"},
                   {"x-tc-timestamp", std::to_string(r.timestamp)},
                   {"x-tc-region", a.region}};
    out.body = std::move(r.payload);
    return out;
}

} // namespace

cloud_call send_sms(const account& a, wall_time now, const sms_body& body, const std::string& template_id,
                    const std::vector<std::string>& phones) {
    json numbers = json::array(), values = json::array();
    for (const auto& phone : phones) numbers.push_back("+86" + phone);
    for (const auto& [name, value] : body.variables) values.push_back(value);
    json request{{"PhoneNumberSet", std::move(numbers)},
                 {"SmsSdkAppId", a.app_id},
                 {"TemplateId", template_id},
                 {"SignName", body.signature},
                 {"TemplateParamSet", std::move(values)}};
    if (!body.extension.empty()) request["ExtendCode"] = body.extension;
    return call(a, now, "SendSms", std::move(request));
}

cloud_call pull_send_status(const account& a, wall_time now) {
    return call(a, now, "PullSmsSendStatus", {{"Limit", most_pulled}, {"SmsSdkAppId", a.app_id}});
}

result<answer> read_answer(std::string_view body) {
    const auto value = parse_json(body);
    if (!value) return value.error();
    std::vector<failure> errors;
    json_reader in(*value, "", errors);
    const auto* response = in.is_object() ? in.object("Response", true) : nullptr;
    if (!response) return errors.front();
    json_reader r(*response, "/Response", errors);
    answer a;
    if (const auto* error = r.object("Error", false)) {
        json_reader e(*error, "/Response/Error", errors);
        a.Code = e.text("Code", true).value_or("");
        a.Message = e.text("Message", false).value_or("");
        if (errors.empty() && !plain_code(a.Code)) e.error_at("Code", "is no code of this service");
    } else if (const auto* statuses = r.array("PullSmsSendStatusSet", false)) {
        a.statuses = *statuses;
    } else if (const auto* set = r.array("SendStatusSet", true)) {
        for (std::size_t i = 0; i < set->size(); ++i) {
            std::vector<failure> wrong;
            json_reader one((*set)[i], "/Response/SendStatusSet/" + std::to_string(i), wrong);
            sent s;
            if (one.is_object()) {
                s.phone = plain_phone(one.text("PhoneNumber", true, 32).value_or(""));
                s.SerialNo = one.text("SerialNo", false, 128).value_or("");
                s.Code = one.text("Code", true).value_or("");
                s.Message = one.text("Message", false).value_or("");
            }
            if (wrong.empty() && plain_code(s.Code))
                a.sent_to.push_back(std::move(s));
            else
                ++a.unreadable;
        }
    }
    if (!errors.empty()) return errors.front();
    return a;
}

} // namespace zhida::gateways::tencent
