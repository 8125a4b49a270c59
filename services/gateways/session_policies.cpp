#include "services/gateways/session_policies.hpp"

#include <algorithm>

namespace zhida::gateways::wire {

milliseconds reconnect_policy::next_delay(session_end why, milliseconds stood, double uniform) noexcept {
    if (why == session_end::stopped) return milliseconds(0);
    if (stood >= proven) failures_ = 0;
    const int doublings = std::min(failures_, 6);
    failures_ = std::min(failures_ + 1, 1000);
    const auto most =
        why == session_end::login_refused ? longest : std::min(longest, shortest * (1 << doublings));
    return milliseconds(static_cast<std::int64_t>(static_cast<double>(most.count()) * (0.5 + uniform / 2)));
}

void throttle::refused(steady_time now) noexcept {
    // Answers to what was already under way when the pause began do not make it longer.
    if (until_ > now) return;
    pause_ = pause_.count() == 0 ? shortest : std::min(longest, pause_ * 2);
    until_ = now + pause_;
}

void throttle::accepted(steady_time now) noexcept {
    if (until_ <= now) pause_ = milliseconds(0);
}

part_rate::part_rate(std::int64_t per_second, steady_time start)
    : whole_(per_second > 0 ? static_cast<std::size_t>(per_second) : 0), limit_(whole_), next_limit_(whole_),
      start_(start + counted_over) {}

void part_rate::share(std::size_t mine, std::size_t of, steady_time now) noexcept {
    const auto limit = mine == 0 || of == 0 ? 0 : std::max<std::size_t>(1, whole_ * mine / of);
    if (limit == next_limit_) return;
    next_limit_ = limit;
    if (limit <= limit_)
        limit_ = limit;
    else
        next_from_ = now + counted_over;
}

milliseconds part_rate::wait(steady_time now, std::size_t parts) {
    if (whole_ == 0) return milliseconds(0);
    if (now < start_) return start_ - now;
    if (now >= next_from_) limit_ = next_limit_;
    if (limit_ == 0) return next_limit_ == 0 ? counted_over : next_from_ - now;
    for (; !sent_.empty() && sent_.front().at + counted_over <= now; sent_.pop_front())
        in_last_second_ -= sent_.front().parts;
    parts = std::min(parts, limit_);
    auto left = in_last_second_;
    for (auto oldest = sent_.begin(); left + parts > limit_; ++oldest) {
        left -= oldest->parts;
        if (left + parts <= limit_) return oldest->at + counted_over - now;
    }
    return milliseconds(0);
}

std::size_t part_rate::free(steady_time now) {
    if (whole_ == 0) return SIZE_MAX;
    return wait(now).count() > 0 ? 0 : limit_ - in_last_second_;
}

void part_rate::used(steady_time now, std::size_t parts) {
    if (whole_ == 0) return;
    if (sent_.empty() || sent_.back().at != now) sent_.push_back({now, 0});
    sent_.back().parts += parts;
    in_last_second_ += parts;
}

keepalive::action keepalive::due(steady_time now) noexcept {
    if (now < next()) return action::none;
    if (asked_ >= tries) return action::give_up;
    ++asked_;
    last_asked_ = now;
    return action::ask;
}

steady_time keepalive::next() const noexcept {
    return asked_ == 0 ? heard_ + idle_ : last_asked_ + answer_within_;
}

} // namespace zhida::gateways::wire
