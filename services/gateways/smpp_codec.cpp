#include "services/gateways/smpp_codec.hpp"

#include <algorithm>
#include <cctype>

namespace zhida::gateways::smpp {

namespace {

constexpr std::uint32_t number(command c) noexcept {
    return static_cast<std::uint32_t>(c);
}

struct id_of {
    std::uint32_t operator()(const bind& b) const { return number(b.as); }
    std::uint32_t operator()(const bind_resp& b) const { return number(b.as); }
    std::uint32_t operator()(const unbind&) const { return number(command::unbind); }
    std::uint32_t operator()(const unbind_resp&) const { return number(command::unbind_resp); }
    std::uint32_t operator()(const submit_sm&) const { return number(command::submit_sm); }
    std::uint32_t operator()(const submit_sm_resp&) const { return number(command::submit_sm_resp); }
    std::uint32_t operator()(const deliver_sm&) const { return number(command::deliver_sm); }
    std::uint32_t operator()(const deliver_sm_resp&) const { return number(command::deliver_sm_resp); }
    std::uint32_t operator()(const enquire_link&) const { return number(command::enquire_link); }
    std::uint32_t operator()(const enquire_link_resp&) const { return number(command::enquire_link_resp); }
    std::uint32_t operator()(const generic_nack&) const { return number(command::generic_nack); }
    std::uint32_t operator()(const other& b) const { return b.command_id; }
};

void write(wire_writer& w, const tlvs& all) {
    for (const auto& t : all) {
        if (t.value.size() > 0xFFFF)
            w.fail("TLV", "tag " + std::to_string(t.tag) + " with " + std::to_string(t.value.size()) +
                              " bytes, at most 65535 fit");
        w.u16(t.tag);
        w.u16(static_cast<std::uint16_t>(t.value.size()));
        w.raw(t.value);
    }
}

struct body_writer {
    wire_writer& w;
    std::uint32_t command_status;

    void operator()(const bind& b) const {
        w.c_octets(b.system_id, 16, "system_id");
        w.c_octets(b.password, 9, "password");
        w.c_octets(b.system_type, 13, "system_type");
        w.u8(b.interface_version);
        w.u8(b.addr_ton);
        w.u8(b.addr_npi);
        w.c_octets(b.address_range, 41, "address_range");
    }
    void operator()(const bind_resp& b) const { answer(b.system_id, 16, "system_id", b.optional); }
    void operator()(const submit_sm& b) const { message(b); }
    void operator()(const deliver_sm& b) const { message(b); }
    void operator()(const submit_sm_resp& b) const { answer(b.message_id, 65, "message_id", b.optional); }
    void operator()(const deliver_sm_resp& b) const { answer(b.message_id, 65, "message_id", b.optional); }
    void operator()(const unbind&) const {}
    void operator()(const unbind_resp&) const {}
    void operator()(const enquire_link&) const {}
    void operator()(const enquire_link_resp&) const {}
    void operator()(const generic_nack&) const {}
    void operator()(const other& b) const { w.raw(b.body); }

  private:
    void answer(const std::string& id, std::size_t limit, const char* field, const tlvs& optional) const {
        if (command_status != 0 && id.empty() && optional.empty()) return;
        w.c_octets(id, limit, field);
        write(w, optional);
    }
    void message(const sm& m) const {
        w.c_octets(m.service_type, 6, "service_type");
        w.u8(m.source_addr_ton);
        w.u8(m.source_addr_npi);
        w.c_octets(m.source_addr, 21, "source_addr");
        w.u8(m.dest_addr_ton);
        w.u8(m.dest_addr_npi);
        w.c_octets(m.destination_addr, 21, "destination_addr");
        w.u8(m.esm_class);
        w.u8(m.protocol_id);
        w.u8(m.priority_flag);
        w.c_octets(m.schedule_delivery_time, 17, "schedule_delivery_time");
        w.c_octets(m.validity_period, 17, "validity_period");
        w.u8(m.registered_delivery);
        w.u8(m.replace_if_present_flag);
        w.u8(m.data_coding);
        w.u8(m.sm_default_msg_id);
        w.counted(m.short_message, "short_message", max_short_message);
        write(w, m.optional);
    }
};

class body_reader {
  public:
    body_reader(std::string_view bytes, const char* pdu_name) : r_(bytes), pdu_name_(pdu_name) {}

    void read(bind& b) {
        text(b.system_id, 16, "system_id");
        text(b.password, 9, "password");
        text(b.system_type, 13, "system_type");
        b.interface_version = r_.u8();
        b.addr_ton = r_.u8();
        b.addr_npi = r_.u8();
        text(b.address_range, 41, "address_range");
        end();
    }
    void read(bind_resp& b) { answer(b.system_id, 16, "system_id", b.optional); }
    void read(submit_sm_resp& b) { answer(b.message_id, 65, "message_id", b.optional); }
    void read(deliver_sm_resp& b) { answer(b.message_id, 65, "message_id", b.optional); }
    void read(sm& m) {
        text(m.service_type, 6, "service_type");
        m.source_addr_ton = r_.u8();
        m.source_addr_npi = r_.u8();
        text(m.source_addr, 21, "source_addr");
        m.dest_addr_ton = r_.u8();
        m.dest_addr_npi = r_.u8();
        text(m.destination_addr, 21, "destination_addr");
        m.esm_class = r_.u8();
        m.protocol_id = r_.u8();
        m.priority_flag = r_.u8();
        text(m.schedule_delivery_time, 17, "schedule_delivery_time");
        text(m.validity_period, 17, "validity_period");
        m.registered_delivery = r_.u8();
        m.replace_if_present_flag = r_.u8();
        m.data_coding = r_.u8();
        m.sm_default_msg_id = r_.u8();
        const std::size_t sm_length = r_.u8();
        if (sm_length > max_short_message) fail("sm_length", "255, at most 254 are allowed");
        m.short_message = r_.raw(sm_length);
        if (r_.short_of_bytes()) fail("sm_length", "reaches over the end of the PDU");
        read(m.optional);
    }
    void end() {
        if (r_.short_of_bytes()) fail("command_length", "the PDU ends before its fields do");
        if (r_.left() != 0) fail("command_length", std::to_string(r_.left()) + " bytes too many");
    }
    const std::optional<failure>& failed() const noexcept { return failed_; }

  private:
    void answer(std::string& id, std::size_t limit, const char* field, tlvs& optional) {
        if (r_.left() == 0) return;
        text(id, limit, field);
        read(optional);
    }
    void text(std::string& to, std::size_t limit, const char* field) {
        to = r_.c_octets(limit);
        if (r_.short_of_bytes()) fail(field, "does not end within its " + std::to_string(limit) + " bytes");
    }
    void read(tlvs& all) {
        while (!failed_ && r_.left() != 0) {
            tlv t;
            t.tag = r_.u16();
            const std::size_t length = r_.u16();
            t.value = r_.raw(length);
            if (r_.short_of_bytes())
                return fail("TLV", "an optional parameter reaches over the end of the PDU");
            all.push_back(std::move(t));
        }
    }
    void fail(const char* field, std::string what) {
        if (!failed_)
            failed_ = failure{errc::invalid, std::move(what), std::string(pdu_name_) + "." + field, ""};
    }

    wire_reader r_;
    const char* pdu_name_;
    std::optional<failure> failed_;
};

bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}
std::string_view trimmed(std::string_view s) noexcept {
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

struct receipt_field {
    std::string_view name; // a space: any number of them, or an underscore
    std::string receipt::* value;
};
constexpr receipt_field receipt_fields[] = {
    {"id", &receipt::id},
    {"sub", &receipt::sub},
    {"dlvrd", &receipt::dlvrd},
    {"submit date", &receipt::submit_date},
    {"done date", &receipt::done_date},
    {"stat", &receipt::stat},
    {"err", &receipt::err},
    {"text", &receipt::text},
};

// How many characters "Submit  Date :" takes at the front of `in`; 0: it is something else.
std::size_t label_length(std::string_view in, std::string_view name) noexcept {
    std::size_t at = 0;
    for (const char c : name) {
        if (c == ' ') {
            while (at < in.size() && (is_space(in[at]) || in[at] == '_')) ++at;
            continue;
        }
        if (at == in.size() || std::tolower(static_cast<unsigned char>(in[at])) != c) return 0;
        ++at;
    }
    while (at < in.size() && is_space(in[at])) ++at;
    return at < in.size() && in[at] == ':' ? at + 1 : 0;
}

// What can be read of such a text, with or without an id.
receipt parse_receipt(std::string_view text) {
    receipt r;
    std::string receipt::* open = nullptr;
    std::size_t value_at = 0, at = 0;
    const auto close = [&](std::size_t end) {
        if (open == nullptr || !(r.*open).empty()) return; // the first of two counts
        r.*open = trimmed(text.substr(value_at, end - value_at));
    };
    while (at < text.size()) {
        std::size_t label = 0;
        const receipt_field* field = nullptr;
        if (at == 0 || is_space(text[at - 1]))
            for (const auto& f : receipt_fields)
                if ((label = label_length(text.substr(at), f.name)) != 0) {
                    field = &f;
                    break;
                }
        if (field == nullptr) {
            ++at;
            continue;
        }
        close(at);
        open = field->value;
        value_at = at += label;
        if (open == &receipt::text) break; // whatever stands there is the message's
    }
    close(text.size());
    for (auto& c : r.stat) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return r;
}

failure names_no_message() {
    return {errc::invalid,
            "a receipt that names no message: neither receipted_message_id nor an id in its text",
            "deliver_sm.short_message", ""};
}

} // namespace

const tlv* find(const tlvs& among, std::uint16_t tag) noexcept {
    const auto found = std::find_if(among.begin(), among.end(), [&](const tlv& t) { return t.tag == tag; });
    return found == among.end() ? nullptr : &*found;
}

result<void> append(std::string& to, const pdu& p) {
    const auto id = std::visit(id_of{}, p.body);
    wire_writer w(to, name_of(id));
    w.u32(0);
    w.u32(id);
    w.u32(p.command_status);
    w.u32(p.sequence_number);
    std::visit(body_writer{w, p.command_status}, p.body);
    return w.take_frame();
}

result<std::string> encode(const pdu& p) {
    std::string frame;
    if (const auto written = append(frame, p); !written) return written.error();
    return frame;
}

result<pdu> decode(std::string_view frame) {
    wire_reader header(frame);
    const auto command_length = header.u32(), id = header.u32();
    if (frame.size() < header_size || command_length != frame.size())
        return failure{errc::invalid,
                       "command_length " + std::to_string(command_length) + " on a frame of " +
                           std::to_string(frame.size()) + " bytes",
                       "SMPP header", ""};
    result<pdu> p(boost::system::in_place_value);
    p->command_status = header.u32();
    p->sequence_number = header.u32();
    body_reader r(frame.substr(header_size), name_of(id));
    switch (static_cast<command>(id)) {
    case command::bind_receiver:
    case command::bind_transmitter:
    case command::bind_transceiver: {
        auto& b = p->body.emplace<bind>();
        b.as = static_cast<command>(id);
        r.read(b);
        break;
    }
    case command::bind_receiver_resp:
    case command::bind_transmitter_resp:
    case command::bind_transceiver_resp: {
        auto& b = p->body.emplace<bind_resp>();
        b.as = static_cast<command>(id);
        r.read(b);
        break;
    }
    case command::submit_sm:
        r.read(p->body.emplace<submit_sm>());
        break;
    case command::submit_sm_resp:
        r.read(p->body.emplace<submit_sm_resp>());
        break;
    case command::deliver_sm:
        r.read(p->body.emplace<deliver_sm>());
        break;
    case command::deliver_sm_resp:
        r.read(p->body.emplace<deliver_sm_resp>());
        break;
    case command::unbind:
        p->body = unbind{};
        r.end();
        break;
    case command::unbind_resp:
        p->body = unbind_resp{};
        r.end();
        break;
    case command::enquire_link:
        p->body = enquire_link{};
        r.end();
        break;
    case command::enquire_link_resp:
        p->body = enquire_link_resp{};
        r.end();
        break;
    case command::generic_nack:
        p->body = generic_nack{};
        r.end();
        break;
    default:
        p->body = other{id, std::string(frame.substr(header_size))};
    }
    if (r.failed()) return *r.failed();
    return p;
}

bool read_submit_sm_resp(std::string_view frame, submit_sm_resp_view& r) noexcept {
    wire_reader in(frame);
    if (in.u32() != frame.size() || in.u32() != number(command::submit_sm_resp)) return false;
    r.command_status = in.u32();
    r.sequence_number = in.u32();
    r.message_id = {};
    if (in.left() != 0) r.message_id = in.c_octets(65);
    return !in.short_of_bytes();
}

std::uint32_t command_id_of(std::string_view frame) noexcept {
    return wire_reader(frame.substr(std::min<std::size_t>(4, frame.size()))).u32();
}
std::uint32_t sequence_number_of(std::string_view frame) noexcept {
    return wire_reader(frame.substr(std::min<std::size_t>(12, frame.size()))).u32();
}

std::string_view message_of(const sm& m) noexcept {
    const auto* payload = find(m.optional, tag::message_payload);
    return payload != nullptr ? payload->value : m.short_message;
}
std::string_view receipted_message_id(const sm& m) noexcept {
    const auto* t = find(m.optional, tag::receipted_message_id);
    if (t == nullptr) return {};
    const std::string_view value = t->value;
    return trimmed(value.substr(0, value.find('\0')));
}
std::optional<std::uint8_t> message_state(const sm& m) noexcept {
    const auto* t = find(m.optional, tag::message_state);
    if (t == nullptr || t->value.empty()) return std::nullopt;
    return static_cast<std::uint8_t>(t->value.front());
}

const char* stat_of(std::uint8_t message_state) noexcept {
    constexpr const char* names[] = {"UNKNOWN", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                     "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"};
    return message_state < std::size(names) ? names[message_state] : "UNKNOWN";
}

bool is_receipt(const deliver_sm& d) noexcept {
    const auto type = d.esm_class & esm_type_mask;
    return type == esm_delivery_receipt || type == esm_intermediate || !receipted_message_id(d).empty();
}

result<receipt> read_receipt(const deliver_sm& d) {
    auto r = parse_receipt(message_of(d));
    if (const auto id = receipted_message_id(d); !id.empty()) r.id = id;
    if (r.id.empty()) return names_no_message();
    const auto state = message_state(d);
    if (r.stat.empty() && state) r.stat = stat_of(*state);
    // network_error_code: the kind of network, then its code.
    const auto* error = find(d.optional, tag::network_error_code);
    if (r.err.empty() && error != nullptr && error->value.size() == 3) {
        const auto code = wire_reader(std::string_view(error->value).substr(1)).u16();
        r.err = std::to_string(code);
    }
    return r;
}

result<receipt> read_receipt_text(std::string_view text) {
    auto r = parse_receipt(text);
    if (r.id.empty()) return names_no_message();
    return r;
}

std::string receipt_text(const receipt& r) {
    return "id:" + r.id + " sub:" + r.sub + " dlvrd:" + r.dlvrd + " submit date:" + r.submit_date +
           " done date:" + r.done_date + " stat:" + r.stat + " err:" + r.err + " text:" + r.text;
}

const char* name_of(std::uint32_t command_id) noexcept {
    switch (static_cast<command>(command_id)) {
    case command::bind_receiver:
        return "bind_receiver";
    case command::bind_transmitter:
        return "bind_transmitter";
    case command::submit_sm:
        return "submit_sm";
    case command::deliver_sm:
        return "deliver_sm";
    case command::unbind:
        return "unbind";
    case command::bind_transceiver:
        return "bind_transceiver";
    case command::enquire_link:
        return "enquire_link";
    case command::generic_nack:
        return "generic_nack";
    case command::bind_receiver_resp:
        return "bind_receiver_resp";
    case command::bind_transmitter_resp:
        return "bind_transmitter_resp";
    case command::submit_sm_resp:
        return "submit_sm_resp";
    case command::deliver_sm_resp:
        return "deliver_sm_resp";
    case command::unbind_resp:
        return "unbind_resp";
    case command::bind_transceiver_resp:
        return "bind_transceiver_resp";
    case command::enquire_link_resp:
        return "enquire_link_resp";
    }
    return "SMPP command not spoken here";
}

} // namespace zhida::gateways::smpp
