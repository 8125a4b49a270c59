// Receipts between the gateway session that hears them and the shard that they belong to: pure.
#pragma once

#include "common/store/ledger.hpp"
#include "common/store/messages.hpp"
#include "services/gateways/gateway.hpp"

namespace zhida::dispatcher {

// JSON without the phone number: gateway, message_id, status, means, at_ms.
std::string receipt_text(const gateways::receipt& r);

struct arrived_receipt {
    store::message_place place;
    gateways::receipt::meaning means = gateways::receipt::meaning::failed;
    std::string status;
    std::int64_t at_ms = 0;
};
// The data of a receipt event: receipt_text with "place".
result<arrived_receipt> read_receipt(const json& data, std::vector<failure>& errors);
// delivered, or failed, with the reason that its status tells, since the receipt's time.
ledger::record record_of(const arrived_receipt& r);

} // namespace zhida::dispatcher
