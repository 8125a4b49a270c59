// The circuit breaker of one gateway account: when its service fails again and again nothing more is sent to
// it for a while, then one message tries whether it is back. Pure: time and chance are passed in.
#pragma once

#include "services/gateways/gateway.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace zhida::gateways {

// What the end of one message says of the account, whatever it says of the recipient.
enum class service_sign : std::uint8_t {
    serves,  // the gateway looked at the message and answered: it took it, or refuses this one for good
    ails,    // no connection, no answer, no token, an answer of a broken service
    nothing, // it was not asked, or asked us to slow down, or has stopped us by name (channel_stop)
};
service_sign sign_of(const send_result& r) noexcept;

struct circuit_limits {
    int in_a_row = 5;                   // failures one after another open it,
    int window = 20, failures = 10;     // or so many of the last `window` answers (at most 64)
    milliseconds shortest{1000};        // it stays open, doubling each time
    milliseconds longest{300'000};      //
    milliseconds answer_within{30'000}; // for the message that tries; then another one may
    int proven = 20;                    // answers in a row after which the next failure is the first again
};

class circuit {
  public:
    enum class state : std::uint8_t { closed, open, half_open };

    explicit circuit(circuit_limits limits = {}) : limits_(limits) {}

    state at(steady_time now) const noexcept;
    // grant() would give something.
    bool ready(steady_time now) const noexcept;
    // How many of `wanted` messages may be sent now: all, none, or the one that tries.
    std::size_t grant(std::size_t wanted, steady_time now) noexcept;
    // What was granted is not sent after all.
    void give_back() noexcept { granted_.reset(); }
    // The end of a message. `uniform` in [0, 1). What was under way when the circuit opened changes nothing
    // while it is open.
    void hear(service_sign s, steady_time now, double uniform) noexcept;
    // Until a message may try; 0 where it is not open.
    milliseconds remaining(steady_time now) const noexcept;

  private:
    void open(steady_time now, double uniform) noexcept;

    circuit_limits limits_;
    bool closed_ = true;
    steady_time until_{};                // where it is not closed
    std::optional<steady_time> granted_; // when the message that tries was let through
    int failed_in_a_row_ = 0, served_in_a_row_ = 0, openings_ = 0;
    std::uint64_t last_ = 0; // of the last answers, a bit each: it failed
};

} // namespace zhida::gateways
