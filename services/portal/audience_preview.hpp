// One preview from question to document, for the API and for the department's desk.
#pragma once

#include "services/portal/context.hpp"
#include "services/preview_messages.hpp"

#include <optional>

namespace zhida::portal {

// {subject, condition, channels?, reach?}, with the condition compiled once: every error, with its pointer
// and what to do.
std::optional<preview_question> read_audience_request(const json& document,
                                                      const matching::catalogue& catalogue,
                                                      std::vector<failure>& errors);
// As of preview_document(); logs who asked what. Failures as of preview().
asio::awaitable<result<json>> preview_audience(context& c, identity who, preview_question q);
// {items, note}: one for each item, with its id and title; the note where a subject may be counted under
// several. Nobody is counted for an item that would not be sent. The policy was checked.
asio::awaitable<result<json>> preview_policy(context& c, identity who, policy p);

} // namespace zhida::portal
