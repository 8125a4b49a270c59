// Appends profiles to zhida.profile and knows when their shards' owners have applied them.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/event_log.hpp"
#include "common/model/profile.hpp"
#include "common/store/profiles.hpp"
#include "matching/catalogue.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace zhida::profiles {

namespace asio = boost::asio;

class profile_feed {
  public:
    // Says in words what is waited for, about once in five seconds while nothing moves.
    using notice = std::function<void(const std::string&)>;
    // After so long without any progress the feed gives up.
    static constexpr milliseconds patience{60'000};

    // All of them must outlive it.
    profile_feed(io::event_log& log, const matching::catalogue& c, const crypto::sealer& sealer, int shards,
                 const zhida::clock& time, notice say)
        : log_(log), catalogue_(c), sealer_(sealer), time_(time), say_(std::move(say)),
          ends_(static_cast<std::size_t>(shards)) {}

    // Tries again where the log cannot be reached: an event that comes twice does no harm.
    asio::awaitable<result<void>> append(std::vector<profile> rows);

    // Until every event appended is applied. unavailable: nothing moved for a minute; says what is missing.
    asio::awaitable<result<void>> wait_applied(store::profiles& stored);

  private:
    int shards() const noexcept { return static_cast<int>(ends_.size()); }

    io::event_log& log_;
    const matching::catalogue& catalogue_;
    const crypto::sealer& sealer_;
    const zhida::clock& time_;
    notice say_;
    std::vector<std::int64_t> ends_; // offset after the last event appended, one a shard
};

// What is still to be applied, in words: "1,234 events of 3 shards (s00, s05, s63)"; empty: nothing.
std::string still_waiting(const std::vector<std::int64_t>& ends, const std::vector<std::int64_t>& applied);

} // namespace zhida::profiles
