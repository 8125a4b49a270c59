// Requests that may be sent again (the Idempotency-Key header, draft-ietf-httpapi-idempotency-key-header-07):
// the first one's outcome is kept and given again.
#pragma once

#include "common/io/redis.hpp"

#include <chrono>
#include <string>

namespace zhida::store {

namespace asio = boost::asio;

struct idempotent_start {
    enum class kind {
        first,       // nobody used the key: do the work, then finish() or forget()
        in_progress, // another request with it has not ended
        other_body,  // the key was used with another request
        done,        // `outcome` of the first
    };
    kind what = kind::first;
    std::string outcome;
};

class idempotency {
  public:
    explicit idempotency(io::redis& r) : redis_(r) {}
    // scope: who asks and for what; digest: of the request's body. A request that never ends (a crash) frees
    // the key after `in_progress_for`.
    asio::awaitable<result<idempotent_start>>
    start(std::string scope, std::string key, std::string digest,
          std::chrono::seconds in_progress_for = std::chrono::seconds(60));
    asio::awaitable<result<void>> finish(std::string scope, std::string key, std::string digest,
                                         std::string outcome,
                                         std::chrono::seconds keep = std::chrono::hours(24));
    asio::awaitable<result<void>> forget(std::string scope, std::string key);

  private:
    io::redis& redis_;
};

} // namespace zhida::store
