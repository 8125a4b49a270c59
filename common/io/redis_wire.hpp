// The bytes on a connection to Redis (RESP2), by hiredis' formatter and reader: no socket here.
#pragma once

#include "common/base/error.hpp"
#include "common/io/redis.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct redisReader;

namespace zhida::io {

// Appends one command. Arguments are any bytes; there must be at least one, and less than 2 GB in all.
void append_command(std::string& wire, const redis_args& args);

struct redis_reply_limits {
    std::size_t bytes = std::size_t{256} << 20; // of one reply
    std::size_t items = std::size_t{4} << 20;   // values of one reply, those of nested arrays too
};

// Bytes in, replies out, whatever the pieces they come in.
class redis_reply_reader {
  public:
    explicit redis_reply_reader(redis_reply_limits limits = {});
    ~redis_reply_reader();
    redis_reply_reader(const redis_reply_reader&) = delete;
    redis_reply_reader& operator=(const redis_reply_reader&) = delete;

    void feed(std::string_view bytes);
    // The next whole reply, if there is one. Failure (for good: drop the connection): invalid, the bytes are
    // not RESP2; exhausted, a reply beyond the limits.
    result<std::optional<redis_reply>> next();

  private:
    struct budget;
    struct builder;

    std::unique_ptr<budget> budget_;
    redisReader* reader_;
};

} // namespace zhida::io
