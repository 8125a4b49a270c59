// The items that stand on one day: those of the newest version of every public policy that has not ended.
// Profiles are judged against them as they change. Pure.
#pragma once

#include "common/model/deadline.hpp"
#include "matching/reverse.hpp"
#include "services/matcher/policy_log.hpp"

#include <cstdint>
#include <vector>

namespace zhida::matcher {

class standing_items {
  public:
    // Of the events before the offset `until`; refers to the log. day: days since 1970-01-01, Asia/Shanghai.
    standing_items(const policy_log& log, std::int64_t until, std::int32_t day);

    struct item {
        const matching::checked_policy* from = nullptr;
        std::size_t number = 0;  // within the policy
        std::int64_t offset = 0; // of the policy's event
        const policy_item& what() const { return from->document.items[number]; }
        const matching::condition& condition() const { return from->conditions[number]; }
    };
    const matching::reverse_index& index(subject_type t) const noexcept { return side(t).index; }
    // By position in the index.
    const item& at(subject_type t, std::size_t position) const {
        return side(t).items[side(t).index.item_at(position)];
    }
    const std::vector<item>& items(subject_type t) const noexcept { return side(t).items; }
    std::int32_t day() const noexcept { return day_; }
    std::int64_t until() const noexcept { return until_; }
    bool empty() const noexcept { return enterprises_.items.empty() && residents_.items.empty(); }

  private:
    struct one_side {
        std::vector<item> items; // as the index counts them
        matching::reverse_index index;
    };
    const one_side& side(subject_type t) const noexcept {
        return t == subject_type::enterprise ? enterprises_ : residents_;
    }
    static one_side make(const std::vector<const policy_event*>& newest, subject_type t, std::int32_t day);
    standing_items(const std::vector<const policy_event*>& newest, std::int64_t until, std::int32_t day);

    std::int32_t day_;
    std::int64_t until_;
    one_side enterprises_, residents_;
};

struct eligible_changes {
    std::vector<const standing_items::item*> newly, no_longer;
    bool empty() const noexcept { return newly.empty() && no_longer.empty(); }
};
struct judged_row {
    subject_type type = subject_type::enterprise;
    attribute_row values;
};
// Memory for comparisons, used again and again.
struct standing_space {
    matching::reverse_index::space space;
    matching::reverse_index::outcome before, after;
};
// What a subject is eligible for now and was not before, and the other way round. before: null where it is
// new.
eligible_changes compare(const standing_items& items, const judged_row* before, const judged_row& after,
                         standing_space& space);

} // namespace zhida::matcher
