// The way into zhida.policy, and the topics that an installation has.
#pragma once

#include "common/base/clock.hpp"
#include "common/io/event_log.hpp"
#include "common/model/policy.hpp"

#include <vector>

namespace zhida {

std::vector<io::topic_spec> all_topics(std::int32_t shards);

// A checked policy document as the event that publishes it. Its id is the policy's id and version, so that
// publishing the same again is seen to be a repetition.
io::log_message policy_message(const policy& p, const json& document, wall_time now);

} // namespace zhida
