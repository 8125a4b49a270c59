// Synthetic enterprises for benchmarks: all attributes of the catalogue, of which a register knows most and a
// grant's application few. Any row can be made again from its number alone, so that ten million need no
// memory.
#pragma once

#include "matching/catalogue.hpp"

#include <cstdint>
#include <vector>

namespace zhida::bench {

class enterprises {
  public:
    // today: dates lie in the four years before. Rows are in the order of their town, as a shard lays them
    // out.
    enterprises(const matching::catalogue& c, std::size_t count, std::int32_t today);

    std::size_t size() const noexcept { return count_; }
    attribute_row operator[](std::size_t row) const;

  private:
    struct column {
        const matching::attribute* of;
        std::uint64_t known; // of 1024 rows
        std::uint64_t terms; // of sets: those that there are
    };
    std::size_t count_;
    std::int32_t today_;
    std::vector<column> columns_;
    std::vector<std::int64_t> towns_, industries_;
};

} // namespace zhida::bench
