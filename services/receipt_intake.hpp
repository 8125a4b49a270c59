// Takes what gateways report, whoever hears it: looks up which deliveries the message was for and passes the
// receipt on to their shard; one whose message is not known (yet) is kept until it expires. Hearing a receipt
// twice changes nothing, and one that nobody has sent a message for changes nothing either.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/store/messages.hpp"
#include "services/receipts.hpp"

#include <vector>

namespace zhida {

namespace asio = boost::asio;

class receipt_intake {
  public:
    // References must outlive every accept(). stopping: once it is true, nothing that fails is tried again.
    receipt_intake(asio::any_io_executor executor, io::event_log& log, store::messages& messages,
                   const clock& time, int shards, const bool& stopping)
        : executor_(std::move(executor)), log_(log), messages_(messages), time_(time), shards_(shards),
          stopping_(stopping) {}

    // True: all are in the event log. False: not all of them; the gateway sends them again.
    asio::awaitable<bool> accept(std::vector<gateways::receipt> receipts);

  private:
    asio::awaitable<bool> accept_one(gateways::receipt r);
    asio::awaitable<bool> append(result<io::log_message> message);

    asio::any_io_executor executor_;
    io::event_log& log_;
    store::messages& messages_;
    const clock& time_;
    const int shards_;
    const bool& stopping_;
};

} // namespace zhida
