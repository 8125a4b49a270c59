// librdkafka 2.0 answers some questions only by blocking calls: they run on threads of their own, and the
// answer is posted back.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace zhida::io::kafka {

namespace asio = boost::asio;

using worker = asio::thread_pool;

// `question` runs on the worker, must not throw, and may use nothing but what it holds by value. T is a
// result<> of values. Not cancellable: the question has its own time limit.
template <class T>
asio::awaitable<T> ask(std::shared_ptr<worker> on, std::function<T()> question) {
    // Boxed, because T may have no default.
    const auto answer =
        co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::shared_ptr<T>)>(
            [](auto handler, std::shared_ptr<worker> pool, std::function<T()> f) {
                auto back = asio::get_associated_executor(handler);
                asio::post(*pool, [handler = std::move(handler), back, f = std::move(f)]() mutable {
                    auto made = std::make_shared<T>(f());
                    f = nullptr; // what it holds goes here, not on the other thread
                    asio::post(back, [handler = std::move(handler), made = std::move(made)]() mutable {
                        std::move(handler)(std::move(made));
                    });
                });
            },
            asio::use_awaitable, std::move(on), std::move(question));
    co_return std::move(*answer);
}

} // namespace zhida::io::kafka
