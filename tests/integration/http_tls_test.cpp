// Our server under TLS: with our client, with one that does not shake hands, and with one that is told byte
// by byte what to say.
#include "common/io/http_client.hpp"
#include "common/io/http_server.hpp"
#include "tests/support/certificate.hpp"
#include "tests/support/gateways.hpp"
#include "tests/support/raw_client.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace zhida::io {
namespace {

using namespace std::chrono_literals;
using tests::raw_client;

asio::awaitable<http_response> echo(http_request r) {
    http_response out;
    out.body = r.method + " " + r.body;
    co_return out;
}
asio::awaitable<http_response> slow(http_request) {
    co_await tests::pause_for(200ms);
    http_response out;
    out.body = "finished";
    co_return out;
}
asio::awaitable<http_response> live(http_request) {
    http_response out;
    out.content_type = "text/event-stream";
    out.on_stream = [](http_stream s) {
        s.send("data: 1\n\n");
        s.close();
    };
    co_return out;
}

struct http_tls : testing::Test {
    tests::certificate own;
    tests::loop on;
    http_server_options options;
    std::unique_ptr<http_server> server;
    bool ended = false;

    void serve() {
        http_router router;
        router.add("POST", "/echo", echo);
        router.add("GET", "/slow", slow);
        router.add("GET", "/live", live);
        options.certificate_file = own.file();
        options.key_file = own.key();
        server = std::make_unique<http_server>(on.executor(), options, std::move(router));
        const auto bound = server->listen();
        ASSERT_TRUE(bound) << bound.error().text();
        asio::co_spawn(on.context(), server->run(), [this](std::exception_ptr) { ended = true; });
    }
    bool stops(std::chrono::milliseconds drain) {
        server->stop(drain);
        for (int i = 0; i < 300 && !ended; ++i) on.run_for(10ms);
        return ended;
    }
    void TearDown() override {
        if (server && !ended) {
            EXPECT_TRUE(stops(0ms));
        }
    }
    std::unique_ptr<http_client> client() {
        http_client_options o;
        o.base_url = "https://localhost:" + std::to_string(server->port());
        o.ca_file = own.file();
        o.timeout = 5s;
        return std::make_unique<http_client>(on.executor(), o);
    }
    // What a client that blocks does, on a thread of its own.
    template <class F>
    auto beside(F f) {
        auto answer = std::async(std::launch::async, std::move(f));
        while (answer.wait_for(0ms) != std::future_status::ready) on.run_for(5ms);
        return answer.get();
    }
};

TEST_F(http_tls, connections_are_kept_and_bodies_whole) {
    options.max_connections = 1; // a second connection would be refused
    options.max_body_bytes = 2 << 20;
    serve();
    const auto c = client();
    for (const std::size_t size : {0, 1, 100, 16'384, 1 << 20}) {
        const auto r = on.run(c->request("POST", "/echo", {}, std::string(size, 'x')));
        ASSERT_TRUE(r) << r.error().text();
        EXPECT_EQ(r->body, "POST " + std::string(size, 'x'));
    }
    const auto refused = on.run(c->request("POST", "/echo", {}, std::string(3 << 20, 'x')));
    if (refused) EXPECT_EQ(refused->status, 413); // or the refusal met a client that was still sending
    c->close();
}

TEST_F(http_tls, who_does_not_shake_hands_is_closed_at_the_deadline) {
    options.header_timeout = 1s;
    options.idle_timeout = 1s;
    serve();
    const auto port = server->port();
    const auto waited = [&](const std::string& bytes) {
        return beside([port, bytes] {
            const auto begin = std::chrono::steady_clock::now();
            raw_client c(port);
            c.send(bytes);
            c.rest();
            return std::chrono::steady_clock::now() - begin;
        });
    };
    EXPECT_LT(waited(""), 2500ms);
    EXPECT_LT(waited("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 2500ms) << "in clear";
    const auto silent = beside([port] {
        asio::io_context context;
        asio::ssl::context tls(asio::ssl::context::tls_client);
        asio::ssl::stream<asio::ip::tcp::socket> s(context, tls);
        s.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
        s.handshake(asio::ssl::stream_base::client);
        const auto begin = std::chrono::steady_clock::now();
        asio::write(s, asio::buffer("GET /ech", 8));
        char byte = 0;
        boost::system::error_code ec;
        s.read_some(asio::buffer(&byte, 1), ec);
        return ec ? std::chrono::steady_clock::now() - begin : 100s;
    });
    EXPECT_LT(silent, 2500ms);
}

TEST_F(http_tls, a_live_stream_ends_with_its_connection) {
    serve();
    const auto port = server->port();
    const auto all = beside([port] {
        asio::io_context context;
        asio::ssl::context tls(asio::ssl::context::tls_client);
        asio::ssl::stream<asio::ip::tcp::socket> s(context, tls);
        s.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
        s.handshake(asio::ssl::stream_base::client);
        const std::string ask = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";
        asio::write(s, asio::buffer(ask));
        std::string out(4096, '\0');
        boost::system::error_code ec;
        out.resize(asio::read(s, asio::buffer(out), ec));
        return out;
    });
    EXPECT_TRUE(all.starts_with("HTTP/1.1 200")) << all;
    EXPECT_TRUE(all.ends_with("data: 1\n\n")) << all;
}

asio::awaitable<void> into(http_client* c, std::string* out) {
    const auto r = co_await c->request("GET", "/slow", {}, "");
    *out = r ? r->body : r.error().text();
}

TEST_F(http_tls, stop_finishes_requests_and_closes_the_rest) {
    serve();
    const auto c = client();
    ASSERT_TRUE(on.run(c->request("POST", "/echo", {}, ""))); // rests from now on
    const auto busy = client();
    std::string got;
    asio::co_spawn(on.context(), into(busy.get(), &got), asio::detached);
    raw_client silent(server->port()); // never shakes hands
    on.run_for(100ms);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(stops(2000ms));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1900ms);
    EXPECT_EQ(got, "finished");
    c->close();
    busy->close();
}

TEST_F(http_tls, a_certificate_that_is_none_is_told_at_the_start) {
    options.certificate_file = own.key();
    options.key_file = own.key();
    http_server not_a_certificate(on.executor(), options, {});
    const auto first = not_a_certificate.listen();
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().where, own.key());
    options.certificate_file = own.file();
    options.key_file = "/nonexistent.pem";
    http_server no_key(on.executor(), options, {});
    EXPECT_EQ(no_key.listen().error().where, "/nonexistent.pem");
}

TEST_F(http_tls, the_simulated_platform_may_be_reached_by_it) {
    tests::simulated all;
    all.start([this](simulator::simulator& s) {
        s.http_options().certificate_file = own.file();
        s.http_options().key_file = own.key();
    });
    http_client_options o;
    o.base_url = "https://localhost:" + std::to_string(all.sim->wechat_port());
    o.ca_file = own.file();
    http_client c(all.on.executor(), o);
    const auto ask = [&](const std::string& target, const std::string& body) {
        return parse_json(all.on.run(c.request("POST", target, {}, body)).value().body).value();
    };
    const auto token = ask("/cgi-bin/stable_token", to_text({{"grant_type", "client_credential"},
                                                             {"appid", all.wechat.appid},
                                                             {"secret", all.wechat.secret}}))
                           .at("access_token")
                           .get<std::string>();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(ask("/cgi-bin/message/template/send?access_token=" + token,
                      R"({"touser":"oUser","template_id":"TEMPLATE-1","data":{"thing1":{"value":"措施"}}})")
                      .at("errcode"),
                  0);
    EXPECT_EQ(all.sim->messages().all().size(), 3U);
    c.close();
    all.stop();
}

} // namespace
} // namespace zhida::io
