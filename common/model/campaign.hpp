// A campaign: one round of one package to one audience.
#pragma once

#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/ledger.hpp"
#include "common/model/policy.hpp"

#include <array>
#include <cstdint>
#include <string>
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

struct campaign {
    std::string id; // "<policy id>.v<version>.r<round>"
    std::string policy_id;
    int policy_version = 1;
    int round = 1;
    std::string title, issuer;
    std::vector<channel> channels;
    campaign_state state = campaign_state::running;
    campaign_urgency urgency = campaign_urgency::normal;
    std::string kind = "first";
    std::int64_t revision = 0;   // rises with every change
    std::int64_t expires_ms = 0; // nothing is sent from then on; 0: never
    std::int64_t created_ms = 0; // when the policy event was appended
};

// Nothing leads out of it.
constexpr bool final(campaign_state s) noexcept {
    return s >= campaign_state::finished;
}
std::string campaign_id(std::string_view policy_id, int version, int round);
json to_json(const campaign&);
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
