// Runs coroutines of a test, one after another, on one io_context with a limit in real time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>

namespace zhida::tests {

namespace asio = boost::asio;

class loop {
  public:
    asio::io_context& context() noexcept { return io_; }
    asio::any_io_executor executor() { return io_.get_executor(); }

    // The coroutine's result; what it throws is thrown; so is a run beyond the limit.
    template <class T>
    T run(asio::awaitable<T> work, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
        std::exception_ptr thrown;
        bool done = false;
        const auto until = std::chrono::steady_clock::now() + limit;
        if constexpr (std::is_void_v<T>) {
            asio::co_spawn(io_, std::move(work), [&](std::exception_ptr e) {
                thrown = e;
                done = true;
            });
            wait(done, until);
            if (thrown) std::rethrow_exception(thrown);
        } else {
            std::optional<T> value;
            asio::co_spawn(io_, std::move(work), [&](std::exception_ptr e, T v) {
                thrown = e;
                if (!e) value.emplace(std::move(v));
                done = true;
            });
            wait(done, until);
            if (thrown) std::rethrow_exception(thrown);
            return std::move(*value);
        }
    }

    // Lets everything that was started go on for a while.
    void run_for(std::chrono::milliseconds time) {
        io_.restart();
        io_.run_for(time);
    }

  private:
    void wait(const bool& done, std::chrono::steady_clock::time_point until) {
        while (!done) {
            io_.restart();
            if (io_.run_one_until(until) == 0 && std::chrono::steady_clock::now() >= until)
                throw std::runtime_error("the coroutine did not end within its limit");
        }
    }

    asio::io_context io_{1};
};

inline asio::awaitable<void> pause_for(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace zhida::tests
