#include "services/portal/progress_cache.hpp"

namespace zhida::portal {

namespace {
constexpr auto fresh = milliseconds(900);
}

asio::awaitable<result<std::shared_ptr<const std::vector<store::campaign_progress>>>>
progress_cache::newest() {
    if (kept_ && until_ > time_.steady_now()) co_return kept_;
    auto campaigns = co_await from_.list(most);
    if (!campaigns) co_return campaigns.error();
    auto progress = co_await from_.progress_of(std::move(*campaigns));
    if (!progress) co_return progress.error();
    kept_ = std::make_shared<const std::vector<store::campaign_progress>>(std::move(*progress));
    until_ = time_.steady_now() + fresh;
    co_return kept_;
}

} // namespace zhida::portal
