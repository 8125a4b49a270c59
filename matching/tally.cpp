#include "matching/tally.hpp"

#include <bit>

namespace zhida::matching {

namespace {

using form = column_layout::form;

const column_layout::column* column_named(const column_layout& layout, std::string_view name) {
    for (const auto& c : layout.columns())
        if (c.of && c.of->name == name) return &c;
    return nullptr;
}

// A town has nine digits; villages and compounds lie in one.
std::string town_of(const std::string& code) {
    return code.substr(0, 9);
}
std::string section_of(const std::string& code) {
    return code.substr(0, 1);
}

} // namespace

const column_layout::column* town_column(const column_layout& layout) {
    return column_named(layout, layout.type() == subject_type::enterprise ? "ent.reg_division"
                                                                          : "person.residence_division");
}

verdict_counts& verdict_counts::operator+=(const verdict_counts& o) noexcept {
    eligible += o.eligible;
    possible += o.possible;
    decided += o.decided;
    one_short += o.one_short;
    return *this;
}

breakdown& breakdown::operator+=(const breakdown& o) {
    all += o.all;
    for (const auto& [code, n] : o.towns) towns[code] += n;
    for (const auto& [code, n] : o.sections) sections[code] += n;
    for (const auto& [code, n] : o.sizes) sizes[code] += n;
    for (const auto& [name, n] : o.missing) missing[name] += n;
    return *this;
}

tally::tally(const column_layout& layout) : layout_(layout) {
    town_.of = town_column(layout);
    if (layout.type() == subject_type::enterprise) {
        section_.of = column_named(layout, "ent.industry");
        size_.of = column_named(layout, "ent.size");
    }
    for (auto* d : {&town_, &section_, &size_}) {
        if (!d->of) continue;
        const auto held = d->of->codes ? d->of->codes->entries().size() : std::size_t{256};
        d->counts.resize(held + 1);
    }
}

void tally::add(const scan_block& b, const columns& rows) {
    const auto sum = [&](const std::uint64_t* mask) {
        std::int64_t n = 0;
        for (std::size_t w = 0; w < b.words; ++w) n += std::popcount(mask[w]);
        return n;
    };
    all_ += {sum(b.eligible), sum(b.possible), sum(b.decided), sum(b.one_short)};
    for (auto* d : {&town_, &section_, &size_})
        if (d->of) count(*d, b, rows);
}

namespace {

// Where all known values of a block are the same one and none is missing, the whole block is counted at once.
template <class T>
bool uniform(const columns::numbers<T>& n, std::size_t block) {
    return n.blocks[block].missing == 0 && n.blocks[block].low == n.blocks[block].high;
}

} // namespace

void tally::count(dimension& d, const scan_block& b, const columns& rows) const {
    const auto with = [&](const auto& numbers) {
        const auto* x = numbers.values.data() + b.first;
        const auto last = d.counts.size() - 1;
        const auto each = [&](const std::uint64_t* mask, std::int64_t verdict_counts::* which) {
            if (uniform(numbers, b.first / columns::block_rows)) {
                std::int64_t n = 0;
                for (std::size_t w = 0; w < b.words; ++w) n += std::popcount(mask[w]);
                d.counts[std::min<std::size_t>(x[0], last)].*which += n;
                return;
            }
            for (std::size_t w = 0; w < b.words; ++w)
                for (auto left = mask[w]; left != 0; left &= left - 1) {
                    const auto value = x[w * 64 + static_cast<std::size_t>(std::countr_zero(left))];
                    ++(d.counts[std::min<std::size_t>(value, last)].*which);
                }
        };
        each(b.eligible, &verdict_counts::eligible);
        each(b.possible, &verdict_counts::possible);
        each(b.decided, &verdict_counts::decided);
        each(b.one_short, &verdict_counts::one_short);
    };
    if (d.of->as == form::narrow)
        with(rows.narrow(d.of->place));
    else if (d.of->as == form::half)
        with(rows.half(d.of->place));
    else
        with(rows.wide(d.of->place));
}

breakdown tally::result() const {
    breakdown out;
    out.all = all_;
    const auto fold = [](const dimension& d, auto key, std::map<std::string, verdict_counts>& to) {
        for (std::size_t held = 0; held < d.counts.size(); ++held) {
            if (d.counts[held] == verdict_counts{}) continue;
            to[held + 1 == d.counts.size() ? std::string() : key(held)] += d.counts[held];
        }
    };
    const auto code = [](const dimension& d, std::size_t held) -> const std::string& {
        return d.of->codes->entries()[held].code;
    };
    fold(town_, [&](std::size_t held) { return town_of(code(town_, held)); }, out.towns);
    fold(section_, [&](std::size_t held) { return section_of(code(section_, held)); }, out.sections);
    fold(
        size_,
        [&](std::size_t held) {
            for (const auto& t : size_.of->of->terms)
                if (t.number == layout_.value_of(*size_.of, static_cast<std::uint32_t>(held))) return t.code;
            return std::string();
        },
        out.sizes);
    for (const auto& c : layout_.columns())
        if (c.of)
            if (const auto n = missing[static_cast<std::size_t>(c.of->number)]; n > 0)
                out.missing[c.of->name] = n;
    return out;
}

} // namespace zhida::matching
