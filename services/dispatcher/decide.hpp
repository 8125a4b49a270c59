// May this delivery be sent? Pure; the answer names its reason. The opt-out is checked once more in the claim
// itself.
#pragma once

#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"
#include "common/model/profile.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace zhida::dispatcher {

struct decision {
    // Empty: send. Else suppress with this reason.
    std::optional<ledger::reason> suppress;
    std::string address; // phone number or openid to send to; empty for web
};

struct facts {
    channel via = channel::web;
    bool channel_enabled = true;
    bool public_policy = true; // 公开属性 is 主动公开, looked up again at this moment
    bool opted_out = false;
    const profile* subject = nullptr; // null: the profile is gone
};

decision decide(const facts& f);

// Milliseconds until the next try after `attempts` refusals that allow one: 1 s doubling to 60 s, never less
// than what the gateway asked for.
std::int64_t retry_delay_ms(int attempts, std::int64_t asked_ms) noexcept;
// After so many refusals the delivery has failed.
inline constexpr int most_attempts = 48;

bool plausible_mobile(std::string_view phone) noexcept; // 11 digits, first 1

} // namespace zhida::dispatcher
