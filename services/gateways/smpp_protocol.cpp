#include "services/gateways/smpp_protocol.hpp"

#include "services/gateways/smpp_results.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace zhida::gateways::smpp {

namespace {

using kind = wire::event::kind;

constexpr std::uint8_t ton_unknown = 0, ton_international = 1, ton_alphanumeric = 5;
constexpr std::uint8_t npi_unknown = 0, npi_isdn = 1;
constexpr std::uint32_t ESME_RX_R_APPN = 0x66; // the deliver_sm is refused
constexpr std::uint32_t a_response = 0x80000000;
constexpr std::uint32_t alert_notification = 0x102, outbind = 0x0B; // these have no response

bool all_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

submit_sm submit_of(const sms_gateway_config& c) {
    submit_sm s;
    s.service_type = c.service_id;
    s.source_addr_ton = all_digits(c.src_id) ? ton_unknown : ton_alphanumeric;
    s.source_addr_npi = npi_unknown;
    s.source_addr = c.src_id;
    s.dest_addr_ton = ton_international;
    s.dest_addr_npi = npi_isdn;
    s.registered_delivery = 1;
    s.data_coding = data_coding_ucs2;
    return s;
}

// Only bodies whose fields fit whatever they hold.
void put(std::string& to, std::uint32_t status, std::uint32_t sequence, decltype(pdu::body) body) {
    append(to, pdu{status, sequence, std::move(body)}).value();
}

// Where a part stands among others, by TLVs instead of a header.
std::uint32_t number_in(const sm& m, std::uint16_t tag) {
    const auto* t = find(m.optional, tag);
    std::uint32_t v = 0;
    if (t != nullptr && t->value.size() <= 2)
        for (const char c : t->value) v = v << 8 | static_cast<std::uint8_t>(c);
    return v;
}

} // namespace

protocol::protocol(const sms_gateway_config& c, own_codes codes)
    : gateway_(c.name), payload_(c.long_text == "payload"), ids_(receipt_ids_of(c.receipt_ids)),
      extends_(all_digits(c.src_id)), form_(submit_form::of(submit_of(c))), codes_(std::move(codes)) {
    bind_.system_id = c.source_addr;
    bind_.password = c.secret;
    bind_.system_type = c.system_type;
}

const wire::pdu_names& protocol::names() const noexcept {
    static constexpr wire::pdu_names are{"bind_transceiver", "submit_sm_resp", "enquire_link", "unbind"};
    return are;
}

// ---- login

result<wire::login_request> protocol::login(std::uint32_t sequence, wall_time) const {
    auto frame = encode({0, sequence, bind_});
    if (!frame) return frame.error();
    return wire::login_request{std::move(*frame), {}};
}

result<wire::login_answer> protocol::read_login(std::string_view frame, const std::string&) const {
    const auto p = decode(frame);
    if (!p) return p.error();
    const auto* r = std::get_if<bind_resp>(&p->body);
    const bool is_answer = r ? r->as == command::bind_transceiver_resp
                             : std::holds_alternative<generic_nack>(p->body) && p->command_status != 0;
    if (!is_answer)
        return failure{errc::invalid,
                       std::string("expected bind_transceiver_resp, got ") + name_of(command_id_of(frame)),
                       "", ""};
    wire::login_answer a;
    a.accepted = p->command_status == 0;
    if (a.accepted) return a;
    const auto why = bind_refusal(p->command_status);
    a.why = why.end;
    a.words = "command_status " + std::to_string(p->command_status) + ": " + why.text + " (" + why.fix + ")";
    return a;
}

// ---- reading

void protocol::read_answer(std::uint32_t sequence, std::uint32_t command_status, std::string_view message_id,
                           wire::event& out) const {
    out.what = kind::submit_answered;
    out.sequence = sequence;
    out.code = command_status;
    out.reaction = codes_.of_answer(command_status, &reaction_to(command_status));
    if (out.reaction->outcome == send_outcome::accepted) out.message_id = submitted_id(message_id, ids_);
}

void protocol::read(std::string_view frame, wall_time now, wire::event& out) const {
    if (submit_sm_resp_view answer; read_submit_sm_resp(frame, answer))
        return read_answer(answer.sequence_number, answer.command_status, answer.message_id, out);
    out.what = kind::passed_over;
    const auto p = decode(frame);
    const auto id = command_id_of(frame), sequence = sequence_number_of(frame);
    if (!p) { // the frame's end is known, so the stream goes on behind it
        out.complaint = p.error().text();
        if ((id & a_response) == 0) put(out.reply, status::ESME_RINVCMDLEN, sequence, generic_nack{});
        return;
    }
    if (const auto* d = std::get_if<deliver_sm>(&p->body)) return read_deliver(sequence, *d, now, out);
    // It stands for the answer to a request that was not understood: perhaps a submit_sm.
    if (std::holds_alternative<generic_nack>(p->body))
        return read_answer(sequence, p->command_status == 0 ? status::ESME_RUNKNOWNERR : p->command_status,
                           {}, out);
    out.what = kind::nothing;
    if (std::holds_alternative<enquire_link>(p->body))
        return put(out.reply, 0, sequence, enquire_link_resp{});
    if (std::holds_alternative<enquire_link_resp>(p->body)) return;
    if (std::holds_alternative<unbind>(p->body)) {
        out.what = kind::ended;
        return put(out.reply, 0, sequence, unbind_resp{});
    }
    if (std::holds_alternative<unbind_resp>(p->body)) {
        out.what = kind::logged_out;
        return;
    }
    if (id == alert_notification || id == outbind) return;
    out.what = kind::passed_over;
    out.complaint =
        "unexpected command_id " + std::to_string(id) + ", sequence_number " + std::to_string(sequence);
    if ((id & a_response) == 0) put(out.reply, status::ESME_RINVCMDID, sequence, generic_nack{});
}

void protocol::read_deliver(std::uint32_t sequence, const deliver_sm& d, wall_time now,
                            wire::event& out) const {
    out.from = {sequence, 0};
    if (is_receipt(d)) {
        auto r = receipt_of(d, ids_, gateway_, now, codes_);
        if (r) {
            out.what = kind::report;
            out.heard = std::move(*r);
            return;
        }
        out.what = kind::passed_over;
        out.complaint = r.error().text();
        return put(out.reply, ESME_RX_R_APPN, sequence, deliver_sm_resp{});
    }
    out.what = kind::inbound;
    out.wrote = {plain_phone(d.source_addr), d.destination_addr, std::string(message_of(d)),
                 text_format(d.data_coding)};
    if ((d.esm_class & esm_udhi) != 0) take_header(out.wrote);
    const auto total = number_in(d, tag::sar_total_segments), number = number_in(d, tag::sar_segment_seqnum);
    if (out.wrote.total == 1 && total > 1 && total < 256 && number >= 1 && number <= total) {
        out.wrote.ref = static_cast<std::uint16_t>(number_in(d, tag::sar_msg_ref_num));
        out.wrote.total = static_cast<std::uint8_t>(total);
        out.wrote.number = static_cast<std::uint8_t>(number);
    }
}

// ---- writing

std::optional<failure> protocol::flaw() const {
    return form_ ? std::nullopt : std::optional<failure>(form_.error());
}

void protocol::submit(std::string& to, std::uint32_t sequence, std::span<const sms_part> parts,
                      std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const {
    if (!extends_) extension = {};
    // E.164 without its plus.
    std::array<char, 24> international{'8', '6'};
    const bool of_china = phone.size() == 11 && phone.front() == '1';
    const std::size_t prefix = of_china ? 2 : 0;
    const auto digits = phone.copy(international.data() + prefix, international.size() - prefix);
    const std::string_view number(international.data(), prefix + digits);
    if (parts.size() == 1) return form_->append(to, sequence, parts.front(), udh_ref, number, extension);
    constexpr std::size_t udh = 6;
    const auto begin = to.size();
    form_->append(to, sequence, {}, 0, number, extension);
    std::size_t length = 0;
    for (const auto& p : parts) length += p.content.size() - udh;
    for (const std::size_t v : {std::size_t{tag::message_payload}, length}) {
        to += static_cast<char>(v >> 8);
        to += static_cast<char>(v);
    }
    for (const auto& p : parts) to.append(p.content, udh);
    put_u32(to.data() + begin, static_cast<std::uint32_t>(to.size() - begin));
}

void protocol::keepalive(std::string& to, std::uint32_t sequence) const {
    put(to, 0, sequence, enquire_link{});
}
void protocol::end(std::string& to, std::uint32_t sequence) const {
    put(to, 0, sequence, unbind{});
}
void protocol::confirm(std::string& to, const wire::origin& from) const {
    put(to, 0, from.sequence, deliver_sm_resp{});
}

} // namespace zhida::gateways::smpp
