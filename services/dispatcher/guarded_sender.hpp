// A sender of one gateway behind the circuit breaker of its gateway account: while the service fails nothing
// is claimed for it, so that nothing uses up its tries.
#pragma once

#include "common/base/clock.hpp"
#include "services/dispatcher/sender.hpp"
#include "services/gateways/circuit.hpp"

#include <memory>
#include <random>

namespace zhida::dispatcher {

class guarded_sender final : public sender {
  public:
    // The clock outlives it.
    guarded_sender(std::unique_ptr<sender> inner, const clock& time, gateways::circuit_limits limits = {})
        : inner_(std::move(inner)), time_(time), circuit_(limits), random_(std::random_device{}()) {}

    asio::awaitable<void> run() override { co_await inner_->run(); }
    void stop() override { inner_->stop(); }
    bool ready() const override { return inner_->ready() && circuit_.ready(time_.steady_now()); }
    asio::awaitable<admission> admit() override;
    std::size_t batches() const override { return inner_->batches(); }
    std::uint32_t resend_within_s(std::string_view address) const override {
        return inner_->resend_within_s(address);
    }
    milliseconds rests_for() const override { return inner_->rests_for(); }
    void heard(std::string_view message_id) override { inner_->heard(message_id); }
    void share(std::size_t mine, std::size_t of) override { inner_->share(mine, of); }
    asio::awaitable<gateways::send_result> send(outgoing message) override;
    asio::awaitable<std::vector<gateways::send_result>> send_all(std::vector<outgoing> messages,
                                                                 admission at) override;
    // With the state "circuit_open" where the circuit is not closed, unless the gateway is stopped.
    std::vector<gateways::gateway_status> statuses() const override;

  private:
    void hear(const gateways::send_result& r);
    std::string name() const;

    std::unique_ptr<sender> inner_;
    const clock& time_;
    gateways::circuit circuit_;
    std::mt19937 random_;
    bool told_open_ = false;
    std::string why_; // the failure that opened it
    wall_time since_{};
};

} // namespace zhida::dispatcher
