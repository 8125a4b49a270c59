// Bytes as a condition: read, compile, evaluate on rows that know nothing, some and all, and what the
// condition itself names, a little less and a little more; explain. Forward and reverse matching say the
// same, with every kernel, and so does whoever looks for rows that a later day changes.
#include "common/base/clock.hpp"
#include "matching/crossing.hpp"
#include "matching/reverse.hpp"
#include "matching/scan.hpp"
#include "tests/support/folders.hpp"

#include <algorithm>
#include <cstdlib>

using namespace zhida;
using namespace zhida::matching;

namespace {

const catalogue& the_catalogue() {
    static const auto loaded = catalogue::load(zhida::tests::in_source("config/catalogue"));
    return loaded.value();
}

// Row k knows every attribute whose number has a bit in common with k; the values differ between rows.
attribute_row row_number(int k, subject_type subject) {
    attribute_row row;
    for (const auto& a : the_catalogue().attributes()) {
        if (a.subject != subject || (k != 7 && (a.number & k) == 0)) continue;
        switch (a.kind) {
        case attribute_kind::industry:
            row.set(a.number, pack_code(k & 1 ? "C3911" : "I65"));
            break;
        case attribute_kind::division:
            row.set(a.number, k & 1 ? 310113003001 : 310112);
            break;
        case attribute_kind::date:
            row.set(a.number, 20000 + 100 * k);
            break;
        default:
            row.set(a.number, k + a.number % 3);
        }
    }
    return row;
}

void must(bool holds) {
    if (!holds) std::abort();
}

constexpr std::int32_t today = 20780, tomorrow = 20781;

std::shared_ptr<const column_layout> layout(subject_type subject) {
    static const auto enterprise =
        std::make_shared<const column_layout>(the_catalogue(), subject_type::enterprise);
    static const auto resident =
        std::make_shared<const column_layout>(the_catalogue(), subject_type::resident);
    return subject == subject_type::enterprise ? enterprise : resident;
}

// What each leaf names first, moved by so much: a condition is most often wrong at its own limits.
void set_limits(const node& n, std::int64_t by, attribute_row& row) {
    if (n.subject && !n.values.empty()) {
        const auto v = n.value_is_months[0] ? add_months(today, -static_cast<int>(n.values[0])) : n.values[0];
        if (n.subject->kind == attribute_kind::set)
            row.set(n.subject->number, v ^ by); // without its first term, with another
        else if (v < INT64_MAX - 1 && v > INT64_MIN + 1)
            row.set(n.subject->number, v + by);
    }
    for (const auto& child : n.children) set_limits(child, by, row);
}

std::vector<attribute_row> rows_for(const condition& c) {
    std::vector<attribute_row> rows;
    for (const int k : {0, 1, 2, 5, 7}) rows.push_back(row_number(k, c.subject()));
    for (const int by : {-1, 0, 1})
        for (const int k : {0, 7}) {
            rows.push_back(row_number(k, c.subject()));
            set_limits(c.root(), by, rows.back());
        }
    return rows;
}

bool at(const std::uint64_t* mask, std::size_t i) {
    return (mask[i / 64] >> (i % 64) & 1) != 0;
}

void must_agree(const condition& c, const std::vector<attribute_row>& rows) {
    columns held(layout(c.subject()));
    std::vector<judgement> expected;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        held.put(i, rows[i]);
        expected.push_back(judge(c, rows[i], today));
    }
    const scan_plan plan(c, layout(c.subject()), today);
    const reverse_index index({c}, today);
    const auto crossing = rows_that_cross(c, held, today, tomorrow);
    for (std::size_t i = 0; i < rows.size(); ++i)
        must(expected[i].outcome == judge(c, rows[i], tomorrow).outcome ||
             std::binary_search(crossing.begin(), crossing.end(), i));
    for (const auto& k : all_kernels()) {
        std::vector<judgement> found(rows.size());
        scan_space space(k);
        space.scan(plan, held, [&](const scan_block& b) {
            for (std::size_t i = 0; i < rows.size(); ++i)
                found[i] = {at(b.eligible, i)   ? verdict::eligible
                            : at(b.possible, i) ? verdict::possible
                                                : verdict::ineligible,
                            at(b.decided, i), at(b.one_short, i)};
        });
        reverse_index::space memory;
        reverse_index::outcome said;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto same = [&](verdict outcome, bool decided, bool one_short) {
                const auto& e = expected[i];
                return e.outcome == outcome && e.only_manual_open == decided && e.one_short == one_short;
            };
            must(same(found[i].outcome, found[i].only_manual_open, found[i].one_short));
            index.match(rows[i], memory, said, k);
            must(same(at(said.eligible.data(), 0)   ? verdict::eligible
                      : at(said.possible.data(), 0) ? verdict::possible
                                                    : verdict::ineligible,
                      at(said.decided.data(), 0), at(said.one_short.data(), 0)));
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto expression = parse_json({reinterpret_cast<const char*>(data), size});
    if (!expression) return 0;
    for (const auto subject : {subject_type::enterprise, subject_type::resident}) {
        std::vector<failure> errors;
        const auto made =
            condition::compile(*expression, subject, the_catalogue(), errors, "/items/0/eligibility");
        must(made.has_value() == errors.empty());
        must(errors.size() <= 100);
        for (const auto& e : errors) must(!e.what.empty() && e.where.starts_with("/items/0/eligibility"));
        if (!made) continue;
        const auto rows = rows_for(*made);
        must_agree(*made, rows);
        for (const auto& row : rows) {
            const auto outcome = evaluate(*made, row, today);
            const auto j = judge(*made, row, today);
            must((outcome == truth::yes) == (j.outcome == verdict::eligible));
            auto all = truth::yes;
            for (const auto& line : explain(*made, row, today, the_catalogue(), {}))
                all = std::min(all, line.outcome);
            must(all == outcome);
        }
    }
    return 0;
}
