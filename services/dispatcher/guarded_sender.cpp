#include "services/dispatcher/guarded_sender.hpp"

#include "common/base/log.hpp"

namespace zhida::dispatcher {

using gateways::circuit;

asio::awaitable<gateways::send_result> guarded_sender::send(outgoing message) {
    auto r = co_await inner_->send(std::move(message));
    hear(r);
    co_return r;
}

asio::awaitable<std::vector<gateways::send_result>> guarded_sender::send_all(std::vector<outgoing> messages,
                                                                             admission at) {
    auto results = co_await inner_->send_all(std::move(messages), std::move(at));
    for (const auto& r : results) hear(r);
    co_return results;
}

void guarded_sender::hear(const gateways::send_result& r) {
    const auto now = time_.steady_now();
    circuit_.hear(gateways::sign_of(r), now, std::uniform_real_distribution<>(0, 1)(random_));
    const bool open = circuit_.at(now) != circuit::state::closed;
    if (open == told_open_) return;
    told_open_ = open;
    since_ = time_.now();
    why_ = open ? r.code + (r.code.empty() || r.detail.empty() ? "" : " ") + r.detail : "";
    if (open)
        log::warn("gateway_circuit_open",
                  {{"gateway", name()}, {"why", why_}, {"next_try_ms", circuit_.remaining(now).count()}});
    else
        log::info("gateway_circuit_closed", {{"gateway", name()}});
}

asio::awaitable<admission> guarded_sender::admit() {
    auto at = co_await inner_->admit();
    at.room = inner_->ready() ? circuit_.grant(at.room, time_.steady_now()) : 0;
    co_return at;
}

std::string guarded_sender::name() const {
    return inner_->statuses().front().name;
}

std::vector<gateways::gateway_status> guarded_sender::statuses() const {
    auto all = inner_->statuses();
    auto& s = all.front();
    const auto now = time_.steady_now();
    switch (circuit_.at(now)) {
    case circuit::state::closed:
        return all;
    case circuit::state::open:
        s.circuit = "open";
        break;
    case circuit::state::half_open:
        s.circuit = "half_open";
        break;
    }
    if (s.state == "stopped") return all;
    s.state = "circuit_open";
    s.detail = why_;
    s.since_ms = since_.time_since_epoch().count();
    return all;
}

} // namespace zhida::dispatcher
