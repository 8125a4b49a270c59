// One connection to an SMS gateway: the login, then one reader, one writer and one timekeeper until it ends.
#pragma once

#include "services/gateways/channel.hpp"

#include <memory>
#include <string>

namespace zhida::gateways::wire {

struct session_result {
    session_end why = session_end::network;
    std::string detail;
    milliseconds stood{0}; // how long it was logged in
};

class session {
  public:
    // `changed` is called when the session has logged in.
    session(std::shared_ptr<channel> c, std::function<void()> changed);
    ~session();

    // Until the connection has ended; every part that it held is settled then.
    asio::awaitable<session_result> run();
    bool logged_in() const noexcept;
    std::size_t load() const noexcept; // parts waiting and under way
    std::size_t in_flight() const noexcept;
    std::size_t waiting() const noexcept; // parts not under way
    // Otherwise too many parts wait already.
    bool has_room(std::size_t parts) const noexcept;
    // All parts of one of its messages, in order; each is settled some day.
    void enqueue(const std::shared_ptr<submission>& all, std::uint32_t which);
    // What waits goes back to its senders, what is under way is awaited, then it logs out; by channel.stop_by
    // it ends in any case.
    void stop();

  private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace zhida::gateways::wire
