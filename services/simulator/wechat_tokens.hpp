// Access tokens of one account, as the platform gives them. Pure.
#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace zhida::simulator {

// Two lines of tokens that know nothing of each other:
//   POST /cgi-bin/stable_token  the same token again and again; a new one in its last five minutes, while the
//                               old one stays valid to its end. force_refresh: a new one, at most every 30 s
//                               and 20 times a day; the old one stays valid for the overlap.
//   GET /cgi-bin/token          a new one with every call; the one before stays valid for the overlap.
class wechat_tokens {
  public:
    wechat_tokens(std::int64_t lifetime_s, std::string (*make)())
        : lifetime_(lifetime_s * 1000), make_(make) {}

    struct issued {
        std::string token;
        std::int64_t expires_in; // seconds
    };
    issued get(wall_time now, bool force_refresh);
    // Nothing: the day's calls are used up.
    std::optional<issued> fresh(wall_time now);
    enum class standing { valid, expired, unknown };
    standing check(const std::string& token, wall_time now) const;
    void rotate(wall_time now); // both; what was valid is unknown from now on
    std::int64_t made() const noexcept { return made_; }

    milliseconds overlap{300'000};
    std::int64_t fresh_a_day = 2000;

  private:
    struct held {
        std::string token;
        wall_time until{};
    };
    struct line {
        held current, previous;
    };
    void renew(line& l, wall_time now, wall_time old_until);

    milliseconds lifetime_;
    std::string (*make_)();
    line stable_, classic_;
    std::optional<wall_time> forced_;
    std::int32_t forced_day_ = 0, fresh_day_ = 0;
    int forced_today_ = 0;
    std::int64_t fresh_today_ = 0;
    std::int64_t made_ = 0;
};

// Of the form that tokens have, whether or not one was ever given: what is not gets 40014, not 40001.
bool plausible_token(const std::string& token) noexcept;

} // namespace zhida::simulator
