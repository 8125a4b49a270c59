// One pipelined connection to Redis: hiredis' formatter and reader over Asio's own socket.
#pragma once

#include "common/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::io {

namespace asio = boost::asio;

struct redis_reply {
    enum class kind { nil, integer, text, error, array } type = kind::nil;
    std::int64_t integer = 0;
    std::string text; // bulk and simple strings, error text
    std::vector<redis_reply> items;

    bool is_nil() const noexcept { return type == kind::nil; }
    // The text as a number, or the integer; 0 where neither is one.
    std::int64_t number() const noexcept;
};

struct redis_options {
    std::string url; // redis://[user:password@]host:port/db
    std::chrono::milliseconds timeout{5000};
};

// A Lua script, sent by its SHA-1 and loaded again where the server has forgotten it.
class lua_script {
  public:
    explicit lua_script(std::string_view source);
    const std::string& source() const noexcept { return source_; }
    const std::string& sha1() const noexcept { return sha1_; }

  private:
    std::string source_, sha1_;
};

using redis_args = std::vector<std::string>;

// Calls from any number of coroutines of one thread share the connection and are answered in call order. It
// connects on first use and again after a loss. Failures:
//   unavailable  not connected, or the connection was lost before the command was written: nothing was done
//   timeout      written, no answer (time out or connection lost): whether it was done is unknown
//   refused      Redis answered with an error; `what` is its text (LOADING, READONLY, OOM, NOSCRIPT ...)
class redis {
  public:
    redis(asio::any_io_executor executor, redis_options options);
    ~redis();
    redis(redis&&) noexcept;
    redis& operator=(redis&&) noexcept;

    asio::awaitable<result<redis_reply>> command(redis_args args);
    // One write, one answer each; fails as a whole only where the connection does. Error replies stay
    // replies.
    asio::awaitable<result<std::vector<redis_reply>>> pipeline(std::vector<redis_args> commands);
    // EVALSHA, and EVAL once where the server does not know the script.
    asio::awaitable<result<redis_reply>> eval(const lua_script& script, std::vector<std::string> keys,
                                              redis_args args);
    // For blocking commands (XREAD BLOCK) use a redis of their own, with a longer wait here.
    asio::awaitable<result<redis_reply>> command_waiting(redis_args args, std::chrono::milliseconds wait);
    void close();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::io
