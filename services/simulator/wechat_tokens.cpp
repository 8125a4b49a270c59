#include "services/simulator/wechat_tokens.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {
constexpr milliseconds last_minutes{300'000}, between_forced{30'000};
constexpr int forced_a_day = 20;
constexpr std::size_t shortest = 40, longest = 512;

std::int64_t seconds_until(wall_time until, wall_time now) {
    return std::chrono::duration_cast<std::chrono::seconds>(until - now).count();
}
} // namespace

void wechat_tokens::renew(line& l, wall_time now, wall_time old_until) {
    l.previous = {l.current.token, old_until};
    l.current = {make_(), now + lifetime_};
    ++made_;
}

wechat_tokens::issued wechat_tokens::get(wall_time now, bool force_refresh) {
    auto& current = stable_.current;
    if (current.token.empty() || current.until - now <= std::min(last_minutes, lifetime_ / 2)) {
        renew(stable_, now, current.until);
    } else if (force_refresh && (!forced_ || now - *forced_ >= between_forced)) {
        if (const auto day = shanghai_day(now); day != forced_day_) {
            forced_day_ = day;
            forced_today_ = 0;
        }
        if (forced_today_ < forced_a_day) {
            ++forced_today_;
            forced_ = now;
            renew(stable_, now, std::min(current.until, now + overlap));
        }
    }
    return {current.token, seconds_until(current.until, now)};
}

std::optional<wechat_tokens::issued> wechat_tokens::fresh(wall_time now) {
    if (const auto day = shanghai_day(now); day != fresh_day_) {
        fresh_day_ = day;
        fresh_today_ = 0;
    }
    if (fresh_today_ >= fresh_a_day) return std::nullopt;
    ++fresh_today_;
    renew(classic_, now, std::min(classic_.current.until, now + overlap));
    return issued{classic_.current.token, seconds_until(classic_.current.until, now)};
}

wechat_tokens::standing wechat_tokens::check(const std::string& token, wall_time now) const {
    for (const auto* l : {&stable_, &classic_})
        for (const auto* t : {&l->current, &l->previous})
            if (!t->token.empty() && t->token == token)
                return now < t->until ? standing::valid : standing::expired;
    return standing::unknown;
}

void wechat_tokens::rotate(wall_time now) {
    renew(stable_, now, now);
    stable_.previous = {};
    classic_ = {};
}

bool plausible_token(const std::string& token) noexcept {
    return token.size() >= shortest && token.size() <= longest &&
           std::all_of(token.begin(), token.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-';
           });
}

} // namespace zhida::simulator
