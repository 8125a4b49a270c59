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
    using progress = std::shared_ptr<const std::vector<store::campaign_progress>>;
    // Newest first, at most `most`; at most a second old.
    asio::awaitable<result<progress>> newest();
    // The same, read now: for who knows that something changed.
    asio::awaitable<result<progress>> read();

    static constexpr std::size_t most = 200;

  private:
    store::campaigns& from_;
    const clock& time_;
    steady_time until_{};
    progress kept_;
};

} // namespace zhida::portal
