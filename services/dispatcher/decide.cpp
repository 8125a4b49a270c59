#include "services/dispatcher/decide.hpp"

#include <algorithm>

namespace zhida::dispatcher {

bool plausible_mobile(std::string_view phone) noexcept {
    return phone.size() == 11 && phone[0] == '1' &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

decision decide(const facts& f) {
    using ledger::reason;
    if (!f.public_policy) return {reason::not_public, ""};
    if (f.via == channel::web) return {};
    if (!f.channel_enabled) return {reason::channel_disabled, ""};
    if (!f.subject) return {reason::profile_deleted, ""};
    if (f.opted_out) return {reason::opted_out, ""};
    bool seen = false;
    for (const auto& c : f.subject->contacts) {
        const auto& address = f.via == channel::sms ? c.phone : c.openid;
        if (address.empty()) continue;
        seen = true;
        if (f.via == channel::sms && !plausible_mobile(address)) continue;
        return {std::nullopt, address};
    }
    return {seen ? reason::invalid_contact : reason::no_contact, ""};
}

std::int64_t retry_delay_ms(int attempts, std::int64_t asked_ms) noexcept {
    const std::int64_t doubled = std::int64_t{1000} << std::clamp(attempts, 0, 6);
    return std::max(std::min<std::int64_t>(doubled, 60'000), asked_ms);
}

} // namespace zhida::dispatcher
