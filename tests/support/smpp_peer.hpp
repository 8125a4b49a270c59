// A client that sends exactly the SMPP PDUs it is told to, on the loop of the simulator that it talks to.
#pragma once

#include "services/gateways/smpp_codec.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <stdexcept>
#include <string>

namespace zhida::tests {

class smpp_peer {
  public:
    smpp_peer(loop& on, std::uint16_t port) : on_(on), socket_(on.context()) {
        socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    }
    void send_bytes(std::string bytes) { on_.run(write(this, std::move(bytes))); }
    void send(const gateways::smpp::pdu& p) { send_bytes(gateways::smpp::encode(p).value()); }
    // The next PDU. Throws where the connection ended, or nothing came for a minute.
    gateways::smpp::pdu next() { return on_.run(read(this)); }
    // Its body, which must be of that type.
    template <class Body>
    Body next_as() {
        return std::get<Body>(next().body);
    }
    gateways::smpp::pdu ask(const gateways::smpp::pdu& p) {
        send(p);
        return next();
    }
    // Whether the other side closed, with nothing said before.
    bool closed() {
        try {
            next();
        } catch (const boost::system::system_error&) {
            return true;
        }
        return false;
    }

  private:
    static asio::awaitable<void> write(smpp_peer* self, std::string bytes) {
        co_await asio::async_write(self->socket_, asio::buffer(bytes), asio::use_awaitable);
    }
    static asio::awaitable<gateways::smpp::pdu> read(smpp_peer* self) {
        for (;;) {
            const auto frame = self->splitter_.next().value();
            if (!frame.empty()) co_return gateways::smpp::decode(frame).value();
            std::array<char, 4096> bytes{};
            const auto count =
                co_await self->socket_.async_read_some(asio::buffer(bytes), asio::use_awaitable);
            self->splitter_.feed({bytes.data(), count});
        }
    }

    loop& on_;
    asio::ip::tcp::socket socket_;
    gateways::smpp::frame_splitter splitter_;
};

} // namespace zhida::tests
