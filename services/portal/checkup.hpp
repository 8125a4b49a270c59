// The check-up of a subject, asked of the matcher that owns its shard.
#pragma once

#include "services/portal/context.hpp"

#include <string_view>

namespace zhida::portal {

// What a matcher answered, held to the form that pages and the API rely on: {as_of, profile_offset,
// policy_offset, day, eligible, possible, one_short}. invalid: another form, with its JSON Pointer.
result<json> read_checkup(std::string_view text);

// The same with {subject, type, name, profile_day}. unavailable: the matcher cannot be reached or is
// starting; there is never an empty answer instead.
asio::awaitable<result<json>> checkup_of(context& c, store::stored_profile who);

} // namespace zhida::portal
