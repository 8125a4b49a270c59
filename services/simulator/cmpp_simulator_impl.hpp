// What the CMPP simulator is made of: connections, requests, and what is delivered. For its own files alone.
#pragma once

#include "services/gateways/cmpp_policies.hpp"
#include "services/simulator/cmpp_simulator.hpp"
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

struct connection {
    connection(asio::ip::tcp::socket s, asio::any_io_executor ex, const clock& time)
        : socket(std::move(s)), wake(ex), alive(milliseconds(0), milliseconds(0), time.steady_now()) {}
    asio::ip::tcp::socket socket;
    gateways::wake_up wake; // the writer's
    std::deque<std::string> out;
    cmpp::frame_splitter splitter;
    cmpp::keepalive alive;
    cmpp::version layout = cmpp::version::v30;
    std::string account; // empty: not logged in
    std::uint32_t sequence = 1;
    std::int64_t in_flight = 0;
    std::map<std::uint32_t, pending_deliver> unconfirmed; // by our Sequence_Id
    std::deque<std::function<void()>> held;               // answers that wait until another was given
    std::string writes, active_test;                      // as in fault_rule
    bool black_hole = false, closing = false;
    bool cut = false; // close without writing what waits

    void close(bool at_once);
};
using connection_ptr = std::shared_ptr<connection>;

// Without +86 or 86.
std::string short_phone(std::string_view phone);

struct cmpp_simulator::impl : std::enable_shared_from_this<cmpp_simulator::impl> {
    impl(asio::any_io_executor ex, const clock& c, cmpp_simulator_options o, message_log& l, fault_table& f)
        : executor(ex), time(c), options(std::move(o)), log(l), faults(f), acceptor(ex), later(ex, c),
          ended(ex), random(std::random_device{}()), gateway_id(random() & 0x3FFFFF) {}

    asio::any_io_executor executor;
    const clock& time;
    cmpp_simulator_options options;
    message_log& log;
    fault_table& faults;
    asio::ip::tcp::acceptor acceptor;
    schedule later;
    gateways::wake_up ended;
    std::mt19937 random;
    std::uint64_t gateway_id, last_id = 0; // of a message taken
    std::uint16_t id_counter = 0;
    std::uint8_t inbound_ref = 0;
    std::uint16_t port = 0;
    bool stopping = false;
    std::size_t running = 0; // connections whose coroutine runs
    std::set<connection_ptr> connections;
    std::deque<pending_deliver> homeless;     // without a connection to send them on
    std::deque<pending_deliver> held_reports; // that wait for another
    std::ofstream acks;
    cmpp_simulator_stats stats;

    // cmpp_simulator.cpp: connections
    result<void> listen();
    static asio::awaitable<void> accept_all(std::shared_ptr<impl> self);
    static asio::awaitable<void> serve(std::shared_ptr<impl> self, connection_ptr c);
    static asio::awaitable<void> read_all(std::shared_ptr<impl> self, connection_ptr c);
    static asio::awaitable<void> write_all(std::shared_ptr<impl> self, connection_ptr c);
    static asio::awaitable<void> keep_time(std::shared_ptr<impl> self, connection_ptr c);
    void put(const connection_ptr& c, const cmpp::pdu& p) { put_bytes(c, cmpp::encode(p).value()); }
    void put_bytes(const connection_ptr& c, std::string bytes);
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
