// What zhida.match says of a subject: for which items it became eligible, and for which it is not any more.
// The same change has the same event id however often it is written.
#pragma once

#include "common/io/event_log.hpp"
#include "services/matcher/shard_rows.hpp"
#include "services/matcher/standing.hpp"

#include <string>

namespace zhida::matcher {

struct match_cause {
    int shard = 0;
    std::int64_t profile_offset = -1; // of the event that changed the profile; -1: the day changed
    std::int32_t day = 0;             // on which it was judged
};

// The time is `now`; the rest depends on the other arguments alone.
io::log_message match_event(const std::string& subject, const match_cause& why, const eligible_changes& what,
                            const std::string& now);

// Whom a change of the day makes eligible or not, of one shard.
struct day_changes {
    std::uint32_t ordinal = 0;
    eligible_changes what;
};
// items: those of the later day.
std::vector<day_changes> compare_days(const standing_items& items, const shard_rows& rows, std::int32_t from);

} // namespace zhida::matcher
