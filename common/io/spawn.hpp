// Starting a coroutine that nobody waits for.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace zhida::io {

namespace asio = boost::asio;

// Cancellation ends it silently; any other exception is a bug and leaves io_context::run(). The coroutine
// owns what it uses (parameters by value), for it outlives its caller.
void spawn(asio::any_io_executor executor, asio::awaitable<void> work);

} // namespace zhida::io
