// The account's access token: shared between processes through a store, fetched by one caller of all at a
// time.
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
    wall_time renew{}; // from then on a new one is fetched beside; the old one is used meanwhile
};
// As it was fetched: renewed in its last four minutes (WeChat gives a new one in the last five), or in the
// second half of a shorter life.
wechat_token fetched_token(std::string value, wall_time now, milliseconds lives);

// Where tokens are shared (sealed: a token is as good as the secret). All may be empty: this process alone.
struct wechat_token_store {
    std::function<asio::awaitable<std::optional<wechat_token>>()> load{};
    // False: not stored; the token is used all the same.
    std::function<asio::awaitable<bool>(wechat_token)> store{};
    // The turn to fetch, among processes; it ends by itself where its holder is gone. Where it cannot be
    // asked for, this process goes ahead: the platform bears two.
    std::function<asio::awaitable<bool>()> take_turn{};
    std::function<asio::awaitable<void>()> end_turn{};
};

// One thread.
class wechat_token_cache {
  public:
    using fetcher = std::function<asio::awaitable<result<wechat_token>>()>;

    wechat_token_cache(asio::any_io_executor executor, const clock& time, wechat_token_store shared,
                       fetcher fetch);
    ~wechat_token_cache();

    // A token that is not `failed` where there is one: the cached, else the shared one, else a new one. Many
    // callers, and many processes, wait for one fetch. The old token stays in use and shared until the new
    // one is there; where none can be fetched it is used to its end.
    asio::awaitable<result<std::string>> get(std::string failed = "");

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
