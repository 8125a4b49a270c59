// What a portal asks a matcher before something is published, and what it is told: whom a condition would
// find among the shards the matcher owns, and who of them would get nothing on a channel. Pure.
#pragma once

#include "common/base/json.hpp"
#include "common/model/policy.hpp"
#include "matching/tally.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace zhida {

struct preview_question {
    subject_type subject = subject_type::enterprise;
    json condition; // CQL2-JSON
    push_reach reach = push_reach::decided;
    std::vector<channel> channels;
    std::vector<int> shards;
    std::uint32_t samples = 1; // subjects to name of each shard, at most
    bool operator==(const preview_question&) const = default;
};
inline constexpr std::uint32_t most_samples = 10;

json to_document(const preview_question& q);
// All errors; the condition itself is read by whoever compiles it.
std::optional<preview_question> read_preview_question(const json& document, std::vector<failure>& errors);

// Of the audience on one channel. Who would get nothing is counted once, by the first reason in the order in
// which the dispatcher looks at them: opted out, no contact, no grant, capped.
struct channel_preview {
    channel via = channel::web;
    std::int64_t reachable = 0, opted_out = 0, no_contact = 0, no_grant = 0, capped = 0;
    channel_preview& operator+=(const channel_preview& o) noexcept;
    bool operator==(const channel_preview&) const = default;
};

// How far a shard had come when it was counted.
struct shard_standing {
    int shard = 0;
    std::int64_t profile_offset = 0, policy_offset = 0; // next events to apply and to judge
    std::int64_t at_ms = 0;                             // milliseconds since 1970 UTC
    std::int64_t profiles_behind = 0; // events of zhida.profile that were there and not applied yet
    std::int64_t exclusions_age_ms = 0;
    bool operator==(const shard_standing&) const = default;
};

struct sampled_subject {
    int shard = 0;
    std::uint32_t ordinal = 0;
    bool operator==(const sampled_subject&) const = default;
};

// Sums over the shards that were counted.
struct preview_part {
    matching::breakdown found;
    std::int64_t audience = 0;             // who would be sent to, by the reach asked for
    std::vector<channel_preview> channels; // as asked
    std::vector<sampled_subject> sample;
    std::vector<shard_standing> shards;
    // Of the same question.
    preview_part& operator+=(const preview_part& o);
    bool operator==(const preview_part&) const = default;
};

json to_document(const preview_part& p);
result<preview_part> read_preview_part(const json& document);

const char* to_string(push_reach reach) noexcept; // "eligible", "decided", "possible"
bool parse(std::string_view text, push_reach& out) noexcept;

} // namespace zhida
