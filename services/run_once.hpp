// Runs one coroutine to its end on an io_context of its own: what a command does that only asks.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>

namespace zhida {

// start(executor) gives the awaitable. What it throws is thrown here.
template <class T, class Start>
T run_once(Start start) {
    boost::asio::io_context context(1);
    std::optional<T> answer;
    std::exception_ptr thrown;
    boost::asio::co_spawn(context, start(context.get_executor()), [&](std::exception_ptr e, T value) {
        thrown = e;
        if (!e) answer = std::move(value);
        context.stop(); // connections of the answer's makers end with the context
    });
    context.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*answer);
}

} // namespace zhida
