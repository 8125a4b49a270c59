// Which of several gateways takes the next messages: by weight, less where they fail or where receipts are
// slow, and back again little by little. Pure; time is passed in.
#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

// How long the messages of one gateway wait for their receipts: some are followed, not all.
class receipt_latency {
  public:
    void sent(std::string_view message_id, steady_time now);
    void heard(std::string_view message_id, steady_time now);
    // The median of the last ones; longer where nothing at all was heard for longer. Nothing: too few.
    std::optional<milliseconds> typical(steady_time now) const;

  private:
    static constexpr std::size_t most_followed = 64, kept = 32, enough = 4;
    std::map<std::string, steady_time, std::less<>> followed_;
    std::deque<milliseconds> last_;
    steady_time followed_at_{};
    std::optional<steady_time> silent_since_; // the first that was sent after the last receipt
};

// How often one gateway fails, the last half minute counting as much as all before.
class failure_rate {
  public:
    void heard(bool failed, steady_time now) noexcept;
    // 0 to 1; a single failure after a silence is not a rate yet.
    double at(steady_time now) const noexcept;

  private:
    void age(steady_time now) noexcept;
    double served_ = 0, failed_ = 0;
    steady_time as_of_{};
};

class gateway_choice {
  public:
    // 0: takes part where no gateway with a weight does.
    explicit gateway_choice(std::vector<std::int64_t> weights);

    // Of those that are usable; nothing: none is.
    std::optional<std::size_t> pick(const std::vector<bool>& usable, steady_time now);
    // So many parts go there.
    void charge(std::size_t gateway, std::size_t parts, steady_time now);
    void answered(std::size_t gateway, bool failed, steady_time now) {
        of_[gateway].failures.heard(failed, now);
    }
    receipt_latency& receipts(std::size_t gateway) noexcept { return of_[gateway].receipts; }
    const receipt_latency& receipts(std::size_t gateway) const noexcept { return of_[gateway].receipts; }
    // By how much its weight counts, 0.05 to 1: some messages go there always, to see whether it is better.
    double health(std::size_t gateway, steady_time now) const;

  private:
    static constexpr double least = 0.05;
    struct member {
        double weight = 1;
        double served = 0; // parts, each counted as much as its gateway's share is small
        bool was_usable = false;
        failure_rate failures;
        receipt_latency receipts;
    };
    std::vector<member> of_;
    double turn_ = 0; // `served` of the last one picked
};

} // namespace zhida::gateways
