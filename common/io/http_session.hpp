// Inside of the server: one connection and how a request is read from it. Beast is seen by the two .cpp files
// of the server alone.
#pragma once

#include "common/io/http_server.hpp"
#include "common/io/server_stream.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>

namespace zhida::io {

struct http_session {
    explicit http_session(asio::ip::tcp::socket socket) : stream(std::move(socket)) {}
    http_session(asio::ip::tcp::socket socket, asio::ssl::context& tls) : stream(std::move(socket), tls) {}
    server_stream stream;
    boost::beast::flat_buffer buffer;
    std::string remote;
    bool idle = false; // between requests: may be closed at once
    std::shared_ptr<http_stream::state> live;
};

// What the sessions of a server share and may outlive it with.
struct http_shared {
    http_server_options options;
    http_router router;
    bool stopping = false;
};

// What became of reading a request.
struct http_reading {
    http_request request;
    unsigned version = 11;
    bool keep_alive = false;
    int fault = 0; // a status to answer before closing; -1: close without a word
    std::string detail;
};

// Waits for the next request of the connection; answers Expect: 100-continue.
asio::awaitable<http_reading> read_http_request(std::shared_ptr<http_shared> shared,
                                                std::shared_ptr<http_session> session);

inline auto into(boost::system::error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

} // namespace zhida::io
