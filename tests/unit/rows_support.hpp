// Shards of a few invented rows, for the tests of what the matcher holds.
#pragma once

#include "services/matcher/shard_rows.hpp"
#include "tests/support/folders.hpp"

#include <rapidcheck.h>

#include <map>

namespace zhida::matcher::tests {

inline const matching::catalogue& catalogue() {
    static const auto loaded = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

inline const row_layouts& layouts() {
    static const row_layouts made(catalogue());
    return made;
}

struct plain_row {
    subject_type type = subject_type::enterprise;
    attribute_row values;
    std::uint8_t reachable = 0;
};
using plain_shard = std::map<std::uint32_t, plain_row>; // by ordinal

// Some values of each form, now and then one that columns cannot hold.
inline plain_row random_row() {
    plain_row row;
    row.type = *rc::gen::element(subject_type::enterprise, subject_type::resident);
    row.reachable = *rc::gen::inRange<std::uint8_t>(0, 4);
    const auto& divisions = catalogue().divisions().entries();
    for (const auto& a : catalogue().attributes()) {
        if (a.subject != row.type || *rc::gen::inRange(0, 3) == 0) continue;
        using kind = matching::attribute_kind;
        std::int64_t value = 0;
        if (a.kind == kind::division)
            value = std::stoll(divisions[*rc::gen::inRange<std::size_t>(0, divisions.size())].code);
        else if (a.kind == kind::industry)
            value = pack_code("C3911");
        else if (a.kind == kind::boolean)
            value = *rc::gen::inRange(0, 2);
        else if (a.kind == kind::term)
            value = a.terms.front().number;
        else if (a.kind == kind::set)
            value = 1 + *rc::gen::inRange(0, 2);
        else
            value = *rc::gen::inRange<std::int64_t>(0, 100);
        row.values.set(a.number, value);
    }
    if (*rc::gen::inRange(0, 8) == 0) row.values.set(63, 5); // no such attribute: the row is kept whole
    return row;
}

inline void expect_equal(const shard_rows& rows, const plain_shard& plain) {
    std::size_t present = 0;
    for (const auto type : {subject_type::enterprise, subject_type::resident}) {
        const auto& table = rows.of(type);
        RC_ASSERT(rows.phones(type).size() == (table.rows() + 63) / 64);
        RC_ASSERT(rows.openids(type).size() == (table.rows() + 63) / 64);
        for (std::size_t row = 0; row < table.rows(); ++row) present += table.present(row) ? 1 : 0;
    }
    RC_ASSERT(present == plain.size());
    for (const auto& [ordinal, expected] : plain) {
        const auto at = rows.find(ordinal);
        RC_ASSERT(at.has_value());
        RC_ASSERT(at->type == expected.type);
        RC_ASSERT(rows.ordinal_of(at->type, at->row) == ordinal);
        RC_ASSERT(rows.reachable_of(*at) == expected.reachable);
        RC_ASSERT(rows.of(at->type).present(at->row));
        RC_ASSERT(rows.of(at->type).get(at->row) == expected.values);
    }
}

} // namespace zhida::matcher::tests
