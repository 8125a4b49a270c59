// Lays a shard's rows out by region again, a slice at a time: what came and went since the last time has
// loosened the order that lets scans pass over blocks. Pure.
#pragma once

#include "services/matcher/shard_rows.hpp"

#include <cstdint>
#include <vector>

namespace zhida::matcher {

// The shard may be written in between, as long as each ordinal that was is named by changed().
class shard_compaction {
  public:
    shard_compaction(const row_layouts& layouts, const shard_rows& from); // `from` must stay where it is
    // Copies about so many rows; 2,000 take some milliseconds. True when nothing is left to copy.
    bool step(std::size_t rows);
    void changed(std::uint32_t ordinal) { changed_.push_back(ordinal); }
    // What is left (changes since the last step), and the rows: they take the place of `from`.
    shard_rows finish();

  private:
    void copy(shard_rows::place from);

    const shard_rows* from_;
    shard_rows made_;
    std::vector<shard_rows::place> order_; // as they were when it began
    std::size_t next_ = 0;
    std::vector<std::uint32_t> changed_;
};

} // namespace zhida::matcher
