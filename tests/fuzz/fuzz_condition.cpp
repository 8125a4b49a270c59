// Bytes as a condition: read, compile, evaluate on rows that know nothing, some and all, explain.
#include "matching/condition.hpp"
#include "tests/support/folders.hpp"

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
        for (const int k : {0, 1, 2, 5, 7}) {
            const auto row = row_number(k, subject);
            const auto outcome = evaluate(*made, row, 20780);
            const auto j = judge(*made, row, 20780);
            must((outcome == truth::yes) == (j.outcome == verdict::eligible));
            auto all = truth::yes;
            for (const auto& line : explain(*made, row, 20780, the_catalogue(), {}))
                all = std::min(all, line.outcome);
            must(all == outcome);
        }
    }
    return 0;
}
