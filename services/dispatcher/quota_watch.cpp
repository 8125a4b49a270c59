#include "services/dispatcher/quota_watch.hpp"

#include "common/base/log.hpp"

#include <utility>

namespace zhida::dispatcher {

namespace {
constexpr int warned_at[] = {80, 95, 100}; // percent
}

quota_watch::quota_watch(io::redis& redis, const clock& c, metrics& meters, std::string name,
                         std::string account, std::string api, std::int64_t quota)
    : clock_(c), calls_(redis), name_(std::move(name)), account_(std::move(account)), api_(std::move(api)),
      quota_(quota), used_(meters.gauge("zhida_wechat_calls_today",
                                        "Calls of an account's message interface today, of all processes",
                                        {{"account", name_}})) {}

asio::awaitable<void> quota_watch::count(std::map<std::string, std::int64_t> calls) {
    const auto day = shanghai_day(clock_.now());
    if (day != std::exchange(day_, day)) {
        warned_ = 0;
        remark_.clear();
    }
    if (calls.empty()) co_return;
    const auto totals = co_await calls_.add(account_, day, std::move(calls));
    if (!totals || !totals->contains(api_)) co_return;
    const auto used = totals->at(api_);
    used_.Set(static_cast<double>(used));
    int reached = 0;
    for (const int percent : warned_at)
        if (quota_ > 0 && used * 100 >= quota_ * percent) reached = percent;
    if (reached <= warned_) co_return;
    warned_ = reached;
    remark_ = "今日已调用 " + std::to_string(used) + " 次，额度 " + std::to_string(quota_) + " 次";
    log::warn("wechat_quota_low",
              {{"account", name_}, {"api", api_}, {"used", used}, {"quota", quota_}, {"percent", reached}});
}

} // namespace zhida::dispatcher
