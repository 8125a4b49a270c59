// How a channel with a gateway sends: the little that differs between SMS and WeChat.
#pragma once

#include "common/model/policy.hpp"
#include "common/model/reminder.hpp"
#include "services/gateways/gateway.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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
    bool emergency = false;                    // all of it is: no way to refuse is offered
    std::string kind = "first";                // of the campaign
    const reminder_notice* reminder = nullptr; // of one that is a reminder; outlives the send
    std::string address;
    std::string reference; // stable for (campaign, subject, channel); empty where the gateway honours none
};

// Where a batch goes and how many messages it may have, while somebody holds it.
struct admission {
    std::size_t room = 0; // 0: nowhere now
    std::shared_ptr<void> at;
};

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
    virtual asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages,
                                                                         admission at);
    // Tells a number that it is opted out, by that gateway where it still is one and takes messages, else by
    // another.
    virtual asio::awaitable<gateways::send_result> acknowledge(std::string phone, std::string gateway);
    // Of each gateway of the channel.
    virtual std::vector<gateways::gateway_status> statuses() const = 0;
    // Seconds in which the gateway drops a repeated reference, sent to this address; 0: it never does.
    virtual std::uint32_t resend_within_s(std::string_view address) const = 0;
    // How many batches of the channel are under way at once at most.
    virtual std::size_t batches() const { return 4; }
    // For how long it surely takes nothing, as its quota of the day is used up.
    virtual milliseconds rests_for() const { return milliseconds(0); }
    // Waits for its turn. How many messages the next batch may have: what is claimed cannot be called back.
    // Who asks sends them.
    virtual asio::awaitable<admission> admit() = 0;
    // A receipt of this message came past the gateway's client.
    virtual void heard(std::string_view) {}
    // Several processes may send by one account: this one has so many shards of all.
    virtual void share(std::size_t, std::size_t) {}
};

} // namespace zhida::dispatcher
