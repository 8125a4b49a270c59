#include "services/gateways/cmpp_protocol.hpp"

#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/cmpp_receipt.hpp"
#include "services/gateways/cmpp_results.hpp"

#include <algorithm>
#include <utility>

namespace zhida::gateways::cmpp {

namespace {

using kind = wire::event::kind;

cmpp::submit submit_of(const sms_gateway_config& c) {
    cmpp::submit s;
    s.Service_Id = c.service_id;
    s.Fee_UserType = 2; // the SP pays
    s.Msg_Fmt = sms_format_ucs2;
    s.Msg_src = c.source_addr;
    s.FeeType = "01"; // free for the recipient
    s.FeeCode = "000000";
    s.Src_Id = c.src_id;
    return s;
}

std::string_view bytes_of(const digest& d) {
    return {reinterpret_cast<const char*>(d.data()), d.size()};
}

} // namespace

protocol::protocol(const sms_gateway_config& c, own_codes codes)
    : gateway_(c.name), source_addr_(c.source_addr), secret_(c.secret),
      layout_(c.version == "2.0" ? version::v20 : version::v30),
      form_(submit_form::of(submit_of(c), layout_)), codes_(std::move(codes)) {}

std::string protocol::title() const {
    return layout_ == version::v20 ? "CMPP 2.0" : "CMPP 3.0";
}

const wire::pdu_names& protocol::names() const noexcept {
    static constexpr wire::pdu_names are{"CMPP_CONNECT", "CMPP_SUBMIT_RESP", "CMPP_ACTIVE_TEST",
                                         "CMPP_TERMINATE"};
    return are;
}

void protocol::put(std::string& to, std::uint32_t sequence, decltype(pdu::body) body) const {
    // Only bodies whose fields fit whatever they hold.
    append(to, pdu{sequence, layout_, std::move(body)}).value();
}

// ---- login

result<wire::login_request> protocol::login(std::uint32_t sequence, wall_time now) const {
    connect request;
    request.Source_Addr = source_addr_;
    request.Version = static_cast<std::uint8_t>(layout_);
    request.Timestamp = timestamp_of(now);
    request.AuthenticatorSource = authenticator_source(source_addr_, secret_, request.Timestamp);
    auto frame = encode({sequence, layout_, request});
    if (!frame) return frame.error();
    return wire::login_request{std::move(*frame), std::string(bytes_of(request.AuthenticatorSource))};
}

result<wire::login_answer> protocol::read_login(std::string_view frame, const std::string& proof) const {
    const auto p = decode(frame, layout_);
    if (!p) return p.error();
    const auto* r = std::get_if<connect_resp>(&p->body);
    if (!r) return failure{errc::invalid, "expected CMPP_CONNECT_RESP, got another command", "", ""};
    wire::login_answer a;
    a.accepted = r->Status == 0;
    if (a.accepted) {
        digest sent{};
        std::copy_n(proof.begin(), std::min(proof.size(), sent.size()), sent.begin());
        a.proved = ismg_proved(*r, sent, secret_);
        return a;
    }
    const auto why = login_refusal(r->Status);
    a.why = why.end;
    a.words = "Status " + std::to_string(r->Status) + ": " + why.text + " (" + why.fix + ")";
    return a;
}

// ---- reading

void protocol::read(std::string_view frame, wall_time now, wire::event& out) const {
    submit_resp answer;
    if (read_submit_resp(frame, out.sequence, answer)) {
        out.what = kind::submit_answered;
        out.code = answer.Result;
        out.reaction = codes_.of_answer(answer.Result, &reaction_to(answer.Result));
        // A result that is no acceptance carries no id that a report would name.
        if (out.reaction->outcome == send_outcome::accepted) out.message_id = id_text(answer.Msg_Id);
        return;
    }
    const auto p = decode(frame, layout_);
    out.what = kind::passed_over;
    if (!p) { // the frame's end is known, so the stream goes on behind it
        out.complaint = p.error().text();
        return;
    }
    if (const auto* d = std::get_if<deliver>(&p->body)) return read_deliver(p->Sequence_Id, *d, now, out);
    out.what = kind::nothing;
    if (std::holds_alternative<active_test>(p->body))
        return put(out.reply, p->Sequence_Id, active_test_resp{});
    if (std::holds_alternative<active_test_resp>(p->body)) return;
    if (std::holds_alternative<terminate>(p->body)) {
        out.what = kind::ended;
        return put(out.reply, p->Sequence_Id, terminate_resp{});
    }
    if (std::holds_alternative<terminate_resp>(p->body)) {
        out.what = kind::logged_out;
        return;
    }
    out.what = kind::passed_over;
    out.complaint = "unexpected command, Sequence_Id " + std::to_string(p->Sequence_Id);
}

void protocol::read_deliver(std::uint32_t sequence, const deliver& d, wall_time now, wire::event& out) const {
    out.from = {sequence, d.Msg_Id};
    if (d.Registered_Delivery == 0) {
        out.what = kind::inbound;
        out.wrote = {plain_phone(d.Src_terminal_Id), d.Dest_Id, d.Msg_Content, d.Msg_Fmt};
        // Some gateways copy the whole octet of the network, where the bit is 0x40, and not 1.
        if ((d.TP_udhi & 0x41) != 0) take_header(out.wrote);
        return;
    }
    auto r = receipt_of(d, gateway_, now, codes_);
    if (r) {
        out.what = kind::report;
        out.heard = std::move(*r);
        return;
    }
    out.what = kind::passed_over;
    out.complaint = r.error().text();
    put(out.reply, sequence, deliver_resp{d.Msg_Id, 1});
}

// ---- writing

std::optional<failure> protocol::flaw() const {
    return form_ ? std::nullopt : std::optional<failure>(form_.error());
}

void protocol::submit(std::string& to, std::uint32_t sequence, std::span<const sms_part> parts,
                      std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const {
    form_->append(to, sequence, parts.front(), udh_ref, phone, extension);
}

void protocol::keepalive(std::string& to, std::uint32_t sequence) const {
    put(to, sequence, active_test{});
}
void protocol::end(std::string& to, std::uint32_t sequence) const {
    put(to, sequence, terminate{});
}
void protocol::confirm(std::string& to, const wire::origin& from) const {
    put(to, from.sequence, deliver_resp{from.id, 0});
}

} // namespace zhida::gateways::cmpp
