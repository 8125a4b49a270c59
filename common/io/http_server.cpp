#include "common/io/http_server.hpp"

#include "common/base/log.hpp"
#include "common/io/http_session.hpp"
#include "common/io/http_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <ctime>
#include <optional>
#include <unordered_set>

namespace zhida::io {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto refusal_linger = std::chrono::seconds(2);
constexpr std::size_t linger_bytes = 1 << 20;
constexpr auto farewell = std::chrono::seconds(1);

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

} // namespace

struct http_server::impl : std::enable_shared_from_this<http_server::impl> {
    impl(asio::any_io_executor ex, http_server_options o, http_router r)
        : executor(ex), shared(std::make_shared<http_shared>(http_shared{std::move(o), std::move(r)})),
          options(shared->options), acceptor(ex), ended(ex), drain_timer(ex) {
        ended.expires_at(std::chrono::steady_clock::time_point::max());
    }

    asio::any_io_executor executor;
    std::shared_ptr<http_shared> shared;
    const http_server_options& options;
    std::optional<asio::ssl::context> tls; // none: in clear
    tcp::acceptor acceptor;
    asio::steady_timer ended; // cancelled when the last session ends
    asio::steady_timer drain_timer;
    std::uint16_t port = 0;
    std::unordered_set<std::shared_ptr<http_session>> sessions;
    std::map<std::string, std::size_t> per_ip;

    result<void> load_certificate();
    result<void> listen();
    asio::awaitable<void> accept_all();
    void stop(std::chrono::milliseconds drain);

    static asio::awaitable<bool> shake_hands(std::shared_ptr<impl> self, std::shared_ptr<http_session> s);
    static asio::awaitable<void> take_leave(std::shared_ptr<http_session> s);
    static asio::awaitable<void> serve(std::shared_ptr<impl> self, std::shared_ptr<http_session> s);
    static asio::awaitable<void> requests(std::shared_ptr<impl> self, std::shared_ptr<http_session> s);
    static asio::awaitable<http_response> answer(std::shared_ptr<impl> self, http_reading* in,
                                                 std::string* route);
    static asio::awaitable<bool> write(std::shared_ptr<impl> self, std::shared_ptr<http_session> s,
                                       http_response out, unsigned version, bool keep_alive, bool head_only);
    static asio::awaitable<void> stream_out(std::shared_ptr<impl> self, std::shared_ptr<http_session> s,
                                            http_response out);
    static asio::awaitable<void> watch_reader(std::shared_ptr<http_session> s,
                                              std::shared_ptr<http_stream::state> live);
    static asio::awaitable<void> linger(std::shared_ptr<http_session> s);
    static asio::awaitable<void> end_drain(std::shared_ptr<impl> self, std::chrono::milliseconds drain);

    void admit(tcp::socket socket);
    http_response error_response(int status, std::string detail, const http_request* r) const {
        if (options.on_error) return options.on_error(status, std::move(detail), r);
        return problem(status, "", title(status), std::move(detail));
    }
    void refuse(tcp::socket socket, int status);
};

result<void> http_server::impl::load_certificate() {
    if (options.certificate_file.empty() && options.key_file.empty()) return {};
    tls.emplace(asio::ssl::context::tls_server);
    error_code ec;
    tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                         asio::ssl::context::no_tlsv1_1,
                     ec);
    if (!ec) tls->use_certificate_chain_file(options.certificate_file, ec);
    if (ec)
        return failure{errc::invalid, "not a certificate: " + ec.message(), options.certificate_file,
                       "name a PEM file"};
    tls->use_private_key_file(options.key_file, asio::ssl::context::pem, ec);
    if (ec)
        return failure{errc::invalid, "not the key of the certificate: " + ec.message(), options.key_file,
                       "name a PEM file"};
    return {};
}

result<void> http_server::impl::listen() {
    if (const auto loaded = load_certificate(); !loaded) return loaded;
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
    while (!shared->stopping) {
        error_code ec;
        tcp::socket socket = co_await acceptor.async_accept(into(ec));
        if (shared->stopping) break;
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
    if (options.on_done) options.on_done("", "", status, std::chrono::microseconds(0));
    if (tls) return; // who has not shaken hands could not read it
    // The socket's buffer is empty, so this small answer leaves at once or not at all.
    const std::string text = "HTTP/1.1 " + std::to_string(status) +
                             (status == 429 ? " Too Many Requests" : " Service Unavailable") +
                             "\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    error_code ec;
    socket.non_blocking(true, ec);
    if (!ec) socket.write_some(asio::buffer(text), ec);
    socket.shutdown(tcp::socket::shutdown_send, ec);
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
    auto s = tls ? std::make_shared<http_session>(std::move(socket), *tls)
                 : std::make_shared<http_session>(std::move(socket));
    s->remote = ip;
    sessions.insert(s);
    ++per_ip[ip];
    asio::co_spawn(executor, serve(shared_from_this(), s), asio::detached);
}

asio::awaitable<bool> http_server::impl::shake_hands(std::shared_ptr<impl> self,
                                                     std::shared_ptr<http_session> s) {
    error_code ec;
    s->stream.expires_after(self->options.header_timeout);
    s->idle = true; // nothing is lost where the server stops meanwhile
    co_await s->stream.tls()->async_handshake(asio::ssl::stream_base::server, into(ec));
    s->idle = false;
    co_return !ec;
}

// close_notify: so that the peer knows that nothing was cut off.
asio::awaitable<void> http_server::impl::take_leave(std::shared_ptr<http_session> s) {
    error_code ec;
    s->stream.expires_after(farewell);
    s->idle = true;
    co_await s->stream.tls()->async_shutdown(into(ec));
}

asio::awaitable<void> http_server::impl::serve(std::shared_ptr<impl> self, std::shared_ptr<http_session> s) {
    try {
        if (!s->stream.tls()) {
            co_await requests(self, s);
        } else if (co_await shake_hands(self, s)) {
            co_await requests(self, s);
            if (s->stream.socket().is_open() && !s->live) co_await take_leave(s);
        }
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

asio::awaitable<void> http_server::impl::requests(std::shared_ptr<impl> self,
                                                  std::shared_ptr<http_session> s) {
    while (!self->shared->stopping) {
        auto in = co_await read_http_request(self->shared, s);
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
        const bool keep = in.keep_alive && !in.fault && !self->shared->stopping && !live;
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

asio::awaitable<http_response> http_server::impl::answer(std::shared_ptr<impl> self, http_reading* in,
                                                         std::string* route) {
    auto found = self->shared->router.find(in->request.method, in->request.path);
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

asio::awaitable<bool> http_server::impl::write(std::shared_ptr<impl> self, std::shared_ptr<http_session> s,
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
asio::awaitable<void> http_server::impl::linger(std::shared_ptr<http_session> s) {
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
asio::awaitable<void> http_server::impl::watch_reader(std::shared_ptr<http_session> s,
                                                      std::shared_ptr<http_stream::state> live) {
    std::array<char, 512> sink{};
    error_code ec;
    // The bare socket: the deadlines of the writer are not the reader's.
    while (!ec) co_await s->stream.socket().async_read_some(asio::buffer(sink), into(ec));
    live->closed = true;
    if (live->wake) live->wake();
}

asio::awaitable<void> http_server::impl::stream_out(std::shared_ptr<impl> self,
                                                    std::shared_ptr<http_session> s, http_response out) {
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
        buffers.reserve(chunks.size());
        for (const auto& chunk : chunks) buffers.emplace_back(asio::buffer(*chunk));
        s->stream.expires_after(self->options.write_timeout);
        co_await asio::async_write(s->stream, buffers, into(ec));
        if (ec == beast::error::timeout) live->dropped = true;
    }
    if (live->dropped && self->options.on_stream_dropped) self->options.on_stream_dropped();
}

void http_server::impl::stop(std::chrono::milliseconds drain) {
    if (shared->stopping) return;
    shared->stopping = true;
    error_code ec;
    acceptor.close(ec);
    for (const auto& s : std::vector<std::shared_ptr<http_session>>(sessions.begin(), sessions.end())) {
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
