#include "services/simulator/pdu_server.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <vector>

namespace zhida::simulator {

using tcp = asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

namespace {

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

constexpr milliseconds together_within{50}; // writes that are made one
constexpr milliseconds between_bytes{1};    // so that the peer's kernel does not put them together again

} // namespace

void pdu_connection::put(std::string frame) {
    if (black_hole_ || closing_) return;
    out_.push_back(std::move(frame));
    wake_.notify();
}

void pdu_connection::close(bool at_once) {
    closing_ = true;
    cut_ = cut_ || at_once;
    wake_.notify();
    error_code ignored;
    // Ends the reader; the writer still empties its queue unless it is cut.
    socket_.shutdown(at_once ? tcp::socket::shutdown_both : tcp::socket::shutdown_receive, ignored);
}

pdu_server::pdu_server(asio::any_io_executor executor, const clock& time, make_connection make)
    : executor_(executor), time_(time), make_(std::move(make)), acceptor_(executor), ended_(executor) {}

result<void> pdu_server::listen(const std::string& host, std::uint16_t port, const char* setting) {
    const auto where = host + ":" + std::to_string(port);
    error_code ec;
    const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    if (ec) return failure{errc::invalid, "not an IP address to listen on", where, "write 127.0.0.1 or ::"};
    const tcp::endpoint endpoint(address, port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
        return failure{errc::io, "the simulator cannot listen: " + ec.message(), where,
                       std::string("is another program using this port? choose another ") + setting +
                           ", or 0"};
    port_ = acceptor_.local_endpoint().port();
    return {};
}

asio::awaitable<void> pdu_server::run() {
    while (!stopping_) {
        error_code ec;
        tcp::socket socket = co_await acceptor_.async_accept(into(ec));
        if (stopping_) break;
        if (ec) {
            log::warn("simulator_accept_failed", {{"port", port_}, {"error", ec.message()}});
            gateways::wake_up never(executor_);
            co_await never.wait_at_most(time_, milliseconds(100));
            continue;
        }
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        ++running_;
        io::spawn(executor_, serve(this, make_(std::move(socket))));
    }
    while (running_ > 0) co_await ended_.wait();
}

void pdu_server::stop() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
}

asio::awaitable<void> pdu_server::serve(pdu_server* self, connection_ptr c) {
    try {
        co_await ((read_all(c) && write_all(self, c)) || keep_time(self, c));
    } catch (const std::exception& e) {
        log::error("simulator_session_failed", {{"port", self->port_}, {"error", e.what()}});
    }
    c->closing_ = true;
    error_code ignored;
    c->socket_.close(ignored);
    c->ended();
    --self->running_;
    self->ended_.notify();
}

asio::awaitable<void> pdu_server::read_all(connection_ptr c) {
    std::vector<char> bytes(64 << 10);
    while (!c->closing_) {
        error_code ec;
        const auto count = co_await c->socket_.async_read_some(asio::buffer(bytes), into(ec));
        if (ec) break;
        if (!c->closing_) c->received({bytes.data(), count});
    }
    c->closing_ = true;
    c->wake_.notify();
}

asio::awaitable<void> pdu_server::write_all(pdu_server* self, connection_ptr c) {
    using writing = pdu_connection::writing;
    gateways::wake_up never(self->executor_);
    while (!c->cut_) {
        if (c->out_.empty()) {
            if (c->closing_) co_return;
            co_await c->wake_.wait();
            continue;
        }
        if (c->writing_ == writing::together) co_await never.wait_at_most(self->time_, together_within);
        std::string batch;
        for (; !c->out_.empty(); c->out_.pop_front()) batch += c->out_.front();
        const bool at_once = c->writing_ != writing::bytes;
        error_code ec;
        if (at_once) co_await asio::async_write(c->socket_, asio::buffer(batch), into(ec));
        for (std::size_t at = 0; !at_once && at < batch.size() && !ec; ++at) {
            co_await asio::async_write(c->socket_, asio::buffer(batch.data() + at, 1), into(ec));
            co_await never.wait_at_most(self->time_, between_bytes);
        }
        if (ec) {
            c->close(true);
            co_return;
        }
    }
}

asio::awaitable<void> pdu_server::keep_time(pdu_server* self, connection_ptr c) {
    gateways::wake_up never(self->executor_);
    for (auto nap = c->tick(); nap; nap = c->tick())
        co_await never.wait_at_most(self->time_, std::max(*nap, milliseconds(5)));
}

} // namespace zhida::simulator
