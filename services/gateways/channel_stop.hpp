// A channel that will take nothing until somebody acts: wrong credentials, a used-up quota. Pure. After a
// while one may try again by itself, because nobody tells us when the cause is gone.
#pragma once

#include "common/base/clock.hpp"

#include <string>

namespace zhida::gateways {

class channel_stop {
  public:
    // A stop that is already longer is kept.
    void stop(wall_time now, milliseconds for_how_long, std::string code, std::string why) {
        if (now + for_how_long <= until_) return;
        until_ = now + for_how_long;
        code_ = std::move(code);
        why_ = std::move(why);
    }
    void resume() { until_ = {}; }
    bool stopped(wall_time now) const noexcept { return now < until_; }
    milliseconds remaining(wall_time now) const noexcept {
        return stopped(now) ? until_ - now : milliseconds(0);
    }
    const std::string& code() const noexcept { return code_; }
    const std::string& why() const noexcept { return why_; }

  private:
    wall_time until_{};
    std::string code_, why_;
};

} // namespace zhida::gateways
