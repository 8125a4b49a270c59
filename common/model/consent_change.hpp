// One change of what a subject, or who holds a number, wants to receive: an event of zhida.consent. The last
// one in the order of the log holds. Pure.
#pragma once

#include "common/model/actor.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/preferences.hpp"

#include <cstdint>
#include <string>

namespace zhida {

enum class consent_kind : std::uint8_t {
    opt_out,     // no message of any kind any more
    opt_in,      // messages again; WeChat may send again too, whatever it refused before
    refuse,      // WeChat told that the subject refuses our messages, or does not follow us
    preferences, // all of them, in place of what was said before; but only opt_in takes an opt-out back
    number_out,  // no message to this number any more, whomever it belongs to
    number_in,
};
const char* to_string(consent_kind) noexcept; // "opt_out" ...
constexpr bool of_number(consent_kind k) noexcept {
    return k == consent_kind::number_out || k == consent_kind::number_in;
}

struct consent_change {
    consent_kind kind = consent_kind::opt_out;
    std::string who;    // subject id; of a number its digest (store::number_digests), never the number
    preferences chosen; // of the kind `preferences`; its at_ms is the change's
    std::int64_t at_ms = 0;
    actor by = {}; // who said it; no role: an event from before that was told, or `refuse`, which WeChat says
    bool operator==(const consent_change&) const = default;
};

inline constexpr std::size_t number_digest_size = 32; // hex digits

// Data: kind, subject or number, preferences, at_ms, by (name and role; may be missing).
cloud_event to_event(const consent_change& change);
// invalid: the first thing that is wrong, with its place.
result<consent_change> read_consent_change(const cloud_event& event);

} // namespace zhida
