// An account of CMPP or SMPP: keeps its connections up, sends texts, hands over receipts and what people
// write back.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/protocol.hpp"
#include "services/gateways/sms_gateway.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <vector>

namespace zhida::gateways {

// Used from the executor's thread alone. The clock outlives the client.
class wire_client : public sms_gateway {
  public:
    wire_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                std::unique_ptr<const wire::protocol> speaks, receipt_sink sink, inbound_sink inbound);
    ~wire_client() override;

    // Keeps `connections` sessions up until stop(); returns when all have ended.
    asio::awaitable<void> run() final;
    // New messages are refused (retry); what is under way is awaited up to `drain`, then the sessions log
    // out.
    void stop(milliseconds drain) final;

    // All parts go over one connection. accepted: message_ids has one id a part, as receipts will name it.
    // unknown: a part was written and not answered in sms.response_timeout_s, or the connection broke.
    // retry: no connection, or flow control for too long. stopped: the login was refused, or the gateway
    // refuses our settings; tried again after retry_after at the earliest. rejected with code "local:...":
    // never left this machine.
    asio::awaitable<std::vector<send_result>> send_all(std::vector<sms_copy> messages) final;

    gateway_status status() const final;
    bool ready() const final;
    headroom free() const final;
    void share(std::size_t mine, std::size_t of) final;
    // Somebody has mended what the channel was stopped for.
    void resume();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
