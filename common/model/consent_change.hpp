// One change of what a subject, who holds a number, or who WeChat reaches wants to receive, or of where
// WeChat reaches a subject: an event of zhida.consent. The last one in the order of the log holds. Pure.
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
    refuse,      // WeChat reaches the subject nowhere any more: all its contacts refuse, or have left
    regrant,     // it does again
    preferences, // all of them, in place of what was said before; but only opt_in takes an opt-out back
    number_out,  // no message to this number any more, whomever it belongs to
    number_in,
    bind,        // WeChat reaches the subject there too
    unbind,      // not there any more, also where the profile has the address
    address_in,  // who is there follows our account (again), or wrote that messages are welcome
    address_out, // has left it, blocked it, or wrote that they are not
    granted,     // takes subscription messages of a template
    denied,      // takes none of a template
};
const char* to_string(consent_kind) noexcept; // "opt_out" ...
constexpr bool of_number(consent_kind k) noexcept {
    return k == consent_kind::number_out || k == consent_kind::number_in;
}

// Of where WeChat reaches somebody, whichever subjects that belongs to.
constexpr bool of_address(consent_kind k) noexcept {
    return k >= consent_kind::address_in;
}

struct consent_change {
    consent_kind kind = consent_kind::opt_out;
    // Subject id; of a number or an address its digest (store::number_digests), never the thing itself
    std::string who;
    preferences chosen; // of the kind `preferences`; its at_ms is the change's
    std::int64_t at_ms = 0;
    actor by = {};         // who said it; no role: an event from before that was told, or what WeChat says
    std::string address{}; // bind, unbind: its digest
    std::string sealed{};  // bind: the contact (seal_contacts, for the subject)
    std::string template_id{}; // granted, denied
    bool once = false;         // granted: for one message
    std::string grant{};       // once: what tells it from another, so that one heard twice counts once
    bool operator==(const consent_change&) const = default;
};

inline constexpr std::size_t number_digest_size = 32; // hex digits
inline constexpr std::size_t max_template_id = 128;

// Data: kind; subject, number or address; preferences, at_ms, by (name and role; may be missing); what the
// kind has.
cloud_event to_event(const consent_change& change);
// invalid: the first thing that is wrong, with its place.
result<consent_change> read_consent_change(const cloud_event& event);

} // namespace zhida
