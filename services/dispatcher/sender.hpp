// How a channel with a gateway sends: the little that differs between SMS and WeChat.
#pragma once

#include "common/model/policy.hpp"
#include "common/model/reminder.hpp"
#include "services/gateways/gateway.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::dispatcher {

namespace asio = boost::asio;

struct outgoing {
    const policy* about = nullptr; // outlives the send
    std::uint16_t items = 0;
    struct more {
        const policy* about;
        std::uint16_t items;
    };
    std::vector<more> also;                    // of other campaigns, in the same message
    std::string kind = "first";                // of the campaign
    const reminder_notice* reminder = nullptr; // of one that is a reminder; outlives the send
    std::string address;
    std::string reference; // stable for (campaign, subject, channel); empty where the gateway honours none
};

// So many chunks of a channel send at once, each claiming a batch: together no more than the gateway takes.
inline constexpr std::int64_t senders_at_once = 4;

class sender {
  public:
    virtual ~sender() = default;
    // Until stop(): keeps the gateway's sessions up.
    virtual asio::awaitable<void> run() = 0;
    virtual void stop() = 0;
    // Nothing is claimed while the gateway takes nothing.
    virtual bool ready() const = 0;
    virtual asio::awaitable<gateways::send_result> send(outgoing message) = 0;
    // Answers in the order of the messages, once each has its own. What send() throws is one that nobody
    // knows the end of.
    virtual asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages);
    // A message of no campaign, by that gateway where it still is one. `text`: whole, with its signature.
    virtual asio::awaitable<gateways::send_result> send_plain(std::string phone, std::string text,
                                                              std::string gateway);
    virtual gateways::gateway_status status() const = 0;
    // Seconds in which the gateway drops a repeated reference; 0: it never does.
    virtual std::uint32_t resend_within_s() const = 0;
    // How many each of those who send at once may claim: what is claimed cannot be called back.
    virtual std::size_t batch() const = 0;
    // How many may be claimed now: batch(), or fewer where the gateway is being tried. Who asks sends them.
    virtual std::size_t may_claim() { return batch(); }
    // Several processes may send by one account: this one has so many shards of all.
    virtual void share(std::size_t, std::size_t) {}
};

} // namespace zhida::dispatcher
