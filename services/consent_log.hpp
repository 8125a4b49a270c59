// What people said about being sent to, kept so that nothing loses it: first in zhida.consent, then in force
// in Redis, and only then acknowledged. A Redis that lost its last seconds has it again from the log. The
// last one in the order of the log holds.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/store/consents.hpp"

namespace zhida {

namespace asio = boost::asio;

class consent_log {
  public:
    // References must outlive it.
    consent_log(io::event_log& log, store::consents& consents, const clock& time, int shards)
        : log_(log), consents_(consents), time_(time), shards_(shards) {}

    // Success: it is durable and in force, of a number in every shard. Failure: it may be in force, or come
    // into force later; saying it again does no harm.
    asio::awaitable<result<void>> record(consent_change change);
    // Applies what the log has and the shard's Redis has not. Gives how many records that were.
    asio::awaitable<result<std::int64_t>> replay(int shard);

  private:
    asio::awaitable<result<void>> make_sure(int shard, std::int64_t offset, store::applied_change outcome);

    io::event_log& log_;
    store::consents& consents_;
    const clock& time_;
    int shards_;
};

} // namespace zhida
