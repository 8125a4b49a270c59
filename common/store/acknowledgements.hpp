// Numbers that opted out by SMS and shall be told once that it was heard. Numbers lie sealed.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/redis.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace zhida::store {

namespace asio = boost::asio;

struct acknowledgement {
    std::string phone;
    std::string gateway; // that heard it
    wall_time asked{};
};

class acknowledgements {
  public:
    // Once in so long, whatever the number writes.
    static constexpr std::chrono::hours once_in{24 * 30};

    acknowledgements(io::redis& r, const crypto::sealer& sealer) : redis_(r), sealer_(sealer) {}
    // digest: of the number, as store::number_digests. False: it was told not long ago.
    asio::awaitable<result<bool>> ask(std::string digest, acknowledgement about);
    // The one that waits longest: nobody else gets it. Failure invalid: it was one that cannot be read.
    asio::awaitable<result<std::optional<acknowledgement>>> take();
    // One that was taken and surely not sent.
    asio::awaitable<result<void>> put_back(acknowledgement about);

  private:
    std::string sealed(const acknowledgement& about) const;

    io::redis& redis_;
    const crypto::sealer& sealer_;
};

} // namespace zhida::store
