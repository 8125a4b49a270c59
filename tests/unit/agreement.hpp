// What the scan of columns and the reverse index say, against judge() and explain(): the comparisons that the
// property tests make, and that every fault in a kernel must fail.
#pragma once

#include "matching/reverse.hpp"
#include "matching/scan.hpp"
#include "random_conditions.hpp"

namespace zhida::matching {

inline std::shared_ptr<const column_layout> layout() {
    static const auto made = std::make_shared<const column_layout>(the_catalogue(), subject_type::enterprise);
    return made;
}

struct judged {
    std::vector<bool> eligible, possible, decided, one_short;
    bool operator==(const judged&) const = default;
};

inline judged plainly(const condition& c, const std::vector<attribute_row>& rows,
                      const std::vector<bool>& present) {
    judged out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto j = present[i] ? judge(c, rows[i], today) : judgement{};
        out.eligible.push_back(j.outcome == verdict::eligible);
        out.possible.push_back(j.outcome == verdict::possible);
        out.decided.push_back(j.only_manual_open);
        out.one_short.push_back(j.one_short);
    }
    return out;
}

inline judged scanned(const condition& c, const columns& in, const kernels& with) {
    judged out;
    for (auto* mask : {&out.eligible, &out.possible, &out.decided, &out.one_short}) mask->resize(in.rows());
    scan_space space(with);
    const scan_plan plan(c, layout(), today);
    std::size_t before = 0;
    space.scan(plan, in, [&](const scan_block& b) {
        RC_ASSERT(b.first == 0 || b.first > before);
        before = b.first;
        for (std::size_t i = 0; i < b.words * 64; ++i) {
            const auto at = [&](const std::uint64_t* m) { return (m[i / 64] >> (i % 64) & 1) != 0; };
            if (b.first + i >= in.rows()) {
                RC_ASSERT(!at(b.eligible) && !at(b.possible) && !at(b.decided) && !at(b.one_short));
                continue;
            }
            out.eligible[b.first + i] = at(b.eligible);
            out.possible[b.first + i] = at(b.possible);
            out.decided[b.first + i] = at(b.decided);
            out.one_short[b.first + i] = at(b.one_short);
        }
    });
    return out;
}

// Now and then a value that no column holds: a code that has left the list, a number beyond 32 bits.
inline attribute_row random_coded_row() {
    auto row = row_of(random_row());
    const auto number_of = [](const char* name) { return the_catalogue().find(name)->number; };
    switch (number(0, 19)) {
    case 0:
        row.set(number_of("ent.reg_division"), 999999);
        break;
    case 1:
        row.set(number_of("ent.revenue"), 99'000'000'000);
        break;
    case 2:
        row.set(number_of("ent.industry_tags"), std::int64_t{1} << 62);
        break;
    case 3:
        row.set(number_of("ent.established"), std::int64_t{1} << 40);
        break;
    default:
        break;
    }
    return row;
}

struct table {
    std::vector<attribute_row> rows;
    std::vector<bool> present;
    columns held{layout()};
};

// Rows written, overwritten and erased in any order.
inline void fill(table& t, std::size_t size) {
    t.rows.resize(size);
    t.present.assign(size, false);
    std::vector<attribute_row> some;
    for (int i = 0; i < 40; ++i) some.push_back(random_coded_row());
    // Long runs of the same row, so that whole blocks agree.
    const auto run = static_cast<std::size_t>(number(1, 3) == 1 ? 20'000 : 1);
    for (std::size_t i = 0; i < size; ++i) {
        t.rows[i] = some[(i / run * 7 + i / run / 3) % some.size()];
        t.present[i] = true;
        t.held.put(i, t.rows[i]);
    }
    for (int i = number(0, 30); i > 0 && size > 0; --i) {
        const auto row = static_cast<std::size_t>(number(0, static_cast<int>(size) - 1));
        t.present[row] = number(0, 2) != 0;
        if (t.present[row]) {
            t.rows[row] = random_coded_row();
            t.held.put(row, t.rows[row]);
        } else {
            t.held.erase(row);
        }
    }
}

// The same by the explanations: what each top-level condition says, line by line.
inline judgement explained(const condition& c, const attribute_row& row) {
    const auto lines = explain(c, row, today, the_catalogue(), {});
    const auto& root = c.root();
    int no = 0, open = 0, open_by_data = 0;
    bool hard = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto& n = root.what == op::all_of ? root.children[i] : root;
        if (lines[i].outcome == truth::no) {
            ++no;
            hard = hard || is_hard(n);
        }
        if (lines[i].outcome == truth::unknown) {
            ++open;
            open_by_data += lines[i].manual ? 0 : 1;
        }
    }
    judgement out;
    out.outcome = no > 0 ? verdict::ineligible : open > 0 ? verdict::possible : verdict::eligible;
    out.one_short = no == 1 && !hard;
    out.only_manual_open = no == 0 && open > 0 && open_by_data == 0; // at least
    return out;
}

inline bool at(const std::vector<std::uint64_t>& v, std::size_t i) {
    return (v[i / 64] >> (i % 64) & 1) != 0;
}

// Empty, or which position is wrong.
inline std::string disagreement(const reverse_index& index, const reverse_index::outcome& said,
                                const attribute_row& row) {
    for (std::size_t p = 0; p < said.eligible.size() * 64; ++p) {
        const auto j = p < index.items() ? judge(index.condition_at(p), row, index.today()) : judgement{};
        if (at(said.eligible, p) == (j.outcome == verdict::eligible) &&
            at(said.possible, p) == (j.outcome == verdict::possible) &&
            at(said.decided, p) == j.only_manual_open && at(said.one_short, p) == j.one_short)
            continue;
        return "position " + std::to_string(p) + " of " + std::to_string(index.items());
    }
    return "";
}

} // namespace zhida::matching
