#include "services/matcher/audience.hpp"

namespace zhida::matcher {

namespace {

bool reached(const matching::judgement& j, push_reach reach) {
    switch (reach) {
    case push_reach::eligible:
        return j.outcome == matching::verdict::eligible;
    case push_reach::decided:
        return j.outcome == matching::verdict::eligible || j.only_manual_open;
    case push_reach::possible:
        return j.outcome != matching::verdict::ineligible;
    }
    return false;
}

} // namespace

shard_audience select_audience(const policy& p, const std::vector<matching::condition>& conditions,
                               const std::vector<shard_member>& subjects, std::int32_t today) {
    struct counts {
        std::int64_t eligible = 0, possible = 0, one_short = 0;
    };
    std::vector<counts> per_item(p.items.size());
    shard_audience out;
    for (std::uint32_t ordinal = 0; ordinal < subjects.size(); ++ordinal) {
        const auto unpacked = unpack_profile(subjects[ordinal].packed);
        if (!unpacked) {
            ++out.unreadable;
            continue;
        }
        store::audience_member member{ordinal, 0};
        for (std::size_t i = 0; i < p.items.size(); ++i) {
            if (p.items[i].subject != unpacked->subject.type) continue;
            const auto j = matching::judge(conditions[i], unpacked->subject.attributes, today);
            auto& c = per_item[i];
            if (j.outcome == matching::verdict::eligible) ++c.eligible;
            if (j.outcome == matching::verdict::possible) ++c.possible;
            if (j.one_short) ++c.one_short;
            if (reached(j, p.reach)) member.items = static_cast<std::uint16_t>(member.items | 1U << i);
        }
        if (member.items != 0) out.members.push_back(member);
    }
    for (std::size_t i = 0; i < per_item.size(); ++i) {
        const auto item = std::to_string(i);
        out.verdicts[item + ":eligible"] = per_item[i].eligible;
        out.verdicts[item + ":possible"] = per_item[i].possible;
        out.verdicts[item + ":one_short"] = per_item[i].one_short;
    }
    return out;
}

} // namespace zhida::matcher
