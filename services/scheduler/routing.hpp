// Whose turn it is of a campaign's channels, where each has its turn only if those before it did not reach
// the recipient: pure. In such a campaign every record begins as held, waiting_turn, with `at` 0, on its
// first channel too; nothing but what is decided here lets it go on to be sent.
#pragma once

#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace zhida::scheduler {

struct routing_facts {
    std::uint32_t now = 0;     // seconds since 1970 UTC
    std::uint32_t expires = 0; // nothing is sent from then on; 0: never
    int unread_hours = 0;      // channel_routing
};

// Where no unread_hours are set, and for good where a gateway never says what became of a message: after so
// long without a failure it counts as having reached the recipient.
inline constexpr int receipt_hours = 72;

enum class channel_turn : std::uint8_t {
    none,     // it does not wait
    wait,     // nothing changes yet
    release,  // it is sent now
    suppress, // not_needed: an earlier channel reached the recipient
    expire,   // the campaign expired before its turn came
    cancel,   // the recipient's deliveries were cancelled
};
struct channel_turns {
    std::array<channel_turn, channel_count> of{}; // by position in the given order
    std::uint32_t next =
        std::numeric_limits<std::uint32_t>::max(); // when time alone changes something; max: never
};

// The records of one recipient, in the order in which they are to have their turn; at most channel_count.
// What was sent already counts as earlier wherever it stands, so an order may change on the way. At most one
// is released, and none while another is being sent.
//   earlier one                                  later ones
//   opened                                       suppressed
//   queued, held, submitting                     wait
//   submitted, delivered, unknown, merged        wait for unread_hours, then the next is released; without
//                                                unread_hours: wait until it is delivered, or for
//                                                receipt_hours, then suppressed
//   failed, suppressed, expired                  the next is released
//   cancelled                                    cancelled
channel_turns whose_turn(std::span<const ledger::record> in_order, const routing_facts& f) noexcept;

// The record that follows; unchanged for none and wait. A release is held, waiting_turn, until now: so it
// outranks what it was, and the dispatcher takes it at once.
ledger::record after_turn(const ledger::record& r, channel_turn t, std::uint32_t now) noexcept;

// An order of channels by their positions in the campaign, the preferred ones first.
using channel_order = std::array<std::uint8_t, channel_count>;
// The preferred ones that the campaign has, then its others in its own order.
channel_order order_of(std::span<const channel> campaign, std::span<const channel> preferred) noexcept;

struct routed_record {
    std::uint32_t position = 0; // in the audience
    ledger::record to;
    bool operator==(const routed_record&) const = default;
};
struct routed {
    std::vector<std::vector<routed_record>> changes; // by channel, as given; positions rise
    std::uint32_t next =
        std::numeric_limits<std::uint32_t>::max(); // look again then, or when a record changed
};
// ledgers: the records of one shard, 16 bytes each, in audience order, of each of the campaign's channels in
// its order. preferred: by position, of recipients with an order of their own.
routed route(std::span<const std::string_view> ledgers, const routing_facts& f,
             const std::map<std::uint32_t, channel_order>& preferred = {});

} // namespace zhida::scheduler
