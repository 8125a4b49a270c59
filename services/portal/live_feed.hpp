// What fills the live streams: every transition on zhida.delivery, from now on.
#pragma once

#include "services/portal/context.hpp"

namespace zhida::portal {

// Tells subjects of packages that arrive and notes which campaigns changed, until the consumer is closed.
asio::awaitable<void> follow_deliveries(context& c, io::log_consumer& consumer);
// Tells operators and departments of changed campaigns, once a second at most, until `stopping`.
asio::awaitable<void> tell_progress(context& c, const bool& stopping);

// The packages of a subject, newest first, as the API tells them.
asio::awaitable<result<json>> packages_of(context& c, store::stored_profile subject);
// One of them; not_found where it is not in the inbox.
asio::awaitable<result<json>> package_of(context& c, store::stored_profile subject, std::string campaign);

} // namespace zhida::portal
