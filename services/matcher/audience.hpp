// Who a policy is for, of one shard: pure.
#pragma once

#include "common/model/policy.hpp"
#include "common/store/ledger.hpp"
#include "matching/scan.hpp"
#include "services/matcher/shard_rows.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zhida::matcher {

struct shard_audience {
    std::vector<store::audience_member> members;  // by rising ordinal
    std::map<std::string, std::int64_t> verdicts; // "<item index>:eligible|possible|one_short" -> subjects
};

// A policy's conditions, made ready for the columns of every shard on one day; nothing for an item that does
// not stand on that day. today: days since 1970-01-01, Asia/Shanghai.
using item_plans = std::vector<std::optional<matching::scan_plan>>;
item_plans plans_of(const policy& p, const std::vector<matching::condition>& conditions,
                    const row_layouts& layouts, std::int32_t today);

shard_audience select_audience(const policy& p, const item_plans& plans, const shard_rows& subjects,
                               matching::scan_space& space);

} // namespace zhida::matcher
