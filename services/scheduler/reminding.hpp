// Makes the rounds of the reminders that are due, once a day. A round is kept before the day is, so that a
// crash in between makes it again, under the same id.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/metrics.hpp"
#include "common/model/workdays.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/policies.hpp"
#include "common/store/reminder_days.hpp"
#include "services/campaign_changes.hpp"

#include <prometheus/counter.h>

#include <optional>

namespace zhida::scheduler {

namespace asio = boost::asio;

class reminding {
  public:
    // References must outlive it.
    reminding(const config& c, const clock& time, const workdays& days, io::redis& redis,
              store::campaigns& campaigns, store::policies& policies, campaign_changes& changes,
              metrics& meters);
    // What is due today, from reminders.at on; nothing where today was seen to. Failure: of Redis or the log;
    // it is tried again after a few seconds.
    asio::awaitable<result<void>> look();
    // Another scheduler may have seen to days meanwhile.
    void forget() noexcept { done_.reset(); }

  private:
    asio::awaitable<result<void>> look_at(std::string policy, std::optional<std::int32_t> kept,
                                          std::int32_t today);

    const clock& time_;
    const workdays& workdays_;
    const std::int32_t at_; // minute of the day
    store::campaigns& campaigns_;
    store::policies& policies_;
    store::reminder_days days_;
    campaign_changes& changes_;
    std::optional<std::int32_t> done_; // this day was seen to by us
    steady_time next_try_{};
    prometheus::Counter& made_;
    prometheus::Counter& overdue_;
};

} // namespace zhida::scheduler
