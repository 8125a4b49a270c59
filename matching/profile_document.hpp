// The profile document "zhida.profile/1" (config/schemas/profile.schema.json): what registers send as events
// and what files of JSON Lines hold, one a line.
//   {"schema":"zhida.profile/1","id":"9131…","type":"enterprise","name":"…","origin":"市场监管",
//    "as_of":"2026-11-23","attributes":{"ent.headcount":35},
//    "contacts":[{"role":"财务","phone":"13…","openid":"o…"}]}
// Instead of contacts it may carry "sealed_contacts": base64 of the sealed contacts_text, associated with the
// id.
#pragma once

#include "common/base/crypto.hpp"
#include "common/base/error.hpp"
#include "common/base/json.hpp"
#include "common/model/profile.hpp"
#include "matching/catalogue.hpp"

#include <vector>

namespace zhida::matching {

inline constexpr const char* profile_schema = "zhida.profile/1";

// Every error with its JSON Pointer; values of people are never repeated in it. Failure: the first error; all
// of them are added to `errors`. An enterprise without ent.size gets it where classify() can tell. Sealed
// contacts need a sealer.
result<profile> read_profile_document(const json& document, const catalogue& c, std::vector<failure>& errors,
                                      const crypto::sealer* sealer = nullptr);

// The inverse. With a sealer contacts are written sealed, without one in clear.
json write_profile_document(const profile& p, const catalogue& c, const crypto::sealer* sealer = nullptr);

// Whether values of the attribute may be repeated in messages and reports: not where they are of a person.
bool may_be_shown(const attribute& a) noexcept;
// What is wrong with a value that encode or encode_cell refused, told without the value where it may not be
// shown.
failure refusal(const attribute& a, failure why);
// An attribute of the other subject type.
failure wrong_subject(const attribute& a, subject_type type);

// Gives an enterprise without a size class the computed one; true where it did.
bool add_size(profile& p, const catalogue& c);
// The size class given is not the one that the indicators give (both are known).
bool size_differs(const profile& p, const catalogue& c);

} // namespace zhida::matching
