// A campaign: one round of one package to one audience.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"
#include "common/model/reminder.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida {

enum class campaign_state : std::uint8_t {
    draft,
    submitted,
    approved,
    scheduled,
    running,
    paused,
    finished,
    cancelled,
    withdrawn
};
const char* to_string(campaign_state) noexcept;
const char* label(campaign_state) noexcept; // Chinese

// Nothing is sent any more. Withdrawing leads out of the other two: those who were reached get a correction.
constexpr bool final(campaign_state s) noexcept {
    return s >= campaign_state::finished;
}

enum class campaign_action : std::uint8_t {
    submit,   // draft -> submitted
    approve,  // submitted -> approved
    reject,   // submitted -> draft
    schedule, // approved -> scheduled
    start,    // approved, scheduled -> running, once not_before_ms has come
    pause,    // running -> paused
    resume,   // paused -> running
    finish,   // running, paused -> finished
    cancel,   // from any state that is not final
    withdraw, // from any state but draft and withdrawn
    // Remarks in its history, which change no state (remarked() in campaign_life.hpp):
    test,           // it was sent to a few chosen subjects
    override_quiet, // an emergency goes out at night
};
inline constexpr int campaign_action_count = 12;
const char* to_string(campaign_action) noexcept; // "submit", ...
const char* label(campaign_action) noexcept;     // Chinese
bool parse(std::string_view text, campaign_action& out) noexcept;

// What a campaign is to its recipients: first, interpretation 跟踪解读, deadline 临期, reminder 办事提醒,
// correction 更正, retry, arrivals, test. Chinese; null: no such kind.
const char* campaign_kind_label(std::string_view kind) noexcept;

// Of a further round: which of the recipients of the campaign it is based on.
enum class campaign_recipients : std::uint8_t {
    everybody,
    unread,  // reached, and has not opened it
    reached, // submitted, delivered or in doubt, on any channel
    failed,  // reached on no channel
};
const char* to_string(campaign_recipients) noexcept;
bool parse(std::string_view text, campaign_recipients& out) noexcept;

struct campaign_step {
    campaign_action action = campaign_action::submit;
    std::string by, role;
    std::int64_t at_ms = 0;
    std::string note;
    bool operator==(const campaign_step&) const = default;
};
inline constexpr std::size_t most_campaign_steps = 64, most_campaign_note = 500; // characters

// Of a test: to whom it goes, whatever the conditions say.
struct chosen_subject {
    std::string id;
    std::uint32_t ordinal = 0; // in its shard; never given to another
    bool operator==(const chosen_subject&) const = default;
};
inline constexpr std::size_t most_chosen = 10;

struct campaign {
    std::string
        id; // "<policy id>.v<version>.r<round>", of a reminder with ".<item>-<kind>-<YYYYMMDD>" behind
    std::string policy_id;
    int policy_version = 1;
    int round = 1;
    std::string title, issuer;
    std::vector<channel> channels; // in the order of routing
    campaign_state state = campaign_state::running;
    campaign_urgency urgency = campaign_urgency::normal;
    std::string kind = "first"; // of campaign_kind_label
    std::string repeats;        // of a retry: the kind whose words it says again; empty: the first round's
    // Whose frozen audience it takes, and whom of it; empty: it freezes its own.
    std::string base;
    campaign_recipients only = campaign_recipients::everybody;
    std::optional<reminder_notice> reminder; // of a round of kind reminder: what it says, of which item
    std::vector<chosen_subject> chosen;      // of a test, instead of an audience
    channel_routing routing;
    std::int64_t revision = 0;      // rises with every change, where it is stored
    std::int64_t not_before_ms = 0; // nothing is sent earlier; 0: at once
    std::int64_t expires_ms = 0;    // nothing is sent from then on; 0: never
    std::int64_t created_ms = 0;    // when the policy event was appended
    std::string drafted_by, submitted_by, approved_by;
    std::int64_t submitted_ms = 0, approved_ms = 0; // 0: not yet
    std::vector<std::string> approval_reasons;      // why a second person must approve; empty: by rule
    std::string approval_note;                      // what the approver said
    std::vector<campaign_step> history;             // the latest ones, oldest first
};

// Nothing of it is sent any more from now on.
constexpr bool expired(const campaign& c, std::int64_t now_ms) noexcept {
    return c.expires_ms != 0 && now_ms >= c.expires_ms;
}

// The kind of round whose words it says to its recipients.
inline const std::string& said_kind(const campaign& c) noexcept {
    return c.repeats.empty() ? c.kind : c.repeats;
}

// "BS-006.v2.r1"
std::string campaign_id(std::string_view policy_id, int version, int round);
// "BS-006.v2.r1.1-d7-20261124": the same for whoever makes it, so that it is one campaign. kind: letters and
// digits; day: days since 1970-01-01.
std::string reminder_campaign_id(std::string_view policy_id, int version, std::string_view item,
                                 std::string_view kind, std::int32_t day);
struct campaign_id_parts {
    std::string policy;
    int version = 1, round = 1;
    std::string occasion; // "1-d7-20261124" of a reminder, else empty
};
std::optional<campaign_id_parts> parse_campaign_id_parts(std::string_view id);
inline constexpr std::size_t most_campaign_id = 128;
bool valid_campaign_id(std::string_view id) noexcept; // 1..128 of [A-Za-z0-9._-]

json to_json(const campaign&);
// Members that older versions did not write have their defaults. Failure: invalid, with its JSON Pointer.
result<campaign> read_campaign(const json&);

// One count a ledger state.
using state_counts = std::array<std::int64_t, ledger::state_count>;

struct channel_progress {
    channel via = channel::web;
    state_counts states{};
    std::int64_t read = 0; // recipients who opened it
    struct because {
        ledger::state now;
        ledger::reason why;
        std::int64_t count;
    };
    std::vector<because> reasons;          // of held, unknown, failed, suppressed
    std::int64_t matched() const noexcept; // sum of all states
    std::int64_t pending() const noexcept; // held, queued, submitting, submitted, unknown
};

} // namespace zhida
