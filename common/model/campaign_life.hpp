// The life of a campaign: who may do what to it, and when a second person must approve. Pure.
//   draft -> submitted -> approved -> scheduled -> running <-> paused -> finished, or cancelled, withdrawn
#pragma once

#include "common/model/actor.hpp"
#include "common/model/campaign.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida {

inline actor the_rule() {
    return {"", "rule"}; // approves what needs no second person
}
inline actor the_system() {
    return {"", "system"}; // the scheduler: starts, finishes
}

// The actions that its state allows.
std::vector<campaign_action> allowed_actions(campaign_state) noexcept;

// The campaign after the action, with its step in the history; the revision is left to where it is stored
// (store::campaigns::change). note: why, at most 500 characters; a reason must be given to reject.
// conflict: its state does not allow the action, or its time has not come or has passed, or
// the approver drafted or submitted it, or is nobody, or the rule approves what needs a person; invalid: the
// note. `what` and `fix` are Chinese, for people.
result<campaign> apply(const campaign& c, campaign_action action, const actor& by, std::int64_t now_ms,
                       std::string_view note = "");

// With a step in its history that changes no state: test or override_quiet.
campaign remarked(campaign c, campaign_action what, const actor& by, std::int64_t now_ms,
                  std::string_view note);
bool has_step(const campaign& c, campaign_action what) noexcept;

struct approval_settings {
    std::int64_t above = 5000;       // recipients; 0: their number never asks for it
    std::vector<std::string> themes; // beginnings of themes
};
// "纾困, 就业/稳岗" -> {"纾困", "就业/稳岗"}
std::vector<std::string> comma_separated(std::string_view text);

struct approval_facts {
    std::int64_t audience = 0; // recipients
    std::string theme;
    campaign_urgency urgency = campaign_urgency::normal;
    // Labels of the attributes in its conditions that are neither public nor internal
    // (matching::sensitive_attributes).
    std::vector<std::string> sensitive_attributes;
};
struct approval_reason {
    enum class kind : std::uint8_t { audience, theme, attributes, emergency } why = kind::audience;
    std::string text; // Chinese
};
// Why a second person must approve; empty: the rule approves.
std::vector<approval_reason> approval_needed(const approval_facts&, const approval_settings&);

// Submits it and, where nothing asks for a second person, approves it by the rule.
result<campaign> submit(const campaign& c, const std::vector<approval_reason>& reasons, const actor& by,
                        std::int64_t now_ms, std::string_view note = "");

} // namespace zhida
