// A CMPP gateway (ISMG) that accepts both versions and goes wrong on demand.
#pragma once

#include "common/base/clock.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/inbound_parts.hpp"
#include "services/simulator/message_log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zhida::simulator {

namespace asio = boost::asio;

struct cmpp_account {
    std::string source_addr; // SP_Id, six characters
    std::string secret;
    std::string src_id;       // the number that people answer to
    std::string only_version; // "2.0" | "3.0": a CONNECT of the other gets Status 4, or 5; empty: both
    std::string name;         // of the gateway in our settings
    std::int64_t window = 0;  // as in the options; 0: as there
};

struct cmpp_simulator_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0; // 0: any free one
    std::vector<cmpp_account> accounts;
    std::int64_t window = 16;          // SUBMITs without an answer on one connection; more get Result 8
    std::int64_t max_connections = 64; // of one account; more get Status 5
    milliseconds report_delay{200};    // from the SUBMIT_RESP to the status report
    milliseconds report_again{10000};  // a report without DELIVER_RESP is sent again
    milliseconds keepalive{30000};     // idle time until ACTIVE_TEST
    std::string acks_file;             // ids of messages whose report was confirmed, one a line; empty: none
};

struct cmpp_simulator_stats {
    std::int64_t connections = 0, logins = 0, refused_logins = 0, submits = 0, accepted = 0, rejected = 0;
    std::int64_t window_overruns = 0, dropped_responses = 0, reports_sent = 0, reports_acked = 0;
    std::int64_t reports_waiting = 0, active_tests = 0, terminates = 0, garbled = 0;
    std::int64_t inbound_sent = 0, inbound_acked = 0;
    std::int64_t most_in_flight = 0; // of one connection
};
json to_json(const cmpp_simulator_stats& s);

// The log and the faults outlive it. One thread.
class cmpp_simulator {
  public:
    cmpp_simulator(asio::any_io_executor executor, const clock& time, cmpp_simulator_options options,
                   message_log& log, fault_table& faults);
    ~cmpp_simulator();
    result<void> listen();
    std::uint16_t port() const noexcept;
    asio::awaitable<void> run(); // until stop()
    void stop();

    cmpp_simulator_stats stats() const;
    // Somebody writes to our number; each part is sent again until it is taken. Failure: see inbound_parts.
    result<void> write_back(const inbound_message& m);
    result<void> write_back(std::string phone, std::string text) {
        inbound_message m;
        m.phone = std::move(phone);
        m.text = std::move(text);
        return write_back(m);
    }
    // From now on, as in the options; a window is every account's.
    void limit(std::optional<std::int64_t> window, std::optional<std::int64_t> connections);
    void terminate_all();                 // sends TERMINATE on every connection
    void disconnect_all();                // closes them without a word
    void ask_all();                       // sends ACTIVE_TEST on every connection
    void send_bad(std::string_view name); // sends on every connection what bad_pdu.hpp has by this name

  private:
    struct connection;
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
