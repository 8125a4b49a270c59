// A small HTTP/1.1 server on Beast: routes of verb and path, handlers as coroutines, live streams (SSE).
#pragma once

#include "common/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::io {

namespace asio = boost::asio;

struct http_request {
    std::string method;                        // upper case
    std::string target;                        // path and query as they were written, as signatures need them
    std::string path;                          // decoded, without the query
    std::map<std::string, std::string> query;  // decoded; the last one wins
    std::map<std::string, std::string> params; // {names} of the route's path
    std::map<std::string, std::string> headers; // names in lower case
    std::map<std::string, std::string> cookies;
    std::string body;
    std::string remote; // address of the peer

    std::string header(const std::string& name) const; // empty where absent
};

// The writing end of a live stream: a bounded queue, one writer. A full queue drops the slow reader
// (counted), who reconnects and reads the state again. Thread: the server's own.
class http_stream {
  public:
    // False once the reader is gone or was dropped.
    bool send(std::string chunk);
    bool open() const noexcept;
    void close();

    struct state;
    explicit http_stream(std::shared_ptr<state> s) : state_(std::move(s)) {}

  private:
    std::shared_ptr<state> state_;
};

struct http_response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    // Set for a live stream: called once after the headers are written; keep the handle and send() to it.
    std::function<void(http_stream)> on_stream;
};

using http_handler = std::function<asio::awaitable<http_response>(http_request)>;

class http_router {
  public:
    // path: "/api/v1/campaigns/{id}"; a last segment "{rest...}" takes what is left.
    void add(std::string verb, std::string path, http_handler handler);
    struct match {
        const http_handler* handler = nullptr; // null: see status
        int status = 404;                      // 404, or 405 with `allow`
        std::string allow;
        std::map<std::string, std::string> params;
        std::string route; // the pattern, for metrics
    };
    match find(std::string_view verb, std::string_view path) const;
    const std::vector<std::pair<std::string, std::string>>& routes() const noexcept { return listed_; }

  private:
    struct route {
        std::string verb;
        std::string pattern;
        std::vector<std::string> parts;
        http_handler handler;
    };
    std::vector<route> routes_;
    std::vector<std::pair<std::string, std::string>> listed_;
};

struct http_server_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0; // 0: any free one
    std::size_t max_header_bytes = 16 << 10;
    std::size_t max_body_bytes = 1 << 20;
    std::size_t max_connections = 4096;
    std::size_t max_connections_per_ip = 1024;
    std::chrono::seconds header_timeout{30};
    std::chrono::seconds body_timeout{30};
    std::chrono::seconds idle_timeout{75};
    std::chrono::seconds write_timeout{30}; // of one response, or of one chunk of a live stream
    std::chrono::seconds heartbeat{15};     // of silence on a live stream, then a comment
    std::size_t stream_queue = 256;         // chunks waiting for one reader
    std::size_t stream_queue_bytes = 1 << 20;
    // Answers that the server itself gives (404, 405, 413, 500 ...), and handlers' exceptions; default: RFC
    // 9457 JSON.
    std::function<http_response(int status, std::string detail, const http_request*)> on_error{};
    // One call a finished request, for logs and metrics.
    std::function<void(const std::string& route, const std::string& verb, int status,
                       std::chrono::microseconds)>
        on_done{};
    // One call a live stream that was dropped because its reader is slow.
    std::function<void()> on_stream_dropped{};
    // PEM files: the certificate with those that lead to its authority, and its key. Both empty: in clear.
    std::string certificate_file{}, key_file{};
};

class http_server {
  public:
    http_server(asio::any_io_executor executor, http_server_options options, http_router router);
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    ~http_server();
    // Binds and listens; failure io with the address where it cannot, invalid with the file where the
    // certificate or its key cannot be used.
    result<void> listen();
    std::uint16_t port() const noexcept;
    // Accepts until stop(); returns after every session has ended.
    asio::awaitable<void> run();
    // Stops accepting, ends live streams, lets requests under way finish, then (or after `drain`) closes the
    // rest. Called on the executor's thread.
    void stop(std::chrono::milliseconds drain = std::chrono::milliseconds(2000));

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

// RFC 9457 problem details; type is a stable URI reference such as "/problems/policy-invalid".
http_response problem(int status, std::string type, std::string title, std::string detail);

} // namespace zhida::io
