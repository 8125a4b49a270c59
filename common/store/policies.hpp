// Published policies, as they came, by id; the highest version wins, and every version stays readable.
#pragma once

#include "common/io/redis.hpp"
#include "common/model/policy.hpp"

namespace zhida::store {

namespace asio = boost::asio;

struct stored_policy {
    json document;
    int version = 1;
    std::int64_t received_ms = 0;
    bool pushed = false; // a campaign was made of it
};

class policies {
  public:
    explicit policies(io::redis& r) : redis_(r) {}
    // Keeps it unless a higher version is there; repeating it changes nothing.
    asio::awaitable<result<void>> put(const policy& p, const json& document, std::int64_t received_ms,
                                      bool pushed);
    asio::awaitable<result<stored_policy>> get(std::string id); // the highest version; not_found
    // Whether the highest version may be pushed; not_found.
    asio::awaitable<result<bool>> may_be_pushed(std::string id);
    // The document a campaign was made of, whatever came later.
    asio::awaitable<result<json>> get_version(std::string id, int version);
    // Newest first. `before_ms`: received before this; 0: from the newest.
    asio::awaitable<result<std::vector<stored_policy>>> list(std::size_t limit, std::int64_t before_ms = 0);
    asio::awaitable<result<std::vector<std::string>>> ids(); // of all, oldest first
    asio::awaitable<result<std::int64_t>> count();

  private:
    io::redis& redis_;
};

} // namespace zhida::store
