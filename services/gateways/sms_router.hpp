// Short messages over one gateway or several: each batch goes to one that takes messages, by weight and by
// how well it serves; what it surely did not take goes to another. Never by the number's prefix: numbers are
// ported between networks. One thread.
#pragma once

#include "services/gateways/circuit.hpp"
#include "services/gateways/gateway_choice.hpp"
#include "services/gateways/sms_gateway.hpp"
#include "services/gateways/wake_up.hpp"

#include "common/base/config.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways {

class sms_router {
  public:
    // Makes the gateway of these settings, with the sinks for what it hears.
    using factory =
        std::function<std::unique_ptr<sms_gateway>(const sms_gateway_config&, receipt_sink, inbound_sink)>;
    // Receipts and message ids carry scoped ids. The clock outlives it.
    sms_router(asio::any_io_executor executor, const clock& time, std::vector<sms_gateway_config> settings,
               receipt_sink receipts, inbound_sink inbound, const factory& make);
    ~sms_router();

    asio::awaitable<void> run(); // until stop()
    void stop(milliseconds drain);
    void share(std::size_t mine, std::size_t of);

    // So many batches may be under way at one gateway, and at all of them: one that answers nothing keeps its
    // own ones, and no other's.
    static constexpr std::size_t batches_at_once = 4;
    std::size_t batches() const noexcept { return batches_at_once * routes_.size(); }
    // Some gateway takes messages, if perhaps not at this moment.
    bool ready() const;
    // Where the next batch goes and how many messages it may have; it is given back when the last copy goes.
    struct holding {
        std::size_t gateway, promised;
    };
    struct place {
        std::size_t room = 0; // 0: nowhere now
        std::shared_ptr<holding> held;
    };
    // Waits for a place where the gateways that take messages have none, and for their rates: what is claimed
    // cannot be called back, and shall go at once. No room: none takes any.
    asio::awaitable<place> admit();
    // Results in the order of the messages. What its gateway surely did not take is offered to one other
    // gateway, once, within a second: what is sent was decided a moment ago.
    asio::awaitable<std::vector<send_result>> send_all(std::vector<sms_copy> messages, place at);
    // One message by itself, by this gateway where it takes messages, else by another.
    asio::awaitable<send_result> send_by(std::string gateway, sms_copy message);

    // A receipt that came past the gateway's client, by its scoped id.
    void heard(std::string_view message_id);
    // Of each gateway; the state is "circuit_open" where its circuit is not closed, unless it is stopped.
    std::vector<gateway_status> statuses() const;

  private:
    struct route;
    place place_at(std::size_t i, std::size_t room);
    place try_admit();
    bool takes(const route& r) const;
    std::vector<bool> usable(std::optional<std::size_t> but = std::nullopt) const;
    std::size_t batch_of(const route& r) const;
    std::size_t room_at(const route& r) const;
    milliseconds until_room() const;
    void hear(std::size_t i, const send_result& r);
    asio::awaitable<std::vector<send_result>> send_over(std::size_t i, std::vector<sms_copy> messages);
    asio::awaitable<bool> pass_on(std::size_t i, std::vector<receipt> receipts);

    asio::any_io_executor executor_;
    const clock& time_;
    receipt_sink receipts_;
    std::vector<std::unique_ptr<route>> routes_;
    gateway_choice choice_;
    std::deque<std::shared_ptr<wake_up>> waiting_; // for a place
    std::mt19937 random_{std::random_device{}()};
};

} // namespace zhida::gateways
