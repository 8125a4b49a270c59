// Who may see and do what. Pure. Operators see everything; departments what is public and their own; subjects
// what is public and themselves.
#pragma once

#include "common/model/campaign_life.hpp"
#include "common/model/policy.hpp"
#include "services/portal/session.hpp"

#include <vector>

namespace zhida::portal {

// Who may call a route at all. Objects are checked again by their handlers.
struct audience {
    bool anyone = false; // also who has not signed in
    std::vector<role> roles;
};
inline const audience everyone{true, {}};
inline const audience signed_in{false, {role::operator_, role::department, role::subject}};
inline const audience staff{false, {role::operator_, role::department}};
inline const audience operators{false, {role::operator_}};
inline const audience subjects{false, {role::subject}};
inline const audience subjects_and_operators{false, {role::operator_, role::subject}};

bool may_call(const audience& route, const identity& who) noexcept;

// Of the department that issues it (a token without a name stands for every department).
bool own_issuer(const identity& who, std::string_view issuer) noexcept;
bool may_see_policy(const identity& who, std::string_view disclosure, std::string_view issuer) noexcept;
bool may_publish(const identity& who, std::string_view issuer) noexcept;
bool may_see_campaign(const identity& who, std::string_view issuer) noexcept;
// What people wrote back; "" is what belongs to no department yet.
bool may_see_feedback(const identity& who, std::string_view department) noexcept;
// Who acts, by a name that is never empty: two nameless operators are one person.
actor actor_of(const identity& who);
bool may_see_subject(const identity& who, std::string_view id) noexcept;
// Reading a package is the subject's own act; nobody does it for them.
bool may_read_for_subject(const identity& who, std::string_view id) noexcept;

} // namespace zhida::portal
