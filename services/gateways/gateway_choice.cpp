#include "services/gateways/gateway_choice.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace zhida::gateways {

namespace {

constexpr milliseconds between_followed{100}; // one message in so long is followed
constexpr double half_life_ms = 30'000;
// Failures that are no rate yet count as if so many messages had been served beside them.
constexpr double doubt = 10;
// Receipts that are this much slower than the best gateway's halve a gateway's share.
constexpr double tolerated_ms = 5'000;

double ms(milliseconds m) {
    return static_cast<double>(m.count());
}

} // namespace

void receipt_latency::sent(std::string_view message_id, steady_time now) {
    if (!silent_since_) silent_since_ = now;
    if (followed_.size() >= most_followed) {
        // Its receipt may go to another process of the account: it is not waited for longer than the others.
        const auto oldest =
            std::min_element(followed_.begin(), followed_.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        if (now - oldest->second < between_followed * static_cast<int>(most_followed)) return;
        followed_.erase(oldest);
    }
    // The first ones of a burst at once, so that a short campaign tells too.
    const bool few = followed_.size() < 2 * enough;
    if (!few && followed_at_ != steady_time{} && now - followed_at_ < between_followed) return;
    followed_at_ = now;
    followed_.emplace(message_id, now);
}

void receipt_latency::heard(std::string_view message_id, steady_time now) {
    silent_since_.reset();
    const auto found = followed_.find(message_id);
    if (found == followed_.end()) return;
    last_.push_back(now - found->second);
    if (last_.size() > kept) last_.pop_front();
    followed_.erase(found);
}

std::optional<milliseconds> receipt_latency::typical(steady_time now) const {
    if (last_.size() < enough) return std::nullopt;
    auto sorted = std::vector<milliseconds>(last_.begin(), last_.end());
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return silent_since_ ? std::max(*middle, now - *silent_since_) : *middle;
}

void failure_rate::age(steady_time now) noexcept {
    const double kept = std::exp2(-ms(now - as_of_) / half_life_ms);
    served_ *= kept;
    failed_ *= kept;
    as_of_ = now;
}

void failure_rate::heard(bool failed, steady_time now) noexcept {
    age(now);
    (failed ? failed_ : served_) += 1;
}

double failure_rate::at(steady_time now) const noexcept {
    auto aged = *this;
    aged.age(now);
    return aged.failed_ / (aged.failed_ + aged.served_ + doubt);
}

gateway_choice::gateway_choice(std::vector<std::int64_t> weights) : of_(weights.size()) {
    for (std::size_t i = 0; i < weights.size(); ++i) of_[i].weight = static_cast<double>(weights[i]);
}

double gateway_choice::health(std::size_t gateway, steady_time now) const {
    const auto& m = of_[gateway];
    double health = 1 - 3 * m.failures.at(now);
    if (const auto own = m.receipts.typical(now)) {
        auto best = *own;
        for (const auto& other : of_)
            if (const auto theirs = other.receipts.typical(now)) best = std::min(best, *theirs);
        health *= std::min(1.0, (ms(best) + tolerated_ms) / (ms(*own) + 1));
    }
    return std::clamp(health, least, 1.0);
}

std::optional<std::size_t> gateway_choice::pick(const std::vector<bool>& usable, steady_time) {
    const bool first_rank = [&] {
        for (std::size_t i = 0; i < of_.size(); ++i)
            if (usable[i] && of_[i].weight > 0) return true;
        return false;
    }();
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < of_.size(); ++i) {
        auto& m = of_[i];
        const bool takes_part = usable[i] && (m.weight > 0) == first_rank;
        // Who was away does not get all at once what the others took meanwhile.
        if (takes_part && !std::exchange(m.was_usable, takes_part)) m.served = std::max(m.served, turn_);
        m.was_usable = takes_part;
        if (takes_part && (!best || m.served < of_[*best].served)) best = i;
    }
    if (best) turn_ = of_[*best].served;
    return best;
}

void gateway_choice::charge(std::size_t gateway, std::size_t parts, steady_time now) {
    auto& m = of_[gateway];
    m.served += static_cast<double>(parts) / (std::max(m.weight, 1.0) * health(gateway, now));
}

} // namespace zhida::gateways
