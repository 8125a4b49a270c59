// Lets the coroutines of one thread take turns in a section that awaits: one at a time, or so many as it has
// places.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace zhida::io {

class mutex {
  public:
    class guard {
      public:
        explicit guard(mutex* m) : mutex_(m) {}
        guard(guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
        guard& operator=(guard&&) = delete;
        ~guard() {
            if (mutex_) mutex_->taken_.try_receive([](boost::system::error_code) {});
        }

      private:
        mutex* mutex_;
    };

    explicit mutex(boost::asio::any_io_executor executor, std::size_t places = 1)
        : taken_(std::move(executor), places) {}
    boost::asio::awaitable<guard> lock() {
        co_await taken_.async_send(boost::system::error_code(), boost::asio::use_awaitable);
        co_return guard(this);
    }
    boost::asio::any_io_executor executor() { return taken_.get_executor(); }

  private:
    boost::asio::experimental::channel<boost::asio::any_io_executor, void(boost::system::error_code)> taken_;
};

} // namespace zhida::io
