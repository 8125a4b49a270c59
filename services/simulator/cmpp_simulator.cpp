#include "services/simulator/cmpp_simulator.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/simulator/numbers.hpp"
#include "services/simulator/pdu_server.hpp"
#include "services/simulator/schedule.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <deque>
#include <fstream>
#include <random>
#include <set>

namespace zhida::simulator {

using tcp = asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;
namespace cmpp = gateways::cmpp;

namespace {

constexpr int most_report_tries = 5;

// A status report on its way to the account that submitted the message, or what somebody wrote back.
struct pending_report {
    std::string account;
    std::string src_id, service_id;
    cmpp::status_report report;
    std::string form = "normal"; // as in fault_rule
    std::string written;         // UCS2, of report.Dest_terminal_Id; empty: a status report
    int tries = 0;
    steady_time sent_at{};
};

// A result in 2.0 has one byte.
std::uint32_t in_layout(std::uint32_t result, cmpp::version layout) {
    return layout == cmpp::version::v30 ? result : std::min(result, 255U);
}

} // namespace

struct cmpp_simulator::connection : pdu_connection, std::enable_shared_from_this<connection> {
    connection(tcp::socket s, std::shared_ptr<impl> of);
    void received(std::string_view bytes) override;
    std::optional<milliseconds> tick() override;
    void ended() override;

    std::shared_ptr<impl> gateway;
    cmpp::frame_splitter splitter;
    gateways::wire::keepalive alive;
    cmpp::version layout = cmpp::version::v30;
    std::string account; // empty: not logged in
    std::uint32_t sequence = 1;
    std::int64_t in_flight = 0;
    std::map<std::uint32_t, pending_report> unconfirmed; // by our Sequence_Id
};

struct cmpp_simulator::impl : std::enable_shared_from_this<cmpp_simulator::impl> {
    using connection_ptr = std::shared_ptr<connection>;

    impl(asio::any_io_executor ex, const clock& c, cmpp_simulator_options o, message_log& l, fault_table& f)
        : executor(ex), time(c), options(std::move(o)), log(l), faults(f),
          server(ex, c, [this](tcp::socket s) { return accepted(std::move(s)); }), later(ex, c),
          random(std::random_device{}()), gateway_id(random() & 0x3FFFFF) {}

    asio::any_io_executor executor;
    const clock& time;
    cmpp_simulator_options options;
    message_log& log;
    fault_table& faults;
    pdu_server server;
    schedule later;
    std::mt19937 random;
    std::uint64_t gateway_id;
    std::uint16_t id_counter = 0;
    std::set<connection_ptr> connections;
    std::deque<pending_report> homeless; // reports without a connection to send them on
    std::ofstream acks;
    cmpp_simulator_stats stats;

    result<void> listen();
    result<void> restore();
    pdu_server::connection_ptr accepted(tcp::socket socket);

    void put(const connection_ptr& c, const cmpp::pdu& p) { c->put(cmpp::encode(p).value()); }
    std::int64_t spread(std::int64_t jitter) {
        return jitter <= 0 ? 0 : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(jitter + 1));
    }
    std::uint64_t next_id();
    void handle(const connection_ptr& c, const cmpp::pdu& p);
    void login(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::connect& r);
    void submit(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::submit& s);
    std::uint32_t judge(const connection_ptr& c, const cmpp::submit& s) const;
    void answer(const connection_ptr& c, std::uint32_t Sequence_Id, std::uint64_t id, std::uint32_t Result,
                milliseconds delay);
    result<void> record(const cmpp::submit& s, std::uint64_t id);
    void report_later(const connection_ptr& c, const cmpp::submit& s, std::uint64_t id,
                      const fault_rule& fault, milliseconds response_delay);
    void send_report(const std::weak_ptr<connection>& wanted, pending_report r);
    void confirmed(const connection_ptr& c, std::uint32_t Sequence_Id, std::uint32_t Result);
    void send_unconfirmed(const connection_ptr& c);
    void send_homeless(const std::string& account);
};

// ---- listening

result<void> cmpp_simulator::impl::listen() {
    const auto bound = server.listen(options.host, options.port, "simulator.cmpp_port");
    return bound ? restore() : bound;
}

// A gateway does not forget, when it restarts, what it took and has not yet reported.
result<void> cmpp_simulator::impl::restore() {
    if (options.acks_file.empty()) return {};
    std::set<std::string> reported;
    std::ifstream in(options.acks_file);
    for (std::string line; std::getline(in, line);) reported.insert(line);
    for (const auto& m : log.all()) {
        const auto id = crypto::from_hex(m.id);
        if (m.channel != "sms" || !m.more.contains("account") || reported.contains(m.id) || !id ||
            id->size() != 8)
            continue;
        pending_report r;
        r.account = m.more.value("account", "");
        r.src_id = m.more.value("src_id", "");
        for (const char c : *id) r.report.Msg_Id = r.report.Msg_Id << 8 | static_cast<std::uint8_t>(c);
        r.report.Stat = "DELIVRD";
        r.report.Submit_time = cmpp::report_time(wall_time(milliseconds(m.time_ms)));
        r.report.Done_time = cmpp::report_time(time.now());
        r.report.Dest_terminal_Id = m.to;
        homeless.push_back(std::move(r));
    }
    acks.open(options.acks_file, std::ios::app);
    if (!acks) return failure{errc::io, "cannot be opened", options.acks_file, "check simulator.record_file"};
    return {};
}

pdu_server::connection_ptr cmpp_simulator::impl::accepted(tcp::socket socket) {
    const auto c = std::make_shared<connection>(std::move(socket), shared_from_this());
    connections.insert(c);
    return c;
}

cmpp_simulator::connection::connection(tcp::socket s, std::shared_ptr<impl> of)
    : pdu_connection(std::move(s), of->executor), gateway(of),
      alive(of->options.keepalive, of->options.keepalive, of->time.steady_now()) {}

void cmpp_simulator::connection::received(std::string_view bytes) {
    alive.heard(gateway->time.steady_now());
    if (!silent()) splitter.feed(bytes);
    while (!closing() && !silent()) {
        const auto frame = splitter.next();
        if (frame && frame->empty()) break;
        const auto p = frame ? cmpp::decode(*frame, layout) : result<cmpp::pdu>(frame.error());
        if (!p) {
            ++gateway->stats.garbled;
            log::warn("cmpp_simulator_garbled", {{"what", p.error().text()}});
            return close(true);
        }
        gateway->handle(shared_from_this(), *p);
    }
}

std::optional<milliseconds> cmpp_simulator::connection::tick() {
    gateway->send_unconfirmed(shared_from_this());
    const auto now = gateway->time.steady_now();
    switch (alive.due(now)) {
    case gateways::wire::keepalive::action::none:
        break;
    case gateways::wire::keepalive::action::ask:
        if (!account.empty()) put(cmpp::encode({sequence++, layout, cmpp::active_test{}}).value());
        break;
    case gateways::wire::keepalive::action::give_up:
        return std::nullopt;
    }
    return std::min({milliseconds(1000), gateway->options.report_again / 2, alive.next() - now});
}

void cmpp_simulator::connection::ended() {
    const auto self = shared_from_this();
    gateway->connections.erase(self);
    // What was not confirmed goes out again, on the account's next connection.
    for (auto& [unused, r] : unconfirmed) gateway->homeless.push_back(std::move(r));
    unconfirmed.clear();
    if (!account.empty()) gateway->send_homeless(account);
}

// ---- requests

void cmpp_simulator::impl::handle(const connection_ptr& c, const cmpp::pdu& p) {
    if (const auto* r = std::get_if<cmpp::connect>(&p.body)) return login(c, p.Sequence_Id, *r);
    if (c->account.empty()) return c->close(true); // nothing before the login
    if (const auto* s = std::get_if<cmpp::submit>(&p.body)) return submit(c, p.Sequence_Id, *s);
    if (const auto* r = std::get_if<cmpp::deliver_resp>(&p.body))
        return confirmed(c, p.Sequence_Id, r->Result);
    if (std::holds_alternative<cmpp::active_test>(p.body)) {
        ++stats.active_tests;
        return put(c, {p.Sequence_Id, c->layout, cmpp::active_test_resp{}});
    }
    if (std::holds_alternative<cmpp::terminate>(p.body)) {
        ++stats.terminates;
        put(c, {p.Sequence_Id, c->layout, cmpp::terminate_resp{}});
        return c->close(false);
    }
    if (std::holds_alternative<cmpp::terminate_resp>(p.body)) return c->close(false);
}

void cmpp_simulator::impl::login(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::connect& r) {
    c->layout = cmpp::layout_of(r.Version);
    const auto account = std::find_if(options.accounts.begin(), options.accounts.end(),
                                      [&](const auto& a) { return a.source_addr == r.Source_Addr; });
    const auto open = std::count_if(connections.begin(), connections.end(),
                                    [&](const auto& o) { return o->account == r.Source_Addr; });
    const auto fault = faults.take("sms", r.Source_Addr, [](const fault_rule& f) {
        return f.login_status.has_value() || f.bad_authenticator;
    });
    std::uint32_t status = 0;
    if (account == options.accounts.end())
        status = 2;
    else if (r.Version > 0x30)
        status = 4;
    else if (cmpp::authenticator_source(account->source_addr, account->secret, r.Timestamp) !=
             r.AuthenticatorSource)
        status = 3;
    else if (open >= options.max_connections)
        status = 5;
    if (fault && fault->login_status) status = static_cast<std::uint32_t>(*fault->login_status);
    cmpp::connect_resp answer;
    answer.Status = in_layout(status, c->layout);
    answer.Version = static_cast<std::uint8_t>(c->layout);
    if (account != options.accounts.end())
        answer.AuthenticatorISMG =
            cmpp::authenticator_ismg(status, c->layout, r.AuthenticatorSource, account->secret);
    if (fault && fault->bad_authenticator) answer.AuthenticatorISMG.fill(0);
    put(c, {Sequence_Id, c->layout, answer});
    if (status != 0) {
        ++stats.refused_logins;
        return c->close(false);
    }
    ++stats.logins;
    c->account = r.Source_Addr;
    send_homeless(c->account);
}

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

void cmpp_simulator::impl::answer(const connection_ptr& c, std::uint32_t Sequence_Id, std::uint64_t id,
                                  std::uint32_t Result, milliseconds delay) {
    const auto self = shared_from_this();
    later.after(delay, [self, c, Sequence_Id, id, Result] {
        --c->in_flight;
        self->put(c, {Sequence_Id, c->layout, cmpp::submit_resp{id, in_layout(Result, c->layout)}});
    });
}

void cmpp_simulator::impl::submit(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::submit& s) {
    ++stats.submits;
    ++c->in_flight;
    stats.most_in_flight = std::max(stats.most_in_flight, c->in_flight);
    if (c->in_flight > options.window) {
        ++stats.window_overruns;
        return answer(c, Sequence_Id, 0, 8, milliseconds(0));
    }
    const auto fault = faults
                           .take("sms", short_phone(s.Dest_terminal_Id.front()),
                                 [](const fault_rule& f) { return !f.login_status && !f.bad_authenticator; })
                           .value_or(fault_rule{});
    if (fault.black_hole) {
        return c->fall_silent();
    }
    const milliseconds delay(fault.delay_ms + spread(fault.jitter_ms));
    std::uint32_t outcome = fault.result ? static_cast<std::uint32_t>(*fault.result) : judge(c, s);
    const auto id = next_id();
    if (outcome == 0) {
        if (const auto kept = record(s, id); !kept) {
            log::error("cmpp_simulator_record_failed", {{"what", kept.error().text()}});
            outcome = 9;
        }
    }
    if (outcome != 0) {
        ++stats.rejected;
        return answer(c, Sequence_Id, 0, outcome, delay);
    }
    ++stats.accepted;
    if (s.Registered_Delivery == 1 && fault.report == "early") report_later(c, s, id, fault, milliseconds(0));
    if (fault.disconnect_after > 0 && fault.matched >= fault.disconnect_after) {
        if (fault.report != "early") report_later(c, s, id, fault, milliseconds(0));
        return c->close(true);
    }
    if (fault.drop_response) {
        ++stats.dropped_responses;
        --c->in_flight; // for the gateway it is answered
    } else {
        answer(c, Sequence_Id, id, 0, delay);
    }
    if (s.Registered_Delivery == 1 && fault.report != "early") report_later(c, s, id, fault, delay);
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

// ---- status reports

void cmpp_simulator::impl::report_later(const connection_ptr& c, const cmpp::submit& s, std::uint64_t id,
                                        const fault_rule& fault, milliseconds response_delay) {
    if (fault.report == "none") return;
    pending_report r;
    r.account = c->account;
    r.src_id = s.Src_Id;
    r.service_id = s.Service_Id;
    r.form = fault.report;
    r.report.Msg_Id = id;
    r.report.Stat = fault.stat;
    r.report.Submit_time = cmpp::report_time(time.now());
    r.report.Dest_terminal_Id = s.Dest_terminal_Id.front();
    const milliseconds usual =
        fault.report_delay_ms ? milliseconds(*fault.report_delay_ms) : options.report_delay;
    const auto delay = fault.report == "early"
                           ? milliseconds(0)
                           : response_delay + usual + milliseconds(spread(fault.report_jitter_ms));
    const auto self = shared_from_this();
    const std::weak_ptr<connection> here = c;
    const int copies = fault.report == "duplicate" ? 2 : 1;
    for (int i = 0; i < copies; ++i)
        later.after(delay, [self, here, r]() mutable {
            r.report.Done_time = cmpp::report_time(self->time.now());
            self->send_report(here, r);
        });
}

void cmpp_simulator::impl::send_report(const std::weak_ptr<connection>& wanted, pending_report r) {
    auto c = wanted.lock();
    if (!c || c->closing() || c->account != r.account) {
        const auto any = std::find_if(connections.begin(), connections.end(), [&](const auto& o) {
            return o->account == r.account && !o->closing();
        });
        if (any == connections.end()) return homeless.push_back(std::move(r));
        c = *any;
    }
    ++r.tries;
    cmpp::deliver d;
    d.Msg_Id = next_id();
    d.Dest_Id = r.src_id;
    d.Service_Id = r.service_id;
    d.Src_terminal_Id = r.report.Dest_terminal_Id;
    if (r.written.empty()) {
        d.Registered_Delivery = 1;
        const bool swapped = r.form == "other_layout";
        d.Msg_Content =
            cmpp::encode_report(r.report, (c->layout == cmpp::version::v30) != swapped ? cmpp::version::v30
                                                                                       : cmpp::version::v20)
                .value();
    } else {
        d.Msg_Fmt = gateways::sms_format_ucs2;
        d.Msg_Content = r.written;
    }
    const auto sequence = c->sequence++;
    auto frame = cmpp::encode({sequence, c->layout, d}).value();
    if (r.form == "short_tail") {
        frame.resize(frame.size() - (c->layout == cmpp::version::v30 ? 20 : 8));
        frame[3] = static_cast<char>(frame.size());
    }
    ++(r.written.empty() ? stats.reports_sent : stats.inbound_sent);
    c->put(std::move(frame));
    r.sent_at = time.steady_now();
    c->unconfirmed.emplace(sequence, std::move(r));
}

void cmpp_simulator::impl::confirmed(const connection_ptr& c, std::uint32_t Sequence_Id,
                                     std::uint32_t Result) {
    const auto found = c->unconfirmed.find(Sequence_Id);
    if (found == c->unconfirmed.end() || Result != 0) return; // refused: sent again in its time
    const bool written = !found->second.written.empty();
    ++(written ? stats.inbound_acked : stats.reports_acked);
    if (!written && acks.is_open()) acks << cmpp::id_text(found->second.report.Msg_Id) << '\n' << std::flush;
    c->unconfirmed.erase(found);
}

void cmpp_simulator::impl::send_unconfirmed(const connection_ptr& c) {
    std::vector<pending_report> late;
    for (auto at = c->unconfirmed.begin(); at != c->unconfirmed.end();) {
        if (time.steady_now() < at->second.sent_at + options.report_again) {
            ++at;
            continue;
        }
        if (at->second.tries < most_report_tries) late.push_back(std::move(at->second));
        at = c->unconfirmed.erase(at);
    }
    for (auto& r : late) send_report(c, std::move(r));
}

void cmpp_simulator::impl::send_homeless(const std::string& account) {
    std::deque<pending_report> waiting;
    waiting.swap(homeless);
    for (auto& r : waiting) {
        if (r.account == account && r.tries < most_report_tries)
            send_report({}, std::move(r));
        else if (r.tries < most_report_tries)
            homeless.push_back(std::move(r));
    }
}

// ---- outside

json to_json(const cmpp_simulator_stats& s) {
    return {{"connections", s.connections},
            {"logins", s.logins},
            {"refused_logins", s.refused_logins},
            {"submits", s.submits},
            {"accepted", s.accepted},
            {"rejected", s.rejected},
            {"window_overruns", s.window_overruns},
            {"dropped_responses", s.dropped_responses},
            {"reports_sent", s.reports_sent},
            {"reports_acked", s.reports_acked},
            {"reports_waiting", s.reports_waiting},
            {"inbound_sent", s.inbound_sent},
            {"inbound_acked", s.inbound_acked},
            {"active_tests", s.active_tests},
            {"terminates", s.terminates},
            {"garbled", s.garbled},
            {"most_in_flight", s.most_in_flight}};
}

cmpp_simulator::cmpp_simulator(asio::any_io_executor executor, const clock& time,
                               cmpp_simulator_options options, message_log& log, fault_table& faults)
    : impl_(std::make_shared<impl>(executor, time, std::move(options), log, faults)) {}
cmpp_simulator::~cmpp_simulator() = default;

result<void> cmpp_simulator::listen() {
    return impl_->listen();
}
std::uint16_t cmpp_simulator::port() const noexcept {
    return impl_->server.port();
}

asio::awaitable<void> cmpp_simulator::run() {
    const auto self = impl_;
    co_await (self->server.run() && self->later.run());
}

void cmpp_simulator::stop() {
    impl_->server.stop();
    impl_->later.stop();
    disconnect_all();
}

cmpp_simulator_stats cmpp_simulator::stats() const {
    auto s = impl_->stats;
    s.connections = static_cast<std::int64_t>(impl_->connections.size());
    s.reports_waiting = static_cast<std::int64_t>(impl_->homeless.size());
    for (const auto& c : impl_->connections)
        s.reports_waiting += static_cast<std::int64_t>(c->unconfirmed.size());
    return s;
}

result<void> cmpp_simulator::write_back(std::string phone, std::string_view text) {
    auto parts = gateways::segment_sms(text, 0);
    if (!parts) return parts.error();
    if (parts->size() > 1 || !mainland_mobile(phone))
        return failure{errc::invalid, "a number of eleven digits and a text of one part", "", ""};
    pending_report r;
    r.account = impl_->options.accounts.front().source_addr;
    r.src_id = impl_->options.src_id;
    r.report.Dest_terminal_Id = std::move(phone);
    r.written = std::move(parts->front().content);
    impl_->send_report({}, std::move(r));
    return {};
}

void cmpp_simulator::terminate_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::terminate{}});
}
void cmpp_simulator::disconnect_all() {
    for (const auto& c : std::set<impl::connection_ptr>(impl_->connections)) c->close(true);
}
void cmpp_simulator::ask_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::active_test{}});
}

} // namespace zhida::simulator
