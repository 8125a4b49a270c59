// Sleeping on an injectable clock.
#pragma once

#include "common/base/clock.hpp"

#include <boost/asio/awaitable.hpp>

namespace zhida::io {

namespace asio = boost::asio;

// Returns when the clock's monotonic time has moved by `duration`; throws operation_aborted when cancelled.
// On a simulated clock it looks at the clock every real millisecond.
asio::awaitable<void> sleep_for(const clock& c, milliseconds duration);

} // namespace zhida::io
