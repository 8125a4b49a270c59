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
// malformed_pdu    a DELIVER whose Msg_Length points out of its frame
// oversized_pdu    a Total_Length that no PDU has: the stream cannot be read any further
// undersized_pdu   a Total_Length shorter than the header: likewise
// orphan_response  a SUBMIT_RESP (3.0) with a Sequence_Id that was not asked with
// Empty: no such name.
std::string bad_pdu(std::string_view name, std::uint32_t Sequence_Id);

} // namespace zhida::simulator
