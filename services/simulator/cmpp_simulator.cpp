#include "services/simulator/cmpp_simulator.hpp"

#include "common/base/log.hpp"
#include "services/simulator/bad_pdu.hpp"
#include "services/simulator/cmpp_simulator_impl.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>

namespace zhida::simulator {

using tcp = asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

std::int64_t cmpp_simulator::impl::spread(std::int64_t jitter) {
    return jitter <= 0 ? 0 : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(jitter + 1));
}

const cmpp_account* cmpp_simulator::impl::find_account(std::string_view source_addr) const {
    const auto found = std::find_if(options.accounts.begin(), options.accounts.end(),
                                    [&](const auto& a) { return a.source_addr == source_addr; });
    return found == options.accounts.end() ? nullptr : &*found;
}

// ---- connections

result<void> cmpp_simulator::impl::listen() {
    const auto bound = server.listen(options.host, options.port, "simulator.cmpp_port");
    return bound ? restore() : bound;
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
    held.clear(); // they hold the connection
    // What was not confirmed goes out again, on the account's next connection.
    for (auto& [unused, d] : unconfirmed) gateway->homeless.push_back(std::move(d));
    unconfirmed.clear();
    if (!account.empty()) gateway->send_homeless(account);
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

void cmpp_simulator::limit(std::optional<std::int64_t> window, std::optional<std::int64_t> connections) {
    if (window) {
        impl_->options.window = *window;
        for (auto& a : impl_->options.accounts) a.window = 0;
    }
    if (connections) impl_->options.max_connections = *connections;
}

void cmpp_simulator::terminate_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::terminate{}});
}
void cmpp_simulator::disconnect_all() {
    for (const auto& c : std::set<impl::connection_ptr>(impl_->connections)) c->close(true);
}
void cmpp_simulator::send_bad(std::string_view name) {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) c->put(bad_cmpp_pdu(name, c->sequence));
}
void cmpp_simulator::ask_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::active_test{}});
}

} // namespace zhida::simulator
