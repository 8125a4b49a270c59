// Things to do later, in order of their time, on an injectable clock. One thread.
#pragma once

#include "common/base/clock.hpp"
#include "services/gateways/wake_up.hpp"

#include <functional>
#include <map>

namespace zhida::simulator {

namespace asio = boost::asio;

class schedule {
  public:
    schedule(asio::any_io_executor executor, const clock& time) : time_(time), changed_(executor) {}
    // At once where the delay is not positive.
    void after(milliseconds delay, std::function<void()> action);
    asio::awaitable<void> run(); // until stop()
    void stop();
    std::size_t size() const noexcept { return due_.size(); }

  private:
    const clock& time_;
    gateways::wake_up changed_;
    std::multimap<steady_time, std::function<void()>> due_;
    bool stopping_ = false;
};

} // namespace zhida::simulator
