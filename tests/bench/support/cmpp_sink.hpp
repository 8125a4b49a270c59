// A CMPP gateway that is only fast: one thread of its own, no faults, no log, nothing allocated per message.
// What a gateway may refuse is tested against services/simulator; this one shows what the client costs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace zhida::bench {

struct cmpp_sink_options {
    std::string source_addr = "900001", secret;
    bool receipts = false;               // a status report DELIVRD for each message ...
    std::int64_t receipt_delay_ms = 200; // ... so long after its SUBMIT_RESP
    bool answers = true;                 // false: after the login nothing is answered any more
    std::size_t expected = 1 << 20;      // messages; more cost a moment to make room
};

struct cmpp_sink_counts {
    std::int64_t logins = 0, refused = 0, submits = 0, repeated = 0; // repeated: same phone, same text
    std::int64_t reports_sent = 0, reports_acked = 0, garbled = 0;
    double cpu_s = 0; // of the sink's thread, brought up to date with every pass of its loop
};

// Listens on a free port of 127.0.0.1 from its construction to its destruction.
class cmpp_sink {
  public:
    explicit cmpp_sink(cmpp_sink_options options);
    ~cmpp_sink();
    std::uint16_t port() const noexcept;
    cmpp_sink_counts counts() const noexcept; // from any thread

  private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace zhida::bench
