// A consumer group on Redis Streams has one consumer: who holds the group's lease.
#pragma once

#include "common/io/redis.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace zhida::io {

class redis_lease {
  public:
    static constexpr std::chrono::milliseconds lifetime{10000}, renewal{3000};

    redis_lease(std::shared_ptr<redis> connection, std::string group);

    // conflict: another consumer that lives has it. The lease of a process of this machine that died is taken
    // over at once, that of another machine when it has run out (which takes up to `lifetime`).
    asio::awaitable<result<void>> acquire();
    // Makes an acquire() that waits fail with cancelled, within half a second.
    void stop_waiting() noexcept { stopped_ = true; }
    // Renews the lease and, only while it is ours, stores the offsets ("<topic>/<p>" -> offset). conflict:
    // somebody else has it by now, and nothing was stored.
    asio::awaitable<result<void>> keep(std::map<std::string, std::int64_t> offsets);
    // Failures are logged: the lease then runs out by itself.
    asio::awaitable<void> release();

  private:
    failure held(const std::string& holder) const;

    std::shared_ptr<redis> redis_;
    std::string group_, key_, offsets_key_, token_;
    bool stopped_ = false;
};

} // namespace zhida::io
