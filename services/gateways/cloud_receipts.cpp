#include "services/gateways/cloud_receipts.hpp"

#include "common/base/crypto.hpp"
#include "services/gateways/aliyun_codes.hpp"
#include "services/gateways/cloud_entry.hpp"
#include "services/gateways/tencent_codes.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

constexpr std::size_t most_entries = 10'000, most_code = 64, most_id = 128;

bool digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool ours(std::string_view out_id) {
    return out_id.size() == 34 && out_id.starts_with("zd") &&
           std::all_of(out_id.begin() + 2, out_id.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string phone_of(json_reader& in, std::string_view member, bool required) {
    const auto phone = plain_phone(in.text(member, required, 32).value_or(""));
    if (phone.empty() && !required) return "";
    if (in.errors().empty() && (phone.size() < 5 || phone.size() > 20 || !digits(phone)))
        in.error_at(member, "is no phone number");
    return phone;
}

// Aliyun documents a boolean; a text of it is understood as well.
bool success_of(json_reader& in) {
    if (in.has("success") && in["success"].value().is_string()) {
        const auto text = in.text("success", true, 8).value_or("");
        if (text != "true" && text != "false") in.error_at("success", "is neither true nor false");
        return text == "true";
    }
    return in.boolean("success", true).value_or(false);
}

receipt of_aliyun(json_reader& in, std::string_view secret, wall_time now, const own_codes& codes) {
    receipt r;
    r.phone = phone_of(in, "phone_number", true);
    const bool success = success_of(in);
    r.means = success ? receipt::meaning::delivered : receipt::meaning::failed;
    r.status = text_if_any(in, "err_code", most_code);
    if (r.status.empty()) r.status = success ? "success" : "failed";
    r.at = time_if_any(in, "report_time", now);
    const auto biz_id = in.text("biz_id", true, most_id).value_or("");
    auto out_id = text_if_any(in, "out_id", 256);
    if (!ours(out_id)) out_id = biz_id; // of somebody else who uses the account: nobody will know it
    if (in.errors().empty() && out_id.empty()) in.error_at("biz_id", "is empty");
    r.message_id = aliyun_message_id(out_id, r.phone, secret);
    if (!success)
        r.recipient_fault = codes.fault_of_receipt(r.status, aliyun::fault_of_receipt(r.status, false));
    return r;
}

receipt of_tencent(json_reader& in, const char* id, const char* phone, const char* status, wall_time at,
                   const own_codes& codes) {
    receipt r;
    r.message_id = in.text(id, true, most_id).value_or("");
    if (in.errors().empty() && r.message_id.empty()) in.error_at(id, "is empty");
    r.phone = phone_of(in, phone, false);
    const auto report =
        in.text(in.has("report_status") ? "report_status" : "ReportStatus", true, 16).value_or("");
    if (in.errors().empty() && report != "SUCCESS" && report != "FAIL")
        in.error("its report status is neither SUCCESS nor FAIL");
    const bool success = report == "SUCCESS";
    r.means = success ? receipt::meaning::delivered : receipt::meaning::failed;
    r.status = text_if_any(in, status, most_code);
    if (r.status.empty()) r.status = report;
    r.at = at;
    if (!success)
        r.recipient_fault = codes.fault_of_receipt(r.status, tencent::fault_of_receipt(r.status, false));
    return r;
}

receipt of_tencent_push(json_reader& in, wall_time now, const own_codes& codes) {
    return of_tencent(in, "sid", "mobile", "errmsg", time_if_any(in, "user_receive_time", now), codes);
}

receipt of_tencent_pull(json_reader& in, wall_time now, const own_codes& codes) {
    return of_tencent(in, "SerialNo", "PhoneNumber", "Description",
                      seconds_if_any(in, "UserReceiveTime", now), codes);
}

template <class One>
cloud_receipts each_of(const json& list, const std::string& gateway, One one) {
    cloud_receipts out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        std::vector<failure> errors;
        json_reader in(list[i], "/" + std::to_string(i), errors);
        if (in.is_object()) {
            auto r = one(in);
            r.gateway = gateway;
            if (errors.empty()) out.receipts.push_back(std::move(r));
        }
        if (!errors.empty()) out.wrong.push_back(std::move(errors.front()));
    }
    return out;
}

result<json> read_array(std::string_view body) {
    auto list = parse_pushed(body);
    if (!list) return list.error();
    if (!list->is_array() || list->size() > most_entries)
        return failure{errc::invalid,
                       list->is_array() ? "more than " + std::to_string(most_entries) + " receipts"
                                        : "no JSON array of receipts",
                       "/", "is this what the vendor pushes?"};
    return list;
}

} // namespace

result<cloud_receipts> read_aliyun_receipts(std::string_view body, const std::string& gateway,
                                            std::string_view secret, wall_time now, const own_codes& codes) {
    const auto list = read_array(body);
    if (!list) return list.error();
    return each_of(*list, gateway, [&](json_reader& in) { return of_aliyun(in, secret, now, codes); });
}

result<cloud_receipts> read_tencent_receipts(std::string_view body, const std::string& gateway, wall_time now,
                                             const own_codes& codes) {
    const auto list = read_array(body);
    if (!list) return list.error();
    return each_of(*list, gateway, [&](json_reader& in) { return of_tencent_push(in, now, codes); });
}

cloud_receipts read_pulled_receipts(const json& statuses, const std::string& gateway, wall_time now,
                                    const own_codes& codes) {
    return each_of(statuses, gateway, [&](json_reader& in) { return of_tencent_pull(in, now, codes); });
}

std::string aliyun_message_id(std::string_view out_id, std::string_view phone, std::string_view secret) {
    const auto mac = crypto::hmac_sha256(secret, plain_phone(phone));
    return std::string(out_id) + ":" + crypto::hex({reinterpret_cast<const char*>(mac.data()), 8});
}

std::string new_out_id() {
    return "zd" + crypto::hex(crypto::random_bytes(16));
}

} // namespace zhida::gateways
