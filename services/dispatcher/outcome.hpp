// The ledger record that a gateway's answer leads to, and when a refused message is tried again. Pure: time
// and chance are passed in.
#pragma once

#include "common/base/clock.hpp"
#include "common/model/ledger.hpp"
#include "services/gateways/gateway.hpp"

#include <cstdint>
#include <optional>

namespace zhida::dispatcher {

// Milliseconds until the next try after `attempts` refusals that allow one: 1 s doubling to 60 s, spread over
// its upper half; never less than what the gateway asked for, and up to a quarter and a minute more, so that
// those who were refused together do not come back together. uniform in [0, 1).
std::int64_t retry_delay_ms(int attempts, std::int64_t asked_ms, double uniform) noexcept;

// After so many refusals of a gateway that answers, the delivery has failed. While its service fails a
// message is tried only when it is the one that tries the circuit, so that an outage does not use these up;
// the second number is what the record can count.
inline constexpr int most_attempts = 48, most_attempts_while_ailing = 250;
// Of what was not sent because its signature is not filed, or has expired.
inline constexpr const char* no_signature = "local:signature";
// Or because the vendor's id of its template is not set.
inline constexpr const char* no_template = "local:no_template";
// Or because of the accounts of its channel the one that reaches the recipient takes nothing now.
inline constexpr const char* account_rests = "local:account_rests";
// And so long after it was first claimed. The campaign's own end may come earlier (decide).
inline constexpr std::uint32_t retry_within_s = 48 * 3600;

// A channel that takes nothing for so long does not reach its recipients in time, where another follows it.
inline constexpr milliseconds too_long_to_wait{3600'000};

// r: as it was claimed. others_follow: the campaign's channels follow one another, and this is not the last.
ledger::record outcome_of(ledger::record r, const gateways::send_result& answer, wall_time now,
                          double uniform, bool others_follow = false) noexcept;
// What a failed SMS says of its number, for the next ones; nothing: nothing.
std::optional<ledger::reason> mark_of(const ledger::record& r) noexcept;

} // namespace zhida::dispatcher
