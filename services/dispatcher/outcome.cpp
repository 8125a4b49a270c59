#include "services/dispatcher/outcome.hpp"

#include "services/gateways/circuit.hpp"

#include <algorithm>

namespace zhida::dispatcher {

namespace {

using gateways::send_outcome;
using ledger::reason;
using ledger::state;

reason rejection(const std::string& fault) noexcept {
    if (fault == "bad_number") return reason::bad_number;
    if (fault == "refused") return reason::refused;
    if (fault == "not_following") return reason::not_following;
    if (fault == "content") return reason::content;
    return reason::rejected;
}

void become(ledger::record& r, state s, reason why, std::uint32_t at) noexcept {
    r.now = s;
    r.why = why;
    r.at = at;
}

void try_again(ledger::record& r, const gateways::send_result& answer, reason why, wall_time now,
               double uniform) noexcept {
    ++r.attempts;
    const auto delay = retry_delay_ms(r.attempts, answer.retry_after.count(), uniform);
    const auto again = unix_seconds(now + milliseconds(delay) + milliseconds(999));
    // As for an outage: whoever files the signature needs a day, not the hours of 48 tries.
    const bool waits = gateways::sign_of(answer) == gateways::service_sign::ails ||
                       answer.code == no_signature || answer.code == no_template ||
                       answer.code == account_rests;
    const int most = waits ? most_attempts_while_ailing : most_attempts;
    if (r.attempts < most && again <= r.first_submitted + retry_within_s)
        become(r, state::held, answer.in_doubt ? reason::no_answer : why, again);
    else if (answer.in_doubt)
        become(r, state::unknown, reason::no_answer, unix_seconds(now));
    else
        become(r, state::failed, reason::gave_up, unix_seconds(now));
}

} // namespace

std::int64_t retry_delay_ms(int attempts, std::int64_t asked_ms, double uniform) noexcept {
    const auto most = std::min<std::int64_t>(std::int64_t{1000} << std::clamp(attempts, 0, 6), 60'000);
    const auto own = static_cast<double>(most) * (0.5 + uniform / 2);
    const auto asked = static_cast<double>(asked_ms) +
                       uniform * static_cast<double>(std::min<std::int64_t>(asked_ms / 4, 60'000));
    return static_cast<std::int64_t>(std::max(own, asked));
}

ledger::record outcome_of(ledger::record r, const gateways::send_result& answer, wall_time now,
                          double uniform, bool others_follow) noexcept {
    const bool not_taken =
        (answer.outcome == send_outcome::stopped || answer.outcome == send_outcome::retry) &&
        !answer.in_doubt;
    if (others_follow && not_taken && answer.retry_after >= too_long_to_wait) {
        become(r, state::failed, reason::quota_used, unix_seconds(now));
        return r;
    }
    switch (answer.outcome) {
    case send_outcome::accepted:
        r.now = state::submitted; // at stays the epoch
        if (answer.delivered) become(r, state::delivered, reason::none, unix_seconds(now));
        break;
    case send_outcome::rejected:
        become(r, state::failed, rejection(answer.recipient_fault), unix_seconds(now));
        break;
    case send_outcome::retry:
        try_again(r, answer, reason::retry_later, now, uniform);
        break;
    case send_outcome::stopped:
        try_again(r, answer, reason::gateway_stopped, now, uniform);
        break;
    case send_outcome::unknown:
        become(r, state::unknown, reason::no_answer, unix_seconds(now));
        break;
    }
    return r;
}

std::optional<reason> mark_of(const ledger::record& r) noexcept {
    if (r.now != state::failed || (r.why != reason::bad_number && r.why != reason::refused))
        return std::nullopt;
    return r.why;
}

} // namespace zhida::dispatcher
