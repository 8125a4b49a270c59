#include "services/simulator/cmpp_simulator.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/io/spawn.hpp"
#include "services/gateways/cmpp_auth.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/simulator/schedule.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <random>
#include <set>

namespace zhida::simulator {

using tcp = asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;
namespace cmpp = gateways::cmpp;

namespace {

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

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

bool mainland_mobile(std::string_view phone) {
    return phone.size() == 11 && phone[0] == '1' &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string short_phone(std::string_view phone) {
    for (const std::string_view prefix : {"+86", "86"})
        if (phone.starts_with(prefix) && phone.size() == prefix.size() + 11)
            return std::string(phone.substr(prefix.size()));
    return std::string(phone);
}

struct connection {
    connection(tcp::socket s, asio::any_io_executor ex, const clock& time)
        : socket(std::move(s)), wake(ex), alive(milliseconds(0), milliseconds(0), time.steady_now()) {}
    tcp::socket socket;
    gateways::wake_up wake; // the writer's
    std::deque<std::string> out;
    cmpp::frame_splitter splitter;
    gateways::wire::keepalive alive;
    cmpp::version layout = cmpp::version::v30;
    std::string account; // empty: not logged in
    std::uint32_t sequence = 1;
    std::int64_t in_flight = 0;
    std::map<std::uint32_t, pending_report> unconfirmed; // by our Sequence_Id
    bool black_hole = false, closing = false;
    bool cut = false; // close without writing what waits

    void close(bool at_once) {
        closing = true;
        cut = cut || at_once;
        wake.notify();
        error_code ignored;
        // Ends the reader; the writer still empties its queue unless it is cut.
        socket.shutdown(at_once ? tcp::socket::shutdown_both : tcp::socket::shutdown_receive, ignored);
    }
};
using connection_ptr = std::shared_ptr<connection>;

} // namespace

struct cmpp_simulator::impl : std::enable_shared_from_this<cmpp_simulator::impl> {
    impl(asio::any_io_executor ex, const clock& c, cmpp_simulator_options o, message_log& l, fault_table& f)
        : executor(ex), time(c), options(std::move(o)), log(l), faults(f), acceptor(ex), later(ex, c),
          ended(ex), random(std::random_device{}()), gateway_id(random() & 0x3FFFFF) {}

    asio::any_io_executor executor;
    const clock& time;
    cmpp_simulator_options options;
    message_log& log;
    fault_table& faults;
    tcp::acceptor acceptor;
    schedule later;
    gateways::wake_up ended;
    std::mt19937 random;
    std::uint64_t gateway_id;
    std::uint16_t id_counter = 0;
    std::uint16_t port = 0;
    bool stopping = false;
    std::size_t running = 0; // connections whose coroutine runs
    std::set<connection_ptr> connections;
    std::deque<pending_report> homeless; // reports without a connection to send them on
    std::ofstream acks;
    cmpp_simulator_stats stats;

    result<void> listen();
    result<void> restore();
    static asio::awaitable<void> accept_all(std::shared_ptr<impl> self);
    static asio::awaitable<void> serve(std::shared_ptr<impl> self, connection_ptr c);
    static asio::awaitable<void> read_all(std::shared_ptr<impl> self, connection_ptr c);
    static asio::awaitable<void> write_all(std::shared_ptr<impl> self, connection_ptr c);
    static asio::awaitable<void> keep_time(std::shared_ptr<impl> self, connection_ptr c);

    void put(const connection_ptr& c, const cmpp::pdu& p) {
        if (c->black_hole || c->closing) return;
        c->out.push_back(cmpp::encode(p).value());
        c->wake.notify();
    }
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
    const auto where = options.host + ":" + std::to_string(options.port);
    error_code ec;
    const auto address = asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, ec);
    if (ec) return failure{errc::invalid, "not an IP address to listen on", where, "write 127.0.0.1 or ::"};
    acceptor.open(tcp::endpoint(address, options.port).protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor.bind(tcp::endpoint(address, options.port), ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
        return failure{errc::io, "the CMPP simulator cannot listen: " + ec.message(), where,
                       "is another program using this port? choose another simulator.cmpp_port, or 0"};
    port = acceptor.local_endpoint().port();
    return restore();
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

asio::awaitable<void> cmpp_simulator::impl::accept_all(std::shared_ptr<impl> self) {
    while (!self->stopping) {
        error_code ec;
        tcp::socket socket = co_await self->acceptor.async_accept(into(ec));
        if (self->stopping) break;
        if (ec) {
            log::warn("cmpp_simulator_accept_failed", {{"error", ec.message()}});
            gateways::wake_up never(self->executor);
            co_await never.wait_at_most(self->time, milliseconds(100));
            continue;
        }
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        auto c = std::make_shared<connection>(std::move(socket), self->executor, self->time);
        c->alive = gateways::wire::keepalive(self->options.keepalive, self->options.keepalive,
                                             self->time.steady_now());
        self->connections.insert(c);
        ++self->running;
        io::spawn(self->executor, serve(self, c));
    }
}

asio::awaitable<void> cmpp_simulator::impl::serve(std::shared_ptr<impl> self, connection_ptr c) {
    try {
        co_await ((read_all(self, c) && write_all(self, c)) || keep_time(self, c));
    } catch (const std::exception& e) {
        log::error("cmpp_simulator_session_failed", {{"error", e.what()}});
    }
    c->closing = true;
    error_code ignored;
    c->socket.close(ignored);
    self->connections.erase(c);
    // What was not confirmed goes out again, on the account's next connection.
    for (auto& [unused, r] : c->unconfirmed) self->homeless.push_back(std::move(r));
    c->unconfirmed.clear();
    if (!c->account.empty()) self->send_homeless(c->account);
    --self->running;
    self->ended.notify();
}

asio::awaitable<void> cmpp_simulator::impl::read_all(std::shared_ptr<impl> self, connection_ptr c) {
    std::vector<char> bytes(64 << 10);
    while (!c->closing) {
        error_code ec;
        const auto count = co_await c->socket.async_read_some(asio::buffer(bytes), into(ec));
        if (ec) break;
        c->alive.heard(self->time.steady_now());
        c->splitter.feed({bytes.data(), count});
        while (!c->closing) {
            const auto frame = c->splitter.next();
            if (frame && frame->empty()) break;
            const auto p = frame ? cmpp::decode(*frame, c->layout) : result<cmpp::pdu>(frame.error());
            if (!p) {
                ++self->stats.garbled;
                log::warn("cmpp_simulator_garbled", {{"what", p.error().text()}});
                c->close(true);
                break;
            }
            if (!c->black_hole) self->handle(c, *p);
        }
    }
    c->closing = true;
    c->wake.notify();
}

asio::awaitable<void> cmpp_simulator::impl::write_all(std::shared_ptr<impl> self, connection_ptr c) {
    while (!c->cut) {
        std::string batch;
        for (; !c->out.empty(); c->out.pop_front()) batch += c->out.front();
        if (batch.empty()) {
            if (c->closing) co_return;
            co_await c->wake.wait();
            continue;
        }
        error_code ec;
        co_await asio::async_write(c->socket, asio::buffer(batch), into(ec));
        if (ec) {
            c->close(true);
            co_return;
        }
    }
    static_cast<void>(self);
}

asio::awaitable<void> cmpp_simulator::impl::keep_time(std::shared_ptr<impl> self, connection_ptr c) {
    gateways::wake_up never(self->executor);
    for (;;) {
        const auto nap = std::min(
            {milliseconds(1000), self->options.report_again / 2, c->alive.next() - self->time.steady_now()});
        co_await never.wait_at_most(self->time, std::max(nap, milliseconds(5)));
        self->send_unconfirmed(c);
        switch (c->alive.due(self->time.steady_now())) {
        case gateways::wire::keepalive::action::none:
            break;
        case gateways::wire::keepalive::action::ask:
            if (!c->account.empty()) self->put(c, {c->sequence++, c->layout, cmpp::active_test{}});
            break;
        case gateways::wire::keepalive::action::give_up:
            co_return;
        }
    }
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
    answer.Status = status;
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
        self->put(c, {Sequence_Id, c->layout, cmpp::submit_resp{id, Result}});
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
        c->black_hole = true;
        return;
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
    if (!c || c->closing || c->account != r.account) {
        const auto any = std::find_if(connections.begin(), connections.end(),
                                      [&](const auto& o) { return o->account == r.account && !o->closing; });
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
    if (!c->black_hole) c->out.push_back(std::move(frame));
    c->wake.notify();
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
    return impl_->port;
}

asio::awaitable<void> cmpp_simulator::run() {
    const auto self = impl_;
    co_await (impl::accept_all(self) && self->later.run());
    while (self->running > 0) co_await self->ended.wait();
}

void cmpp_simulator::stop() {
    impl_->stopping = true;
    error_code ignored;
    impl_->acceptor.close(ignored);
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
    r.src_id = impl_->options.accounts.front().src_id;
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
    for (const auto& c : std::set<connection_ptr>(impl_->connections)) c->close(true);
}
void cmpp_simulator::ask_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::active_test{}});
}

} // namespace zhida::simulator
