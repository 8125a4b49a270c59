#include "services/portal/progress_cache.hpp"

namespace zhida::portal {

namespace {
constexpr auto fresh = milliseconds(900);
}

asio::awaitable<result<progress_cache::progress>> progress_cache::newest() {
    const auto turn = co_await turn_.lock();
    if (kept_ && until_ > time_.steady_now()) co_return kept_;
    auto campaigns = co_await from_.list(most);
    if (!campaigns) co_return campaigns.error();
    auto counted = co_await from_.progress_of(std::move(*campaigns));
    if (!counted) co_return counted.error();
    kept_ = std::make_shared<const std::vector<store::campaign_progress>>(std::move(*counted));
    until_ = time_.steady_now() + fresh;
    co_return kept_;
}

} // namespace zhida::portal
