#include "common/io/timer.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace zhida::io {

asio::awaitable<void> sleep_for(const clock& c, milliseconds duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    if (!c.simulated()) {
        timer.expires_after(duration);
        co_await timer.async_wait(asio::use_awaitable);
        co_return;
    }
    const auto until = c.steady_now() + duration;
    while (c.steady_now() < until) {
        timer.expires_after(milliseconds(1));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

} // namespace zhida::io
