#include "matching/reverse.hpp"

#include "matching/value_set.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

namespace zhida::matching {

namespace {

constexpr std::size_t most_layers = 4; // of one attribute; an item with more conditions on it is rare

void set_bit(std::vector<std::uint64_t>& v, std::size_t i) {
    v[i / 64] |= std::uint64_t{1} << (i % 64);
}

// Top-level conditions.
std::vector<const node*> parts_of(const node& root) {
    if (root.what != op::all_of) return {&root};
    std::vector<const node*> out;
    out.reserve(root.children.size());
    for (const auto& child : root.children) out.push_back(&child);
    return out;
}

bool has_manual(const node& n) {
    return n.what == op::manual || std::any_of(n.children.begin(), n.children.end(), has_manual);
}

// A condition on a set: true where any of these terms is there (`with`) or not there (`without`), or, if
// `all`, false where any of them is.
struct set_form {
    bool all = false;
    std::uint64_t with = 0, without = 0;
};

set_form turned(const set_form& f) {
    return {!f.all, f.with, f.without};
}

std::optional<set_form> form_of(const node& n) {
    const auto mask = n.values.empty() ? 0 : static_cast<std::uint64_t>(n.values[0]);
    switch (n.what) {
    case op::overlaps:
        return set_form{false, mask, 0};
    case op::contains:
        return set_form{true, 0, mask};
    case op::contained_by:
        return set_form{true, ~mask, 0};
    case op::equals:
        return set_form{true, ~mask, mask};
    case op::is_null: // of a known value: false
        return set_form{false, 0, 0};
    case op::negate: {
        const auto inner = form_of(n.children[0]);
        return inner ? std::optional(turned(*inner)) : std::nullopt;
    }
    case op::all_of:
    case op::any_of: {
        const bool all = n.what == op::all_of;
        set_form out{all, 0, 0};
        for (const auto& child : n.children) {
            const auto f = form_of(child);
            if (!f) return std::nullopt;
            if (f->with == 0 && f->without == 0) { // always true (all) or always false
                if (f->all == all) continue;
                return f;
            }
            if (f->all != all) return std::nullopt;
            out.with |= f->with;
            out.without |= f->without;
        }
        return out;
    }
    default:
        return std::nullopt;
    }
}

// By which items are laid out: those of one region together, so that a row of another passes over them.
std::int64_t region_of(const condition& c, std::int32_t today) {
    for (const auto* part : parts_of(c.root())) {
        const auto* a = only_attribute(*part);
        if (!a || a->kind != attribute_kind::division) continue;
        if (const auto values = values_for(*part, today); !values.empty()) return values[0].low;
    }
    return std::numeric_limits<std::int64_t>::max();
}

} // namespace

struct reverse_index::builder {
    reverse_index& index;
    struct clause {
        std::uint32_t position = 0;
        const node* what = nullptr;
        set_form form; // of sets
    };
    struct key {
        bool soft = true; // hard ones first
        int attribute = 0;
        std::size_t layer = 0;
        auto operator<=>(const key&) const = default;
    };
    std::map<key, std::vector<clause>> layers{};

    words empty() const { return words(index.words_); }
    void mark(words& v, std::size_t position) const {
        if (v.empty()) v = empty();
        set_bit(v, position);
    }

    void add(std::uint32_t position, const condition& c) {
        std::map<int, std::size_t> used;
        rest left{position, false, {}};
        for (const auto* part : parts_of(c.root())) {
            if (part->what == op::manual) {
                set_bit(index.by_hand_, position);
                continue;
            }
            const auto* a = only_attribute(*part);
            std::optional<set_form> form;
            if (a && a->kind == attribute_kind::set) form = form_of(*part);
            const bool held = a && (a->kind != attribute_kind::set || form) && used[a->number] < most_layers;
            if (held) {
                layers[{!is_hard(*part), a->number, used[a->number]++}].push_back(
                    {position, part, form.value_or(set_form{})});
            } else {
                left.conditions.push_back(part);
                left.by_hand = left.by_hand || has_manual(*part);
            }
        }
        if (!left.conditions.empty()) index.rest_.push_back(std::move(left));
    }

    void finish() {
        for (const auto& [at, clauses] : layers) {
            layer l;
            l.attribute = at.attribute;
            l.hard = !at.soft;
            l.set =
                clauses.front().what && only_attribute(*clauses.front().what)->kind == attribute_kind::set;
            const attribute_row nothing;
            for (const auto& c : clauses) {
                const auto without = evaluate(*c.what, nothing, index.today_);
                if (without == truth::no) mark(l.missing_fails, c.position);
                if (without == truth::unknown) mark(l.missing_unknown, c.position);
            }
            if (l.set)
                fill_set(l, clauses);
            else
                fill_ordered(l, clauses);
            index.layers_.push_back(std::move(l));
        }
    }

    void fill_ordered(layer& l, const std::vector<clause>& clauses) {
        struct flip {
            std::int64_t at = 0;
            std::uint32_t position = 0;
        };
        std::vector<flip> flips;
        auto fails = empty();
        for (const auto& c : clauses)
            for (const auto& r : complement_of(values_for(*c.what, index.today_))) {
                if (r.low == std::numeric_limits<std::int64_t>::min())
                    set_bit(fails, c.position);
                else
                    flips.push_back({r.low, c.position});
                if (r.high != std::numeric_limits<std::int64_t>::max())
                    flips.push_back({r.high + 1, c.position});
            }
        std::sort(flips.begin(), flips.end(), [](const flip& a, const flip& b) {
            return a.at != b.at ? a.at < b.at : a.position < b.position;
        });
        // A copy costs as much as a quarter as many flips as it has words, by and large.
        const auto spacing = std::max<std::size_t>(64, index.words_ / 4);
        l.kept.push_back({0, fails});
        l.flip_from.push_back(0);
        for (std::size_t i = 0; i < flips.size();) {
            const auto at = flips[i].at;
            l.bounds.push_back(at);
            for (; i < flips.size() && flips[i].at == at; ++i) {
                fails[flips[i].position / 64] ^= std::uint64_t{1} << (flips[i].position % 64);
                l.flips.push_back(flips[i].position);
            }
            l.flip_from.push_back(static_cast<std::uint32_t>(l.flips.size()));
            if (l.flips.size() - l.flip_from[l.kept.back().range] >= spacing)
                l.kept.push_back({static_cast<std::uint32_t>(l.bounds.size()), fails});
        }
    }

    void fill_set(layer& l, const std::vector<clause>& clauses) {
        l.parts.resize(16);
        for (const auto& c : clauses) {
            const auto& f = c.form;
            if (!f.all) mark(l.wanting, c.position);
            for (std::size_t part = 0; part < l.parts.size(); ++part)
                for (std::size_t bits = 0; bits < 16; ++bits) {
                    const auto with = f.with >> (4 * part) & 15, without = f.without >> (4 * part) & 15;
                    if ((with & bits) == 0 && (without & ~bits) == 0) continue;
                    auto& p = l.parts[part];
                    mark(f.all ? p.violated[bits] : p.met[bits], c.position);
                }
        }
    }
};

reverse_index::reverse_index(std::vector<condition> items, std::int32_t today)
    : conditions_(std::move(items)), today_(today), order_(conditions_.size()) {
    std::vector<std::int64_t> region;
    region.reserve(conditions_.size());
    for (const auto& c : conditions_) region.push_back(region_of(c, today));
    std::iota(order_.begin(), order_.end(), 0);
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
        return region[a] != region[b] ? region[a] < region[b] : a < b;
    });
    words_ = (order_.size() + 511) / 512 * 8;
    present_.resize(words_);
    by_hand_.resize(words_);
    builder b{*this};
    for (std::uint32_t p = 0; p < order_.size(); ++p) {
        set_bit(present_, p);
        b.add(p, conditions_[order_[p]]);
    }
    b.finish();
}

void reverse_index::match(const attribute_row& row, space& s, outcome& out, const kernels& with) const {
    for (auto* v : {&out.eligible, &out.possible, &out.decided, &out.one_short}) v->resize(words_);
    s.hard.clear();
    s.soft.clear();
    s.unknown.clear();
    s.words.resize(layers_.size() * words_ + words_);
    auto* scratch = s.words.data() + words_; // the first vector is of rows that fail twice
    for (const auto& l : layers_) {
        auto& to = l.hard ? s.hard : s.soft;
        if (!row.has(l.attribute)) {
            if (!l.missing_fails.empty()) to.push_back(l.missing_fails.data());
            if (!l.missing_unknown.empty()) s.unknown.push_back(l.missing_unknown.data());
            continue;
        }
        const auto value = row.value[static_cast<std::size_t>(l.attribute)];
        if (l.set) {
            s.met.clear();
            s.violated.clear();
            for (std::size_t part = 0; part < l.parts.size(); ++part) {
                const auto bits = static_cast<std::uint64_t>(value) >> (4 * part) & 15;
                if (const auto& m = l.parts[part].met[bits]; !m.empty()) s.met.push_back(m.data());
                if (const auto& v = l.parts[part].violated[bits]; !v.empty()) s.violated.push_back(v.data());
            }
            if (l.wanting.empty()) {
                to.insert(to.end(), s.violated.begin(), s.violated.end());
                // Several vectors of one condition are one failure.
                if (s.violated.size() > 1 && !l.hard) {
                    to.resize(to.size() - s.violated.size());
                    with.set_fails(nullptr, {}, {s.violated.data(), s.violated.size()}, words_, scratch);
                    to.push_back(scratch);
                    scratch += words_;
                }
            } else {
                with.set_fails(l.wanting.data(), {s.met.data(), s.met.size()},
                               {s.violated.data(), s.violated.size()}, words_, scratch);
                to.push_back(scratch);
                scratch += words_;
            }
            continue;
        }
        const auto range = static_cast<std::uint32_t>(
            std::upper_bound(l.bounds.begin(), l.bounds.end(), value) - l.bounds.begin());
        const auto kept = std::upper_bound(l.kept.begin(), l.kept.end(), range,
                                           [](std::uint32_t r, const auto& k) { return r < k.range; }) -
                          1;
        const auto from = l.flip_from[kept->range], until = l.flip_from[range];
        if (from == until) {
            to.push_back(kept->fails.data());
            continue;
        }
        std::copy_n(kept->fails.data(), words_, scratch);
        for (auto i = from; i < until; ++i) scratch[l.flips[i] / 64] ^= std::uint64_t{1} << (l.flips[i] % 64);
        to.push_back(scratch);
        scratch += words_;
    }
    // possible holds who fails once, decided who is unknown, until both are made of them.
    auto *twice = s.words.data(), *once = out.possible.data(), *unknown = out.decided.data();
    with.count_fails({s.hard.data(), s.hard.size()}, {s.soft.data(), s.soft.size()},
                     {s.unknown.data(), s.unknown.size()}, words_, once, twice, unknown);
    for (std::size_t w = 0; w < words_; ++w) {
        const auto open = ~once[w] & present_[w];
        out.one_short[w] = once[w] & ~twice[w] & present_[w];
        out.eligible[w] = open & ~unknown[w] & ~by_hand_[w];
        const auto decided = open & ~unknown[w] & by_hand_[w];
        out.possible[w] = open & ~out.eligible[w];
        out.decided[w] = decided;
    }
    judge_rest(row, s, out);
}

void reverse_index::judge_rest(const attribute_row& row, space& s, outcome& out) const {
    const auto* twice = s.words.data();
    for (const auto& r : rest_) {
        const auto w = r.position / 64;
        const auto bit = std::uint64_t{1} << (r.position % 64);
        if (twice[w] & bit) continue; // no more conditions can mend that
        int failed = out.one_short[w] & bit ? 1 : 0;
        bool unknown = false;
        for (const auto* n : r.conditions) {
            const auto t = evaluate(*n, row, today_);
            if (t == truth::no) failed += is_hard(*n) ? 2 : 1;
            unknown = unknown || t == truth::unknown;
            if (failed > 1) break;
        }
        if (failed == 0 && !unknown) continue;
        const auto put = [&](words& v, bool on) { v[w] = on ? v[w] | bit : v[w] & ~bit; };
        put(out.one_short, failed == 1);
        if (failed > 0) {
            put(out.eligible, false);
            put(out.possible, false);
            put(out.decided, false);
            continue;
        }
        put(out.eligible, false);
        put(out.possible, true);
        // Whether hands alone are left to say, only the whole condition tells.
        put(out.decided, r.by_hand && judge(condition_at(r.position), row, today_).only_manual_open);
    }
}

std::size_t reverse_index::bytes() const noexcept {
    const auto of = [](const auto& v) { return v.capacity() * sizeof(v[0]); };
    std::size_t sum = of(order_) + of(present_) + of(by_hand_) + of(rest_);
    for (const auto& l : layers_) {
        sum += of(l.missing_fails) + of(l.missing_unknown) + of(l.bounds) + of(l.flip_from) + of(l.flips) +
               of(l.wanting);
        for (const auto& k : l.kept) sum += of(k.fails);
        for (const auto& p : l.parts)
            for (std::size_t i = 0; i < 16; ++i) sum += of(p.met[i]) + of(p.violated[i]);
    }
    return sum;
}

} // namespace zhida::matching
