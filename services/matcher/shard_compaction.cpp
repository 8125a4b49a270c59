#include "services/matcher/shard_compaction.hpp"

#include <algorithm>

namespace zhida::matcher {

namespace {

// By region, rows of one region as they lie: counted, so that a shard of a hundred thousand takes no longer
// than a slice.
void append_in_order(std::vector<shard_rows::place>& order, const shard_rows& from, subject_type type) {
    const auto& rows = from.of(type);
    const auto* region = region_in(rows.layout());
    std::uint32_t highest = 0;
    for (std::size_t row = 0; row < rows.rows(); ++row)
        highest = std::max(highest, region_at(rows, region, row));
    std::vector<std::size_t> at(std::size_t{highest} + 2);
    std::size_t count = 0;
    for (std::size_t row = 0; row < rows.rows(); ++row) {
        if (!rows.present(row)) continue;
        ++at[region_at(rows, region, row) + std::size_t{1}];
        ++count;
    }
    at[0] = order.size();
    for (std::size_t i = 1; i < at.size(); ++i) at[i] += at[i - 1];
    order.resize(order.size() + count);
    for (std::size_t row = 0; row < rows.rows(); ++row)
        if (rows.present(row)) order[at[region_at(rows, region, row)]++] = {type, row};
}

} // namespace

shard_compaction::shard_compaction(const row_layouts& layouts, const shard_rows& from)
    : from_(&from), made_(layouts) {
    append_in_order(order_, from, subject_type::enterprise);
    append_in_order(order_, from, subject_type::resident);
    made_.reserve(from.of(subject_type::enterprise).rows(), from.of(subject_type::resident).rows(),
                  from.ordinals());
}

void shard_compaction::copy(shard_rows::place at) {
    const auto& rows = from_->of(at.type);
    if (!rows.present(at.row)) return; // its type changed: changed() has its ordinal
    made_.put(from_->ordinal_of(at.type, at.row), at.type, rows.get(at.row), from_->reachable_of(at));
}

bool shard_compaction::step(std::size_t rows) {
    const bool copied = next_ == order_.size();
    for (; rows > 0 && next_ < order_.size(); --rows) copy(order_[next_++]);
    if (!copied && next_ == order_.size()) made_.settle_order();
    for (; rows > 0 && next_ == order_.size() && !changed_.empty(); --rows) {
        const auto at = from_->find(changed_.back());
        changed_.pop_back();
        if (at) copy(*at);
    }
    return next_ == order_.size() && changed_.empty();
}

shard_rows shard_compaction::finish() {
    while (!step(order_.size() + changed_.size() + 1)) {
    }
    return std::move(made_);
}

} // namespace zhida::matcher
