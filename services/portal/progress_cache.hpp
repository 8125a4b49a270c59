// The newest campaigns with their counts, read at most once a second however many look at them.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/mutex.hpp"
#include "common/store/campaigns.hpp"

#include <memory>
#include <vector>

namespace zhida::portal {

namespace asio = boost::asio;

class progress_cache {
  public:
    progress_cache(asio::any_io_executor executor, store::campaigns& from, const clock& time)
        : from_(from), time_(time), turn_(std::move(executor)) {}
    using progress = std::shared_ptr<const std::vector<store::campaign_progress>>;
    // Newest first, at most `most`; at most a second old.
    asio::awaitable<result<progress>> newest();

    // Something was changed that is to be seen at once.
    void forget() noexcept { until_ = {}; }

    static constexpr std::size_t most = 200;

  private:
    store::campaigns& from_;
    const clock& time_;
    io::mutex turn_; // who comes while it is read waits for that reading
    steady_time until_{};
    progress kept_;
};

} // namespace zhida::portal
