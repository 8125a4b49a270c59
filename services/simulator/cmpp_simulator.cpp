#include "services/simulator/cmpp_simulator.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"
#include "services/simulator/cmpp_bad_pdu.hpp"
#include "services/simulator/cmpp_simulator_impl.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

namespace zhida::simulator {

using tcp = asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

namespace {

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

constexpr milliseconds together_within{50}; // writes that fault_rule::writes makes one
constexpr milliseconds between_bytes{1};    // so that the peer's kernel does not put them together again

} // namespace

void connection::close(bool at_once) {
    closing = true;
    cut = cut || at_once;
    wake.notify();
    error_code ignored;
    // Ends the reader; the writer still empties its queue unless it is cut.
    socket.shutdown(at_once ? tcp::socket::shutdown_both : tcp::socket::shutdown_receive, ignored);
}

void cmpp_simulator::impl::put_bytes(const connection_ptr& c, std::string bytes) {
    if (c->black_hole || c->closing) return;
    c->out.push_back(std::move(bytes));
    c->wake.notify();
}

std::int64_t cmpp_simulator::impl::spread(std::int64_t jitter) {
    return jitter <= 0 ? 0 : static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(jitter + 1));
}

const cmpp_account* cmpp_simulator::impl::find_account(std::string_view source_addr) const {
    const auto found = std::find_if(options.accounts.begin(), options.accounts.end(),
                                    [&](const auto& a) { return a.source_addr == source_addr; });
    return found == options.accounts.end() ? nullptr : &*found;
}

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
        c->alive = cmpp::keepalive(self->options.keepalive, self->options.keepalive, self->time.steady_now());
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
    c->held.clear(); // they hold the connection
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
        if (c->out.empty()) {
            if (c->closing) co_return;
            co_await c->wake.wait();
            continue;
        }
        gateways::wake_up never(self->executor);
        if (c->writes == "together") co_await never.wait_at_most(self->time, together_within);
        std::string batch;
        for (; !c->out.empty(); c->out.pop_front()) batch += c->out.front();
        error_code ec;
        if (c->writes != "bytes") co_await asio::async_write(c->socket, asio::buffer(batch), into(ec));
        for (std::size_t at = 0; c->writes == "bytes" && at < batch.size() && !ec; ++at) {
            co_await asio::async_write(c->socket, asio::buffer(batch.data() + at, 1), into(ec));
            co_await never.wait_at_most(self->time, between_bytes);
        }
        if (ec) {
            c->close(true);
            co_return;
        }
    }
}

asio::awaitable<void> cmpp_simulator::impl::keep_time(std::shared_ptr<impl> self, connection_ptr c) {
    gateways::wake_up never(self->executor);
    for (;;) {
        const auto nap = std::min(
            {milliseconds(1000), self->options.report_again / 2, c->alive.next() - self->time.steady_now()});
        co_await never.wait_at_most(self->time, std::max(nap, milliseconds(5)));
        self->send_unconfirmed(c);
        switch (c->alive.due(self->time.steady_now())) {
        case cmpp::keepalive::action::none:
            break;
        case cmpp::keepalive::action::ask:
            if (!c->account.empty()) self->put(c, {c->sequence++, c->layout, cmpp::active_test{}});
            break;
        case cmpp::keepalive::action::give_up:
            co_return;
        }
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

void cmpp_simulator::limit(std::optional<std::int64_t> window, std::optional<std::int64_t> connections) {
    if (window) impl_->options.window = *window;
    if (connections) impl_->options.max_connections = *connections;
}

void cmpp_simulator::terminate_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::terminate{}});
}
void cmpp_simulator::disconnect_all() {
    for (const auto& c : std::set<connection_ptr>(impl_->connections)) c->close(true);
}
void cmpp_simulator::send_bad(std::string_view name) {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put_bytes(c, bad_pdu(name, c->sequence));
}
void cmpp_simulator::ask_all() {
    for (const auto& c : impl_->connections)
        if (!c->account.empty()) impl_->put(c, {c->sequence++, c->layout, cmpp::active_test{}});
}

} // namespace zhida::simulator
