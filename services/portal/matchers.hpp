// The matchers, asked over HTTP: who owns which shard, and one question to one of them.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/base/json.hpp"
#include "common/io/http_client.hpp"
#include "common/io/redis.hpp"

#include <memory>
#include <string>
#include <vector>

namespace zhida::portal {

namespace asio = boost::asio;

class matchers {
  public:
    // All of them must outlive it; shards: of the installation.
    matchers(asio::any_io_executor executor, io::redis& redis, const crypto::sealer& sealer,
             const clock& time, int shards);
    ~matchers();

    struct owner {
        std::string url;
        std::vector<int> shards; // rising; each shard has one owner at most
    };
    using owners_list = std::shared_ptr<const std::vector<owner>>;
    // As registered about a second ago; shards that no owner has are nobody's at the moment. Failures: those
    // of Redis.
    asio::awaitable<result<owners_list>> owners();
    // The address of a shard's owner. unavailable: nobody has it at the moment.
    asio::awaitable<result<std::string>> owner_of(int shard);
    // path: with its query, encoded. The answer's status is the caller's to look at. Failures as of
    // io::http_client, which repeats what a closed connection swallowed.
    asio::awaitable<result<io::http_reply>> ask(std::string url, std::string verb, std::string path,
                                                std::string body = "");
    int shards() const noexcept;
    void close(); // every question under way fails

    // So long a matcher may take to answer.
    static constexpr milliseconds patience{2000};

  private:
    struct impl;
    std::shared_ptr<impl> impl_; // a refresh under way may outlive us
};

} // namespace zhida::portal
