// The account's access token: shared between processes through a store, fetched by one caller at a time.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/error.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace zhida::gateways {

namespace asio = boost::asio;

struct wechat_token {
    std::string value; // up to 512 characters and more
    wall_time expires{};
};

// Where tokens are shared (sealed: a token is as good as the secret). Either may be empty: this process
// alone.
struct wechat_token_store {
    std::function<asio::awaitable<std::optional<wechat_token>>()> load;
    // False: not stored; the token is used all the same.
    std::function<asio::awaitable<bool>(wechat_token)> store;
};

// One thread.
class wechat_token_cache {
  public:
    using fetcher = std::function<asio::awaitable<result<wechat_token>>()>;

    wechat_token_cache(asio::any_io_executor executor, const clock& time, wechat_token_store shared,
                       fetcher fetch);
    ~wechat_token_cache();

    // A token that is not `failed` where there is one: the cached, else the shared one, else a new one. Many
    // callers wait for one fetch. A token is used until a minute before its end. The old one stays shared
    // until the new one is there.
    asio::awaitable<result<std::string>> get(std::string failed = "");

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
