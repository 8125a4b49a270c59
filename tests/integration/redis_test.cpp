#include "common/io/redis.hpp"
#include "common/io/spawn.hpp"

#include "tests/support/loop.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace zhida::io {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;
using tests::loop;
using tests::unique;
using kind = redis_reply::kind;
using steady = std::chrono::steady_clock;

class redis_server_test : public testing::Test {
  protected:
    redis_options options(std::chrono::milliseconds timeout = 5s) { return {tests::redis_url(), timeout}; }

    loop loop_;
};

TEST_F(redis_server_test, keeps_any_bytes) {
    redis r(loop_.executor(), options());
    const auto key = unique("binary") + std::string("\0\r\n$5", 5);
    const std::string value("\0\xff\r\n*1\r\n", 8);
    EXPECT_EQ(loop_.run(r.command({"SET", key, value}))->text, "OK");
    EXPECT_EQ(loop_.run(r.command({"GET", key}))->text, value);
    EXPECT_TRUE(loop_.run(r.command({"GET", key + "x"}))->is_nil());
    EXPECT_EQ(loop_.run(r.command({"STRLEN", key}))->integer, 8);
    EXPECT_EQ(loop_.run(r.command({"SET", key, ""}))->text, "OK");
    EXPECT_EQ(loop_.run(r.command({"GET", key}))->type, kind::text);
}

TEST_F(redis_server_test, moves_large_values_fast) {
    redis r(loop_.executor(), options(60s));
    const auto key = unique("large");
    std::string value(32 << 20, 'v');
    for (std::size_t i = 0; i < value.size(); i += 4099) value[i] = static_cast<char>(i);
    const auto begin = steady::now();
    ASSERT_TRUE(loop_.run(r.command({"SET", key, value})));
    const auto got = loop_.run(r.command({"GET", key}));
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->text == value);
    EXPECT_LT(steady::now() - begin, 10s);
    ASSERT_TRUE(loop_.run(r.command({"DEL", key})));
}

TEST_F(redis_server_test, pipelines_ten_thousand_commands_with_errors_in_their_places) {
    redis r(loop_.executor(), options());
    const auto key = unique("pipeline");
    std::vector<redis_args> commands;
    for (int i = 0; i < 10000; ++i) commands.push_back({"RPUSH", key, std::to_string(i)});
    commands[5000] = {"INCR", key};
    const auto begin = steady::now();
    const auto answers = loop_.run(r.pipeline(std::move(commands)));
    ASSERT_TRUE(answers) << answers.error().text();
    EXPECT_LT(steady::now() - begin, 3s);
    ASSERT_EQ(answers->size(), 10000U);
    EXPECT_EQ((*answers)[4999].integer, 5000);
    EXPECT_EQ((*answers)[5000].type, kind::error);
    EXPECT_THAT((*answers)[5000].text, StartsWith("WRONGTYPE"));
    EXPECT_EQ((*answers)[9999].integer, 9999);

    const auto list = loop_.run(r.command({"LRANGE", key, "0", "-1"}));
    ASSERT_TRUE(list);
    ASSERT_EQ(list->items.size(), 9999U);
    EXPECT_EQ(list->items[9998].text, "9999");
}

asio::awaitable<void> count_up(redis& r, std::string key, std::vector<std::int64_t>& out) {
    out.push_back((co_await r.command({"INCR", key}))->integer);
}

TEST_F(redis_server_test, answers_many_coroutines_in_call_order) {
    redis r(loop_.executor(), options());
    const auto key = unique("counter");
    std::vector<std::int64_t> seen;
    for (int i = 0; i < 5000; ++i) spawn(loop_.executor(), count_up(r, key, seen));
    const auto last = loop_.run(r.command({"INCR", key}));
    ASSERT_TRUE(last);
    ASSERT_EQ(seen.size(), 5000U);
    for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], static_cast<std::int64_t>(i) + 1);
}

TEST_F(redis_server_test, an_error_reply_is_refused_with_its_text) {
    redis r(loop_.executor(), options());
    const auto key = unique("list");
    ASSERT_TRUE(loop_.run(r.command({"RPUSH", key, "secret-argument"})));
    const auto answer = loop_.run(r.command({"INCRBY", key, "13800000001"}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, errc::refused);
    EXPECT_THAT(answer.error().what, StartsWith("WRONGTYPE"));
    EXPECT_THAT(answer.error().text(), HasSubstr("INCRBY"));
    EXPECT_THAT(answer.error().text(), Not(HasSubstr("13800000001")));
}

TEST_F(redis_server_test, loads_a_script_again_that_the_server_forgot) {
    redis r(loop_.executor(), options());
    const auto key = unique("script");
    const lua_script add("return {redis.call('INCRBY', KEYS[1], ARGV[1]), {'a', false, 7}}");
    EXPECT_EQ(add.sha1().size(), 40U);
    ASSERT_TRUE(loop_.run(r.command({"SCRIPT", "FLUSH", "SYNC"})));
    for (int i = 1; i <= 2; ++i) {
        const auto answer = loop_.run(r.eval(add, {key}, {"5"}));
        ASSERT_TRUE(answer) << answer.error().text();
        ASSERT_EQ(answer->items.size(), 2U);
        EXPECT_EQ(answer->items[0].integer, 5 * i);
        EXPECT_EQ(answer->items[1].items[0].text, "a");
        EXPECT_TRUE(answer->items[1].items[1].is_nil());
        EXPECT_EQ(answer->items[1].items[2].integer, 7);
    }
    EXPECT_EQ(loop_.run(r.command({"SCRIPT", "EXISTS", add.sha1()}))->items[0].integer, 1);
    ASSERT_TRUE(loop_.run(r.command({"SCRIPT", "FLUSH", "SYNC"})));
    EXPECT_EQ(loop_.run(r.eval(add, {key}, {"1"}))->items[0].integer, 11);

    const lua_script broken("return redis.error_reply('EPOCH 3')");
    const auto refused = loop_.run(r.eval(broken, {}, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::refused);
    EXPECT_THAT(refused.error().what, HasSubstr("EPOCH 3"));
}

TEST_F(redis_server_test, waits_for_blocking_commands_as_long_as_told) {
    redis r(loop_.executor(), options(300ms));
    const auto none = loop_.run(r.command_waiting({"BLPOP", unique("empty"), "0.8"}, 800ms));
    ASSERT_TRUE(none) << none.error().text();
    EXPECT_TRUE(none->is_nil());

    const auto late = loop_.run(r.command({"BLPOP", unique("empty"), "0"}));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::timeout);
    EXPECT_THAT(late.error().text(), HasSubstr("300 ms"));
    // The connection that was stuck is given up; the next call has a new one.
    EXPECT_EQ(loop_.run(r.command({"PING"}))->text, "PONG");
}

TEST_F(redis_server_test, bounds_what_waits) {
    redis r(loop_.executor(), options(60s));
    const auto many = loop_.run(r.pipeline(std::vector<redis_args>(100001, {"PING"})));
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().code, errc::exhausted);
    const auto key = unique("too-large");
    const auto large = loop_.run(r.command({"SET", key, std::string(257 << 20, 'x')}));
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().code, errc::exhausted);
    // Nothing of it counts any more.
    EXPECT_TRUE(loop_.run(r.pipeline(std::vector<redis_args>(100000, {"PING"}))));
    EXPECT_EQ(loop_.run(r.command({"EXISTS", key}))->integer, 0);
}

TEST_F(redis_server_test, selects_the_database_and_signs_in) {
    tests::server own("redis");
    redis plain(loop_.executor(), {own.address(), 5s});
    ASSERT_TRUE(loop_.run(plain.command({"ACL", "SETUSER", "zhida", "on", ">p@ss:1", "~*", "+@all"})));
    ASSERT_TRUE(loop_.run(plain.command({"SET", "where", "db0"})));
    const auto port = own.address().substr(own.address().rfind(':') + 1, 5);

    redis third(loop_.executor(), {"redis://zhida:p%40ss%3A1@127.0.0.1:" + port + "/3", 5s});
    EXPECT_EQ(loop_.run(third.command({"ACL", "WHOAMI"}))->text, "zhida");
    EXPECT_TRUE(loop_.run(third.command({"GET", "where"}))->is_nil());

    redis wrong(loop_.executor(), {"redis://zhida:guess@127.0.0.1:" + port + "/0", 5s});
    const auto refused = loop_.run(wrong.command({"PING"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::refused);
    EXPECT_THAT(refused.error().text(), HasSubstr("WRONGPASS"));
    EXPECT_THAT(refused.error().text(), Not(HasSubstr("guess")));

    redis missing(loop_.executor(), {"redis://127.0.0.1:" + port + "/999", 5s});
    EXPECT_EQ(loop_.run(missing.command({"PING"})).error().code, errc::refused);
}

TEST_F(redis_server_test, comes_back_after_the_server_was_killed) {
    tests::server own("redis");
    redis r(loop_.executor(), {own.address(), 2s});
    ASSERT_TRUE(loop_.run(r.command({"SET", "kept", "1"})));
    own.stop();
    const auto begin = steady::now();
    const auto away = loop_.run(r.command({"GET", "kept"}));
    ASSERT_FALSE(away);
    EXPECT_LT(steady::now() - begin, 2s);
    own.start();
    const auto back = loop_.run(r.command({"GET", "kept"}));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->text, "1");
}

asio::awaitable<void> kill_after(tests::server& own, std::chrono::milliseconds wait) {
    co_await tests::pause_for(wait);
    own.kill();
}

TEST_F(redis_server_test, what_was_written_before_a_loss_is_unknown) {
    tests::server own("redis");
    redis r(loop_.executor(), {own.address(), 10s});
    spawn(loop_.executor(), kill_after(own, 200ms));
    const auto lost = loop_.run(r.command_waiting({"BLPOP", "nothing", "0"}, 10s));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, errc::timeout);
    EXPECT_THAT(lost.error().text(), HasSubstr("unknown"));
    const auto away = loop_.run(r.command({"PING"}));
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().code, errc::unavailable);
}

TEST(redis_unreachable, says_where_and_what_to_do) {
    loop l;
    redis r(l.executor(), {"redis://127.0.0.1:1/0", 1s});
    const auto begin = steady::now();
    for (int i = 0; i < 3; ++i) {
        const auto answer = l.run(r.command({"PING"}));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, errc::unavailable);
        EXPECT_THAT(answer.error().text(), HasSubstr("127.0.0.1:1"));
        EXPECT_THAT(answer.error().text(), HasSubstr("redis.url"));
    }
    EXPECT_LT(steady::now() - begin, 1s);

    redis nameless(l.executor(), {"redis://no-such-host.invalid:6379/0", 5s});
    const auto unresolved = l.run(nameless.command({"PING"}));
    ASSERT_FALSE(unresolved);
    EXPECT_EQ(unresolved.error().code, errc::unavailable);

    redis wrong(l.executor(), {"http://127.0.0.1/", 1s});
    EXPECT_EQ(l.run(wrong.command({"PING"})).error().code, errc::invalid);
}

// A server that says what the test tells it.
class scripted {
  public:
    explicit scripted(asio::io_context& io)
        : acceptor_(io, {asio::ip::make_address("127.0.0.1"), 0}), socket_(io) {}
    std::string url() const {
        return "redis://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/0";
    }
    asio::awaitable<void> serve(std::vector<std::pair<std::chrono::milliseconds, std::string>> lines) {
        co_await acceptor_.async_accept(socket_, asio::use_awaitable);
        for (auto& [wait, text] : lines) {
            co_await tests::pause_for(wait);
            co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
        }
    }

  private:
    asio::ip::tcp::acceptor acceptor_;
    asio::ip::tcp::socket socket_;
};

asio::awaitable<void> ask(redis& r, std::string name, std::chrono::milliseconds wait,
                          std::optional<result<redis_reply>>& out) {
    out = co_await r.command_waiting({name}, wait);
}

TEST(redis_scripted, a_late_answer_is_not_taken_for_the_next) {
    loop l;
    scripted server(l.context());
    spawn(l.executor(), server.serve({{250ms, "+first\r\n"}, {250ms, "+late\r\n"}, {10ms, "+third\r\n"}}));
    redis r(l.executor(), {server.url(), 300ms});
    std::optional<result<redis_reply>> first, second;
    spawn(l.executor(), ask(r, "A", 1s, first));
    spawn(l.executor(), ask(r, "B", 0s, second));
    l.run(tests::pause_for(350ms));
    ASSERT_TRUE(first && second);
    EXPECT_EQ((*first)->text, "first");
    ASSERT_FALSE(*second);
    EXPECT_EQ(second->error().code, errc::timeout);
    EXPECT_EQ(l.run(r.command({"C"}))->text, "third");
}

TEST(redis_scripted, a_silent_server_times_out) {
    loop l;
    scripted server(l.context());
    spawn(l.executor(), server.serve({{5s, ""}}));
    redis r(l.executor(), {server.url(), 200ms});
    const auto begin = steady::now();
    const auto answer = l.run(r.command({"PING"}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, errc::timeout);
    EXPECT_LT(steady::now() - begin, 1s);
}

TEST(redis_scripted, another_protocol_is_said_to_be_one) {
    loop l;
    scripted server(l.context());
    spawn(l.executor(), server.serve({{10ms, "HTTP/1.1 400 Bad Request\r\n\r\n"}}));
    redis r(l.executor(), {server.url(), 1s});
    const auto answer = l.run(r.command({"PING"}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, errc::invalid);
    EXPECT_THAT(answer.error().text(), HasSubstr("not Redis' protocol"));
}

TEST(redis_scripted, closing_ends_what_waits) {
    loop l;
    scripted server(l.context());
    spawn(l.executor(), server.serve({{5s, ""}}));
    redis r(l.executor(), {server.url(), 5s});
    std::optional<result<redis_reply>> waiting;
    spawn(l.executor(), ask(r, "PING", 0s, waiting));
    l.run(tests::pause_for(50ms));
    r.close();
    l.run(tests::pause_for(10ms));
    ASSERT_TRUE(waiting && !*waiting);
    EXPECT_EQ(waiting->error().code, errc::cancelled);
    EXPECT_EQ(l.run(r.command({"PING"})).error().code, errc::cancelled);
}

} // namespace
} // namespace zhida::io
