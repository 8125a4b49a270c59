// What becomes of a delivery now? Pure; the answer names its reason.
#pragma once

#include "common/base/clock.hpp"
#include "common/model/frequency_cap.hpp"
#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"
#include "common/model/profile.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace zhida::dispatcher {

// All that is known of one delivery and of the moment. Times are seconds since 1970 UTC.
struct facts {
    channel via = channel::web;
    bool channel_enabled = true;
    bool public_policy = true; // 公开属性 is 主动公开, looked up again at this moment
    bool opted_out = false;    // of all messages
    bool no_grant = false;     // WeChat may not send to it
    // What the subject's own wishes, or its number's owner, refuse.
    std::optional<ledger::reason> refused;
    const profile* subject = nullptr; // null: the profile is gone
    bool unreadable = false;          // it is there and cannot be opened
    std::uint32_t now = 0;
    std::uint32_t expires = 0;                // nothing is sent from then on; 0: never
    std::optional<std::uint32_t> quiet_until; // it is night
    bool emergency = false;                   // goes out at night and beyond the caps
    frequency_cap cap;
    sent_count sent;
    std::int32_t today = 0;          // Asia/Shanghai, days since 1970-01-01
    std::uint32_t epoch = 0;         // of the claim that would be made
    std::uint32_t resend_within = 0; // seconds in which the gateway drops a repetition; 0: it never does
    bool resend_in_doubt = false;    // this class of messages is sent again where nobody knows
    bool quota_used = false;         // for the day, and another channel follows
};

struct decision {
    enum class kind : std::uint8_t {
        leave,  // settled, or not due yet
        record, // becomes `to` and is not sent: suppressed, expired, held, unknown; on the web delivered
        send,   // claimed as `to`, sent to `address`
    } what = kind::leave;
    ledger::record to;
    std::string address; // phone number or openid
};

// Of the first of the subject's contacts that has one; else why there is none: no_contact, or
// invalid_contact.
struct contact_found {
    std::string address;
    ledger::reason why = ledger::reason::no_contact;
};
contact_found address_of(channel via, const profile& subject);

// From the record as it is now. In this order: what is settled stays; what is in doubt is sent again only
// where that is safe, or its class allows it, and never where it went out within another message; disclosure,
// profile, channel, wishes, grant, contact, expiry, night, waiting, quota, cap.
decision decide(const facts& f, const ledger::record& now);

// Submitted or beyond: nothing of ours is left to do.
constexpr bool settled(const ledger::record& r) noexcept {
    return r.now >= ledger::state::submitted;
}

// The gateway may have it, and nobody knows: claimed by an owner that is gone, or held without an answer.
constexpr bool in_doubt(const ledger::record& r) noexcept {
    return r.now == ledger::state::submitting ||
           (r.now == ledger::state::held && r.why == ledger::reason::no_answer);
}

bool plausible_mobile(std::string_view phone) noexcept; // 11 digits, first 1

} // namespace zhida::dispatcher
