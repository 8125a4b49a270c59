#include "services/matcher/exclusions.hpp"

#include <bit>

namespace zhida::matcher {

namespace {

using rows_of = std::array<shard_exclusions::by_row, 2>;

void spread(std::string_view bits, const shard_rows& rows,
            std::vector<std::uint64_t> shard_exclusions::by_row::* to, rows_of& out) {
    for (std::size_t byte = 0; byte < bits.size(); ++byte)
        for (auto left = static_cast<std::uint8_t>(bits[byte]); left != 0;) {
            const auto from_top = std::countl_zero(left);
            left = static_cast<std::uint8_t>(left & ~(0x80U >> from_top));
            const auto ordinal = static_cast<std::uint32_t>(byte * 8 + static_cast<std::size_t>(from_top));
            const auto at = rows.find(ordinal);
            if (!at) continue;
            auto& words = out[at->type == subject_type::enterprise ? 0 : 1].*to;
            if (at->row / 64 >= words.size()) words.resize(at->row / 64 + 1);
            words[at->row / 64] |= std::uint64_t{1} << (at->row % 64);
        }
}

} // namespace

void shard_exclusions::put(excluded_bits bits, const shard_rows& rows, steady_time read_at) {
    bits_ = std::move(bits);
    read_at_ = read_at;
    lay_out(rows);
}

void shard_exclusions::lay_out(const shard_rows& rows) {
    for (auto& r : rows_)
        for (auto* words : {&r.opted_out, &r.no_grant, &r.capped_sms, &r.capped_wechat, &r.untargeted})
            words->clear(); // keeps its room
    spread(bits_.opted_out, rows, &by_row::opted_out, rows_);
    spread(bits_.no_grant, rows, &by_row::no_grant, rows_);
    spread(bits_.capped_sms, rows, &by_row::capped_sms, rows_);
    spread(bits_.capped_wechat, rows, &by_row::capped_wechat, rows_);
    spread(bits_.untargeted, rows, &by_row::untargeted, rows_);
}

} // namespace zhida::matcher
