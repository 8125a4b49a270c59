// Access tokens as POST /cgi-bin/stable_token gives them. Pure.
#pragma once

#include "common/base/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace zhida::simulator {

// The same token again and again; a new one in its last five minutes, while the old one stays valid to its
// end. force_refresh: a new one, at most every 30 s and 20 times a day; the old one stays valid for five
// minutes.
class wechat_tokens {
  public:
    wechat_tokens(std::int64_t lifetime_s, std::string (*make)())
        : lifetime_(lifetime_s * 1000), make_(make) {}

    struct issued {
        std::string token;
        std::int64_t expires_in; // seconds
    };
    issued get(wall_time now, bool force_refresh);
    enum class standing { valid, expired, unknown };
    standing check(const std::string& token, wall_time now) const;
    void rotate(wall_time now);
    std::int64_t made() const noexcept { return made_; }

  private:
    struct held {
        std::string token;
        wall_time until{};
    };
    void renew(wall_time now, wall_time old_until);

    milliseconds lifetime_;
    std::string (*make_)();
    held current_, previous_;
    std::optional<wall_time> forced_;
    std::int32_t forced_day_ = 0;
    int forced_today_ = 0;
    std::int64_t made_ = 0;
};

} // namespace zhida::simulator
