// The ways into zhida.policy and zhida.profile, and the topics that an installation has.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/io/event_log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/policy.hpp"
#include "common/store/policies.hpp"
#include "matching/catalogue.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zhida {

// in_redis: the log is in the same Redis as the ledger.
std::vector<io::topic_spec> all_topics(std::int32_t shards, bool in_redis = true);

// What becomes of a checked document whose id is taken: true where it is the same again, which need not be
// published; conflict: its version is taken.
result<bool> repeats(const store::stored_policy& stored, const policy& p, const json& document);

// A checked policy document as the event that publishes it. Its id is the policy's id and version, so that
// publishing the same again is seen to be a repetition.
// by: who publishes it, who then may not approve its campaign; empty: the issuer.
io::log_message policy_message(const policy& p, const json& document, wall_time now,
                               std::string_view by = "");
std::string publisher_of(const cloud_event& e); // as it was given; empty: nobody said

// A profile as the event that upserts it, contacts sealed, on the partition that is its shard.
io::log_message profile_message(const profile& p, const matching::catalogue& c, const crypto::sealer& sealer,
                                int shards, wall_time now);

} // namespace zhida
