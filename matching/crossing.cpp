#include "matching/crossing.hpp"

#include "common/base/clock.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <set>

namespace zhida::matching {

namespace {

struct cut_off {
    int attribute = 0;
    std::int64_t months = 0;
    auto operator<=>(const cut_off&) const = default;
};

void gather(const node& n, std::set<cut_off>& to) {
    for (std::size_t i = 0; i < n.values.size(); ++i)
        if (n.value_is_months[i]) to.insert({n.subject->number, n.values[i]});
    for (const auto& child : n.children) gather(child, to);
}

} // namespace

bool depends_on_day(const condition& c) {
    std::set<cut_off> all;
    gather(c.root(), all);
    return !all.empty();
}

std::vector<std::size_t> rows_that_cross(const condition& c, const columns& rows, std::int32_t from,
                                         std::int32_t to, const kernels& with) {
    std::set<cut_off> all;
    gather(c.root(), all);
    std::vector<std::uint64_t> in((rows.rows() + 63) / 64);
    for (const auto& cut : all) {
        const auto n = -static_cast<int>(cut.months);
        const auto [low, high] = std::minmax({add_months(from, n), add_months(to, n)});
        if (low == high) continue; // as on the last days of a month
        const auto& column = rows.layout().at(cut.attribute);
        const auto first = rows.layout().held(column, low), last = rows.layout().held(column, high);
        if (!first || !last) continue; // no column holds such a day; rows that have it are kept whole
        const auto& dates = rows.wide(column.place);
        for (std::size_t at = 0; at < rows.rows(); at += columns::block_rows) {
            const auto& block = dates.blocks[at / columns::block_rows];
            if (block.low > *last || block.high < *first) continue;
            const auto words = (std::min(rows.rows() - at, columns::block_rows) + 63) / 64;
            with.range32(dates.values.data() + at, words * 64, *first, *last - *first, in.data() + at / 64,
                         nullptr);
        }
    }
    if (!all.empty())
        for (const auto& [row, values] : rows.odd()) in[row / 64] |= std::uint64_t{1} << (row % 64);
    std::vector<std::size_t> out;
    for (std::size_t w = 0; w < in.size(); ++w)
        for (auto left = in[w] & rows.presence()[w]; left != 0; left &= left - 1)
            out.push_back(w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    return out;
}

} // namespace zhida::matching
