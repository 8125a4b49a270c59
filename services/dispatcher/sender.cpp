#include "services/dispatcher/sender.hpp"

#include "common/base/log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

namespace zhida::dispatcher {

namespace {

// Messages that are sent side by side, and who waits for the last of them.
struct sends {
    sends(const asio::any_io_executor& executor, std::vector<outgoing> m)
        : messages(std::move(m)), results(messages.size()), left(messages.size()), done(executor, 1) {}
    std::vector<outgoing> messages;
    std::vector<gateways::send_result> results;
    std::size_t left;
    asio::experimental::channel<asio::any_io_executor, void(boost::system::error_code)> done;
};

asio::awaitable<void> send_one(sender* via, std::shared_ptr<sends> b, std::size_t i) {
    try {
        b->results[i] = co_await via->send(std::move(b->messages[i]));
    } catch (
        const std::exception& e) { // a bug in a client must not lose the batch: nobody knows what happened
        b->results[i] = {gateways::send_outcome::unknown, {}, "exception", e.what(), milliseconds(0), ""};
        log::error("gateway client failed", {{"why", e.what()}});
    }
    if (--b->left == 0) b->done.try_send(boost::system::error_code());
}

} // namespace

asio::awaitable<std::vector<gateways::send_result>> sender::send_all(std::vector<outgoing> messages,
                                                                     admission) {
    if (messages.empty()) co_return std::vector<gateways::send_result>();
    const auto executor = co_await asio::this_coro::executor;
    const auto b = std::make_shared<sends>(executor, std::move(messages));
    for (std::size_t i = 0; i < b->results.size(); ++i)
        asio::co_spawn(executor, send_one(this, b, i), asio::detached);
    co_await b->done.async_receive(asio::use_awaitable);
    co_return std::move(b->results);
}

// Of channels where nobody opts a number out.
asio::awaitable<gateways::send_result> sender::acknowledge(std::string, std::string) {
    gateways::send_result r;
    r.outcome = gateways::send_outcome::rejected;
    r.code = "local:no-acknowledgement";
    co_return r;
}

} // namespace zhida::dispatcher
