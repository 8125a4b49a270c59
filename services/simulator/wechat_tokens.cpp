#include "services/simulator/wechat_tokens.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {
constexpr milliseconds overlap{300'000}, between_forced{30'000};
constexpr int forced_a_day = 20;
} // namespace

void wechat_tokens::renew(wall_time now, wall_time old_until) {
    previous_ = {current_.token, old_until};
    current_ = {make_(), now + lifetime_};
    ++made_;
}

wechat_tokens::issued wechat_tokens::get(wall_time now, bool force_refresh) {
    if (current_.token.empty() || current_.until - now <= std::min(overlap, lifetime_ / 2)) {
        renew(now, current_.until);
    } else if (force_refresh && (!forced_ || now - *forced_ >= between_forced)) {
        if (const auto day = shanghai_day(now); day != forced_day_) {
            forced_day_ = day;
            forced_today_ = 0;
        }
        if (forced_today_ < forced_a_day) {
            ++forced_today_;
            forced_ = now;
            renew(now, std::min(current_.until, now + overlap));
        }
    }
    return {current_.token, std::chrono::duration_cast<std::chrono::seconds>(current_.until - now).count()};
}

wechat_tokens::standing wechat_tokens::check(const std::string& token, wall_time now) const {
    if (token.empty()) return standing::unknown;
    for (const auto* t : {&current_, &previous_})
        if (t->token == token) return now < t->until ? standing::valid : standing::expired;
    return standing::unknown;
}

void wechat_tokens::rotate(wall_time now) {
    renew(now, now);
    previous_ = {};
}

} // namespace zhida::simulator
