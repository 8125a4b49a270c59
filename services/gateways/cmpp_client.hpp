// A CMPP account: keeps its connections up, sends texts, hands over receipts and opt-outs.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/cmpp_outgoing.hpp"
#include "services/gateways/gateway.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <vector>

namespace zhida::gateways {

// Used from the executor's thread alone. The clock outlives the client.
class cmpp_client {
  public:
    cmpp_client(asio::any_io_executor executor, const clock& time, sms_config settings, receipt_sink sink,
                opt_out_sink opt_outs);
    ~cmpp_client();

    // Keeps `connections` sessions up until stop(); returns when all have ended.
    asio::awaitable<void> run();
    // New messages are refused (retry); what is under way is awaited up to `drain`, then the sessions log
    // out.
    void stop(milliseconds drain);

    // All parts go over one connection. accepted: message_ids has one id a part, as receipts will name it.
    // unknown: a part was written and not answered in sms.response_timeout_s, or the connection broke.
    // retry: no connection, or flow control for too long. stopped: the login was refused, or the gateway
    // refuses our settings; tried again after retry_after at the earliest. rejected with code "local:...":
    // never left this machine.
    asio::awaitable<send_result> send(sms_message message);
    // The same for many, side by side; results in their order, when each has one.
    asio::awaitable<std::vector<send_result>> send_all(std::vector<sms_copy> messages);

    gateway_status status() const;
    // How much of the account's rate is this process': its shards of all.
    void share(std::size_t mine, std::size_t of);
    // Somebody has mended what the channel was stopped for.
    void resume();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways
