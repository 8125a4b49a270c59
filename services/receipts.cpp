#include "services/receipts.hpp"

#include "common/base/json.hpp"
#include "services/gateways/cmpp_stats.hpp"

namespace zhida {

namespace {

using meaning = gateways::receipt::meaning;
constexpr std::pair<meaning, const char*> meanings[] = {
    {meaning::delivered, "delivered"}, {meaning::failed, "failed"}, {meaning::intermediate, "intermediate"}};

ledger::reason reason_of(const arrived_receipt& r) {
    if (r.fault == "bad_number") return ledger::reason::bad_number;
    if (r.fault == "not_following") return ledger::reason::not_following;
    if (r.fault == "refused") return ledger::reason::refused;
    return ledger::reason::undelivered;
}

} // namespace

std::string message_store_of(std::string_view gateway) {
    const bool wechat = gateway == "wechat" || gateway == "miniprogram" || gateway == "wecom";
    return to_string(wechat ? channel::wechat : channel::sms);
}

std::string receipt_text(const gateways::receipt& r) {
    const char* means = "failed";
    for (const auto& [value, name] : meanings)
        if (value == r.means) means = name;
    json out{{"gateway", r.gateway},       {"message_id", r.message_id},
             {"status", r.status},         {"means", means},
             {"fault", r.recipient_fault}, {"at_ms", r.at.time_since_epoch().count()}};
    if (r.pushed) out["pushed"] = true;
    return to_text(out);
}

result<arrived_receipt> read_receipt(const json& data, std::vector<failure>& errors) {
    json_reader in(data, "", errors);
    arrived_receipt r;
    if (!in.is_object()) return errors.front();
    r.status = in.text("status", true, 64).value_or("");
    const auto fault = in.text("fault", false, 64);
    r.at_ms = in.integer("at_ms", true, 0, INT64_MAX).value_or(0);
    const auto name = in.text("means", true, 16).value_or("");
    bool known = false;
    for (const auto& [value, text] : meanings)
        if (name == text) {
            r.means = value;
            known = true;
        }
    if (!known) in.error_at("means", "'" + name + "' is none of delivered, failed, intermediate");
    const auto gateway = in.text("gateway", false).value_or(""),
               id = in.text("message_id", false).value_or("");
    if (in.boolean("pushed", false).value_or(false)) r.pushed_id = gateways::scoped_message_id(gateway, id);
    auto place = store::read_message_place(in.text("place", true, 512).value_or(""));
    if (!place) in.error_at("place", place.error().what);
    if (!errors.empty()) return errors.front();
    r.place = std::move(*place);
    if (fault)
        r.fault = *fault;
    else if (r.place.via == channel::sms && r.means == meaning::failed)
        r.fault = gateways::cmpp::reaction_to_stat(r.status).recipient_fault;
    return r;
}

ledger::record record_of(const arrived_receipt& r) {
    ledger::record to;
    const bool delivered = r.means == meaning::delivered;
    to.now = delivered ? ledger::state::delivered : ledger::state::failed;
    if (!delivered) to.why = reason_of(r);
    to.at = static_cast<std::uint32_t>(r.at_ms / 1000);
    return to;
}

} // namespace zhida
