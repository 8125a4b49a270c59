// Profiles on their way into zhida.profile.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/event_log.hpp"
#include "common/model/profile.hpp"
#include "matching/catalogue.hpp"

namespace zhida::profiles {

// A CloudEvent in binary mode, keyed by the subject, in the partition that is its shard. Contacts go in
// sealed.
io::log_message profile_message(const profile& p, const matching::catalogue& c, const crypto::sealer& sealer,
                                int shards, wall_time now);

} // namespace zhida::profiles
