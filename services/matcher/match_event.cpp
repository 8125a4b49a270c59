#include "services/matcher/match_event.hpp"

#include "common/base/clock.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "matching/crossing.hpp"

#include <map>

namespace zhida::matcher {

io::log_message match_event(const std::string& subject, const match_cause& why, const eligible_changes& what,
                            const std::string& now) {
    const bool by_profile = why.profile_offset >= 0;
    const auto list = [](const std::vector<const standing_items::item*>& items) {
        json out = json::array();
        for (const auto* i : items) {
            const auto& p = i->from->document;
            out.push_back({{"policy", p.id}, {"version", p.version}, {"item", i->what().id}});
        }
        return out;
    };
    cloud_event e;
    e.id = std::to_string(why.shard) + "/" +
           (by_profile ? std::to_string(why.profile_offset) : format_date(why.day) + "/" + subject);
    e.source = "/zhida/matcher";
    e.type = event_type::match_changed;
    e.subject = subject;
    e.time = now;
    e.data = {{"subject", subject},
              {"cause", by_profile ? "profile" : "day"},
              {"day", format_date(why.day)},
              {"newly", list(what.newly)},
              {"no_longer", list(what.no_longer)}};
    if (by_profile) e.data["profile_offset"] = why.profile_offset;
    auto encoded = encode_event(e);
    return {topics::match, why.shard, subject, std::move(encoded.value), encoded.headers};
}

std::vector<day_changes> compare_days(const standing_items& items, const shard_rows& rows,
                                      std::int32_t from) {
    std::map<std::uint32_t, eligible_changes> found;
    for (const auto type : {subject_type::enterprise, subject_type::resident})
        for (const auto& item : items.items(type)) {
            const auto& c = item.condition();
            const auto& table = rows.of(type);
            for (const auto row : matching::rows_that_cross(c, table, from, items.day())) {
                const auto values = table.get(row);
                const bool before = matching::judge(c, values, from).outcome == matching::verdict::eligible;
                const bool after =
                    matching::judge(c, values, items.day()).outcome == matching::verdict::eligible;
                if (before == after) continue;
                auto& change = found[rows.ordinal_of(type, row)];
                (after ? change.newly : change.no_longer).push_back(&item);
            }
        }
    std::vector<day_changes> out;
    out.reserve(found.size());
    for (auto& [ordinal, what] : found) out.push_back({ordinal, std::move(what)});
    return out;
}

} // namespace zhida::matcher
