#include "services/simulator/schedule.hpp"

namespace zhida::simulator {

void schedule::after(milliseconds delay, std::function<void()> action) {
    if (delay.count() <= 0) return action();
    const auto at = time_.steady_now() + delay;
    const bool first = due_.empty() || at < due_.begin()->first;
    due_.emplace(at, std::move(action));
    if (first) changed_.notify();
}

asio::awaitable<void> schedule::run() {
    while (!stopping_) {
        while (!due_.empty() && due_.begin()->first <= time_.steady_now()) {
            auto node = due_.extract(due_.begin());
            node.mapped()();
        }
        if (stopping_) break;
        if (due_.empty())
            co_await changed_.wait();
        else
            co_await changed_.wait_at_most(time_, due_.begin()->first - time_.steady_now());
    }
    due_.clear();
}

void schedule::stop() {
    stopping_ = true;
    changed_.notify();
}

} // namespace zhida::simulator
