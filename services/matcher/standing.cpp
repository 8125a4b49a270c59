#include "services/matcher/standing.hpp"

#include <bit>

namespace zhida::matcher {

standing_items::one_side standing_items::make(const std::vector<const policy_event*>& newest, subject_type t,
                                              std::int32_t day) {
    std::vector<item> items;
    std::vector<matching::condition> conditions;
    for (const auto* e : newest) {
        const auto& p = e->checked->document;
        for (std::size_t i = 0; i < p.items.size(); ++i) {
            if (p.items[i].subject != t || !stands(p, p.items[i], day)) continue;
            items.push_back({&*e->checked, i, e->record.offset});
            conditions.push_back(e->checked->conditions[i]);
        }
    }
    return {std::move(items), matching::reverse_index(std::move(conditions), day)};
}

standing_items::standing_items(const policy_log& log, std::int64_t until, std::int32_t day)
    : standing_items(log.newest(until), until, day) {}

standing_items::standing_items(const std::vector<const policy_event*>& newest, std::int64_t until,
                               std::int32_t day)
    : day_(day), until_(until), enterprises_(make(newest, subject_type::enterprise, day)),
      residents_(make(newest, subject_type::resident, day)) {}

eligible_changes compare(const standing_items& items, const judged_row* before, const judged_row& after,
                         standing_space& space) {
    eligible_changes out;
    const auto each = [](const std::vector<std::uint64_t>& mask, std::size_t w, std::uint64_t but,
                         const auto& take) {
        for (auto left = mask[w] & ~but; left != 0; left &= left - 1)
            take(w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    };
    if (before && before->type == after.type && before->values == after.values) return out;
    items.index(after.type).match(after.values, space.space, space.after);
    const auto newly = [&](std::size_t p) { out.newly.push_back(&items.at(after.type, p)); };
    if (!before) {
        for (std::size_t w = 0; w < space.after.eligible.size(); ++w) each(space.after.eligible, w, 0, newly);
        return out;
    }
    items.index(before->type).match(before->values, space.space, space.before);
    const bool same = before->type == after.type; // else the items have nothing in common
    const auto no_longer = [&](std::size_t p) { out.no_longer.push_back(&items.at(before->type, p)); };
    for (std::size_t w = 0; w < space.after.eligible.size(); ++w)
        each(space.after.eligible, w, same ? space.before.eligible[w] : 0, newly);
    for (std::size_t w = 0; w < space.before.eligible.size(); ++w)
        each(space.before.eligible, w, same ? space.after.eligible[w] : 0, no_longer);
    return out;
}

} // namespace zhida::matcher
