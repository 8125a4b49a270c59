// SMPP 3.4 on the wire: pure encoding and decoding, fields named as in the protocol. Source: "Short Message
// Peer to Peer Protocol Specification v3.4", issue 1.2 (clauses 3 to 5). All integers are big-endian; a
// C-octet string ends with a NUL, which its size counts.
#pragma once

#include "common/base/error.hpp"
#include "services/gateways/wire.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zhida::gateways::smpp {

enum class command : std::uint32_t {
    bind_receiver = 1,
    bind_transmitter = 2,
    submit_sm = 4,
    deliver_sm = 5,
    unbind = 6,
    bind_transceiver = 9,
    enquire_link = 0x15,
    generic_nack = 0x80000000,
    bind_receiver_resp = 0x80000001,
    bind_transmitter_resp = 0x80000002,
    submit_sm_resp = 0x80000004,
    deliver_sm_resp = 0x80000005,
    unbind_resp = 0x80000006,
    bind_transceiver_resp = 0x80000009,
    enquire_link_resp = 0x80000015,
};

// command_status, clause 5.1.3: those that are said or looked at here.
namespace status {
inline constexpr std::uint32_t ESME_ROK = 0, ESME_RINVMSGLEN = 1, ESME_RINVCMDLEN = 2, ESME_RINVCMDID = 3,
                               ESME_RINVBNDSTS = 4, ESME_RALYBND = 5, ESME_RSYSERR = 8,
                               ESME_RINVSRCADR = 0x0A, ESME_RINVDSTADR = 0x0B, ESME_RBINDFAIL = 0x0D,
                               ESME_RINVPASWD = 0x0E, ESME_RINVSYSID = 0x0F, ESME_RMSGQFUL = 0x14,
                               ESME_RTHROTTLED = 0x58, ESME_RUNKNOWNERR = 0xFF;
} // namespace status

// Tags of optional parameters, clause 5.3.2.
namespace tag {
inline constexpr std::uint16_t receipted_message_id = 0x001E, sar_msg_ref_num = 0x020C,
                               sar_total_segments = 0x020E, sar_segment_seqnum = 0x020F,
                               sc_interface_version = 0x0210, network_error_code = 0x0423,
                               message_payload = 0x0424, message_state = 0x0427;
} // namespace tag

inline constexpr std::uint8_t interface_version_34 = 0x34;
// esm_class, clause 5.2.12: the bits of the message type, and of a user data header.
inline constexpr std::uint8_t esm_type_mask = 0x3C, esm_delivery_receipt = 0x04, esm_intermediate = 0x20,
                              esm_udhi = 0x40;
inline constexpr std::uint8_t data_coding_ucs2 = 8;

inline constexpr std::size_t header_size = 16;
// A message_payload of 65,535 bytes with every other field full; more is no SMPP.
inline constexpr std::size_t max_command_length = 70'000;
inline constexpr std::size_t max_short_message = 254;

struct tlv {
    std::uint16_t tag = 0;
    std::string value; // at most 65,535 bytes
    bool operator==(const tlv&) const = default;
};
// In the order of the wire; those that are not known here are kept.
using tlvs = std::vector<tlv>;

const tlv* find(const tlvs& among, std::uint16_t tag) noexcept;

struct bind {
    command as = command::bind_transceiver; // one of the three
    std::string system_id;                  // 16
    std::string password;                   // 9
    std::string system_type;                // 13
    std::uint8_t interface_version = interface_version_34;
    std::uint8_t addr_ton = 0, addr_npi = 0;
    std::string address_range; // 41
    bool operator==(const bind&) const = default;
};

struct bind_resp {
    command as = command::bind_transceiver_resp; // one of the three
    std::string system_id;                       // 16
    tlvs optional;
    bool operator==(const bind_resp&) const = default;
};

struct unbind {
    bool operator==(const unbind&) const = default;
};
struct unbind_resp {
    bool operator==(const unbind_resp&) const = default;
};
struct enquire_link {
    bool operator==(const enquire_link&) const = default;
};
struct enquire_link_resp {
    bool operator==(const enquire_link_resp&) const = default;
};
struct generic_nack {
    bool operator==(const generic_nack&) const = default;
};

// What submit_sm and deliver_sm have alike: everything.
struct sm {
    std::string service_type; // 6
    std::uint8_t source_addr_ton = 0, source_addr_npi = 0;
    std::string source_addr; // 21
    std::uint8_t dest_addr_ton = 0, dest_addr_npi = 0;
    std::string destination_addr; // 21
    std::uint8_t esm_class = 0, protocol_id = 0, priority_flag = 0;
    std::string schedule_delivery_time, validity_period; // 17, or empty
    std::uint8_t registered_delivery = 0, replace_if_present_flag = 0;
    std::uint8_t data_coding = 0; // 0 the SMSC's default, 3 Latin-1, 4 binary, 8 UCS2 big-endian
    std::uint8_t sm_default_msg_id = 0;
    std::string short_message; // at most 254 bytes; empty where message_payload has the text
    tlvs optional;
    bool operator==(const sm&) const = default;
};
struct submit_sm : sm {
    bool operator==(const submit_sm&) const = default;
};
struct deliver_sm : sm {
    bool operator==(const deliver_sm&) const = default;
};

struct submit_sm_resp {
    std::string message_id; // 65; in whatever form the SMSC likes
    tlvs optional;          // none in 3.4, some in 5.0
    bool operator==(const submit_sm_resp&) const = default;
};
struct deliver_sm_resp {
    std::string message_id; // unused: empty
    tlvs optional;
    bool operator==(const deliver_sm_resp&) const = default;
};

// A command that is not spoken here; the body is kept unread.
struct other {
    std::uint32_t command_id = 0;
    std::string body;
    bool operator==(const other&) const = default;
};

struct pdu {
    std::uint32_t command_status = 0; // of responses
    std::uint32_t sequence_number = 0;
    std::variant<bind, bind_resp, unbind, unbind_resp, submit_sm, submit_sm_resp, deliver_sm, deliver_sm_resp,
                 enquire_link, enquire_link_resp, generic_nack, other>
        body;
    bool operator==(const pdu&) const = default;
};

// A response with a command_status and nothing to say is its header alone. Failure invalid, where =
// "submit_sm.source_addr": a field that does not fit.
result<std::string> encode(const pdu& p);
// The same behind what `to` holds, which is left as it was on failure.
result<void> append(std::string& to, const pdu& p);

// One whole frame as the splitter gives it. A response may be its header alone. Failure invalid: fields that
// reach over the end, a C-octet string that is too long, bytes that are no TLV.
result<pdu> decode(std::string_view frame);
// A submit_sm_resp, which comes most, without the detour over a pdu; false: it is something else, or
// unreadable. What follows the message_id is not looked at. The view lives as long as the frame.
struct submit_sm_resp_view {
    std::uint32_t command_status = 0, sequence_number = 0;
    std::string_view message_id;
};
bool read_submit_sm_resp(std::string_view frame, submit_sm_resp_view& r) noexcept;
// What a frame of at least header_size bytes, readable or not, says of itself: for a generic_nack.
std::uint32_t command_id_of(std::string_view frame) noexcept;
std::uint32_t sequence_number_of(std::string_view frame) noexcept;

// The text, wherever it stands: message_payload where there is one.
std::string_view message_of(const sm& m) noexcept;
// The value of that TLV up to its NUL; empty: there is none.
std::string_view receipted_message_id(const sm& m) noexcept;
std::optional<std::uint8_t> message_state(const sm& m) noexcept;
// 2 -> "DELIVRD", clause 5.2.28; "UNKNOWN" where the number means nothing.
const char* stat_of(std::uint8_t message_state) noexcept;

// A delivery receipt, appendix B. Whatever the SMSC left out is empty.
struct receipt {
    std::string id;                     // as the SMSC wrote it: decimal, hexadecimal, a GUID ...
    std::string sub, dlvrd;             // "001"
    std::string submit_date, done_date; // YYMMDDhhmm, often with seconds, sometimes nonsense
    std::string stat;                   // DELIVRD, UNDELIV ..., in capital letters
    std::string err;                    // the network's own code
    std::string text;                   // the first characters of the message
    bool operator==(const receipt&) const = default;
};
// By its esm_class or its receipted_message_id; what somebody wrote is never one, whatever it looks like.
bool is_receipt(const deliver_sm& d) noexcept;
// The TLVs decide about the id, the text about all else that it has. Failure invalid: neither names a
// message.
result<receipt> read_receipt(const deliver_sm& d);
// "id:1 sub:001 dlvrd:001 submit date:2611230905 done date:2611230906 stat:DELIVRD err:000 text:hello": names
// in any case and order, spaces where they like, fields missing. Failure invalid: no id.
result<receipt> read_receipt_text(std::string_view text);
std::string receipt_text(const receipt& r);

// "submit_sm"
const char* name_of(std::uint32_t command_id) noexcept;

struct frame_splitter : length_splitter {
    frame_splitter() : length_splitter("SMPP", "command_length", header_size, max_command_length) {}
};

} // namespace zhida::gateways::smpp
