#include "services/gateways/cmpp_codec.hpp"

#include "services/gateways/wire.hpp"

#include <cstdio>

namespace zhida::gateways::cmpp {

namespace {

// What differs between the two layouts.
struct widths {
    std::size_t terminal; // a phone number
    std::size_t tail;     // Reserve | LinkID
    std::size_t type;     // the *_terminal_type bytes
    std::size_t result;   // Status, Result
};
constexpr widths of(version v) noexcept {
    return v == version::v30 ? widths{32, 20, 1, 4} : widths{21, 8, 0, 1};
}
constexpr version other_than(version v) noexcept {
    return v == version::v30 ? version::v20 : version::v30;
}
constexpr const char* text_of(version v) noexcept {
    return v == version::v30 ? "3.0" : "2.0";
}

constexpr std::size_t submit_fixed(version v) noexcept { // without destinations and content
    return header_size + 126 + of(v).terminal - 21 + 2 * of(v).type + of(v).tail - 8;
}
constexpr std::size_t deliver_fixed(version v) noexcept { // without content
    return header_size + 73 + of(v).terminal - 21 + of(v).type + of(v).tail - 8;
}
static_assert(submit_fixed(version::v20) == 138 && submit_fixed(version::v30) == 163);
static_assert(deliver_fixed(version::v20) == 85 && deliver_fixed(version::v30) == 109);

failure bad_length(std::uint32_t id, std::size_t got, std::string expected) {
    return {errc::invalid, "Total_Length " + std::to_string(got) + " does not fit: " + std::move(expected),
            name_of(id), ""};
}

std::uint8_t byte_at(std::string_view frame, std::size_t at) {
    return at < frame.size() ? static_cast<std::uint8_t>(frame[at]) : std::uint8_t{0};
}

void write_result(wire_writer& w, std::uint32_t value, version v, const char* field) {
    if (of(v).result == 4) return w.u32(value);
    if (value > 255) w.fail(field, std::to_string(value) + " does not fit into the one byte of CMPP 2.0");
    w.u8(static_cast<std::uint8_t>(value));
}
std::uint32_t read_result(wire_reader& r, version v) {
    return of(v).result == 4 ? r.u32() : r.u8();
}

std::string_view bytes_of(const digest& d) {
    return {reinterpret_cast<const char*>(d.data()), d.size()};
}
digest read_digest(wire_reader& r) {
    digest d{};
    for (auto& b : d) b = r.u8();
    return d;
}

struct body_writer {
    wire_writer& w;
    version v;

    void operator()(const connect& b) const {
        w.octets(b.Source_Addr, 6, "Source_Addr");
        w.raw(bytes_of(b.AuthenticatorSource));
        w.u8(b.Version);
        w.u32(b.Timestamp);
    }
    void operator()(const connect_resp& b) const {
        write_result(w, b.Status, v, "Status");
        w.raw(bytes_of(b.AuthenticatorISMG));
        w.u8(b.Version);
    }
    void operator()(const terminate&) const {}
    void operator()(const terminate_resp&) const {}
    void operator()(const submit& b) const {
        w.u64(b.Msg_Id);
        w.u8(b.Pk_total);
        w.u8(b.Pk_number);
        w.u8(b.Registered_Delivery);
        w.u8(b.Msg_level);
        w.octets(b.Service_Id, 10, "Service_Id");
        w.u8(b.Fee_UserType);
        w.octets(b.Fee_terminal_Id, of(v).terminal, "Fee_terminal_Id");
        if (of(v).type) w.u8(b.Fee_terminal_type);
        w.u8(b.TP_pId);
        w.u8(b.TP_udhi);
        w.u8(b.Msg_Fmt);
        w.octets(b.Msg_src, 6, "Msg_src");
        w.octets(b.FeeType, 2, "FeeType");
        w.octets(b.FeeCode, 6, "FeeCode");
        w.octets(b.ValId_Time, 17, "ValId_Time");
        w.octets(b.At_Time, 17, "At_Time");
        w.octets(b.Src_Id, 21, "Src_Id");
        if (b.Dest_terminal_Id.empty() || b.Dest_terminal_Id.size() > 99)
            w.fail("DestUsr_tl", std::to_string(b.Dest_terminal_Id.size()) + " destinations, 1 to 99 fit");
        w.u8(static_cast<std::uint8_t>(b.Dest_terminal_Id.size()));
        for (const auto& phone : b.Dest_terminal_Id) w.octets(phone, of(v).terminal, "Dest_terminal_Id");
        if (of(v).type) w.u8(b.Dest_terminal_type);
        w.counted(b.Msg_Content, "Msg_Content");
        w.octets(b.LinkID, of(v).tail, "LinkID");
    }
    void operator()(const submit_resp& b) const {
        w.u64(b.Msg_Id);
        write_result(w, b.Result, v, "Result");
    }
    void operator()(const deliver& b) const {
        w.u64(b.Msg_Id);
        w.octets(b.Dest_Id, 21, "Dest_Id");
        w.octets(b.Service_Id, 10, "Service_Id");
        w.u8(b.TP_pid);
        w.u8(b.TP_udhi);
        w.u8(b.Msg_Fmt);
        w.octets(b.Src_terminal_Id, of(v).terminal, "Src_terminal_Id");
        if (of(v).type) w.u8(b.Src_terminal_type);
        w.u8(b.Registered_Delivery);
        w.counted(b.Msg_Content, "Msg_Content");
        w.octets(b.LinkID, of(v).tail, "LinkID");
    }
    void operator()(const deliver_resp& b) const {
        w.u64(b.Msg_Id);
        write_result(w, b.Result, v, "Result");
    }
    void operator()(const active_test&) const {}
    void operator()(const active_test_resp& b) const { w.u8(b.Reserved); }
    void operator()(const other& b) const { w.raw(b.body); }
};

struct id_of {
    std::uint32_t operator()(const connect&) const { return 1; }
    std::uint32_t operator()(const connect_resp&) const { return 0x80000001; }
    std::uint32_t operator()(const terminate&) const { return 2; }
    std::uint32_t operator()(const terminate_resp&) const { return 0x80000002; }
    std::uint32_t operator()(const submit&) const { return 4; }
    std::uint32_t operator()(const submit_resp&) const { return 0x80000004; }
    std::uint32_t operator()(const deliver&) const { return 5; }
    std::uint32_t operator()(const deliver_resp&) const { return 0x80000005; }
    std::uint32_t operator()(const active_test&) const { return 8; }
    std::uint32_t operator()(const active_test_resp&) const { return 0x80000008; }
    std::uint32_t operator()(const other& b) const { return b.Command_Id; }
};

// Msg_Length and DestUsr_tl decide how long a SUBMIT is; each layout has them at its own place.
std::size_t submit_length(std::string_view frame, version v) {
    const std::size_t count_at = header_size + 117 - 21 + of(v).terminal + of(v).type - 1;
    const std::size_t n = byte_at(frame, count_at);
    const std::size_t length_at = count_at + 1 + n * of(v).terminal + of(v).type;
    if (n == 0 || n > 99 || length_at >= frame.size()) return 0;
    return submit_fixed(v) + n * of(v).terminal + byte_at(frame, length_at);
}
std::size_t deliver_length(std::string_view frame, version v) {
    const std::size_t length_at = deliver_fixed(v) - of(v).tail - 1;
    if (length_at >= frame.size()) return 0;
    return deliver_fixed(v) + byte_at(frame, length_at);
}

result<pdu> read_submit(std::string_view frame, wire_reader r, version expected, pdu p) {
    version v = expected;
    if (submit_length(frame, v) != frame.size()) {
        v = other_than(expected);
        if (submit_length(frame, v) != frame.size())
            return bad_length(4, frame.size(),
                              "DestUsr_tl and Msg_Length ask for " +
                                  std::to_string(submit_length(frame, version::v20)) + " in 2.0 and " +
                                  std::to_string(submit_length(frame, version::v30)) +
                                  " in 3.0 (0: they lie outside of it)");
    }
    submit b;
    b.Msg_Id = r.u64();
    b.Pk_total = r.u8();
    b.Pk_number = r.u8();
    b.Registered_Delivery = r.u8();
    b.Msg_level = r.u8();
    b.Service_Id = r.octets(10);
    b.Fee_UserType = r.u8();
    b.Fee_terminal_Id = r.octets(of(v).terminal);
    if (of(v).type) b.Fee_terminal_type = r.u8();
    b.TP_pId = r.u8();
    b.TP_udhi = r.u8();
    b.Msg_Fmt = r.u8();
    b.Msg_src = r.octets(6);
    b.FeeType = r.octets(2);
    b.FeeCode = r.octets(6);
    b.ValId_Time = r.octets(17);
    b.At_Time = r.octets(17);
    b.Src_Id = r.octets(21);
    const std::size_t n = r.u8();
    for (std::size_t i = 0; i < n; ++i) b.Dest_terminal_Id.emplace_back(r.octets(of(v).terminal));
    if (of(v).type) b.Dest_terminal_type = r.u8();
    b.Msg_Content = r.raw(r.u8());
    b.LinkID = r.octets(of(v).tail);
    p.layout = v;
    p.body = std::move(b);
    return p;
}

// Gateways send DELIVERs whose tail is short or absent (SMSGate's notes): the session's layout is taken with
// whatever tail remains, unless the other layout fits exactly.
result<pdu> read_deliver(std::string_view frame, wire_reader r, version expected, pdu p) {
    version v = expected;
    if (deliver_length(frame, v) != frame.size() && deliver_length(frame, other_than(v)) == frame.size())
        v = other_than(v);
    const std::size_t whole = deliver_length(frame, v);
    if (whole == 0 || whole - of(v).tail > frame.size())
        return bad_length(5, frame.size(),
                          "Msg_Length asks for at least " +
                              std::to_string(whole == 0 ? 0 : whole - of(v).tail) + " in " + text_of(v) +
                              " (0: it lies outside of it)");
    deliver b;
    b.Msg_Id = r.u64();
    b.Dest_Id = r.octets(21);
    b.Service_Id = r.octets(10);
    b.TP_pid = r.u8();
    b.TP_udhi = r.u8();
    b.Msg_Fmt = r.u8();
    b.Src_terminal_Id = r.octets(of(v).terminal);
    if (of(v).type) b.Src_terminal_type = r.u8();
    b.Registered_Delivery = r.u8();
    b.Msg_Content = r.raw(r.u8());
    b.LinkID = r.octets(r.left());
    p.layout = v;
    p.body = std::move(b);
    return p;
}

result<pdu> read_body(std::string_view frame, std::uint32_t id, wire_reader r, version expected, pdu p) {
    const auto size = frame.size();
    const auto by_length = [&](std::size_t of20, std::size_t of30) {
        p.layout = size == of20 ? version::v20 : version::v30;
        return size == of20 || size == of30;
    };
    switch (static_cast<command>(id)) {
    case command::connect: {
        if (size != 39) return bad_length(id, size, "39 is its only length");
        connect b;
        b.Source_Addr = r.octets(6);
        b.AuthenticatorSource = read_digest(r);
        b.Version = r.u8();
        b.Timestamp = r.u32();
        p.layout = layout_of(b.Version);
        p.body = std::move(b);
        return p;
    }
    case command::connect_resp: {
        // A gateway that refuses may answer in either layout, whatever version was asked for.
        if (!by_length(30, 33)) return bad_length(id, size, "30 (2.0) or 33 (3.0)");
        connect_resp b;
        b.Status = read_result(r, p.layout);
        b.AuthenticatorISMG = read_digest(r);
        b.Version = r.u8();
        p.body = b;
        return p;
    }
    case command::submit:
        return read_submit(frame, r, expected, std::move(p));
    case command::submit_resp: {
        if (!by_length(21, 24)) return bad_length(id, size, "21 (2.0) or 24 (3.0)");
        submit_resp b;
        b.Msg_Id = r.u64();
        b.Result = read_result(r, p.layout);
        p.body = b;
        return p;
    }
    case command::deliver:
        return read_deliver(frame, r, expected, std::move(p));
    case command::deliver_resp: {
        if (!by_length(21, 24)) return bad_length(id, size, "21 (2.0) or 24 (3.0)");
        deliver_resp b;
        b.Msg_Id = r.u64();
        b.Result = read_result(r, p.layout);
        p.body = b;
        return p;
    }
    case command::terminate:
    case command::terminate_resp:
    case command::active_test:
        if (size != header_size) return bad_length(id, size, "12 is its only length");
        if (id == 2)
            p.body = terminate{};
        else if (id == 8)
            p.body = active_test{};
        else
            p.body = terminate_resp{};
        return p;
    case command::active_test_resp:
        // 13 by the protocol; some gateways leave the reserved byte out.
        if (size != 13 && size != 12) return bad_length(id, size, "13, or 12 without the reserved byte");
        p.body = active_test_resp{r.u8()};
        return p;
    }
    p.body = other{id, std::string(r.raw(r.left()))};
    return p;
}

} // namespace

result<void> append(std::string& to, const pdu& p) {
    const auto id = std::visit(id_of{}, p.body);
    wire_writer w(to, name_of(id));
    w.u32(0);
    w.u32(id);
    w.u32(p.Sequence_Id);
    std::visit(body_writer{w, p.layout}, p.body);
    return w.take_frame();
}

result<std::string> encode(const pdu& p) {
    std::string frame;
    if (const auto written = append(frame, p); !written) return written.error();
    return frame;
}

result<std::string> encode_report(const status_report& r, version layout) {
    std::string content;
    wire_writer w(content, "status report");
    w.u64(r.Msg_Id);
    w.octets(r.Stat, 7, "Stat");
    w.octets(r.Submit_time, 10, "Submit_time");
    w.octets(r.Done_time, 10, "Done_time");
    w.octets(r.Dest_terminal_Id, of(layout).terminal, "Dest_terminal_Id");
    w.u32(r.SMSC_sequence);
    if (const auto written = w.take(); !written) return written.error();
    return content;
}

result<pdu> decode(std::string_view frame, version expected) {
    wire_reader r(frame);
    const auto total = r.u32(), id = r.u32();
    if (frame.size() < header_size || total != frame.size())
        return failure{errc::invalid,
                       "Total_Length " + std::to_string(total) + " on a frame of " +
                           std::to_string(frame.size()) + " bytes",
                       "CMPP header", ""};
    pdu p;
    p.Sequence_Id = r.u32();
    p.layout = expected;
    return read_body(frame, id, r, expected, std::move(p));
}

bool read_submit_resp(std::string_view frame, std::uint32_t& Sequence_Id, submit_resp& r) noexcept {
    if (frame.size() != 21 && frame.size() != 24) return false;
    wire_reader in(frame);
    if (in.u32() != frame.size() || in.u32() != static_cast<std::uint32_t>(command::submit_resp))
        return false;
    Sequence_Id = in.u32();
    r.Msg_Id = in.u64();
    r.Result = read_result(in, frame.size() == 24 ? version::v30 : version::v20);
    return true;
}

result<status_report> decode_report(std::string_view content) {
    if (content.size() != 60 && content.size() != 71)
        return failure{errc::invalid,
                       "a status report has 60 or 71 bytes, not " + std::to_string(content.size()),
                       "CMPP_DELIVER.Msg_Length", ""};
    wire_reader r(content);
    status_report report;
    report.Msg_Id = r.u64();
    report.Stat = r.octets(7);
    report.Submit_time = r.octets(10);
    report.Done_time = r.octets(10);
    report.Dest_terminal_Id = r.octets(content.size() == 60 ? 21 : 32);
    report.SMSC_sequence = r.u32();
    return report;
}

std::string id_text(std::uint64_t Msg_Id) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; Msg_Id >>= 4) text[i] = digits[Msg_Id & 15];
    return text;
}

const char* name_of(std::uint32_t Command_Id) noexcept {
    switch (static_cast<command>(Command_Id)) {
    case command::connect:
        return "CMPP_CONNECT";
    case command::terminate:
        return "CMPP_TERMINATE";
    case command::submit:
        return "CMPP_SUBMIT";
    case command::deliver:
        return "CMPP_DELIVER";
    case command::active_test:
        return "CMPP_ACTIVE_TEST";
    case command::connect_resp:
        return "CMPP_CONNECT_RESP";
    case command::terminate_resp:
        return "CMPP_TERMINATE_RESP";
    case command::submit_resp:
        return "CMPP_SUBMIT_RESP";
    case command::deliver_resp:
        return "CMPP_DELIVER_RESP";
    case command::active_test_resp:
        return "CMPP_ACTIVE_TEST_RESP";
    }
    return "CMPP command not spoken here";
}

} // namespace zhida::gateways::cmpp
