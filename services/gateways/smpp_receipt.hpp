// A delivery receipt of SMPP as a receipt, and message ids in one form. Pure.
#pragma once

#include "services/gateways/code_table.hpp"
#include "services/gateways/gateway.hpp"
#include "services/gateways/smpp_codec.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::gateways::smpp {

// sms.receipt_ids: as_given, or receipts name in decimal what the submit_sm_resp said in hexadecimal, or the
// other way round.
enum class receipt_ids : std::uint8_t { as_given, decimal_of_hex, hex_of_decimal };
receipt_ids receipt_ids_of(std::string_view setting) noexcept;
// Of a submit_sm_resp, as receipts will name it here.
std::string submitted_id(std::string_view message_id, receipt_ids ids);

// In lower case; of digits and letters a to f alone, also without leading zeros: SMSCs write one id in
// several ways.
std::string folded_id(std::string_view message_id);
// "4096" -> "1000", of any length; folded_id() of what is no decimal number.
std::string hex_of_decimal_id(std::string_view message_id);

// Where message_state contradicts the stat of the text, it wins; else the text, which may be more exact
// (codes of the networks); what that means: `codes`, then smpp_results.hpp. `now` stands in where done date
// is no time. Failure invalid: it names no message.
result<gateways::receipt> receipt_of(const deliver_sm& d, receipt_ids ids, std::string gateway, wall_time now,
                                     const own_codes& codes = {});

// The format (as of inbound_utf8) of a data_coding: SMPP's own 0 to 15, and the network's octet above.
// Source: SMPP 3.4 clause 5.2.19, 3GPP TS 23.038 clause 4; 15 is what gateways in China use for GBK.
std::uint8_t text_format(std::uint8_t data_coding) noexcept;

} // namespace zhida::gateways::smpp
