// What the CMPP simulator is made of: connections, requests, and what is delivered. For its own files alone.
#pragma once

#include "services/gateways/session_policies.hpp"
#include "services/simulator/cmpp_simulator.hpp"
#include "services/simulator/numbers.hpp"
#include "services/simulator/pdu_server.hpp"
#include "services/simulator/schedule.hpp"

#include "services/gateways/cmpp_codec.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>

namespace zhida::simulator {

namespace cmpp = gateways::cmpp;

// A status report on its way to the account that submitted the message, or a part of what somebody wrote.
struct pending_deliver {
    std::string account;
    std::string Dest_Id, Service_Id;
    cmpp::status_report report;  // its Dest_terminal_Id is also who wrote
    std::string form = "normal"; // as fault_rule::report
    bool written = false;        // by somebody: `part` instead of `report`
    inbound_part part;
    int tries = 0;
    steady_time sent_at{};
};

struct cmpp_simulator::connection : pdu_connection, std::enable_shared_from_this<connection> {
    connection(asio::ip::tcp::socket s, std::shared_ptr<impl> of);
    void received(std::string_view bytes) override;
    std::optional<milliseconds> tick() override;
    void ended() override;

    std::shared_ptr<impl> gateway;
    cmpp::frame_splitter splitter;
    gateways::wire::keepalive alive;
    cmpp::version layout = cmpp::version::v30;
    std::string account; // empty: not logged in
    std::uint32_t sequence = 1;
    std::int64_t in_flight = 0;
    std::map<std::uint32_t, pending_deliver> unconfirmed; // by our Sequence_Id
    std::deque<std::function<void()>> held;               // answers that wait until another was given
    std::string active_test;                              // as in fault_rule
};

struct cmpp_simulator::impl : std::enable_shared_from_this<cmpp_simulator::impl> {
    using connection_ptr = std::shared_ptr<connection>;

    impl(asio::any_io_executor ex, const clock& c, cmpp_simulator_options o, message_log& l, fault_table& f)
        : executor(ex), time(c), options(std::move(o)), log(l), faults(f),
          server(ex, c, [this](asio::ip::tcp::socket s) { return accepted(std::move(s)); }), later(ex, c),
          random(std::random_device{}()), gateway_id(random() & 0x3FFFFF) {}

    asio::any_io_executor executor;
    const clock& time;
    cmpp_simulator_options options;
    message_log& log;
    fault_table& faults;
    pdu_server server;
    schedule later;
    std::mt19937 random;
    std::uint64_t gateway_id, last_id = 0; // of a message taken
    std::uint16_t id_counter = 0;
    std::uint8_t inbound_ref = 0;
    std::set<connection_ptr> connections;
    std::deque<pending_deliver> homeless;     // without a connection to send them on
    std::deque<pending_deliver> held_reports; // that wait for another
    std::ofstream acks;
    cmpp_simulator_stats stats;

    // cmpp_simulator.cpp: connections
    result<void> listen();
    pdu_server::connection_ptr accepted(asio::ip::tcp::socket socket);
    void put(const connection_ptr& c, const cmpp::pdu& p) { c->put(cmpp::encode(p).value()); }
    // From 0 to `jitter`.
    std::int64_t spread(std::int64_t jitter);
    const cmpp_account* find_account(std::string_view source_addr) const;

    // cmpp_simulator_requests.cpp: what is asked
    void handle(const connection_ptr& c, const cmpp::pdu& p);
    void login(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::connect& r);
    std::uint32_t login_status(const cmpp::connect& r, const std::string& only_version) const;
    void submit(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::submit& s);
    std::uint32_t judge(const connection_ptr& c, const cmpp::submit& s) const;
    void answer(const connection_ptr& c, std::uint32_t Sequence_Id, const cmpp::submit_resp& r,
                milliseconds delay, const fault_rule& fault);
    static void release(const connection_ptr& c);
    result<void> record(const cmpp::submit& s, std::uint64_t id);
    std::uint64_t next_id();

    // cmpp_simulator_delivers.cpp: status reports, and what people write
    result<void> restore();
    void report_later(const connection_ptr& c, const cmpp::submit& s, std::uint64_t id,
                      const fault_rule& fault, milliseconds response_delay);
    void send_report(const std::weak_ptr<connection>& wanted, pending_deliver d);
    void send(const std::weak_ptr<connection>& wanted, pending_deliver d);
    void confirmed(const connection_ptr& c, std::uint32_t Sequence_Id, std::uint32_t Result);
    void send_unconfirmed(const connection_ptr& c);
    void send_homeless(const std::string& account);
};

} // namespace zhida::simulator
