// Receipts between who hears them (a gateway session, or the portal's callback) and the shard that they
// belong to: pure.
#pragma once

#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "services/gateways/gateway.hpp"

#include <string>
#include <string_view>

namespace zhida {

// Under which gateway store::messages keeps a gateway's messages, by gateways::scoped_message_id: that of the
// channel.
std::string message_store_of(std::string_view gateway);

// JSON without the phone number: gateway, message_id, status, means, fault, at_ms, pushed.
std::string receipt_text(const gateways::receipt& r);

struct arrived_receipt {
    store::message_place place;
    gateways::receipt::meaning means = gateways::receipt::meaning::failed;
    std::string status;
    std::string fault; // of the recipient, as in gateways::receipt
    std::int64_t at_ms = 0;
    std::string pushed_id; // gateways::scoped_message_id of one that the portal heard; else empty
};
// The data of a receipt event: receipt_text with "place". Events of older versions have no fault: it is then
// what their status says by CMPP, the only protocol that they had.
result<arrived_receipt> read_receipt(const json& data, std::vector<failure>& errors);
// delivered, or failed, with the reason that its fault tells, since the receipt's time.
ledger::record record_of(const arrived_receipt& r);

} // namespace zhida
