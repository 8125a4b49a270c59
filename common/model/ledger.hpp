// The ledger record: the state of one delivery (campaign, subject, channel) in 16 bytes, and the order in
// which states may follow one another. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace zhida::ledger {

enum class state : std::uint8_t {
    queued = 0,
    held = 1,       // at: when it may be sent
    submitting = 2, // claimed; at: the claim's epoch
    submitted = 3,  // the gateway took it; at: the claim's epoch
    unknown = 4,    // sent, nobody confirmed; a receipt may still resolve it
    delivered = 5,
    failed = 6,
    expired = 7,
    suppressed = 8,
    cancelled = 9,
};
inline constexpr int state_count = 10;
const char* to_string(state) noexcept;
const char* label(state) noexcept; // Chinese
constexpr bool terminal(state s) noexcept {
    return s >= state::delivered;
}
// States that say why; counted by reason too.
constexpr bool has_reason(state s) noexcept {
    return s == state::held || s == state::unknown || s == state::failed || s == state::suppressed;
}

enum class reason : std::uint8_t {
    none = 0,
    // suppressed
    opted_out = 1,
    no_contact = 2,
    invalid_contact = 3,
    no_grant = 4,
    not_public = 5,
    withdrawn = 6,
    duplicate = 7,
    capped = 8,
    profile_deleted = 9,
    channel_disabled = 10,
    refused_channel = 11, // by the recipient, of this channel
    refused_theme = 12,   // of this theme
    refused_number = 13,  // of this number, as by an answer T
    not_targeted = 14,    // refuses whatever is sent by a profile
    not_needed = 15,      // an earlier channel reached the recipient
    merged = 16,          // went out within the message of another package
    // failed
    rejected = 32,
    bad_number = 33,
    refused = 34,
    not_following = 35,
    content = 36,
    undelivered = 37,
    gave_up = 38,
    quota_used = 39, // of its channel, for the day, and another channel follows
    // unknown
    crashed_in_flight = 64,
    no_answer = 65,
    no_receipt = 66,
    // held
    retry_later = 96,
    gateway_stopped = 97,
    quiet_hours = 98,
    waiting_turn = 99, // at is 0: nobody knows when
    send_window = 100, // until the hours in which the campaign may send
    approval = 101,    // until a second person approves
    // cancelled and expired: in the record for people to read, not counted by reason
    campaign_cancelled = 128,
    campaign_withdrawn = 129,
};
const char* to_string(reason) noexcept;
const char* label(reason) noexcept; // Chinese

namespace engagement {
inline constexpr std::uint8_t seen = 1, read = 2, clicked = 4, confirmed = 8, applied = 16;
}

struct record {
    state now = state::queued;
    reason why = reason::none;
    std::uint8_t attempts = 0;         // times it was put back after a refusal that allows another try
    std::uint8_t engaged = 0;          // engagement flags; never part of the state
    std::uint32_t first_submitted = 0; // when it was first claimed, seconds since 1970 UTC; 0: never
    std::uint32_t at = 0;     // held: release time; submitting, submitted: epoch; else: when the state began
    std::uint16_t items = 0;  // bit i: item i of the policy was matched
    std::uint16_t merged = 0; // 1: it went out within the message of another package
    bool operator==(const record&) const = default;
};
inline constexpr std::size_t record_size = 16;
// Held until another channel has had its chance; released by a later `at`.
constexpr bool waits_its_turn(const record& r) noexcept {
    return r.now == state::held && r.why == reason::waiting_turn && r.at == 0;
}

// Little-endian: state, reason, attempts, engaged, first_submitted u32, at u32, items u16, merged u16.
void encode(const record& r, char* to) noexcept;
std::string encode(const record& r);
record decode(const char* from) noexcept;

// The lattice: a total preorder (terminal, attempts, state, at: a later release, a newer epoch); a merge
// keeps the higher and joins the engagement flags, so that replayed, repeated and reordered events are
// harmless and nothing leaves a terminal state.
std::uint64_t rank(const record& r) noexcept;
record merge(const record& held, const record& event) noexcept;

} // namespace zhida::ledger
