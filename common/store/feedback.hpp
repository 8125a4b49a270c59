// What people wrote back, by department: the newest of each. Numbers and texts lie sealed.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace zhida::store {

namespace asio = boost::asio;

inline constexpr std::size_t most_feedback = 10'000; // of a department; older ones go

struct feedback_message {
    std::string department; // "": it is not known whose it is
    std::string gateway;
    std::string to; // our number, or its extension
    std::string phone, text;
    wall_time at{};          // as the gateway says
    std::string id;          // as in gateways::inbound_sms
    std::int64_t number = 0; // its own, rising: about the milliseconds since 1970 when it was kept
};

struct feedback_page {
    std::vector<feedback_message> messages; // newest first, without `id`
    std::int64_t before = 0;                // of the next page; 0: there is none
};

class feedback {
  public:
    feedback(io::redis& r, const crypto::sealer& sealer) : redis_(r), sealer_(sealer) {}
    // False: it was there already (the gateway sent it again). A message without an id is taken for the same
    // for ten minutes.
    asio::awaitable<result<bool>> add(feedback_message message, wall_time now);
    // Departments that have some, "" among them.
    asio::awaitable<result<std::vector<std::string>>> departments();
    // Of these departments together, with a number below `before` (0: from the newest).
    asio::awaitable<result<feedback_page>> list(std::vector<std::string> departments, std::size_t limit,
                                                std::int64_t before = 0);
    // Gives one that belongs to nobody to a department. False: there is none of that number, any more.
    asio::awaitable<result<bool>> assign(std::int64_t number, std::string department);

  private:
    io::redis& redis_;
    const crypto::sealer& sealer_;
};

} // namespace zhida::store
