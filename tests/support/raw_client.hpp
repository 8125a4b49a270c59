// A blocking client that sends exactly the bytes it is told to and reads what comes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <poll.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace zhida::tests {

class raw_client {
  public:
    // receive_buffer: bytes, 0: the system's.
    explicit raw_client(std::uint16_t port, int receive_buffer = 0) {
        socket.open(boost::asio::ip::tcp::v4());
        if (receive_buffer) socket.set_option(boost::asio::socket_base::receive_buffer_size(receive_buffer));
        socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
    }
    void send(const std::string& bytes) {
        boost::system::error_code ec;
        boost::asio::write(socket, boost::asio::buffer(bytes), ec);
    }
    // What came, or nothing when the server closed or said nothing for ten seconds.
    std::string some() {
        // Not SO_RCVTIMEO: Asio waits again where it ends.
        pollfd readable{socket.native_handle(), POLLIN, 0};
        if (::poll(&readable, 1, 10'000) != 1) return {};
        std::array<char, 65536> chunk{};
        boost::system::error_code ec;
        const auto n = socket.read_some(boost::asio::buffer(chunk), ec);
        return std::string(chunk.data(), n);
    }
    // Until the server closes.
    std::string rest() {
        std::string all;
        while (true) {
            const auto part = some();
            if (part.empty()) return all;
            all += part;
        }
    }
    // Up to and with the mark, or what came before the server closed or ten seconds were over.
    std::string until(const std::string& mark) {
        std::string all;
        while (all.find(mark) == std::string::npos) {
            const auto part = some();
            if (part.empty()) return all;
            all += part;
        }
        return all;
    }

    boost::asio::io_context context;
    boost::asio::ip::tcp::socket socket{context};
};

// A whole exchange on a connection of its own.
struct raw_reply {
    int status = 0;
    std::multimap<std::string, std::string> headers; // names as they came
    std::string body;

    std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

inline raw_reply fetch(std::uint16_t port, const std::string& verb, const std::string& target,
                       const std::map<std::string, std::string>& headers = {}, const std::string& body = "") {
    raw_client c(port);
    std::string request = verb + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
    for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
    if (!body.empty() || verb == "POST" || verb == "PUT")
        request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    c.send(request + "\r\n" + body);
    const auto text = c.rest();
    raw_reply out;
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return out;
    out.status = std::stoi(text.substr(9, 3));
    out.body = text.substr(end + 4);
    std::size_t at = text.find("\r\n") + 2;
    while (at < end) {
        const auto stop = text.find("\r\n", at);
        const auto colon = text.find(": ", at);
        if (colon < stop)
            out.headers.emplace(text.substr(at, colon - at), text.substr(colon + 2, stop - colon - 2));
        at = stop + 2;
    }
    return out;
}

} // namespace zhida::tests
