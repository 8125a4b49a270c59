// What no gateway should send, each with a name. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::simulator {

// In words, for error messages.
inline constexpr const char* bad_pdu_names =
    "unknown_pdu, malformed_pdu, oversized_pdu, undersized_pdu, orphan_response";

// unknown_pdu      a command of no version, in a frame of the right length
// malformed_pdu    a DELIVER whose Msg_Length points out of its frame, a deliver_sm whose fields do not end
// oversized_pdu    a length that no PDU has: the stream cannot be read any further
// undersized_pdu   a length shorter than the header: likewise
// orphan_response  an answer to a submit (in CMPP of 3.0) with a sequence number that was not asked with
// Empty: no such name.
std::string bad_cmpp_pdu(std::string_view name, std::uint32_t Sequence_Id);
std::string bad_smpp_pdu(std::string_view name, std::uint32_t sequence_number);

} // namespace zhida::simulator
