// The connections of a simulated SMS gateway, whatever its protocol: accepted, read, written in order, ended.
// One thread.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"
#include "services/gateways/wake_up.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zhida::simulator {

namespace asio = boost::asio;

class pdu_connection {
  public:
    pdu_connection(asio::ip::tcp::socket socket, asio::any_io_executor executor)
        : socket_(std::move(socket)), wake_(executor) {}
    virtual ~pdu_connection() = default;
    // Written after what waits already; dropped where nothing is answered any more.
    void put(std::string frame);
    void close(bool at_once);                  // at_once: without writing what waits
    void fall_silent() { black_hole_ = true; } // from here on it answers nothing at all
    // bytes: each is a write of its own; together: what comes within 50 ms is one.
    enum class writing { as_it_comes, bytes, together };
    void write_as(writing w) { writing_ = w; }
    // word: as fault_rule::writes.
    void write_as(std::string_view word) {
        write_as(word == "bytes"      ? writing::bytes
                 : word == "together" ? writing::together
                                      : writing::as_it_comes);
    }
    bool closing() const noexcept { return closing_; }
    bool silent() const noexcept { return black_hole_; }

  private:
    friend class pdu_server;
    // Not called on a connection that is closing.
    virtual void received(std::string_view bytes) = 0;
    // Gives when it wants to be called again; nothing: the peer is dead.
    virtual std::optional<milliseconds> tick() = 0;
    virtual void ended() = 0; // the last call

    asio::ip::tcp::socket socket_;
    gateways::wake_up wake_; // the writer's
    std::deque<std::string> out_;
    writing writing_ = writing::as_it_comes;
    bool black_hole_ = false, closing_ = false;
    bool cut_ = false; // closes without writing what waits
};

class pdu_server {
  public:
    using connection_ptr = std::shared_ptr<pdu_connection>;
    using make_connection = std::function<connection_ptr(asio::ip::tcp::socket)>;

    pdu_server(asio::any_io_executor executor, const clock& time, make_connection make);
    // setting: "simulator.cmpp_port", for the message. Failure invalid: no address; io: it cannot be bound.
    result<void> listen(const std::string& host, std::uint16_t port, const char* setting);
    std::uint16_t port() const noexcept { return port_; }
    // Until stop() and the end of the last connection, which its owner closes. *this outlives it.
    asio::awaitable<void> run();
    void stop(); // accepts no more

  private:
    static asio::awaitable<void> serve(pdu_server* self, connection_ptr c);
    static asio::awaitable<void> read_all(connection_ptr c);
    static asio::awaitable<void> write_all(pdu_server* self, connection_ptr c);
    static asio::awaitable<void> keep_time(pdu_server* self, connection_ptr c);

    asio::any_io_executor executor_;
    const clock& time_;
    make_connection make_;
    asio::ip::tcp::acceptor acceptor_;
    gateways::wake_up ended_;
    std::uint16_t port_ = 0;
    std::size_t running_ = 0; // connections whose coroutine runs
    bool stopping_ = false;
};

} // namespace zhida::simulator
