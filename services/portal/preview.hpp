// Whom a condition would reach, asked of every matcher at once.
#pragma once

#include "services/portal/context.hpp"
#include "services/preview_messages.hpp"

#include <string>
#include <vector>

namespace zhida::portal {

struct preview_outcome {
    preview_part sum;                 // of the shards that were counted
    std::vector<int> missing;         // shards that were not
    std::vector<std::string> reasons; // why not, in Chinese
    // Why nothing would be sent whoever is found, as of not_sent(); null: it would, and matchers were asked.
    const char* not_sent = nullptr;
    bool complete() const noexcept { return missing.empty(); }
};

// The question's shards and samples are filled in here. Failures: exhausted where a matcher has as many
// previews under way as it may; unavailable where no shard was counted at all; those of Redis. Whatever else
// a matcher fails with makes the outcome incomplete, as does one that takes longer than matchers::patience.
asio::awaitable<result<preview_outcome>> preview(context& c, preview_question q);

} // namespace zhida::portal
