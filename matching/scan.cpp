#include "matching/scan.hpp"

#include "matching/value_set.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace zhida::matching {

namespace {

using step = scan_plan::step;
using interval = scan_plan::interval;
using form = column_layout::form;

constexpr std::size_t most_words = columns::block_rows / 64;

// More of them are looked up row by row, so that a long list costs no more than so many passes. One that is
// looked up takes as long as some two hundred passes: with far fewer, a condition of many middling lists would
// cost ten times as much as any other within condition_limits.
constexpr std::size_t few_intervals = 128;

int bits_of(form f) {
    return f == form::wide ? 32 : f == form::half ? 16 : f == form::narrow ? 8 : 2;
}

// Whether a known value fits a leaf: by the plain evaluator, which is the definition.
bool fits(const node& n, std::int64_t value, std::int32_t today) {
    attribute_row row;
    row.set(n.subject->number, value);
    return evaluate(n, row, today) == truth::yes;
}

std::vector<interval> intervals_of(const node& n, const column_layout& layout, const column_layout::column& c,
                                   std::int32_t today) {
    std::vector<interval> out;
    const auto values = values_for(n, today);
    if (c.codes) { // a list has few thousand places: each is asked
        const auto& all = layout.values_of(c);
        for (std::uint32_t place = 0; place < all.size(); ++place) {
            const auto after = std::upper_bound(values.begin(), values.end(), all[place],
                                                [](std::int64_t v, const auto& r) { return v < r.low; });
            if (after == values.begin() || all[place] > (after - 1)->high) continue;
            if (!out.empty() && out.back().low + out.back().span + 1 == place)
                ++out.back().span;
            else
                out.push_back({place, 0});
        }
        return out;
    }
    for (auto [low, high] : values) {
        const auto highest = c.base + c.most;
        if (high < c.base || low > highest) continue;
        low = std::max(low, c.base);
        high = std::min(high, highest);
        out.push_back({static_cast<std::uint32_t>(low - c.base), static_cast<std::uint32_t>(high - low)});
    }
    return out;
}

} // namespace

scan_plan::scan_plan(const condition& c, std::shared_ptr<const column_layout> layout, std::int32_t today)
    : condition_(c), layout_(std::move(layout)), today_(today) {
    const auto& root = condition_.root();
    if (root.what == op::all_of)
        for (const auto& child : root.children) {
            top_.push_back(make(child, false));
            top_.back().hard = is_hard(child);
        }
    else {
        top_.push_back(make(root, false));
        top_.back().hard = is_hard(root);
    }
    // Hard ones first: where nobody fits them, a block is done.
    std::sort(top_.begin(), top_.end(),
              [](const step& a, const step& b) { return a.hard != b.hard ? a.hard : a.cost < b.cost; });
    const std::function<int(const std::vector<step>&)> deep = [&](const std::vector<step>& steps) {
        int most = 0;
        for (const auto& s : steps) most = std::max(most, deep(s.steps));
        return most + 1;
    };
    depth_ = deep(top_);
}

// `not` is carried down to the leaves, so that only they know of it.
scan_plan::step scan_plan::make(const node& n, bool negated) {
    using kind = step::kind;
    step s;
    s.negated = negated;
    if (const auto* a = only_attribute(n); a && !asks_for_null(n))
        if (const auto& c = layout_->at(a->number); c.as != form::bits) { // however it is put together
            s.what = kind::within;
            s.column = c;
            s.intervals = intervals_of(n, *layout_, c, today_);
            const auto passes = std::clamp<std::size_t>(s.intervals.size(), 1, few_intervals);
            s.cost = bits_of(c.as) * static_cast<int>(passes);
            return s;
        }
    switch (n.what) {
    case op::negate:
        return make(n.children[0], !negated);
    case op::all_of:
    case op::any_of:
        s.what = (n.what == op::all_of) != negated ? kind::all : kind::any;
        for (const auto& child : n.children) {
            s.steps.push_back(make(child, negated));
            s.cost += s.steps.back().cost;
        }
        std::sort(s.steps.begin(), s.steps.end(),
                  [](const step& a, const step& b) { return a.cost < b.cost; });
        return s;
    case op::manual:
        s.what = kind::open_by_hand;
        return s;
    default:
        break;
    }
    s.column = layout_->at(n.subject->number);
    const auto& c = s.column;
    s.cost = bits_of(c.as);
    if (n.what == op::is_null) {
        s.what = kind::missing;
        return s;
    }
    if (c.of->kind == attribute_kind::boolean) {
        s.what = kind::flag;
        s.mask = (fits(n, 0, today_) ? 1U : 0U) | (fits(n, 1, today_) ? 2U : 0U);
        return s;
    }
    s.mask = static_cast<std::uint64_t>(n.values[0]);
    s.what = n.what == op::overlaps       ? kind::overlaps
             : n.what == op::contains     ? kind::contains
             : n.what == op::contained_by ? kind::contained
                                          : kind::same;
    s.cost = c.planes;
    return s;
}

namespace {

// What a step says of all rows of a block at once, or that its masks say it.
enum class answer : std::uint8_t { no, yes, masks };

// Three-valued, as two masks: yes, and not no. `decided`: yes, when manual conditions favour the subject.
struct masks {
    std::uint64_t *yes, *decided, *may;
};

void fill(std::uint64_t* m, std::size_t words, std::uint64_t with) {
    std::fill_n(m, words, with);
}

} // namespace

struct scan_run {
    scan_space& space;
    const scan_plan& plan;
    const columns& rows;
    std::size_t block = 0, first = 0, words = 0; // of the block at hand
    bool by_hand = false;

    masks at(int depth) {
        auto* m = space.memory_.data() + static_cast<std::size_t>(depth) * 3 * most_words;
        return {m, m + most_words, m + 2 * most_words};
    }
    std::uint64_t* scratch(int which) {
        return space.memory_.data() + static_cast<std::size_t>(plan.depth() + 1) * 3 * most_words +
               static_cast<std::size_t>(which) * most_words;
    }

    // `in` and `known` of a leaf become its three masks.
    answer leaf(const step& s, const std::uint64_t* in, const std::uint64_t* known, masks to) {
        if (!s.negated)
            for (std::size_t w = 0; w < words; ++w) {
                const auto yes = in[w] & known[w];
                to.yes[w] = yes;
                to.may[w] = yes | ~known[w];
            }
        else
            for (std::size_t w = 0; w < words; ++w) {
                const auto yes = ~in[w] & known[w];
                to.yes[w] = yes;
                to.may[w] = yes | ~known[w];
            }
        if (by_hand) std::copy_n(to.yes, words, to.decided);
        return answer::masks;
    }

    template <class T, class Kernel>
    answer within(const step& s, const columns::numbers<T>& n, Kernel kernel, masks to) {
        const auto& of = n.blocks[block];
        bool touched = false, covered = false;
        for (const auto& i : s.intervals) {
            const auto high = i.low + i.span;
            touched = touched || (i.low <= of.high && high >= of.low);
            covered = covered || (i.low <= of.low && high >= of.high);
        }
        const auto size = std::min(rows.rows() - first, columns::block_rows);
        const bool anybody = of.missing < size && of.low <= of.high;
        if (of.missing == 0 && (covered || !touched)) return covered != s.negated ? answer::yes : answer::no;
        auto *in = scratch(0), *known = scratch(1);
        fill(in, words, 0);
        const auto* x = n.values.data() + first;
        if (!anybody) {
            fill(known, words, 0);
            return leaf(s, in, known, to);
        }
        bool told = false;
        const bool long_list = s.intervals.size() > few_intervals;
        if (touched && !long_list)
            for (const auto& i : s.intervals) {
                if (i.low > of.high || i.low + i.span < of.low) continue;
                kernel(x, words * 64, static_cast<T>(i.low), static_cast<T>(i.span), in,
                       told ? nullptr : known);
                told = true;
            }
        if (!told) { // only who is known matters
            kernel(x, words * 64, T{0}, T{0}, in, known);
            fill(in, words, 0);
            if (touched && long_list) look_up(s, x, in);
        }
        return leaf(s, in, known, to);
    }

    template <class T>
    void look_up(const step& s, const T* x, std::uint64_t* in) const {
        for (std::size_t w = 0; w < words; ++w, x += 64)
            for (std::size_t i = 0; i < 64; ++i) {
                const auto after = std::upper_bound(s.intervals.begin(), s.intervals.end(), x[i],
                                                    [](T v, const interval& r) { return v < r.low; });
                const bool inside =
                    after != s.intervals.begin() && x[i] - (after - 1)->low <= (after - 1)->span;
                in[w] |= std::uint64_t{inside} << i;
            }
    }

    answer known_of(const step& s, const std::uint64_t*& known) {
        const auto& c = s.column;
        if (c.as == form::bits) {
            known = rows.bits(c.place).known.data() + first / 64;
            return answer::masks;
        }
        auto *in = scratch(0), *k = scratch(1);
        if (c.as == form::narrow)
            space.kernels_.range8(rows.narrow(c.place).values.data() + first, words * 64, 0, 0, in, k);
        else if (c.as == form::half)
            space.kernels_.range16(rows.half(c.place).values.data() + first, words * 64, 0, 0, in, k);
        else
            space.kernels_.range32(rows.wide(c.place).values.data() + first, words * 64, 0, 0, in, k);
        known = k;
        return answer::masks;
    }

    answer set(const step& s, masks to) {
        const auto& b = rows.bits(s.column.place);
        auto* in = scratch(0);
        const auto* known = b.known.data() + first / 64;
        const auto plane = [&](std::size_t p) { return b.planes[p].data() + first / 64; };
        const auto planes = b.planes.size();
        const auto beyond = planes < 64 ? s.mask >> planes : 0; // terms that no row has
        using kind = step::kind;
        switch (s.what) {
        case kind::flag:
            for (std::size_t w = 0; w < words; ++w)
                in[w] = (s.mask & 2 ? plane(0)[w] : 0) | (s.mask & 1 ? ~plane(0)[w] : 0);
            break;
        case kind::overlaps:
            fill(in, words, 0);
            for (std::size_t p = 0; p < planes; ++p)
                if (s.mask >> p & 1)
                    for (std::size_t w = 0; w < words; ++w) in[w] |= plane(p)[w];
            break;
        default: // contains, contained, same
            fill(in, words, beyond != 0 && s.what != kind::contained ? 0 : ~std::uint64_t{0});
            for (std::size_t p = 0; p < planes; ++p) {
                const bool asked = (s.mask >> p & 1) != 0;
                if (asked && s.what != kind::contained)
                    for (std::size_t w = 0; w < words; ++w) in[w] &= plane(p)[w];
                if (!asked && s.what != kind::contains)
                    for (std::size_t w = 0; w < words; ++w) in[w] &= ~plane(p)[w];
            }
        }
        return leaf(s, in, known, to);
    }

    answer run(const step& s, int depth) {
        using kind = step::kind;
        const auto to = at(depth);
        switch (s.what) {
        case kind::all:
        case kind::any:
            return group(s, depth);
        case kind::open_by_hand:
            fill(to.yes, words, 0);
            fill(to.decided, words, ~std::uint64_t{0});
            fill(to.may, words, ~std::uint64_t{0});
            return answer::masks;
        case kind::missing: {
            const std::uint64_t* known = nullptr;
            known_of(s, known);
            for (std::size_t w = 0; w < words; ++w)
                to.yes[w] = to.decided[w] = to.may[w] = s.negated ? known[w] : ~known[w];
            return answer::masks;
        }
        case kind::within:
            if (s.column.as == form::narrow)
                return within(s, rows.narrow(s.column.place), space.kernels_.range8, to);
            if (s.column.as == form::half)
                return within(s, rows.half(s.column.place), space.kernels_.range16, to);
            return within(s, rows.wide(s.column.place), space.kernels_.range32, to);
        default:
            return set(s, to);
        }
    }

    answer group(const step& s, int depth) {
        const bool all = s.what == step::kind::all;
        const auto decisive = all ? answer::no : answer::yes; // settles the whole
        bool begun = false;
        const auto to = at(depth);
        for (const auto& part : s.steps) {
            const auto said = run(part, begun ? depth + 1 : depth);
            if (said == decisive) return decisive;
            if (said != answer::masks) continue;
            if (!begun) {
                begun = true;
                continue;
            }
            const auto from = at(depth + 1);
            combine(to.yes, from.yes, all);
            combine(to.may, from.may, all);
            if (by_hand) combine(to.decided, from.decided, all);
            if (all && none(to.may)) return answer::no;
        }
        if (begun) return answer::masks;
        return all ? answer::yes : answer::no;
    }

    void combine(std::uint64_t* to, const std::uint64_t* from, bool all) const {
        if (all)
            for (std::size_t w = 0; w < words; ++w) to[w] &= from[w];
        else
            for (std::size_t w = 0; w < words; ++w) to[w] |= from[w];
    }
    bool none(const std::uint64_t* m) const {
        std::uint64_t any = 0;
        for (std::size_t w = 0; w < words; ++w) any |= m[w];
        return any == 0;
    }

    // Of the rows of `relevant`, who is left open by this step, and for want of what. Its masks go at `depth`
    // and beyond; what lies before is kept.
    void note_missing(const step& s, const std::uint64_t* relevant, int depth) {
        if (run(s, depth) != answer::masks) return;
        const auto to = at(depth);
        auto* open = to.yes;
        for (std::size_t w = 0; w < words; ++w) open[w] = to.may[w] & ~to.yes[w] & relevant[w];
        if (none(open) || s.what == step::kind::open_by_hand) return;
        for (const auto& part : s.steps) note_missing(part, open, depth + 1);
        if (!s.steps.empty()) return;
        auto& all = space.missing_[s.column.of->number];
        all.resize(most_words);
        for (std::size_t w = 0; w < words; ++w) all[w] |= open[w];
    }
    void count_missing(scan_space::missing_counts& counts) {
        for (auto& [attribute, mask] : space.missing_) std::fill(mask.begin(), mask.end(), 0);
        for (const auto& s : plan.top()) note_missing(s, at(0).may, 1);
        for (const auto& [attribute, mask] : space.missing_)
            for (const auto w : mask) counts[static_cast<std::size_t>(attribute)] += std::popcount(w);
    }

    // False where nobody of the block is eligible, possible or one short.
    bool judge_block(std::uint64_t* one_short) {
        const auto to = at(0);
        const auto* present = rows.presence().data() + first / 64;
        std::copy_n(present, words, to.yes);
        std::copy_n(present, words, to.may);
        if (by_hand) std::copy_n(present, words, to.decided);
        // Rows that fail one condition, and rows that fail two, or a hard one, or are not there.
        auto *once = one_short, *out = scratch(2);
        fill(once, words, 0);
        for (std::size_t w = 0; w < words; ++w) out[w] = ~present[w];
        for (const auto& s : plan.top()) {
            const auto said = run(s, 1);
            if (said == answer::yes) continue;
            const auto from = at(1);
            if (said == answer::no) {
                if (s.hard) return false;
                for (std::size_t w = 0; w < words; ++w) {
                    out[w] |= once[w];
                    once[w] = ~std::uint64_t{0};
                    to.yes[w] = to.may[w] = 0;
                }
                if (by_hand) fill(to.decided, words, 0);
            } else {
                const auto hard = s.hard ? ~std::uint64_t{0} : 0;
                for (std::size_t w = 0; w < words; ++w) {
                    const auto failed = ~from.may[w];
                    out[w] |= failed & (once[w] | hard);
                    once[w] |= failed;
                    to.yes[w] &= from.yes[w];
                    to.may[w] &= from.may[w];
                }
                if (by_hand) combine(to.decided, from.decided, true);
            }
            std::uint64_t left = 0;
            for (std::size_t w = 0; w < words; ++w) left |= ~out[w];
            if (left == 0) return false;
        }
        std::uint64_t any = 0;
        for (std::size_t w = 0; w < words; ++w) {
            one_short[w] = once[w] & ~out[w];
            to.may[w] &= ~to.yes[w];
            any |= to.yes[w] | to.may[w] | one_short[w];
        }
        if (by_hand)
            for (std::size_t w = 0; w < words; ++w) to.decided[w] &= to.may[w];
        else
            fill(to.decided, words, 0);
        return any != 0;
    }
};

void scan_space::scan(const scan_plan& plan, const columns& rows,
                      const std::function<void(const scan_block&)>& each, missing_counts* missing) {
    missing_.clear();
    memory_.resize((static_cast<std::size_t>(plan.depth() + 1) * 3 + 4) * most_words);
    scan_run run{*this, plan, rows};
    run.by_hand = plan.by_hand();
    std::vector<std::size_t> odd; // by rising rows
    for (const auto& [row, values] : rows.odd()) odd.push_back(row);
    std::sort(odd.begin(), odd.end());
    auto next = odd.begin();
    for (run.first = 0; run.first < rows.rows(); run.first += columns::block_rows, ++run.block) {
        run.words = (std::min(rows.rows() - run.first, columns::block_rows) + 63) / 64;
        auto* one_short = run.scratch(3);
        const auto to = run.at(0);
        bool any = run.judge_block(one_short);
        const auto end = run.first + columns::block_rows;
        // Rows kept whole look as if they had no values: they are not counted here.
        if (any && missing && next != odd.end() && *next < end)
            for (auto o = next; o != odd.end() && *o < end; ++o)
                to.may[(*o - run.first) / 64] &= ~(std::uint64_t{1} << (*o % 64));
        if (any && missing && !run.none(to.may)) run.count_missing(*missing);
        if (!any && next != odd.end() && *next < end)
            for (auto* m : {to.yes, to.may, to.decided, one_short}) fill(m, run.words, 0);
        for (; next != odd.end() && *next < end; ++next) {
            const auto w = (*next - run.first) / 64;
            const auto bit = std::uint64_t{1} << (*next % 64);
            for (auto* m : {to.yes, to.may, to.decided, one_short}) m[w] &= ~bit;
            const auto j = judge(plan.whole(), rows.odd().at(*next), plan.today());
            if (j.outcome == verdict::eligible) to.yes[w] |= bit;
            if (j.outcome == verdict::possible) {
                to.may[w] |= bit;
                if (missing)
                    for (auto m = missing_for(plan.whole(), rows.odd().at(*next), plan.today()); m;
                         m &= m - 1)
                        ++(*missing)[static_cast<std::size_t>(std::countr_zero(m))];
            }
            if (j.only_manual_open) to.decided[w] |= bit;
            if (j.one_short) one_short[w] |= bit;
            any = true;
        }
        if (any) each({run.first, run.words, to.yes, to.may, to.decided, one_short});
    }
}

} // namespace zhida::matching
