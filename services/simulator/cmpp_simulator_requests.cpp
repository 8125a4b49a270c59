#include "common/base/log.hpp"
#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/simulator/bad_pdu.hpp"
#include "services/simulator/cmpp_simulator_impl.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

constexpr milliseconds longest_hold{1000}; // of an answer that waits for another

// A result in 2.0 has one byte.
std::uint32_t in_layout(std::uint32_t result, cmpp::version layout) {
    return layout == cmpp::version::v30 ? result : std::min(result, 255U);
}

} // namespace

void cmpp_simulator::impl::handle(const connection_ptr& c, const cmpp::pdu& p) {
    if (const auto* r = std::get_if<cmpp::connect>(&p.body)) return login(c, p.Sequence_Id, *r);
    if (c->account.empty()) return c->close(true); // nothing before the login
    if (const auto* s = std::get_if<cmpp::submit>(&p.body)) return submit(c, p.Sequence_Id, *s);
    if (const auto* r = std::get_if<cmpp::deliver_resp>(&p.body))
        return confirmed(c, p.Sequence_Id, r->Result);
    if (std::holds_alternative<cmpp::active_test>(p.body)) {
        ++stats.active_tests;
        if (c->active_test == "none") return;
        auto frame = cmpp::encode({p.Sequence_Id, c->layout, cmpp::active_test_resp{}}).value();
        if (c->active_test == "bare") {
            frame.pop_back();
            frame[3] = static_cast<char>(frame.size());
        }
        return c->put(std::move(frame));
    }
    if (std::holds_alternative<cmpp::terminate>(p.body)) {
        ++stats.terminates;
        put(c, {p.Sequence_Id, c->layout, cmpp::terminate_resp{}});
        return c->close(false);
    }
    if (std::holds_alternative<cmpp::terminate_resp>(p.body)) return c->close(false);
}

// ---- logins

std::uint32_t cmpp_simulator::impl::login_status(const cmpp::connect& r,
                                                 const std::string& only_version) const {
    const auto* account = find_account(r.Source_Addr);
    if (!account) return 2;
    const bool v30 = cmpp::layout_of(r.Version) == cmpp::version::v30;
    if (r.Version > 0x30 || (only_version == "2.0" && v30)) return 4;
    if (only_version == "3.0" && !v30) return 5;
    if (cmpp::authenticator_source(account->source_addr, account->secret, r.Timestamp) !=
        r.AuthenticatorSource)
        return 3;
    const auto open = std::count_if(connections.begin(), connections.end(),
                                    [&](const auto& o) { return o->account == r.Source_Addr; });
    return open >= options.max_connections ? 5 : 0;
}

void cmpp_simulator::impl::login(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::connect& r) {
    const auto* account = find_account(r.Source_Addr);
    const auto fault = faults
                           .take(
                               "sms", r.Source_Addr, [](const fault_rule& f) { return f.at_login(); },
                               account ? account->name : "")
                           .value_or(fault_rule{});
    const auto only = !fault.only_version.empty() ? fault.only_version : account ? account->only_version : "";
    c->layout = cmpp::layout_of(r.Version);
    c->write_as(fault.writes);
    c->active_test = fault.active_test;
    const auto status =
        fault.login_status ? static_cast<std::uint32_t>(*fault.login_status) : login_status(r, only);
    // A gateway that speaks one version refuses in that one.
    if (status != 0 && !only.empty()) c->layout = only == "2.0" ? cmpp::version::v20 : cmpp::version::v30;
    cmpp::connect_resp answer;
    answer.Status = in_layout(status, c->layout);
    answer.Version = static_cast<std::uint8_t>(c->layout);
    if (account)
        answer.AuthenticatorISMG =
            cmpp::authenticator_ismg(status, c->layout, r.AuthenticatorSource,
                                     fault.bad_authenticator ? account->secret + "?" : account->secret);
    if (fault.blank_authenticator) answer.AuthenticatorISMG.fill(0);
    put(c, {Sequence_Id, c->layout, answer});
    if (status != 0) {
        ++stats.refused_logins;
        return c->close(false);
    }
    ++stats.logins;
    c->account = r.Source_Addr;
    send_homeless(c->account);
}

// ---- SUBMIT

std::uint64_t cmpp_simulator::impl::next_id() {
    // month4 day5 hour5 min6 sec6 gateway22 seq16, as the protocol has it.
    std::uint64_t t = cmpp::timestamp_of(time.now());
    const std::uint64_t sec = t % 100, min = t / 100 % 100, hour = t / 10000 % 100, day = t / 1000000 % 100,
                        month = t / 100000000;
    if (++id_counter == 0) gateway_id = (gateway_id + 1) & 0x3FFFFF; // 65,536 in one second are not unique
    return month << 60 | day << 55 | hour << 50 | min << 44 | sec << 38 | gateway_id << 16 | id_counter;
}

std::uint32_t cmpp_simulator::impl::judge(const connection_ptr& c, const cmpp::submit& s) const {
    if (s.Msg_src != c->account) return 11;
    if (s.Msg_Content.size() > (s.Msg_Fmt == 0 ? 159U : 140U)) return 6;
    if (s.Pk_total == 0 || s.Pk_number == 0 || s.Pk_number > s.Pk_total) return 1;
    for (const auto& phone : s.Dest_terminal_Id)
        if (!mainland_mobile(short_phone(phone))) return 13;
    return 0;
}

void cmpp_simulator::impl::answer(const connection_ptr& c, std::uint32_t Sequence_Id,
                                  const cmpp::submit_resp& r, milliseconds delay, const fault_rule& fault) {
    const auto self = shared_from_this();
    const auto give = [self, c, Sequence_Id, r, fault] {
        --c->in_flight;
        if (!fault.pdu_before.empty()) c->put(bad_cmpp_pdu(fault.pdu_before, c->sequence));
        const auto number = fault.response == "wrong_sequence" ? Sequence_Id ^ 0x40000000U : Sequence_Id;
        for (int copies = fault.response == "duplicate" ? 2 : 1; copies > 0; --copies)
            self->put(c, {number, c->layout, cmpp::submit_resp{r.Msg_Id, in_layout(r.Result, c->layout)}});
    };
    later.after(delay, [self, c, give, held = fault.response == "after_next"] {
        if (held) {
            c->held.push_back(give);
            return self->later.after(longest_hold, [c] { release(c); });
        }
        give();
        release(c);
    });
}

void cmpp_simulator::impl::release(const connection_ptr& c) {
    std::deque<std::function<void()>> held;
    held.swap(c->held);
    for (const auto& give : held) give();
}

void cmpp_simulator::impl::submit(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::submit& s) {
    ++stats.submits;
    ++c->in_flight;
    stats.most_in_flight = std::max(stats.most_in_flight, c->in_flight);
    const auto* account = find_account(c->account); // null: a rule let a stranger in
    if (c->in_flight > (account && account->window > 0 ? account->window : options.window)) {
        ++stats.window_overruns;
        return answer(c, Sequence_Id, {0, 8}, milliseconds(0), {});
    }
    const auto fault =
        faults
            .take(
                "sms", short_phone(s.Dest_terminal_Id.front()),
                [](const fault_rule& f) { return !f.at_login(); }, account ? account->name : "")
            .value_or(fault_rule{});
    if (fault.black_hole) return c->fall_silent();
    const milliseconds delay(fault.delay_ms + spread(fault.jitter_ms));
    std::uint32_t outcome = fault.result ? static_cast<std::uint32_t>(*fault.result) : judge(c, s);
    const auto id = fault.response == "same_id" && last_id != 0 ? last_id : next_id();
    if (outcome == 0) {
        if (const auto kept = record(s, id); !kept) {
            log::error("cmpp_simulator_record_failed", {{"what", kept.error().text()}});
            outcome = 9;
        }
    }
    if (outcome != 0) {
        ++stats.rejected;
        return answer(c, Sequence_Id, {0, outcome}, delay, fault);
    }
    ++stats.accepted;
    last_id = id;
    const bool early = fault.report == "early";
    if (s.Registered_Delivery == 1 && early) report_later(c, s, id, fault, milliseconds(0));
    if (fault.disconnect_after > 0 && fault.matched >= fault.disconnect_after) {
        if (!early) report_later(c, s, id, fault, milliseconds(0));
        return c->close(true);
    }
    if (fault.drop_response) {
        ++stats.dropped_responses;
        --c->in_flight; // for the gateway it is answered
    } else {
        answer(c, Sequence_Id, {id, 0}, delay, fault);
    }
    if (s.Registered_Delivery == 1 && !early) report_later(c, s, id, fault, delay);
}

result<void> cmpp_simulator::impl::record(const cmpp::submit& s, std::uint64_t id) {
    const bool headed = s.TP_udhi != 0 && s.Msg_Content.size() >= 6 && s.Msg_Content[0] == 5;
    const auto body = std::string_view(s.Msg_Content).substr(headed ? 6 : 0);
    for (const auto& phone : s.Dest_terminal_Id) {
        message m;
        m.time_ms = time.now().time_since_epoch().count();
        m.channel = "sms";
        m.to = short_phone(phone);
        m.id = cmpp::id_text(id);
        m.more = {{"text", s.Msg_Fmt == 8 ? gateways::utf8_of_ucs2(body) : std::string(body)},
                  {"src_id", s.Src_Id},
                  {"account", s.Msg_src},
                  {"part", s.Pk_number},
                  {"parts", s.Pk_total}};
        if (headed) m.more["udh_ref"] = static_cast<std::uint8_t>(s.Msg_Content[3]);
        if (const auto kept = log.add(std::move(m)); !kept) return kept;
    }
    return {};
}

} // namespace zhida::simulator
