// An SMSC that speaks SMPP 3.4 and goes wrong on demand.
#pragma once

#include "common/base/clock.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/inbound_parts.hpp"
#include "services/simulator/message_log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace zhida::simulator {

namespace asio = boost::asio;

struct smpp_account {
    std::string system_id;   // at most 15 characters
    std::string password;    // at most 8: no longer one can be sent
    std::string src_id{};    // the number that people write back to
    std::string name{};      // of the gateway in our settings
    std::int64_t window = 0; // as in the options; 0: as there
};

struct smpp_simulator_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0; // 0: any free one
    std::vector<smpp_account> accounts;
    std::int64_t window = 16;          // submit_sms without an answer on one connection; more get 0x58
    std::int64_t max_connections = 64; // of one account; more get 0x0D
    milliseconds receipt_delay{200};   // from the submit_sm_resp to the receipt
    milliseconds receipt_again{10000}; // a receipt without deliver_sm_resp is sent again
    milliseconds keepalive{30000};     // idle time until enquire_link
    std::string acks_file;             // ids of messages whose receipt was confirmed, one a line; empty: none
};

struct smpp_simulator_stats {
    std::int64_t connections = 0, binds = 0, refused_binds = 0, submits = 0, accepted = 0, rejected = 0;
    std::int64_t window_overruns = 0, dropped_responses = 0, receipts_sent = 0, receipts_acked = 0;
    std::int64_t receipts_waiting = 0, enquire_links = 0, unbinds = 0, garbled = 0;
    std::int64_t inbound_sent = 0, inbound_acked = 0;
    std::int64_t most_in_flight = 0; // of one connection
};
json to_json(const smpp_simulator_stats& s);

// The log and the faults outlive it. One thread.
class smpp_simulator {
  public:
    smpp_simulator(asio::any_io_executor executor, const clock& time, smpp_simulator_options options,
                   message_log& log, fault_table& faults);
    ~smpp_simulator();
    result<void> listen();
    std::uint16_t port() const noexcept;
    asio::awaitable<void> run(); // until stop()
    void stop();

    smpp_simulator_stats stats() const;
    // Somebody writes to our number; sent again until it is taken. Of more than one part: in message_payload,
    // always UCS2. Failure invalid: no number, no text, no such account, or what only parts could have:
    // formats, ref, wide_ref, order.
    result<void> write_back(const inbound_message& m);
    result<void> write_back(std::string phone, std::string text) {
        inbound_message m;
        m.phone = std::move(phone);
        m.text = std::move(text);
        return write_back(m);
    }
    void unbind_all();                    // sends unbind on every bound connection
    void disconnect_all();                // closes them without a word
    void ask_all();                       // sends enquire_link on every bound connection
    void send_bad(std::string_view name); // sends on every bound connection what bad_pdu.hpp has by this name

  private:
    struct connection;
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::simulator
