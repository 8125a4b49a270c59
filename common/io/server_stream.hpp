// Inside of the server: a connection in clear or under TLS, as one stream of one type, so that what reads and
// writes it is compiled once.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <optional>

namespace zhida::io {

namespace asio = boost::asio;

// A Beast AsyncStream. Deadlines (expires_*) and close() are those of the TCP connection below.
class server_stream {
  public:
    using executor_type = boost::beast::tcp_stream::executor_type;
    using tls_stream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

    explicit server_stream(asio::ip::tcp::socket socket) : plain_(std::move(socket)) {}
    server_stream(asio::ip::tcp::socket socket, asio::ssl::context& context)
        : plain_(asio::ip::tcp::socket(socket.get_executor())) {
        tls_.emplace(std::move(socket), context);
    }

    executor_type get_executor() { return tcp().get_executor(); }
    boost::beast::tcp_stream& tcp() { return tls_ ? tls_->next_layer() : plain_; }
    asio::ip::tcp::socket& socket() { return tcp().socket(); }
    tls_stream* tls() { return tls_ ? &*tls_ : nullptr; } // null: in clear

    template <class Duration>
    void expires_after(Duration d) {
        tcp().expires_after(d);
    }
    void expires_never() { tcp().expires_never(); }
    void close() { tcp().close(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
            [this](auto handler, const Buffers& into) {
                if (tls_)
                    tls_->async_read_some(into, std::move(handler));
                else
                    plain_.async_read_some(into, std::move(handler));
            },
            token, buffers);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
            [this](auto handler, const Buffers& from) {
                if (tls_)
                    tls_->async_write_some(from, std::move(handler));
                else
                    plain_.async_write_some(from, std::move(handler));
            },
            token, buffers);
    }

  private:
    boost::beast::tcp_stream plain_; // unused where tls_ is there
    std::optional<tls_stream> tls_;
};

} // namespace zhida::io
