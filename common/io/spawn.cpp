#include "common/io/spawn.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <exception>

namespace zhida::io {

void spawn(asio::any_io_executor executor, asio::awaitable<void> work) {
    asio::co_spawn(executor, std::move(work), [](std::exception_ptr thrown) {
        if (!thrown) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& e) {
            if (e.code() != asio::error::operation_aborted) throw;
        }
    });
}

} // namespace zhida::io
