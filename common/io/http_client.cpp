#include "common/io/http_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/url/parse.hpp>

#include <sys/socket.h>

#include <deque>
#include <optional>
#include <unordered_set>

namespace zhida::io {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using clock_type = std::chrono::steady_clock;

namespace {

// Servers close idle connections; one that rested longer is not trusted with a request.
constexpr auto rest_at_most = std::chrono::seconds(15);

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

struct target_host {
    bool tls = false;
    std::string host, port, header; // header: what goes into Host
};

result<target_host> parse_base(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    const auto scheme = parsed ? std::string(parsed->scheme()) : "";
    if (!parsed || (scheme != "http" && scheme != "https") || parsed->host().empty() ||
        (!parsed->path().empty() && parsed->path() != "/"))
        return failure{errc::invalid, "not a base URL", url, "write http://host:port or https://host"};
    target_host t;
    t.tls = scheme == "https";
    t.host = parsed->host_address();
    t.port = parsed->has_port() ? std::string(parsed->port()) : t.tls ? "443" : "80";
    t.header = std::string(parsed->encoded_host_and_port());
    return t;
}

struct connection {
    explicit connection(asio::any_io_executor ex) : plain(ex) {}
    connection(asio::any_io_executor ex, asio::ssl::context& context) : plain(ex) {
        tls.emplace(ex, context);
    }

    beast::tcp_stream plain; // unused where tls is there
    std::optional<beast::ssl_stream<beast::tcp_stream>> tls;
    beast::flat_buffer buffer;
    bool used = false; // has carried a request before
    clock_type::time_point rested_since{};

    beast::tcp_stream& tcp_layer() { return tls ? tls->next_layer() : plain; }

    // False where the server has closed it, or has said something that nobody asked for.
    bool fresh() {
        if (clock_type::now() - rested_since > rest_at_most) return false;
        char byte = 0;
        const auto got = ::recv(tcp_layer().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
};
using connection_ptr = std::shared_ptr<connection>;

// A request that waits for a free slot. A slot that becomes free is handed to the first one, so it cannot be
// lost or overtaken.
struct waiting_turn {
    waiting_turn(asio::any_io_executor ex, clock_type::time_point deadline) : timer(ex, deadline) {}
    asio::steady_timer timer;
    bool granted = false;
};

struct exchange {
    error_code ec;
    bool answered = false; // a first byte of the answer came
    http_reply reply;
    bool keep_alive = false;
};

// The system's resolver cannot be interrupted: who waits leaves, and the answer finds nobody.
struct name_lookup {
    name_lookup(asio::any_io_executor ex, clock_type::time_point deadline)
        : resolver(ex), timer(ex, deadline) {}
    tcp::resolver resolver;
    asio::steady_timer timer;
    bool done = false;
    error_code ec;
    tcp::resolver::results_type found;
};

asio::awaitable<std::shared_ptr<name_lookup>> look_up(asio::any_io_executor executor, std::string host,
                                                      std::string port, clock_type::time_point deadline) {
    const auto own = std::make_shared<name_lookup>(executor, deadline);
    own->resolver.async_resolve(host, port, [own](error_code ec, tcp::resolver::results_type found) {
        own->done = true;
        own->ec = ec;
        own->found = std::move(found);
        own->timer.cancel();
    });
    error_code woken;
    while (!own->done && clock_type::now() < deadline) co_await own->timer.async_wait(into(woken));
    co_return own;
}

template <class Stream>
asio::awaitable<void> exchange_on(Stream& stream, connection_ptr c,
                                  const http::request<http::string_body>& request, std::size_t max_body,
                                  exchange& out) {
    co_await http::async_write(stream, request, into(out.ec));
    if (out.ec) co_return;
    http::response_parser<http::string_body> parser;
    parser.body_limit(max_body);
    if (request.method() == http::verb::head) parser.skip(true);
    co_await http::async_read_header(stream, c->buffer, parser, into(out.ec));
    out.answered = parser.got_some();
    if (!out.ec && !parser.is_done()) co_await http::async_read(stream, c->buffer, parser, into(out.ec));
    if (out.ec) co_return;
    auto& message = parser.get();
    out.reply.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
        std::string name(field.name_string());
        for (auto& ch : name)
            if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
        out.reply.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    out.keep_alive = message.keep_alive();
    out.reply.body = std::move(message.body());
}

} // namespace

struct http_client::impl : std::enable_shared_from_this<http_client::impl> {
    impl(asio::any_io_executor ex, http_client_options o)
        : executor(ex), options(std::move(o)), base(parse_base(options.base_url)),
          tls_context(asio::ssl::context::tls_client) {
        if (!base || !base->tls) return;
        error_code ec;
        tls_context.set_verify_mode(asio::ssl::verify_peer);
        if (options.ca_file.empty()) {
            tls_context.set_default_verify_paths(ec);
        } else {
            tls_context.load_verify_file(options.ca_file, ec);
            if (ec)
                base = failure{errc::invalid, "authorities cannot be read: " + ec.message(), options.ca_file,
                               ""};
        }
    }

    asio::any_io_executor executor;
    http_client_options options;
    result<target_host> base;
    asio::ssl::context tls_context;
    std::vector<connection_ptr> resting;
    std::unordered_set<connection_ptr> busy;
    std::size_t taken = 0; // slots of options.connections
    std::deque<std::shared_ptr<waiting_turn>> queue;
    bool closed = false;

    failure unavailable(std::string what) const {
        return {errc::unavailable, std::move(what), options.base_url, ""};
    }
    static asio::awaitable<bool> take_slot(std::shared_ptr<impl> self, clock_type::time_point deadline);
    void give_slot() {
        if (queue.empty()) {
            --taken;
            return;
        }
        queue.front()->granted = true;
        queue.front()->timer.cancel();
        queue.pop_front();
    }
    // Leaves the queue; a slot that was granted and not used goes on to the next.
    struct turn_guard {
        std::shared_ptr<impl> self;
        std::shared_ptr<waiting_turn> turn;
        bool used = false;
        ~turn_guard() {
            std::erase(self->queue, turn);
            if (turn->granted && !used) self->give_slot();
        }
    };
    connection_ptr take_resting() {
        while (!resting.empty()) {
            auto c = std::move(resting.back());
            resting.pop_back();
            if (c->fresh()) return c;
        }
        return nullptr;
    }
    static asio::awaitable<result<connection_ptr>> dial(std::shared_ptr<impl> self,
                                                        clock_type::time_point deadline);
    static asio::awaitable<result<http_reply>> run(std::shared_ptr<impl> self,
                                                   http::request<http::string_body> request, bool repeatable,
                                                   clock_type::time_point deadline);
};

asio::awaitable<bool> http_client::impl::take_slot(std::shared_ptr<impl> self,
                                                   clock_type::time_point deadline) {
    if (self->closed) co_return false;
    if (self->taken < std::max<std::size_t>(1, self->options.connections)) {
        ++self->taken;
        co_return true;
    }
    turn_guard mine{self, std::make_shared<waiting_turn>(self->executor, deadline)};
    self->queue.push_back(mine.turn);
    error_code ec;
    co_await mine.turn->timer.async_wait(into(ec));
    mine.used = mine.turn->granted && !self->closed && clock_type::now() < deadline;
    co_return mine.used;
}

asio::awaitable<result<connection_ptr>> http_client::impl::dial(std::shared_ptr<impl> self,
                                                                clock_type::time_point deadline) {
    const auto& to = *self->base;
    error_code ec;
    const auto looked_up = co_await look_up(self->executor, to.host, to.port, deadline);
    if (!looked_up->done) co_return self->unavailable("the name cannot be resolved in time");
    if (looked_up->ec) co_return self->unavailable("the name cannot be resolved: " + looked_up->ec.message());
    if (self->closed) co_return self->unavailable("closed");
    const auto found = looked_up->found;
    const auto c = to.tls ? std::make_shared<connection>(self->executor, self->tls_context)
                          : std::make_shared<connection>(self->executor);
    self->busy.insert(c);
    c->tcp_layer().expires_at(deadline);
    co_await c->tcp_layer().async_connect(found, into(ec));
    if (!ec) c->tcp_layer().socket().set_option(tcp::no_delay(true), ec);
    if (!ec && to.tls) {
        if (!SSL_set_tlsext_host_name(c->tls->native_handle(), to.host.c_str()))
            ec = asio::error::invalid_argument;
        else
            c->tls->set_verify_callback(asio::ssl::host_name_verification(to.host), ec);
        if (!ec) co_await c->tls->async_handshake(asio::ssl::stream_base::client, into(ec));
    }
    if (ec) {
        self->busy.erase(c);
        co_return self->unavailable("cannot connect: " + ec.message());
    }
    co_return c;
}

namespace {

// After the first attempt nothing says any more that nothing can have happened.
failure not_again(failure why, int attempt) {
    if (attempt > 0) why.code = errc::timeout;
    return why;
}

// Gives the slot back and forgets the connection however the request ends.
template <class Impl>
struct slot_guard {
    std::shared_ptr<Impl> self;
    connection_ptr c;
    ~slot_guard() {
        if (c) self->busy.erase(c);
        self->give_slot();
    }
};

} // namespace

asio::awaitable<result<http_reply>> http_client::impl::run(std::shared_ptr<impl> self,
                                                           http::request<http::string_body> request,
                                                           bool repeatable, clock_type::time_point deadline) {
    if (!co_await take_slot(self, deadline))
        co_return self->unavailable(self->closed ? "closed" : "no free connection in time");
    slot_guard<impl> slot{self, nullptr};
    for (int attempt = 0;; ++attempt) {
        slot.c = attempt == 0 ? self->take_resting() : nullptr;
        if (slot.c) {
            self->busy.insert(slot.c);
        } else {
            auto dialled = co_await dial(self, deadline);
            if (!dialled) co_return not_again(dialled.error(), attempt);
            slot.c = *dialled;
        }
        if (clock_type::now() >= deadline)
            co_return not_again(self->unavailable("no time left to send"), attempt);
        const bool reused = slot.c->used;
        slot.c->used = true;
        slot.c->tcp_layer().expires_at(deadline);
        exchange x;
        if (slot.c->tls)
            co_await exchange_on(*slot.c->tls, slot.c, request, self->options.max_body_bytes, x);
        else
            co_await exchange_on(slot.c->plain, slot.c, request, self->options.max_body_bytes, x);
        self->busy.erase(slot.c);
        if (!x.ec) {
            slot.c->tcp_layer().expires_never();
            slot.c->rested_since = clock_type::now();
            if (x.keep_alive && slot.c->buffer.size() == 0 && !self->closed)
                self->resting.push_back(std::move(slot.c));
            slot.c = nullptr;
            co_return std::move(x.reply);
        }
        slot.c = nullptr;
        if (reused && repeatable && !x.answered && x.ec != beast::error::timeout && attempt == 0 &&
            !self->closed)
            continue;
        co_return failure{errc::timeout,
                          x.ec == beast::error::timeout ? "no whole answer in time"
                                                        : "no whole answer: " + x.ec.message(),
                          self->options.base_url, ""};
    }
}

http_client::http_client(asio::any_io_executor executor, http_client_options options)
    : impl_(std::make_shared<impl>(executor, std::move(options))) {}
http_client::~http_client() {
    close();
}

asio::awaitable<result<http_reply>>
http_client::request(std::string method, std::string target,
                     std::vector<std::pair<std::string, std::string>> headers, std::string body,
                     bool repeatable) {
    const auto self = impl_;
    if (!self->base) co_return self->base.error();
    http::request<http::string_body> out;
    out.method_string(method);
    out.target(target);
    out.version(11);
    out.set(http::field::host, self->base->header);
    out.set(http::field::user_agent, "zhida/" ZHIDA_VERSION);
    for (const auto& [name, value] : headers) out.set(name, value);
    out.body() = std::move(body);
    if (!out.body().empty() || method == "POST" || method == "PUT") out.prepare_payload();
    co_return co_await impl::run(self, std::move(out), repeatable, clock_type::now() + self->options.timeout);
}

void http_client::close() {
    impl_->closed = true;
    impl_->resting.clear();
    for (const auto& c : impl_->busy) c->tcp_layer().close();
    for (const auto& turn : impl_->queue) turn->timer.cancel();
}

} // namespace zhida::io
