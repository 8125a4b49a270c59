#include "services/matcher/preview.hpp"

#include <bit>

namespace zhida::matcher {

preview_tally::preview_tally(const matching::scan_plan& plan, push_reach reach,
                             const std::vector<channel>& channels, std::uint32_t samples)
    : plan_(plan), reach_(reach), samples_(samples), tally_(plan.layout()) {
    for (const auto via : channels) channels_.push_back({via});
}

namespace {

// Of 64 rows: the first reason counts.
void count(channel_preview& c, std::uint64_t who, std::size_t word, const shard_exclusions::by_row& excluded,
           const std::vector<std::uint64_t>& phones, const std::vector<std::uint64_t>& openids) {
    const auto take = [&who](std::int64_t& counted, std::uint64_t these) {
        counted += std::popcount(who & these);
        who &= ~these;
    };
    if (c.via != channel::web) {
        const bool wechat = c.via == channel::wechat;
        take(c.opted_out, word_at(excluded.opted_out, word));
        take(c.no_contact, ~word_at(wechat ? openids : phones, word));
        if (wechat) take(c.no_grant, word_at(excluded.no_grant, word));
        take(c.capped, word_at(wechat ? excluded.capped_wechat : excluded.capped_sms, word));
    }
    c.reachable += std::popcount(who);
}

} // namespace

void preview_tally::add(int shard, const shard_rows& rows, const shard_exclusions& excluded,
                        matching::scan_space& space) {
    const auto type = plan_.layout().type();
    const auto& all = rows.of(type);
    const auto& out = excluded.of(type);
    std::uint32_t sampled = 0;
    space.scan(
        plan_, all,
        [&](const matching::scan_block& b) {
            tally_.add(b, all);
            for (std::size_t w = 0; w < b.words; ++w) {
                auto who = b.eligible[w];
                if (reach_ == push_reach::decided) who |= b.decided[w];
                if (reach_ == push_reach::possible) who |= b.possible[w];
                who &= ~word_at(out.untargeted, b.first / 64 + w);
                if (who == 0) continue;
                audience_ += std::popcount(who);
                for (auto& c : channels_)
                    count(c, who, b.first / 64 + w, out, rows.phones(type), rows.openids(type));
                for (; who != 0 && sampled < samples_; who &= who - 1, ++sampled) {
                    const auto row = b.first + w * 64 + static_cast<std::size_t>(std::countr_zero(who));
                    sample_.push_back({shard, rows.ordinal_of(type, row)});
                }
            }
        },
        &tally_.missing);
}

preview_part preview_tally::result() const {
    preview_part out;
    out.found = tally_.result();
    out.audience = audience_;
    out.channels = channels_;
    out.sample = sample_;
    return out;
}

} // namespace zhida::matcher
