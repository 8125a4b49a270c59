// Work that a caller waits for no longer than it may: who pushes to us pushes again after a while, and makes
// a slow service slower. The work goes on in the background; it is told that nobody waits any more.
#pragma once

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"
#include "common/io/timer.hpp"
#include "services/portal/context.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace zhida::portal {

inline constexpr milliseconds callback_patience{900};
// Under way at once, with those that were given up and have not ended; more are turned away.
inline constexpr int most_callbacks = 64;

// given_up: what is still tried again ends there. Lives as long as the work.
template <class T>
using patient_work = std::function<asio::awaitable<T>(const bool& given_up)>;

namespace patience {

template <class T>
struct effort {
    effort(const asio::any_io_executor& ex, patient_work<T> w) : work(std::move(w)), ended(ex, 2) {}
    patient_work<T> work;
    bool given_up = false;
    std::optional<T> came_to;
    asio::experimental::channel<asio::any_io_executor, void(boost::system::error_code)> ended;
};

template <class T>
asio::awaitable<void> work_on(context& c, std::shared_ptr<effort<T>> e) {
    try {
        e->came_to.emplace(co_await e->work(e->given_up));
    } catch (const std::exception& thrown) {
        log::error("callback_failed", {{"why", thrown.what()}});
    }
    --c.callbacks_under_way;
    e->ended.try_send(boost::system::error_code());
}

template <class T>
asio::awaitable<void> lose_patience(const clock& time, std::shared_ptr<effort<T>> e) {
    co_await io::sleep_for(time, callback_patience);
    e->ended.try_send(boost::system::error_code());
}

} // namespace patience

// Nothing: the time was over, or it failed.
template <class T>
asio::awaitable<std::optional<T>> in_time(context& c, patient_work<T> work) {
    const auto e = std::make_shared<patience::effort<T>>(c.executor, std::move(work));
    ++c.callbacks_under_way;
    io::spawn(c.executor, patience::work_on(c, e));
    io::spawn(c.executor, patience::lose_patience(c.time, e));
    co_await e->ended.async_receive(asio::use_awaitable);
    e->given_up = true;
    co_return std::move(e->came_to);
}

} // namespace zhida::portal
