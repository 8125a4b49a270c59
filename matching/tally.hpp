// Counts of whom a condition finds, from the masks of a scan: by town, by industry section and by size.
#pragma once

#include "matching/scan.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace zhida::matching {

struct verdict_counts {
    std::int64_t eligible = 0;
    std::int64_t possible = 0;
    std::int64_t decided = 0; // of the possible: open by hand alone
    std::int64_t one_short = 0;
    verdict_counts& operator+=(const verdict_counts& o) noexcept;
    bool operator==(const verdict_counts&) const = default;
};

// Keys are codes: of a town (or of the district or city, where no more is known), of a section of GB/T 4754,
// of a size class (大型 中型 小型 微型); "" where nothing is known. Of residents, only towns.
struct breakdown {
    verdict_counts all;
    std::map<std::string, verdict_counts> towns, sections, sizes;
    std::map<std::string, std::int64_t> missing; // attribute's name -> possible subjects for want of it
    breakdown& operator+=(const breakdown& o);
    bool operator==(const breakdown&) const = default;
};

// Adds up blocks of scans over columns of one layout.
class tally {
  public:
    explicit tally(const column_layout& layout);
    void add(const scan_block& b, const columns& rows);
    scan_space::missing_counts missing{}; // for scan_space::scan to fill
    breakdown result() const;

  private:
    struct dimension {
        const column_layout::column* of = nullptr; // null: the layout has none
        std::vector<verdict_counts> counts;        // by held number; the last: nothing held
    };
    void count(dimension& d, const scan_block& b, const columns& rows) const;

    const column_layout& layout_;
    verdict_counts all_;
    dimension town_, section_, size_;
};

// The attribute by which subjects of this type lie in towns; null where the catalogue has none.
const column_layout::column* town_column(const column_layout& layout);

} // namespace zhida::matching
