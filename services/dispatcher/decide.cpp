#include "services/dispatcher/decide.hpp"

#include <algorithm>

namespace zhida::dispatcher {

bool plausible_mobile(std::string_view phone) noexcept {
    return phone.size() == 11 && phone[0] == '1' &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

namespace {

using ledger::reason;
using ledger::state;

decision becomes(const ledger::record& now, state s, reason why, std::uint32_t at) {
    auto to = now;
    to.now = s;
    to.why = why;
    to.at = at;
    return {decision::kind::record, to, {}};
}

// Why it may not be sent; none: it may.
reason obstacle(const facts& f, const contact_found& to) {
    if (!f.public_policy) return reason::not_public;
    if (f.via == channel::web) return f.refused.value_or(reason::none);
    if (!f.channel_enabled) return reason::channel_disabled;
    if (f.unreadable) return reason::invalid_contact;
    if (!f.subject) return reason::profile_deleted;
    if (f.opted_out) return reason::opted_out;
    if (f.refused) return *f.refused;
    if (f.via == channel::wechat && f.no_grant) return reason::no_grant;
    return to.address.empty() ? to.why : reason::none;
}

} // namespace

contact_found address_of(channel via, const profile& subject) {
    contact_found out;
    for (const auto& c : subject.contacts) {
        const auto& address = via == channel::sms ? c.phone : c.openid;
        if (address.empty()) continue;
        out.why = reason::invalid_contact;
        if (via == channel::sms && !plausible_mobile(address)) continue;
        out.address = address;
        break;
    }
    return out;
}

decision decide(const facts& f, const ledger::record& now) {
    if (settled(now)) return {};
    const auto to = f.subject ? address_of(f.via, *f.subject) : contact_found{};
    const bool claimed = now.now == state::submitting;
    const auto unknown = [&] {
        return becomes(now, state::unknown, claimed ? reason::crashed_in_flight : reason::no_answer, f.now);
    };
    const auto why = obstacle(f, to);
    const bool expired = f.expires != 0 && f.now >= f.expires;
    const bool quiet = f.quiet_until && !f.emergency && f.via != channel::web;
    if (in_doubt(now)) {
        const bool dropped = f.resend_within > 0 && f.now <= now.first_submitted + f.resend_within;
        // By itself it would be another message than the one it went with, which the gateway cannot know.
        const bool may = (dropped || f.resend_in_doubt) && now.merged == 0;
        if (!may || why != reason::none || expired || quiet) return unknown();
        if (now.now == state::held && now.at > f.now) return {};
    } else {
        if (why != reason::none) return becomes(now, state::suppressed, why, f.now);
        if (expired) return becomes(now, state::expired, reason::none, f.now);
        if (quiet) {
            if (waits_its_turn(now)) return {};
            if (now.now == state::held && now.at >= *f.quiet_until) return {};
            return becomes(now, state::held, reason::quiet_hours, *f.quiet_until);
        }
        if (waits_its_turn(now) || (now.now == state::held && now.at > f.now)) return {};
        if (f.quota_used) return becomes(now, state::failed, reason::quota_used, f.now);
        // A message that was tried before is counted already.
        if (now.first_submitted == 0 && !f.emergency && f.via != channel::web &&
            f.sent.reached(f.cap, f.today))
            return becomes(now, state::suppressed, reason::capped, f.now);
    }
    if (f.via == channel::web) { // no gateway: the record alone delivers it
        auto shown = becomes(now, state::delivered, reason::none, f.now);
        shown.to.first_submitted = f.now;
        return shown;
    }
    decision send = becomes(now, state::submitting, reason::none, f.epoch);
    send.what = decision::kind::send;
    if (send.to.first_submitted == 0) send.to.first_submitted = f.now;
    send.address = to.address;
    return send;
}

} // namespace zhida::dispatcher
