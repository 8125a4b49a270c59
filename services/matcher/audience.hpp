// Who a policy is for, of one shard: pure.
#pragma once

#include "common/model/policy.hpp"
#include "common/store/ledger.hpp"
#include "matching/condition.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace zhida::matcher {

struct shard_member {
    std::string id;
    std::string packed; // as stored, contacts sealed
};

struct shard_audience {
    std::vector<store::audience_member> members;  // by rising ordinal
    std::map<std::string, std::int64_t> verdicts; // "<item index>:eligible|possible|one_short" -> subjects
    std::int64_t unreadable = 0; // stored profiles that could not be read: counted, never matched
};

// subjects[i] has ordinal i. today: days since 1970-01-01, Asia/Shanghai.
shard_audience select_audience(const policy& p, const std::vector<matching::condition>& conditions,
                               const std::vector<shard_member>& subjects, std::int32_t today);

} // namespace zhida::matcher
