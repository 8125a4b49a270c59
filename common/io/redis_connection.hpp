// The machinery behind io::redis: a queue of calls, one connection, a writer and a reader.
#pragma once

#include "common/io/redis.hpp"
#include "common/io/redis_url.hpp"
#include "common/io/redis_wire.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace zhida::io {

// One or more commands written together; done when each has its reply, or when all failed.
struct redis_call {
    explicit redis_call(const asio::any_io_executor& executor) : wake(executor) {}

    std::string wire; // released once written
    std::size_t bytes = 0, commands = 0;
    std::vector<redis_reply> replies;
    std::optional<failure> failed;
    bool done = false;
    bool taken = false;      // by the writer: from here on Redis may have seen it
    std::uint64_t begin = 0; // place of its first byte in the connection's stream
    asio::steady_timer wake; // expires at the call's deadline; cancelled when done
};

// One TCP connection, from connecting to lost.
struct redis_session {
    redis_session(const asio::any_io_executor& executor)
        : socket(executor), resolver(executor), wake(executor), deadline(executor) {}

    asio::ip::tcp::socket socket;
    asio::ip::tcp::resolver resolver;
    asio::steady_timer wake;     // the writer sleeps on it
    asio::steady_timer deadline; // of connecting and signing in
    redis_reply_reader replies;
    std::deque<std::shared_ptr<redis_call>> in_flight; // in the order of their answers
    std::uint64_t queued = 0, written = 0;             // bytes handed to the socket, bytes it took
    std::chrono::steady_clock::time_point last_read;
    bool open = true;
    bool answered = false;       // at least one reply came
    std::optional<failure> lost; // why it was closed; the first reason stays

    void close(failure why);
};

struct redis::impl : std::enable_shared_from_this<redis::impl> {
    impl(asio::any_io_executor executor, redis_options options);

    // Waits for all replies, for at most `timeout`.
    static asio::awaitable<result<std::vector<redis_reply>>>
    submit(std::shared_ptr<impl> self, std::vector<redis_args> commands, std::chrono::milliseconds timeout);
    void close();
    std::string where() const { return "redis " + address.host_port(); }

    asio::any_io_executor executor;
    redis_options options;
    redis_address address;

  private:
    static asio::awaitable<void> run(std::shared_ptr<impl> self);
    static asio::awaitable<result<void>> open(std::shared_ptr<impl> self, std::shared_ptr<redis_session> s);
    static asio::awaitable<result<void>> sign_in(std::shared_ptr<impl> self,
                                                 std::shared_ptr<redis_session> s);
    static asio::awaitable<void> give_up_opening(std::shared_ptr<impl> self,
                                                 std::shared_ptr<redis_session> s);
    static asio::awaitable<void> write_loop(std::shared_ptr<impl> self, std::shared_ptr<redis_session> s);
    static asio::awaitable<void> read_loop(std::shared_ptr<impl> self, std::shared_ptr<redis_session> s);

    void enqueue(const std::shared_ptr<redis_call>& call);
    void finish(redis_call& call, std::optional<failure> why);
    bool take_replies(redis_session& s);
    void end_session(redis_session& s);
    void fail_queue(const failure& why);
    void back_off();
    failure expired(redis_call& call, std::chrono::milliseconds timeout);
    failure unreachable(const std::string& what) const;

    std::optional<failure> bad_url_;
    std::deque<std::shared_ptr<redis_call>> queue_; // not yet given to a connection
    std::shared_ptr<redis_session> session_;
    std::size_t pending_commands_ = 0, pending_bytes_ = 0;
    bool running_ = false, closed_ = false;
    unsigned failures_ = 0; // connections in a row that never answered
    std::chrono::steady_clock::time_point next_attempt_{};
    asio::steady_timer backoff_;
    std::minstd_rand random_;
};

} // namespace zhida::io
