#include "common/io/http_server.hpp"

#include "common/base/log.hpp"
#include "common/io/http_decode.hpp"
#include "common/io/http_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <ctime>
#include <unordered_set>

namespace zhida::io {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto refusal_linger = std::chrono::seconds(2);
constexpr std::size_t linger_bytes = 1 << 20;

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7)
std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[40];
    const auto length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return std::string(text, length);
}

bool header_safe(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

const char* title(int status) {
    switch (status) {
    case 400:
        return "Bad request";
    case 404:
        return "Not found";
    case 405:
        return "Method not allowed";
    case 413:
        return "Body too large";
    case 431:
        return "Head too large";
    case 500:
        return "Internal error";
    case 503:
        return "Too many connections";
    default:
        return "Request refused";
    }
}

struct session {
    explicit session(tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
    std::string remote;
    bool idle = false; // between requests: may be closed at once
    std::shared_ptr<http_stream::state> live;
};

} // namespace

struct http_server::impl : std::enable_shared_from_this<http_server::impl> {
    impl(asio::any_io_executor ex, http_server_options o, http_router r)
        : executor(ex), options(std::move(o)), router(std::move(r)), acceptor(ex), ended(ex),
          drain_timer(ex) {
        ended.expires_at(std::chrono::steady_clock::time_point::max());
    }

    asio::any_io_executor executor;
    http_server_options options;
    http_router router;
    tcp::acceptor acceptor;
    asio::steady_timer ended; // cancelled when the last session ends
    asio::steady_timer drain_timer;
    std::uint16_t port = 0;
    bool stopping = false;
    std::unordered_set<std::shared_ptr<session>> sessions;
    std::map<std::string, std::size_t> per_ip;

    result<void> listen();
    asio::awaitable<void> accept_all();
    void stop(std::chrono::milliseconds drain);

    // What became of reading a request.
    struct reading {
        http_request request;
        unsigned version = 11;
        bool keep_alive = false;
        int fault = 0; // a status to answer before closing; -1: close without a word
        std::string detail;
    };

    static asio::awaitable<void> serve(std::shared_ptr<impl> self, std::shared_ptr<session> s);
    static asio::awaitable<void> requests(std::shared_ptr<impl> self, std::shared_ptr<session> s);
    static asio::awaitable<reading> read_request(std::shared_ptr<impl> self, std::shared_ptr<session> s);
    static asio::awaitable<int> read_head(std::shared_ptr<impl> self, std::shared_ptr<session> s,
                                          std::size_t* length);
    static asio::awaitable<http_response> answer(std::shared_ptr<impl> self, reading* in, std::string* route);
    static asio::awaitable<bool> write(std::shared_ptr<impl> self, std::shared_ptr<session> s,
                                       http_response out, unsigned version, bool keep_alive, bool head_only);
    static asio::awaitable<void> stream_out(std::shared_ptr<impl> self, std::shared_ptr<session> s,
                                            http_response out);
    static asio::awaitable<void> watch_reader(std::shared_ptr<session> s,
                                              std::shared_ptr<http_stream::state> live);
    static asio::awaitable<void> linger(std::shared_ptr<session> s);
    static asio::awaitable<void> end_drain(std::shared_ptr<impl> self, std::chrono::milliseconds drain);

    void admit(tcp::socket socket);
    http_response error_response(int status, std::string detail, const http_request* r) const {
        if (options.on_error) return options.on_error(status, std::move(detail), r);
        return problem(status, "", title(status), std::move(detail));
    }
    void refuse(tcp::socket socket, int status);
};

namespace {

using header_parser = http::request_parser<http::string_body>;

// Copies what Beast parsed; says what is wrong with it by RFC 9110 and 9112, empty where nothing is.
std::string take_head(const header_parser& parser, http_request& out) {
    const auto& in = parser.get();
    out.method = std::string(in.method_string());
    for (const auto& field : in) {
        const auto name = lower(field.name_string());
        if (name == "host" && out.headers.contains(name)) return "more than one Host header";
        auto& value = out.headers[name];
        if (!value.empty()) value += name == "cookie" ? "; " : ", ";
        value += field.value();
    }
    if (in.version() == 11 && !out.headers.contains("host")) return "the Host header is missing";
    // Anything but plain "chunked" would leave the length of the body to guesses.
    if (const auto te = out.header("transfer-encoding"); !te.empty() && lower(te) != "chunked")
        return "only Transfer-Encoding: chunked is understood";
    auto target = decode_target(in.target());
    if (!target) return "the request target is not understood";
    out.path = std::move(target->path);
    out.query = std::move(target->query);
    out.cookies = decode_cookies(out.header("cookie"));
    return "";
}

} // namespace

result<void> http_server::impl::listen() {
    const auto where = options.host + ":" + std::to_string(options.port);
    error_code ec;
    const auto address = asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, ec);
    if (ec) return failure{errc::invalid, "not an IP address to listen on", where, "write 127.0.0.1 or ::"};
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
        error_code ignored;
        acceptor.close(ignored);
        return failure{errc::io, "cannot listen: " + ec.message(), where,
                       "is another program using this port? choose another, or 0 for any free one"};
    }
    port = acceptor.local_endpoint().port();
    return {};
}

asio::awaitable<void> http_server::impl::accept_all() {
    const auto self = shared_from_this();
    while (!stopping) {
        error_code ec;
        tcp::socket socket = co_await acceptor.async_accept(into(ec));
        if (stopping) break;
        if (!ec) {
            admit(std::move(socket));
            continue;
        }
        if (ec == asio::error::operation_aborted) break;
        // Mostly out of file descriptors: sessions that end will free some.
        log::warn("http_accept_failed", {{"error", ec.message()}});
        asio::steady_timer pause(executor, std::chrono::milliseconds(100));
        co_await pause.async_wait(into(ec));
    }
    while (!sessions.empty()) {
        error_code ec;
        co_await ended.async_wait(into(ec));
    }
    drain_timer.cancel();
}

void http_server::impl::refuse(tcp::socket socket, int status) {
    // The socket's buffer is empty, so this small answer leaves at once or not at all.
    const std::string text = "HTTP/1.1 " + std::to_string(status) +
                             (status == 429 ? " Too Many Requests" : " Service Unavailable") +
                             "\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    error_code ec;
    socket.non_blocking(true, ec);
    if (!ec) socket.write_some(asio::buffer(text), ec);
    socket.shutdown(tcp::socket::shutdown_send, ec);
    if (options.on_done) options.on_done("", "", status, std::chrono::microseconds(0));
}

void http_server::impl::admit(tcp::socket socket) {
    error_code ec;
    const auto peer = socket.remote_endpoint(ec);
    if (ec) return; // gone already
    const auto ip = peer.address().to_string();
    if (sessions.size() >= options.max_connections) return refuse(std::move(socket), 503);
    if (const auto found = per_ip.find(ip);
        found != per_ip.end() && found->second >= options.max_connections_per_ip)
        return refuse(std::move(socket), 429);
    socket.set_option(tcp::no_delay(true), ec);
    auto s = std::make_shared<session>(std::move(socket));
    s->remote = ip;
    sessions.insert(s);
    ++per_ip[ip];
    asio::co_spawn(executor, serve(shared_from_this(), s), asio::detached);
}

asio::awaitable<void> http_server::impl::serve(std::shared_ptr<impl> self, std::shared_ptr<session> s) {
    try {
        co_await requests(self, s);
    } catch (const std::exception& e) {
        log::error("http_session_failed", {{"error", e.what()}});
    }
    if (s->live) {
        s->live->closed = true;
        s->live->wake = nullptr;
        s->live = nullptr;
    }
    error_code ec;
    s->stream.socket().shutdown(tcp::socket::shutdown_send, ec);
    s->stream.close();
    self->sessions.erase(s);
    if (const auto found = self->per_ip.find(s->remote); found != self->per_ip.end() && --found->second == 0)
        self->per_ip.erase(found);
    if (self->sessions.empty()) self->ended.cancel();
}

asio::awaitable<void> http_server::impl::requests(std::shared_ptr<impl> self, std::shared_ptr<session> s) {
    while (!self->stopping) {
        auto in = co_await read_request(self, s);
        if (in.fault < 0) co_return;
        const auto start = std::chrono::steady_clock::now();
        std::string route;
        http_response out;
        if (in.fault)
            out = self->error_response(in.fault, in.detail, nullptr);
        else
            out = co_await answer(self, &in, &route);
        const bool head_only = in.request.method == "HEAD";
        const bool live = out.on_stream && !head_only;
        const bool keep = in.keep_alive && !in.fault && !self->stopping && !live;
        const int status = out.status;
        bool sent = true;
        if (live)
            co_await stream_out(self, s, std::move(out));
        else
            sent = co_await write(self, s, std::move(out), in.version, keep, head_only);
        if (self->options.on_done)
            self->options.on_done(route, in.request.method, status,
                                  std::chrono::duration_cast<std::chrono::microseconds>(
                                      std::chrono::steady_clock::now() - start));
        if (in.fault && sent) co_await linger(s);
        if (!keep || !sent) co_return;
    }
}

// Collects the whole head in the buffer: 0, a status to answer with, or -1 to close without a word.
asio::awaitable<int> http_server::impl::read_head(std::shared_ptr<impl> self, std::shared_ptr<session> s,
                                                  std::size_t* length) {
    bool idle_deadline_set = false, deadline_set = false;
    std::size_t searched = 0;
    while (true) {
        // Empty lines before a request are left out (RFC 9112 2.2).
        while (s->buffer.size() >= 2) {
            const auto* at = static_cast<const char*>(s->buffer.data().data());
            if (at[0] != '\r' || at[1] != '\n') break;
            s->buffer.consume(2);
            searched = 0;
        }
        const std::string_view bytes(static_cast<const char*>(s->buffer.data().data()), s->buffer.size());
        const auto from = searched > 3 ? searched - 3 : 0;
        if (const auto end = bytes.find("\r\n\r\n", from); end != std::string_view::npos) {
            *length = end + 4;
            co_return *length > self->options.max_header_bytes ? 431 : 0;
        }
        // Lines that end in a bare LF would otherwise wait for the deadline.
        if (bytes.find("\n\n", from) != std::string_view::npos) co_return 400;
        searched = bytes.size();
        if (searched > self->options.max_header_bytes) co_return 431;

        s->idle = searched == 0;
        // Deadlines, counted from these calls: each is set once, so that a byte now and then does not move
        // it.
        if (s->idle && !idle_deadline_set) {
            s->stream.expires_after(self->options.idle_timeout);
            idle_deadline_set = true;
        } else if (!s->idle && !deadline_set) {
            s->stream.expires_after(self->options.header_timeout);
            deadline_set = true;
        }
        error_code ec;
        const auto space = s->buffer.prepare(4096);
        const auto count = co_await s->stream.async_read_some(space, into(ec));
        s->idle = false;
        if (ec || (self->stopping && searched == 0)) co_return -1;
        s->buffer.commit(count);
    }
}

asio::awaitable<http_server::impl::reading> http_server::impl::read_request(std::shared_ptr<impl> self,
                                                                            std::shared_ptr<session> s) {
    reading out;
    std::size_t length = 0;
    out.fault = co_await read_head(self, s, &length);
    if (out.fault) {
        if (out.fault == 431)
            out.detail =
                "the head is larger than " + std::to_string(self->options.max_header_bytes) + " bytes";
        if (out.fault == 400) out.detail = "a line does not end with CR LF";
        co_return out;
    }
    const std::string_view head(static_cast<const char*>(s->buffer.data().data()), length);
    const auto refuse = [&out](int status, std::string detail) {
        out.fault = status;
        out.detail = std::move(detail);
    };
    if (auto fault = head_fault(head); !fault.empty()) {
        refuse(400, std::move(fault));
        co_return out;
    }
    header_parser parser;
    parser.header_limit(static_cast<std::uint32_t>(self->options.max_header_bytes));
    parser.body_limit(self->options.max_body_bytes);
    error_code ec;
    const auto used = parser.put(s->buffer.data(), ec);
    s->buffer.consume(used);
    if (ec == http::error::body_limit) {
        refuse(413, "the body is larger than " + std::to_string(self->options.max_body_bytes) + " bytes");
        co_return out;
    }
    if (ec) {
        refuse(400, "not a valid HTTP/1.1 request: " + ec.message());
        co_return out;
    }
    if (auto fault = take_head(parser, out.request); !fault.empty()) {
        refuse(400, std::move(fault));
        co_return out;
    }
    out.version = parser.get().version();
    out.keep_alive = parser.keep_alive();
    out.request.remote = s->remote;

    if (const auto expect = lower(out.request.header("expect")); !expect.empty() && out.version == 11) {
        if (expect != "100-continue") {
            refuse(417, "only Expect: 100-continue is understood");
            co_return out;
        }
        // The body has not been sent yet: where nobody wants it, say so before it is.
        if (const auto found = self->router.find(out.request.method, out.request.path); !found.handler) {
            refuse(found.status, "");
            co_return out;
        }
        if (!parser.is_done() && s->buffer.size() == 0) {
            s->stream.expires_after(self->options.write_timeout);
            const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(s->stream, asio::buffer(go_on), into(ec));
        }
    }
    if (!parser.is_done()) {
        s->stream.expires_after(self->options.body_timeout); // once, as above
        co_await http::async_read(s->stream, s->buffer, parser, into(ec));
        if (ec == http::error::body_limit) {
            refuse(413, "the body is larger than " + std::to_string(self->options.max_body_bytes) + " bytes");
        } else if (ec == http::error::end_of_stream || ec == http::error::partial_message ||
                   ec == beast::error::timeout || ec == asio::error::connection_reset ||
                   ec == asio::error::operation_aborted) {
            out.fault = -1;
        } else if (ec) {
            refuse(400, "the body cannot be read: " + ec.message());
        }
        if (out.fault) co_return out;
    }
    s->stream.expires_never();
    out.request.body = std::move(parser.get().body());
    co_return out;
}

asio::awaitable<http_response> http_server::impl::answer(std::shared_ptr<impl> self, reading* in,
                                                         std::string* route) {
    auto found = self->router.find(in->request.method, in->request.path);
    *route = found.route;
    if (!found.handler) {
        auto out = self->error_response(found.status,
                                        found.status == 405 ? in->request.method + " is not possible here"
                                                            : "nothing is at " + in->request.path,
                                        &in->request);
        if (!found.allow.empty()) out.headers.emplace_back("Allow", found.allow);
        co_return out;
    }
    in->request.params = std::move(found.params);
    std::string why;
    try {
        auto body = std::move(in->request.body);
        http_request given = in->request; // without the body: what stays is for the answer to an error
        given.body = std::move(body);
        co_return co_await (*found.handler)(std::move(given));
    } catch (const std::exception& e) {
        why = e.what();
    }
    log::error("http_handler_failed",
               {{"route", found.route}, {"method", in->request.method}, {"error", why}});
    co_return self->error_response(500, "the server met an error of its own; it has been logged",
                                   &in->request);
}

asio::awaitable<bool> http_server::impl::write(std::shared_ptr<impl> self, std::shared_ptr<session> s,
                                               http_response out, unsigned version, bool keep_alive,
                                               bool head_only) {
    http::response<http::string_body> message;
    message.version(version);
    message.result(static_cast<unsigned>(out.status));
    const bool bodiless = out.status == 204 || out.status == 304 || out.status < 200;
    message.set(http::field::date, http_date());
    if (!bodiless) message.set(http::field::content_type, out.content_type);
    for (const auto& [name, value] : out.headers) {
        if (header_safe(name) && header_safe(value))
            message.insert(name, value);
        else
            log::error("http_header_refused", {{"header", name}});
    }
    message.keep_alive(keep_alive);
    if (!bodiless) message.content_length(out.body.size());
    if (!bodiless && !head_only) message.body() = std::move(out.body);
    s->stream.expires_after(self->options.write_timeout);
    error_code ec;
    if (head_only || bodiless) {
        // Only the head, whatever Content-Length it names.
        http::response_serializer<http::string_body> serializer(message);
        co_await http::async_write_header(s->stream, serializer, into(ec));
    } else {
        co_await http::async_write(s->stream, message, into(ec));
    }
    co_return !ec;
}

// A client that is still sending would meet a reset before it reads the refusal: read on for a moment.
asio::awaitable<void> http_server::impl::linger(std::shared_ptr<session> s) {
    error_code ec;
    s->stream.socket().shutdown(tcp::socket::shutdown_send, ec);
    s->stream.expires_after(refusal_linger);
    s->idle = true;
    std::size_t total = 0;
    std::array<char, 8192> sink{};
    while (!ec && total < linger_bytes)
        total += co_await s->stream.async_read_some(asio::buffer(sink), into(ec));
}

// Ends the stream as soon as the reader hangs up; an idle writer would not notice.
asio::awaitable<void> http_server::impl::watch_reader(std::shared_ptr<session> s,
                                                      std::shared_ptr<http_stream::state> live) {
    std::array<char, 512> sink{};
    error_code ec;
    // The bare socket: the deadlines of the writer are not the reader's.
    while (!ec) co_await s->stream.socket().async_read_some(asio::buffer(sink), into(ec));
    live->closed = true;
    if (live->wake) live->wake();
}

asio::awaitable<void> http_server::impl::stream_out(std::shared_ptr<impl> self, std::shared_ptr<session> s,
                                                    http_response out) {
    http::response<http::empty_body> head;
    head.version(11);
    head.result(static_cast<unsigned>(out.status));
    head.set(http::field::date, http_date());
    head.set(http::field::content_type, out.content_type);
    head.set(http::field::cache_control, "no-store");
    head.set("X-Accel-Buffering", "no");
    for (const auto& [name, value] : out.headers)
        if (header_safe(name) && header_safe(value)) head.set(name, value);
    head.keep_alive(false); // the body ends with the connection
    http::response_serializer<http::empty_body> serializer(head);
    error_code ec;
    s->stream.expires_after(self->options.write_timeout);
    co_await http::async_write_header(s->stream, serializer, into(ec));
    if (ec) co_return;

    auto live = std::make_shared<http_stream::state>();
    live->max_chunks = self->options.stream_queue;
    live->max_bytes = self->options.stream_queue_bytes;
    auto wake_up = std::make_shared<asio::steady_timer>(self->executor);
    live->wake = [wake_up, s, raw = live.get()] {
        if (raw->dropped) s->stream.close(); // the write under way may never end by itself
        wake_up->cancel();
    };
    s->live = live;
    s->stream.expires_never();
    asio::co_spawn(self->executor, watch_reader(s, live), asio::detached);
    out.on_stream(http_stream(live));

    while (!ec && !live->dropped && !(live->closed && live->waiting.empty())) {
        if (live->waiting.empty()) {
            wake_up->expires_after(self->options.heartbeat);
            error_code woken;
            co_await wake_up->async_wait(into(woken));
            if (!woken && live->waiting.empty() && !live->closed)
                live->waiting.push_back(std::make_shared<const std::string>(": still here\n\n"));
            continue;
        }
        // One write for all that waits; the shared chunks live until it is done.
        std::vector<std::shared_ptr<const std::string>> chunks(live->waiting.begin(), live->waiting.end());
        live->waiting.clear();
        live->waiting_bytes = 0;
        std::vector<asio::const_buffer> buffers;
        for (const auto& chunk : chunks) buffers.emplace_back(asio::buffer(*chunk));
        s->stream.expires_after(self->options.write_timeout);
        co_await asio::async_write(s->stream, buffers, into(ec));
        if (ec == beast::error::timeout) live->dropped = true;
    }
    if (live->dropped && self->options.on_stream_dropped) self->options.on_stream_dropped();
}

void http_server::impl::stop(std::chrono::milliseconds drain) {
    if (stopping) return;
    stopping = true;
    error_code ec;
    acceptor.close(ec);
    for (const auto& s : std::vector<std::shared_ptr<session>>(sessions.begin(), sessions.end())) {
        if (s->live) http_stream(s->live).close();
        if (s->idle) s->stream.close();
    }
    asio::co_spawn(executor, end_drain(shared_from_this(), drain), asio::detached);
}

asio::awaitable<void> http_server::impl::end_drain(std::shared_ptr<impl> self,
                                                   std::chrono::milliseconds drain) {
    if (self->sessions.empty()) co_return;
    error_code ec;
    self->drain_timer.expires_after(drain);
    co_await self->drain_timer.async_wait(into(ec));
    for (const auto& s : self->sessions) s->stream.close();
}

http_server::http_server(asio::any_io_executor executor, http_server_options options, http_router router)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(options), std::move(router))) {}

http_server::~http_server() {
    impl_->stop(std::chrono::milliseconds(0));
}

result<void> http_server::listen() {
    return impl_->listen();
}

std::uint16_t http_server::port() const noexcept {
    return impl_->port;
}

asio::awaitable<void> http_server::run() {
    return impl_->accept_all();
}

void http_server::stop(std::chrono::milliseconds drain) {
    impl_->stop(drain);
}

} // namespace zhida::io
