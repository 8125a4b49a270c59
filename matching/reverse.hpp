// Which items a profile is eligible for, possible for, or one condition short of: bit vectors over the items
// for each value of each attribute, combined in one pass. The same answers as judge(), which stays the
// definition.
#pragma once

#include "matching/condition.hpp"
#include "matching/kernels.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace zhida::matching {

// Immutable; made anew for other items and for another day.
class reverse_index {
  public:
    // items: conditions of one subject type. today: as for evaluate.
    reverse_index(std::vector<condition> items, std::int32_t today);

    // Bit p of each vector: the item at position p, which is number item_at(p) of the items given.
    struct outcome {
        std::vector<std::uint64_t> eligible, possible;
        std::vector<std::uint64_t> decided; // possible, and open by hand alone
        std::vector<std::uint64_t> one_short;
    };
    // Memory that calls use again and again; one for each thread.
    struct space {
        std::vector<std::uint64_t> words;
        std::vector<const std::uint64_t*> hard, soft, unknown, met, violated;
    };
    void match(const attribute_row& row, space& s, outcome& out, const kernels& with = best_kernels()) const;

    std::size_t items() const noexcept { return conditions_.size(); }
    std::size_t item_at(std::size_t position) const noexcept { return order_[position]; }
    const condition& condition_at(std::size_t position) const noexcept {
        return conditions_[order_[position]];
    }
    std::int32_t today() const noexcept { return today_; }
    std::size_t bytes() const noexcept; // of its vectors

  private:
    using words = std::vector<std::uint64_t>; // one bit an item, or empty for none
    // One top-level condition on one attribute of each item, at most; items with several have several layers.
    struct layer {
        int attribute = 0;
        bool hard = false;
        words missing_fails, missing_unknown; // without a value
        // Ordered values: the range of values that begins at bounds[i] fails who failed in the one before,
        // but for the items in flips[flip_from[i] .. flip_from[i + 1]). Vectors as they are at some of the
        // ranges.
        std::vector<std::int64_t> bounds; // rising; before the first: `kept` 0
        std::vector<std::uint32_t> flip_from, flips;
        struct checkpoint {
            std::uint32_t range = 0; // 0: before bounds[0]; i + 1: from bounds[i]
            words fails;
        };
        std::vector<checkpoint> kept;
        // Sets, by four bits of the value: which items have a wanted and a forbidden term among them. Who has
        // a wanted list and meets none of it fails, and who meets anything forbidden.
        struct four_bits {
            std::array<words, 16> met, violated;
        };
        bool set = false;
        words wanting;
        std::vector<four_bits> parts;
    };
    struct rest { // what no layer holds: judged plainly where the layers leave the item open
        std::uint32_t position = 0;
        bool by_hand = false;
        std::vector<const node*> conditions;
    };
    struct builder;

    void judge_rest(const attribute_row& row, space& s, outcome& out) const;

    std::vector<condition> conditions_;
    std::int32_t today_;
    std::vector<std::size_t> order_; // by position
    std::size_t words_ = 0;          // of each vector, a multiple of 8
    words present_, by_hand_;
    std::vector<layer> layers_;
    std::vector<rest> rest_; // by rising position
};

} // namespace zhida::matching
