// HTTP/1.1 client on Beast with keep-alive connections, http and https.
#pragma once

#include "common/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zhida::io {

namespace asio = boost::asio;

struct http_reply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers; // names in lower case
    std::string body;
};

struct http_client_options {
    std::string base_url; // http://host:port or https://host[:port], without a path
    std::size_t connections = 8;
    std::chrono::milliseconds timeout{10000};
    std::size_t max_body_bytes = 4 << 20;
    std::string ca_file; // empty: the system's authorities
};

// Failures: unavailable (not sent: nothing can have happened) or timeout (sent, no whole answer: unknown). A
// kept-alive connection that the server had closed before our first byte was answered counts as unknown,
// unless `repeatable`.
class http_client {
  public:
    http_client(asio::any_io_executor executor, http_client_options options);
    ~http_client();
    asio::awaitable<result<http_reply>> request(std::string method, std::string target,
                                                std::vector<std::pair<std::string, std::string>> headers,
                                                std::string body, bool repeatable = false);
    void close();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::io
