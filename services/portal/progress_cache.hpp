// The newest campaigns with their counts, read at most once a second however many look at them.
#pragma once

#include "common/base/clock.hpp"
#include "common/store/campaigns.hpp"

#include <memory>
#include <vector>

namespace zhida::portal {

namespace asio = boost::asio;

class progress_cache {
  public:
    progress_cache(store::campaigns& from, const clock& time) : from_(from), time_(time) {}
    // Newest first, at most `most`; at most a second old.
    asio::awaitable<result<std::shared_ptr<const std::vector<store::campaign_progress>>>> newest();

    static constexpr std::size_t most = 200;

  private:
    store::campaigns& from_;
    const clock& time_;
    steady_time until_{};
    std::shared_ptr<const std::vector<store::campaign_progress>> kept_;
};

} // namespace zhida::portal
