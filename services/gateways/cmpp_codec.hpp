// CMPP 2.0 and 3.0 on the wire: pure encoding and decoding, fields named as in the protocol. Source:
// QB-GF-028-2003 (CMPP 3.0.0 with its change log from 2.0). All integers are big-endian; an octet string is
// left-aligned, filled up with NUL, and may fill its field without any NUL.
#pragma once

#include "common/base/error.hpp"
#include "services/gateways/wire.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zhida::gateways::cmpp {

enum class version : std::uint8_t { v20 = 0x20, v30 = 0x30 };

// The value of CONNECT's Version: 0x20 and 0x21 have the layouts of 2.0, 0x30 those of 3.0.
constexpr version layout_of(std::uint8_t Version) noexcept {
    return Version >= 0x30 ? version::v30 : version::v20;
}

enum class command : std::uint32_t {
    connect = 1,
    terminate = 2,
    submit = 4,
    deliver = 5,
    active_test = 8,
    connect_resp = 0x80000001,
    terminate_resp = 0x80000002,
    submit_resp = 0x80000004,
    deliver_resp = 0x80000005,
    active_test_resp = 0x80000008,
};

inline constexpr std::size_t header_size = 12;
// The longest PDU that the fields allow is a SUBMIT 3.0 with 99 destinations (3,586 bytes).
inline constexpr std::size_t max_total_length = 4096;

using digest = std::array<std::uint8_t, 16>;

struct connect {
    std::string Source_Addr; // 6
    digest AuthenticatorSource{};
    std::uint8_t Version = 0x30;
    std::uint32_t Timestamp = 0; // MMDDhhmmss as a decimal number, Beijing time
    bool operator==(const connect&) const = default;
};

struct connect_resp {
    std::uint32_t Status = 0; // 1 byte in 2.0, 4 in 3.0
    digest AuthenticatorISMG{};
    std::uint8_t Version = 0x30;
    bool operator==(const connect_resp&) const = default;
};

struct terminate {
    bool operator==(const terminate&) const = default;
};
struct terminate_resp {
    bool operator==(const terminate_resp&) const = default;
};

struct submit {
    std::uint64_t Msg_Id = 0;
    std::uint8_t Pk_total = 1, Pk_number = 1;
    std::uint8_t Registered_Delivery = 1; // 1: a status report is wanted
    std::uint8_t Msg_level = 0;
    std::string Service_Id; // 10
    std::uint8_t Fee_UserType = 0;
    std::string Fee_terminal_Id;        // 21 | 32
    std::uint8_t Fee_terminal_type = 0; // 3.0 only
    std::uint8_t TP_pId = 0, TP_udhi = 0;
    std::uint8_t Msg_Fmt = 0;                  // 0 ASCII, 4 binary, 8 UCS2 big-endian, 15 GBK
    std::string Msg_src;                       // 6
    std::string FeeType;                       // 2
    std::string FeeCode;                       // 6
    std::string ValId_Time, At_Time;           // 17
    std::string Src_Id;                        // 21
    std::vector<std::string> Dest_terminal_Id; // 21 | 32 each, 1 to 99 of them
    std::uint8_t Dest_terminal_type = 0;       // 3.0 only, once
    std::string Msg_Content;                   // at most 255 bytes on the wire; networks take 140
    std::string LinkID;                        // 20; in 2.0 the 8 bytes of Reserve
    bool operator==(const submit&) const = default;
};

struct submit_resp {
    std::uint64_t Msg_Id = 0; // opaque: vendors put other things into its bits than the protocol says
    std::uint32_t Result = 0; // 1 byte in 2.0, 4 in 3.0
    bool operator==(const submit_resp&) const = default;
};

struct deliver {
    std::uint64_t Msg_Id = 0;
    std::string Dest_Id;    // 21
    std::string Service_Id; // 10
    std::uint8_t TP_pid = 0, TP_udhi = 0, Msg_Fmt = 0;
    std::string Src_terminal_Id;          // 21 | 32
    std::uint8_t Src_terminal_type = 0;   // 3.0 only
    std::uint8_t Registered_Delivery = 0; // 1: Msg_Content is a status report
    std::string Msg_Content;
    std::string LinkID; // 20; in 2.0 the 8 bytes of Reserved; when reading, whatever tail was there
    bool operator==(const deliver&) const = default;
};

struct deliver_resp {
    std::uint64_t Msg_Id = 0; // the DELIVER's own
    std::uint32_t Result = 0;
    bool operator==(const deliver_resp&) const = default;
};

struct active_test {
    bool operator==(const active_test&) const = default;
};
struct active_test_resp {
    std::uint8_t Reserved = 0;
    bool operator==(const active_test_resp&) const = default;
};

// A command that is not spoken here; the body is kept unread.
struct other {
    std::uint32_t Command_Id = 0;
    std::string body;
    bool operator==(const other&) const = default;
};

struct pdu {
    std::uint32_t Sequence_Id = 0;
    version layout = version::v30; // to write it in; when read: the layout that its length showed
    std::variant<connect, connect_resp, terminate, terminate_resp, submit, submit_resp, deliver, deliver_resp,
                 active_test, active_test_resp, other>
        body;
    bool operator==(const pdu&) const = default;
};

// The content of a DELIVER with Registered_Delivery = 1: 60 bytes in 2.0, 71 in 3.0.
struct status_report {
    std::uint64_t Msg_Id = 0;           // the SUBMIT_RESP's
    std::string Stat;                   // 7: DELIVRD, UNDELIV ... or codes of the province's own
    std::string Submit_time, Done_time; // 10: YYMMDDhhmm, Beijing time; may be empty or nonsense
    std::string Dest_terminal_Id;       // 21 | 32
    std::uint32_t SMSC_sequence = 0;
    bool operator==(const status_report&) const = default;
};

// Failure invalid, where = "CMPP_SUBMIT.Src_Id": a field that does not fit.
result<std::string> encode(const pdu& p);
// The same behind what `to` holds, which is left as it was on failure.
result<void> append(std::string& to, const pdu& p);
result<std::string> encode_report(const status_report& r, version layout);

// One whole frame as the splitter gives it. The layout is told by the length; `expected` (the session's
// version) decides where the length does not. Failure invalid: lengths that contradict each other.
result<pdu> decode(std::string_view frame, version expected);
// A SUBMIT_RESP, which comes most, without the detour over a pdu; false: it is something else, or unreadable.
bool read_submit_resp(std::string_view frame, std::uint32_t& Sequence_Id, submit_resp& r) noexcept;
// The layout is told by the length, 60 or 71, whatever the DELIVER around it looks like.
result<status_report> decode_report(std::string_view content);

// "b4c5530000010000": how a message id is kept and compared outside of this protocol.
std::string id_text(std::uint64_t Msg_Id);
const char* name_of(std::uint32_t Command_Id) noexcept;

struct frame_splitter : length_splitter {
    frame_splitter() : length_splitter("CMPP", "Total_Length", header_size, max_total_length) {}
};

} // namespace zhida::gateways::cmpp
