#include "services/matcher/audience.hpp"

#include "common/model/deadline.hpp"

#include <algorithm>
#include <bit>

namespace zhida::matcher {

item_plans plans_of(const policy& p, const std::vector<matching::condition>& conditions,
                    const row_layouts& layouts, std::int32_t today) {
    item_plans plans(p.items.size());
    for (std::size_t i = 0; i < p.items.size(); ++i)
        if (stands(p, p.items[i], today))
            plans[i].emplace(conditions[i], layouts.of(p.items[i].subject), today);
    return plans;
}

shard_audience select_audience(const policy& p, const item_plans& plans, const shard_rows& subjects,
                               matching::scan_space& space) {
    shard_audience out;
    for (const auto type : {subject_type::enterprise, subject_type::resident}) {
        const auto& rows = subjects.of(type);
        std::vector<std::uint16_t> reached(rows.rows()); // items, by row
        bool any = false;
        for (std::size_t i = 0; i < p.items.size(); ++i) {
            if (p.items[i].subject != type || !plans[i]) continue;
            std::int64_t eligible = 0, possible = 0, one_short = 0;
            space.scan(*plans[i], rows, [&](const matching::scan_block& b) {
                for (std::size_t w = 0; w < b.words; ++w) {
                    eligible += std::popcount(b.eligible[w]);
                    possible += std::popcount(b.possible[w]);
                    one_short += std::popcount(b.one_short[w]);
                    auto who = b.eligible[w];
                    if (p.reach == push_reach::decided) who |= b.decided[w];
                    if (p.reach == push_reach::possible) who |= b.possible[w];
                    any = any || who != 0;
                    for (; who != 0; who &= who - 1) {
                        auto& items =
                            reached[b.first + w * 64 + static_cast<std::size_t>(std::countr_zero(who))];
                        items = static_cast<std::uint16_t>(items | 1U << i);
                    }
                }
            });
            const auto item = std::to_string(i);
            out.verdicts[item + ":eligible"] = eligible;
            out.verdicts[item + ":possible"] = possible;
            out.verdicts[item + ":one_short"] = one_short;
        }
        if (!any) continue;
        for (std::size_t row = 0; row < reached.size(); ++row)
            if (reached[row] != 0) out.members.push_back({subjects.ordinal_of(type, row), reached[row]});
    }
    std::sort(out.members.begin(), out.members.end(),
              [](const auto& a, const auto& b) { return a.ordinal < b.ordinal; });
    return out;
}

} // namespace zhida::matcher
