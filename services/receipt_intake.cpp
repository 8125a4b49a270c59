#include "services/receipt_intake.hpp"

#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "common/base/utf8.hpp"
#include "services/persist.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace zhida {

// Side by side, so that the looking up and the passing on go to Redis and the log in few turns.
asio::awaitable<bool> receipt_intake::accept(std::vector<gateways::receipt> receipts) {
    struct progress {
        progress(const asio::any_io_executor& ex, std::size_t n) : left(n), done(ex, 1) {}
        std::size_t left;
        bool kept = true;
        asio::experimental::channel<asio::any_io_executor, void(boost::system::error_code)> done;
    };
    if (receipts.empty()) co_return true;
    const auto all = std::make_shared<progress>(executor_, receipts.size());
    for (auto& r : receipts)
        asio::co_spawn(executor_, accept_one(std::move(r)), [all](std::exception_ptr thrown, bool kept) {
            if (thrown || !kept) all->kept = false;
            if (--all->left == 0) all->done.try_send(boost::system::error_code());
        });
    co_await all->done.async_receive(asio::use_awaitable);
    co_return all->kept;
}

asio::awaitable<bool> receipt_intake::accept_one(gateways::receipt r) {
    constexpr std::size_t most_id = 128, most_status = 64; // what no gateway of ours gives out is nobody's
    if (r.message_id.size() > most_id) {
        log::warn("a receipt for no message of ours is let go", {{"gateway", r.gateway}});
        co_return true;
    }
    r.status.resize(valid_utf8_prefix(std::string_view(r.status).substr(0, most_status)));
    const auto text = receipt_text(r);
    const auto id = gateways::scoped_message_id(r.gateway, r.message_id);
    const auto places = co_await messages_.resolve(message_store_of(r.gateway), id, text);
    if (!places) {
        log::warn("a receipt could not be kept; the gateway will send it again",
                  {{"gateway", r.gateway}, {"why", places.error().text()}});
        co_return false;
    }
    const bool pushed = std::exchange(r.pushed, false);
    for (const auto& place : *places) { // of a message for several packages the push is counted once
        const bool first = &place == &places->front();
        const auto& told = pushed && !first ? receipt_text(r) : text;
        if (!co_await append(store::receipt_message(place, told, time_.now()))) co_return false;
    }
    if (!places->empty()) co_return true;
    // It is kept until its message is known; and told, for Redis may forget it.
    co_return co_await append(store::orphan_message(shard_of(id, shards_), text, time_.now()));
}

asio::awaitable<bool> receipt_intake::append(result<io::log_message> message) {
    if (!message) co_return false;
    const auto appended =
        co_await persist(time_, stopping_, "passing a receipt on", [&] { return log_.append(*message); });
    co_return appended.has_value();
}

} // namespace zhida
