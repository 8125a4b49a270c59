// What SMS clouds push to us: receipts and replies, to /gateways/NAME/receipts/SECRET and
// /gateways/NAME/replies/SECRET. It is answered once the event log (or Redis, for a reply) has it, and within
// a second whatever happens: who waits longer pushes again, and makes a slow service slower.
#pragma once

#include "services/portal/routes.hpp"

namespace zhida::portal {

handler_function post_gateway_receipts;
handler_function post_gateway_replies;

// "13800000001" -> "138****0001", wherever one stands in the text.
std::string phones_masked(std::string_view text);

} // namespace zhida::portal
