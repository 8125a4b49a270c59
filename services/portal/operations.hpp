// What an operator looks at: gateways, work that waits, totals. Told alike to the API, the page and the
// metrics.
#pragma once

#include "services/portal/context.hpp"

namespace zhida::portal {

// Every gateway that is configured: as the processes see it (gateway_sum.hpp), or {"name","state":"silent"}
// where none is heard of.
asio::awaitable<result<json>> gateways_document(context& c);

// Records that wait to be worked on: [{"what","waiting"}], what being policy, profile, receipt or
// dispatch.<channel>.
asio::awaitable<result<json>> backlog_document(context& c);

// {subjects, policies, totals of all campaigns, gateways, backlog, dead_letters}; a part that cannot be read
// is null and named in "unavailable".
asio::awaitable<json> summary_document(context& c);

// Why the portal cannot serve; empty: it can.
asio::awaitable<std::vector<std::string>> not_ready_reasons(context& c);

// Deliveries and imbalance, from the store, into the metrics.
asio::awaitable<void> refresh_gauges(context& c);

} // namespace zhida::portal
