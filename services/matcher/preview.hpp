// Counts whom a condition would find, shard after shard: by verdict, town, industry and size, and on each
// channel who would get nothing and why. Pure.
#pragma once

#include "matching/tally.hpp"
#include "services/matcher/exclusions.hpp"
#include "services/preview_messages.hpp"

#include <vector>

namespace zhida::matcher {

class preview_tally {
  public:
    // The plan must outlive it.
    preview_tally(const matching::scan_plan& plan, push_reach reach, const std::vector<channel>& channels,
                  std::uint32_t samples);
    void add(int shard, const shard_rows& rows, const shard_exclusions& excluded,
             matching::scan_space& space);
    // Of all that was added; its shards are the caller's to name.
    preview_part result() const;

  private:
    const matching::scan_plan& plan_;
    push_reach reach_;
    std::uint32_t samples_;
    matching::tally tally_;
    std::int64_t audience_ = 0;
    std::vector<channel_preview> channels_;
    std::vector<sampled_subject> sample_;
};

} // namespace zhida::matcher
