#include "services/gateways/gateway.hpp"

namespace zhida::gateways {

std::string plain_phone(std::string_view phone) {
    for (const std::string_view prefix : {"+86", "0086", "86"})
        if (phone.starts_with(prefix) && phone.size() == prefix.size() + 11)
            return std::string(phone.substr(prefix.size()));
    return std::string(phone);
}

std::string scoped_message_id(std::string_view gateway, std::string_view id) {
    return id.empty() ? std::string() : message_id_scope(gateway) + std::string(id);
}
std::string message_id_scope(std::string_view gateway) {
    return gateway == "sms" ? std::string() : std::string(gateway) + "/";
}

json to_json(const gateway_status& s) {
    return {{"name", s.name},
            {"protocol", s.protocol},
            {"state", s.state},
            {"detail", s.detail},
            {"sent", s.sent},
            {"accepted", s.accepted},
            {"rejected", s.rejected},
            {"retried", s.retried},
            {"unknown", s.unknown},
            {"receipts", s.receipts},
            {"orphans", s.orphans},
            {"in_flight", s.in_flight},
            {"window", s.window},
            {"since_ms", s.since_ms},
            {"circuit", s.circuit},
            {"inbound", s.inbound},
            {"codes", s.codes},
            {"rate_per_s", s.rate_per_s},
            {"connections", s.connections},
            {"weight", s.weight},
            {"health", s.health},
            {"receipt_ms", s.receipt_ms}};
}

} // namespace zhida::gateways
