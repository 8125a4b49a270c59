#include "services/gateways/wake_up.hpp"

#include "common/io/timer.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace zhida::gateways {

struct wake_up::impl {
    explicit impl(asio::any_io_executor ex) : timer(ex) {}
    asio::steady_timer timer;
    bool notified = false;
};

wake_up::wake_up(asio::any_io_executor executor) : impl_(std::make_unique<impl>(executor)) {}
wake_up::~wake_up() = default;

void wake_up::notify() {
    impl_->notified = true;
    impl_->timer.cancel();
}

asio::awaitable<void> wake_up::wait() {
    if (!impl_->notified) {
        impl_->timer.expires_at(std::chrono::steady_clock::time_point::max());
        boost::system::error_code ec;
        co_await impl_->timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    }
    impl_->notified = false;
}

asio::awaitable<void> wake_up::wait_at_most(const clock& c, milliseconds time) {
    using namespace asio::experimental::awaitable_operators;
    co_await (wait() || io::sleep_for(c, time));
}

} // namespace zhida::gateways
