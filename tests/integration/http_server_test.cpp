// The HTTP server against raw sockets: what well-behaved, slow, broken and hostile clients send.
#include "common/io/http_server.hpp"
#include "tests/support/raw_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

namespace zhida::io {
namespace {

using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

asio::awaitable<http_response> hello(http_request r) {
    http_response out;
    out.body = r.method + " " + r.path + " " + r.body;
    co_return out;
}
asio::awaitable<http_response> broken(http_request) {
    throw std::runtime_error("a bug");
    co_return http_response{};
}
asio::awaitable<http_response> bad_header(http_request) {
    http_response out;
    out.headers.emplace_back("X-Bad", "a\r\nSet-Cookie: stolen=1");
    co_return out;
}
asio::awaitable<http_response> slow(http_request) {
    asio::steady_timer timer(co_await asio::this_coro::executor, 300ms);
    co_await timer.async_wait(asio::use_awaitable);
    http_response out;
    out.body = "finished";
    co_return out;
}

// The server on a thread of its own, as in a role; everything of it is touched there alone.
class fixture {
  public:
    explicit fixture(http_server_options options) {
        http_router router;
        router.add("GET", "/hello", hello);
        router.add("POST", "/hello", hello);
        router.add("GET", "/broken", broken);
        router.add("GET", "/bad-header", bad_header);
        router.add("GET", "/slow", slow);
        router.add("GET", "/live",
                   [this](http_request) -> asio::awaitable<http_response> { return live(this); });
        options.on_stream_dropped = [this] { ++dropped; };
        options.on_done = [this](const std::string& route, const std::string&, int status,
                                 std::chrono::microseconds) { done.emplace_back(route, status); };
        server = std::make_unique<http_server>(context.get_executor(), options, std::move(router));
        const auto listening = server->listen();
        if (!listening) throw std::runtime_error(listening.error().text());
        port = server->port();
        asio::co_spawn(context, server->run(), [this](std::exception_ptr) { returned = true; });
        thread = std::thread([this] { context.run(); });
    }
    ~fixture() {
        stop();
        thread.join();
    }
    void stop() {
        asio::post(context, [this] { server->stop(2000ms); });
    }
    template <class F>
    auto on_thread(F f) {
        std::packaged_task<decltype(f())()> task(std::move(f));
        auto answer = task.get_future();
        asio::post(context, [&task] { task(); });
        return answer.get();
    }

    static asio::awaitable<http_response> live(fixture* self) {
        http_response out;
        out.content_type = "text/event-stream; charset=utf-8";
        out.on_stream = [self](http_stream s) { self->streams.push_back(s); };
        co_return out;
    }

    asio::io_context context{1};
    std::unique_ptr<http_server> server;
    std::uint16_t port = 0;
    bool returned = false;
    int dropped = 0;
    std::vector<std::pair<std::string, int>> done;
    std::vector<http_stream> streams;
    std::thread thread;
};

using tests::raw_client;

std::string talk(std::uint16_t port, const std::string& bytes) {
    raw_client c(port);
    c.send(bytes);
    return c.rest();
}

TEST(http_server, answers_and_closes_when_asked) {
    fixture f({});
    const auto reply = talk(f.port, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
    EXPECT_TRUE(reply.ends_with("GET /hello "));
    EXPECT_NE(reply.find("Date: "), std::string::npos);
    EXPECT_NE(reply.find("Connection: close"), std::string::npos);
}

TEST(http_server, keeps_connections_and_answers_pipelined_requests_in_order) {
    fixture f({});
    raw_client c(f.port);
    c.send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\noneGET /hello HTTP/1.1\r\nHost: "
           "x\r\n\r\n"
           "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
           "2\r\nth\r\n3\r\nree\r\n0\r\n\r\n");
    const auto all = c.rest();
    const auto first = all.find("POST /hello one"), second = all.find("GET /hello "),
               third = all.find("POST /hello three");
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
    EXPECT_NE(third, std::string::npos) << all;
}

TEST(http_server, head_has_the_length_and_no_body) {
    fixture f({});
    const auto reply = talk(f.port, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(reply.find("Content-Length: 12\r\n"), std::string::npos) << reply;
    EXPECT_TRUE(reply.ends_with("\r\n\r\n"));
}

TEST(http_server, http_1_0_is_closed_after_the_answer) {
    fixture f({});
    EXPECT_TRUE(talk(f.port, "GET /hello HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200"));
}

TEST(http_server, takes_a_request_split_at_every_byte) {
    fixture f({});
    const std::string bytes = "\r\nPOST /hello?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
    raw_client c(f.port);
    c.socket.set_option(tcp::no_delay(true));
    for (const char b : bytes) c.send(std::string(1, b));
    EXPECT_NE(c.until("POST /hello body").find("200 OK"), std::string::npos);
    // And at each place once, in two pieces, on the same connection.
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        c.send(bytes.substr(0, cut));
        if (cut % 16 == 0) std::this_thread::sleep_for(1ms);
        c.send(bytes.substr(cut));
        ASSERT_NE(c.until("POST /hello body").find("200 OK"), std::string::npos) << cut;
    }
}

TEST(http_server, says_404_and_405_as_problems) {
    fixture f({});
    const auto missing = talk(f.port, "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(missing.starts_with("HTTP/1.1 404"));
    EXPECT_NE(missing.find("application/problem+json"), std::string::npos);
    const auto verb = talk(f.port, "DELETE /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(verb.starts_with("HTTP/1.1 405"));
    EXPECT_NE(verb.find("Allow: GET, HEAD, POST\r\n"), std::string::npos) << verb;
}

TEST(http_server, an_exception_is_500_and_the_server_lives_on) {
    fixture f({});
    raw_client c(f.port);
    c.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto reply = c.until("problem+json");
    EXPECT_NE(reply.find("500"), std::string::npos);
    EXPECT_EQ(reply.find("a bug"), std::string::npos); // details go to the log, not to strangers
    EXPECT_TRUE(talk(f.port, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    .starts_with("HTTP/1.1 200"));
}

TEST(http_server, a_header_value_cannot_start_another_header) {
    fixture f({});
    const auto reply = talk(f.port, "GET /bad-header HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(reply.find("stolen"), std::string::npos);
}

// Requests that two servers on the way could read differently.
class smuggling : public ::testing::TestWithParam<std::string> {};
TEST_P(smuggling, is_refused_and_the_connection_closed) {
    fixture f({});
    const auto reply = talk(f.port, GetParam() + "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 400")) << reply;
    EXPECT_EQ(reply.find("GET /hello"), std::string::npos);
}
INSTANTIATE_TEST_SUITE_P(
    corpus, smuggling,
    ::testing::Values(
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4, 5\r\n\r\nabcd",
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd",
        "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", "GET /hello HTTP/1.1\nHost: x\n\n",
        "GET /hello HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET /hello HTTP/1.1\r\n\r\n",
        "GET /a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", "GET /../hello HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n", "GET /hello HTTP/3.0\r\nHost: x\r\n\r\n",
        "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"));

TEST(http_server, an_oversize_head_is_431_and_an_oversize_body_413) {
    fixture f({.max_header_bytes = 4096, .max_body_bytes = 1000});
    EXPECT_TRUE(talk(f.port, "GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(5000, 'a') + "\r\n\r\n")
                    .starts_with("HTTP/1.1 431"));
    EXPECT_TRUE(talk(f.port, "GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(50000, 'a'))
                    .starts_with("HTTP/1.1 431"));
    EXPECT_TRUE(talk(f.port, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" +
                                 std::string(1001, 'a'))
                    .starts_with("HTTP/1.1 413"));
    std::string chunks;
    for (int i = 0; i < 20; ++i) chunks += "40\r\n" + std::string(64, 'a') + "\r\n";
    EXPECT_TRUE(talk(f.port, "POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                 chunks + "0\r\n\r\n")
                    .starts_with("HTTP/1.1 413"));
    EXPECT_NE(
        talk(f.port, "POST /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n" +
                         std::string(1000, 'a'))
            .find("200 OK"),
        std::string::npos);
}

TEST(http_server, expect_100_continue) {
    fixture f({.max_body_bytes = 100});
    raw_client c(f.port);
    c.send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    c.send("body");
    EXPECT_NE(c.until("POST /hello body").find("200 OK"), std::string::npos);
    EXPECT_TRUE(talk(f.port, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\nExpect: "
                             "100-continue\r\n\r\n")
                    .starts_with("HTTP/1.1 413"));
    EXPECT_TRUE(talk(f.port, "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: "
                             "100-continue\r\n\r\n")
                    .starts_with("HTTP/1.1 404"));
    EXPECT_TRUE(
        talk(f.port, "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: a-miracle\r\n\r\n")
            .starts_with("HTTP/1.1 417"));
}

// A byte now and then must not move a deadline.
TEST(http_server, slow_heads_bodies_and_idle_connections_are_closed_at_their_deadline) {
    fixture f({.header_timeout = 1s, .body_timeout = 1s, .idle_timeout = 1s});
    const auto dribble = [&](const std::string& start) {
        raw_client c(f.port);
        const auto begin = std::chrono::steady_clock::now();
        c.send(start);
        for (int i = 0; i < 40; ++i) {
            std::this_thread::sleep_for(100ms);
            boost::system::error_code ec;
            c.socket.non_blocking(true);
            asio::write(c.socket, asio::buffer("a", 1), ec);
            std::array<char, 16> sink{};
            boost::system::error_code closed;
            c.socket.read_some(asio::buffer(sink), closed);
            if (ec || (closed && closed != asio::error::would_block)) break;
        }
        return std::chrono::steady_clock::now() - begin;
    };
    EXPECT_LT(dribble("GET /hello HTTP/1.1\r\nX: "), 2500ms);
    EXPECT_LT(dribble("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"), 2500ms);
    raw_client idle(f.port);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(idle.rest(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2500ms);
}

TEST(http_server, connections_are_bounded_in_total_and_for_each_address) {
    {
        fixture f({.max_connections_per_ip = 2});
        raw_client a(f.port), b(f.port);
        a.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        b.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        a.until("/hello");
        b.until("/hello");
        EXPECT_TRUE(talk(f.port, "").starts_with("HTTP/1.1 429"));
        a.socket.close();
        std::string reply;
        for (int i = 0; i < 100 && !reply.starts_with("HTTP/1.1 200"); ++i)
            reply = talk(f.port, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 200")) << reply; // room again
    }
    fixture f({.max_connections = 1});
    raw_client a(f.port);
    a.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    a.until("/hello");
    EXPECT_TRUE(talk(f.port, "").starts_with("HTTP/1.1 503"));
}

std::size_t wait_for_streams(fixture& f, std::size_t count) {
    for (int i = 0; i < 500; ++i) {
        const auto n = f.on_thread([&f] { return f.streams.size(); });
        if (n >= count) return n;
        std::this_thread::sleep_for(2ms);
    }
    return 0;
}

TEST(http_server, a_live_stream_delivers_what_is_sent_and_beats_when_nothing_is) {
    fixture f({.heartbeat = 1s});
    raw_client c(f.port);
    c.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto head = c.until("\r\n\r\n");
    EXPECT_NE(head.find("text/event-stream"), std::string::npos);
    EXPECT_NE(head.find("Cache-Control: no-store"), std::string::npos);
    ASSERT_EQ(wait_for_streams(f, 1), 1u);
    EXPECT_TRUE(f.on_thread([&f] { return f.streams[0].send("event: package\ndata: {}\n\n"); }));
    EXPECT_NE(c.until("data: {}\n\n").find("event: package"), std::string::npos);
    EXPECT_NE(c.until("\n\n").find(": still here"), std::string::npos);
    f.on_thread([&f] { return f.streams[0].close(), 0; });
    EXPECT_EQ(c.rest(), "");
    EXPECT_FALSE(f.on_thread([&f] { return f.streams[0].send("x"); }));
}

TEST(http_server, a_reader_who_leaves_is_noticed) {
    fixture f({});
    raw_client c(f.port);
    c.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    c.until("\r\n\r\n");
    ASSERT_EQ(wait_for_streams(f, 1), 1u);
    c.socket.close();
    bool open = true;
    for (int i = 0; i < 500 && open; ++i) {
        std::this_thread::sleep_for(2ms);
        open = f.on_thread([&f] { return f.streams[0].open(); });
    }
    EXPECT_FALSE(open);
}

TEST(http_server, a_slow_reader_is_dropped_and_counted_and_memory_stays_bounded) {
    fixture f({.stream_queue = 8});
    raw_client c(f.port, 4096);
    c.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    c.until("\r\n\r\n");
    ASSERT_EQ(wait_for_streams(f, 1), 1u);
    bool taken = true;
    for (int i = 0; i < 2000 && taken; ++i)
        taken = f.on_thread([&f] { return f.streams[0].send(std::string(64 << 10, 'x')); });
    EXPECT_FALSE(taken);
    for (int i = 0; i < 500 && f.on_thread([&f] { return f.dropped; }) == 0; ++i)
        std::this_thread::sleep_for(10ms);
    EXPECT_EQ(f.on_thread([&f] { return f.dropped; }), 1);
}

TEST(http_server, stops_accepting_finishes_requests_ends_streams_and_returns) {
    fixture f({});
    raw_client busy(f.port), idle(f.port), live(f.port);
    live.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    live.until("\r\n\r\n");
    ASSERT_EQ(wait_for_streams(f, 1), 1u);
    busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(50ms);
    f.stop();
    EXPECT_EQ(live.rest(), "");
    EXPECT_EQ(idle.rest(), "");
    const auto reply = busy.rest();
    EXPECT_NE(reply.find("finished"), std::string::npos);
    EXPECT_NE(reply.find("Connection: close"), std::string::npos);
    f.thread.join();
    EXPECT_TRUE(f.returned);
    f.thread = std::thread([] {});
}

TEST(http_server, says_why_it_cannot_listen) {
    fixture f({});
    asio::io_context context;
    http_server second(context.get_executor(), {.port = f.port}, {});
    const auto outcome = second.listen();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::io);
    EXPECT_EQ(outcome.error().where, "127.0.0.1:" + std::to_string(f.port));
}

} // namespace
} // namespace zhida::io
