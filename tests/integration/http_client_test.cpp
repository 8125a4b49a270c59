// The HTTP client against our own server, raw sockets that misbehave, and a TLS server.
#include "common/io/http_client.hpp"

#include "common/io/http_server.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

namespace zhida::io {
namespace {

using namespace std::chrono_literals;
using tcp = asio::ip::tcp;
using tests::loop;

asio::awaitable<http_response> echo(http_request r) {
    http_response out;
    out.status = r.path == "/teapot" ? 418 : 200;
    out.body = r.method + " " + r.path + " " + r.body;
    out.headers.emplace_back("X-Some-Thing", r.header("x-asked"));
    co_return out;
}
asio::awaitable<http_response> slow(http_request) {
    co_await tests::pause_for(50ms);
    co_return http_response{};
}

// Answers as its script says, connection by connection; counts connections and requests.
struct scripted {
    loop& on;
    tcp::acceptor acceptor;
    int connections = 0, requests = 0;
    std::string first_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    int answers_per_connection = 1000; // then it closes without a word

    explicit scripted(loop& l) : on(l), acceptor(l.executor(), {asio::ip::address_v4::loopback(), 0}) {
        asio::co_spawn(l.context(), accept(this), asio::detached);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()); }
    static asio::awaitable<void> accept(scripted* self) {
        for (;;) {
            auto socket = co_await self->acceptor.async_accept(asio::use_awaitable);
            ++self->connections;
            asio::co_spawn(self->on.context(), serve(self, std::move(socket)), asio::detached);
        }
    }
    static asio::awaitable<void> serve(scripted* self, tcp::socket socket) {
        std::string in;
        for (int answered = 0;; ++answered) {
            const auto head = co_await asio::async_read_until(socket, asio::dynamic_buffer(in), "\r\n\r\n",
                                                              asio::use_awaitable);
            in.erase(0, head);
            ++self->requests;
            if (answered >= self->answers_per_connection) co_return;
            co_await asio::async_write(socket, asio::buffer(self->first_answer), asio::use_awaitable);
        }
    }
};

http_client_options to(std::string url, std::chrono::milliseconds timeout = 1s, std::size_t connections = 8) {
    http_client_options o;
    o.base_url = std::move(url);
    o.timeout = timeout;
    o.connections = connections;
    return o;
}

struct http_client_test : testing::Test {
    loop on;
    std::unique_ptr<http_server> server;
    bool ended = false;

    std::string serve() {
        http_router router;
        for (const char* verb : {"GET", "POST", "HEAD"}) {
            router.add(verb, "/slow", slow);
            router.add(verb, "/{rest...}", echo);
        }
        server = std::make_unique<http_server>(on.executor(), http_server_options{}, std::move(router));
        EXPECT_TRUE(server->listen());
        asio::co_spawn(on.context(), server->run(), [this](std::exception_ptr) { ended = true; });
        return "http://127.0.0.1:" + std::to_string(server->port());
    }
    void TearDown() override {
        if (!server) return;
        server->stop(100ms);
        for (int i = 0; i < 500 && !ended; ++i) on.run_for(10ms);
        EXPECT_TRUE(ended);
    }
};

TEST_F(http_client_test, carries_verbs_headers_and_bodies) {
    http_client c(on.executor(), to(serve()));
    const auto r = on.run(c.request("POST", "/a/b?x=1", {{"X-Asked", "this"}}, "正文")).value();
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.body, "POST /a/b 正文");
    const auto found = std::find(r.headers.begin(), r.headers.end(),
                                 std::pair<std::string, std::string>{"x-some-thing", "this"});
    EXPECT_NE(found, r.headers.end());
    EXPECT_EQ(on.run(c.request("GET", "/teapot", {}, ""))->status, 418);
    EXPECT_EQ(on.run(c.request("HEAD", "/x", {}, ""))->body, "");
    c.close();
}

TEST_F(http_client_test, keeps_connections_and_uses_them_again) {
    scripted s(on);
    http_client c(on.executor(), to(s.url()));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(on.run(c.request("GET", "/", {}, ""))->body, "ok");
    EXPECT_EQ(s.connections, 1);
    EXPECT_EQ(s.requests, 5);
}

asio::awaitable<void> into(http_client* c, std::vector<result<http_reply>>* out) {
    out->push_back(co_await c->request("GET", "/slow", {}, ""));
}

TEST_F(http_client_test, at_most_so_many_at_once_and_all_get_their_turn) {
    http_client c(on.executor(), to(serve(), 5s, 2));
    std::vector<result<http_reply>> out;
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < 6; ++i) asio::co_spawn(on.context(), into(&c, &out), asio::detached);
    while (out.size() < 6 && std::chrono::steady_clock::now() < began + 5s) on.run_for(5ms);
    ASSERT_EQ(out.size(), 6U);
    for (const auto& r : out) EXPECT_TRUE(r);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 150ms); // three rounds of 50 ms
    c.close();
}

TEST_F(http_client_test, who_waits_too_long_for_a_turn_has_sent_nothing) {
    http_client c(on.executor(), to(serve(), 30ms, 1));
    // Both deadlines are a moment apart: now and then the second gets its turn at the very last.
    std::vector<errc> codes;
    for (int tries = 0; tries < 30 && codes != std::vector<errc>{errc::unavailable, errc::timeout}; ++tries) {
        std::vector<result<http_reply>> out;
        asio::co_spawn(on.context(), into(&c, &out), asio::detached);
        asio::co_spawn(on.context(), into(&c, &out), asio::detached);
        while (out.size() < 2) on.run_for(5ms);
        codes = {out[0].error().code, out[1].error().code};
        std::sort(codes.begin(), codes.end());
    }
    EXPECT_EQ(codes, (std::vector<errc>{errc::unavailable, errc::timeout}));
}

TEST_F(http_client_test, nobody_there_is_unavailable) {
    tcp::acceptor gone(on.executor(), {asio::ip::address_v4::loopback(), 0});
    const auto port = gone.local_endpoint().port();
    gone.close();
    http_client c(on.executor(), to("http://127.0.0.1:" + std::to_string(port)));
    EXPECT_EQ(on.run(c.request("GET", "/", {}, "")).error().code, errc::unavailable);
    http_client bad(on.executor(), to("ftp://example.org"));
    EXPECT_EQ(on.run(bad.request("GET", "/", {}, "")).error().code, errc::invalid);
}

TEST_F(http_client_test, a_name_that_is_not_resolved_by_the_deadline_is_not_waited_for) {
    http_client c(on.executor(), to("http://localhost:1", 0ms)); // over before the resolver can have answered
    const auto reply = on.run(c.request("GET", "/", {}, ""));
    EXPECT_EQ(reply.error().code, errc::unavailable);
    EXPECT_EQ(reply.error().what, "the name cannot be resolved in time");
}

TEST_F(http_client_test, half_an_answer_is_unknown) {
    scripted s(on);
    s.first_answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    http_client c(on.executor(), to(s.url(), 100ms));
    EXPECT_EQ(on.run(c.request("POST", "/", {}, "x")).error().code, errc::timeout);
    s.first_answer = "nonsense\r\n\r\n";
    EXPECT_EQ(on.run(c.request("POST", "/", {}, "x")).error().code, errc::timeout);
}

TEST_F(http_client_test, a_connection_that_closes_on_a_request_is_tried_again_only_where_that_is_harmless) {
    scripted s(on);
    s.answers_per_connection = 1;
    http_client c(on.executor(), to(s.url()));
    EXPECT_TRUE(on.run(c.request("GET", "/", {}, "")));
    EXPECT_EQ(on.run(c.request("GET", "/", {}, "")).error().code, errc::timeout);
    EXPECT_TRUE(on.run(c.request("GET", "/", {}, "")));
    EXPECT_TRUE(on.run(c.request("GET", "/", {}, "", true))); // the second try, on a new connection
    EXPECT_EQ(s.connections, 3);
}

TEST_F(http_client_test, what_was_written_once_is_in_doubt_though_the_second_dial_is_refused) {
    scripted s(on);
    s.answers_per_connection = 1;
    http_client c(on.executor(), to(s.url()));
    EXPECT_TRUE(on.run(c.request("POST", "/", {}, "x", true)));
    s.acceptor.close();
    EXPECT_EQ(on.run(c.request("POST", "/", {}, "x", true)).error().code, errc::timeout);
    EXPECT_EQ(s.requests, 2) << "the peer has read it";
    EXPECT_EQ(on.run(c.request("POST", "/", {}, "x", true)).error().code, errc::unavailable)
        << "and has seen nothing of this one";
}

TEST_F(http_client_test, an_answer_larger_than_allowed_is_refused) {
    scripted s(on);
    s.first_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'x');
    auto o = to(s.url());
    o.max_body_bytes = 1000;
    http_client c(on.executor(), o);
    EXPECT_EQ(on.run(c.request("GET", "/", {}, "")).error().code, errc::timeout);
}

// One TLS answer with a certificate for the name localhost.
struct tls_server {
    tests::certificate own;
    asio::ssl::context context{asio::ssl::context::tls_server};
    tcp::acceptor acceptor;

    explicit tls_server(loop& on) : acceptor(on.executor(), {asio::ip::address_v4::loopback(), 0}) {
        context.use_certificate_chain_file(own.file());
        context.use_private_key_file(own.key(), asio::ssl::context::pem);
        asio::co_spawn(on.context(), serve(this), asio::detached);
    }
    static asio::awaitable<void> serve(tls_server* self) {
        for (;;) {
            asio::ssl::stream<tcp::socket> stream(co_await self->acceptor.async_accept(asio::use_awaitable),
                                                  self->context);
            try {
                co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
                std::string in;
                co_await asio::async_read_until(stream, asio::dynamic_buffer(in), "\r\n\r\n",
                                                asio::use_awaitable);
                const std::string out =
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nsecret";
                co_await asio::async_write(stream, asio::buffer(out), asio::use_awaitable);
            } catch (const boost::system::system_error&) {
                continue; // the client has refused the certificate
            }
        }
    }
};

TEST_F(http_client_test, tls_checks_authority_and_name) {
    tls_server s(on);
    const auto port = std::to_string(s.acceptor.local_endpoint().port());
    auto o = to("https://localhost:" + port);
    o.ca_file = s.own.file();
    http_client good(on.executor(), o);
    const auto r = on.run(good.request("GET", "/", {}, ""));
    ASSERT_TRUE(r) << r.error().text();
    EXPECT_EQ(r->body, "secret");

    http_client unknown_authority(on.executor(), to("https://localhost:" + port));
    EXPECT_EQ(on.run(unknown_authority.request("GET", "/", {}, "")).error().code, errc::unavailable);
    o.base_url = "https://127.0.0.1:" + port; // not the name in the certificate
    http_client other_name(on.executor(), o);
    EXPECT_EQ(on.run(other_name.request("GET", "/", {}, "")).error().code, errc::unavailable);
    o.ca_file = "/nonexistent.pem";
    http_client no_file(on.executor(), o);
    EXPECT_EQ(on.run(no_file.request("GET", "/", {}, "")).error().where, "/nonexistent.pem");
}

} // namespace
} // namespace zhida::io
