// What differs between the protocols that a session with an SMS gateway may speak; all else (connections,
// window, pace, keepalive, hand-over of receipts) is the same for all of them: session.hpp. Pure.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/inbound_parts.hpp"
#include "services/gateways/result_reaction.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/gateways/sms_text.hpp"
#include "services/gateways/wire.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zhida::gateways::wire {

// A frame as the session sees it. One is used again and again: only what its kind names is set anew.
struct event {
    enum class kind : std::uint8_t {
        submit_answered, // sequence, code, reaction; message_id where it was taken
        report,          // from, heard
        inbound,         // from, wrote
        ended,           // the gateway ends the session
        logged_out,      // it answers our wish to end it
        nothing,         // asks for nothing more than `reply`
        passed_over,     // complaint: a line for the log
    } what = kind::nothing;
    std::uint32_t sequence = 0, code = 0;
    const result_reaction* reaction = nullptr; // of a table that lives as long as the protocol
    std::string message_id;                    // as receipts name it
    origin from;
    receipt heard;
    inbound_part wrote;
    std::string reply; // a frame to send at once, or empty
    std::string complaint;
};

struct login_request {
    std::string frame;
    std::string proof; // for read_login()
};
struct login_answer {
    session_end why = session_end::stopped; // where it is not `accepted`
    bool accepted = false;
    bool proved = true; // false: the gateway has not shown that it knows the secret
    std::string words;  // what it said, and what to do about it
};

// What people find in the documents of the protocol.
struct pdu_names {
    const char *login, *submit_answer, *keepalive, *end;
};

// Of one account; its sessions share it.
class protocol {
  public:
    virtual ~protocol() = default;

    virtual std::string title() const = 0;                // "CMPP 3.0"
    virtual const char* code_prefix() const noexcept = 0; // "cmpp": of send_result.code
    virtual const pdu_names& names() const noexcept = 0;
    virtual sequence_range sequences() const noexcept = 0;
    virtual length_splitter splitter() const = 0;

    // Failure invalid: settings that do not fit the fields.
    virtual result<login_request> login(std::uint32_t sequence, wall_time now) const = 0;
    // The first frame that comes back. Failure invalid: it is no answer to a login.
    virtual result<login_answer> read_login(std::string_view frame, const std::string& proof) const = 0;
    // Any frame after the login, in every state; it never fails.
    virtual void read(std::string_view frame, wall_time now, event& out) const = 0;

    // Why no message can be written (our settings do not fit its fields); nothing: it can.
    virtual std::optional<failure> flaw() const = 0;
    // A text of several parts goes out in one frame.
    virtual bool whole_texts() const noexcept { return false; }
    // Appends one request: of one part, or with whole_texts() of all parts of a text. `phone` has 5 to 20
    // digits; `udh_ref` stands in the header of a part of several; `extension` is what follows the account's
    // src_id, digits or nothing.
    virtual void submit(std::string& to, std::uint32_t sequence, std::span<const sms_part> parts,
                        std::uint8_t udh_ref, std::string_view phone, std::string_view extension) const = 0;
    virtual void keepalive(std::string& to, std::uint32_t sequence) const = 0;
    virtual void end(std::string& to, std::uint32_t sequence) const = 0;
    // A report or an inbound message is durable.
    virtual void confirm(std::string& to, const origin& from) const = 0;
};

} // namespace zhida::gateways::wire
