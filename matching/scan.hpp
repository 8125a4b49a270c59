// Judges one condition for every row of a shard's columns, a block at a time: the same answers as judge(),
// which stays the definition.
#pragma once

#include "matching/columns.hpp"
#include "matching/condition.hpp"
#include "matching/kernels.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace zhida::matching {

// A condition made ready for columns of one layout, on one day. Immutable.
class scan_plan {
  public:
    // today: as for evaluate.
    scan_plan(const condition& c, std::shared_ptr<const column_layout> layout, std::int32_t today);

    struct interval {
        std::uint32_t low = 0, span = 0; // of held numbers
    };
    struct step {
        enum class kind : std::uint8_t {
            all,
            any,
            within,
            overlaps,
            contains,
            contained,
            same,
            flag,
            missing,
            open_by_hand
        } what = kind::all;
        bool negated = false; // of leaves: the answer is turned over, unknown stays
        bool hard = false;    // of top-level conditions
        column_layout::column column{};
        std::vector<interval> intervals; // within: any of them
        std::uint64_t mask = 0;          // of sets; of flags: bit 0 no fits, bit 1 yes fits
        std::vector<step> steps;
        int cost = 0; // what a row of it reads, in bits; cheap ones go first
    };
    // The conditions that are all asked for, hard ones first.
    const std::vector<step>& top() const noexcept { return top_; }
    bool by_hand() const noexcept { return condition_.has_manual(); }
    int depth() const noexcept { return depth_; } // of the deepest step; 2: no groups below the top
    const condition& whole() const noexcept { return condition_; }
    const column_layout& layout() const noexcept { return *layout_; }
    std::int32_t today() const noexcept { return today_; }

  private:
    step make(const node& n, bool negated);

    condition condition_;
    std::shared_ptr<const column_layout> layout_;
    std::int32_t today_;
    std::vector<step> top_;
    int depth_ = 1;
};

// Of one block: bit i of each mask is row first + i.
struct scan_block {
    std::size_t first = 0, words = 0;
    const std::uint64_t *eligible = nullptr, *possible = nullptr;
    const std::uint64_t* decided = nullptr; // possible, and open by hand alone (judgement::only_manual_open)
    const std::uint64_t* one_short = nullptr;
};

// Memory that scans use again and again; one for each thread.
class scan_space {
  public:
    explicit scan_space(const kernels& k = best_kernels()) : kernels_(k) {}
    // Calls for each block in which anybody is eligible, possible or one short, by rising rows.
    // missing: by attribute number, grows by the possible rows that missing_for() names it for; null: not
    // asked, which saves a second look at the blocks where anybody is possible.
    using missing_counts = std::array<std::int64_t, max_attributes>;
    void scan(const scan_plan& plan, const columns& rows, const std::function<void(const scan_block&)>& each,
              missing_counts* missing = nullptr);

  private:
    friend struct scan_run;
    const kernels& kernels_;
    std::vector<std::uint64_t> memory_;
    std::map<int, std::vector<std::uint64_t>> missing_; // by attribute, of the block at hand
};

} // namespace zhida::matching
