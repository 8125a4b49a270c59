// One coroutine waits, others of the same thread wake it.
#pragma once

#include "common/base/clock.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace zhida::gateways {

namespace asio = boost::asio;

class wake_up {
  public:
    explicit wake_up(asio::any_io_executor executor);
    ~wake_up();
    wake_up(const wake_up&) = delete;
    wake_up& operator=(const wake_up&) = delete;

    // Remembered until somebody waits. The waiter looks at its conditions again: it may be woken for nothing.
    void notify();
    asio::awaitable<void> wait();
    asio::awaitable<void> wait_at_most(const clock& c, milliseconds time);

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace zhida::gateways
