// Policy documents from anybody: parse, check, compile, judge, explain. Good seeds: config/samples/policies.
#include "matching/explanation_document.hpp"
#include "matching/policy_check.hpp"
#include "tests/support/folders.hpp"

#include <cstdlib>

namespace {

using namespace zhida;

const matching::catalogue& shared_catalogue() {
    static const auto loaded = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

void require(bool holds) {
    if (!holds) std::abort();
}

void check_accepted(const matching::checked_policy& p) {
    require(p.conditions.size() == p.document.items.size());
    require(!p.document.items.empty() && !p.document.channels.empty() && !p.document.id.empty());
    for (std::size_t i = 0; i < p.conditions.size(); ++i) {
        constexpr std::int32_t today = 20780;
        // What nothing is known of is never eligible by accident of an exception or a crash.
        static_cast<void>(matching::judge(p.conditions[i], attribute_row{}, today));
        static_cast<void>(matching::explanation_document(
            matching::explain(p.conditions[i], attribute_row{}, today, shared_catalogue(),
                              matching::labels_of(p.document.items[i]))));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto document = parse_json({reinterpret_cast<const char*>(data), size}, {1 << 20, 64});
    if (!document) return 0;
    std::vector<failure> errors;
    const auto checked = matching::check_policy(*document, shared_catalogue(), errors);
    require(checked.has_value() == errors.empty());
    for (const auto& e : errors) {
        require(!e.what.empty() && e.where.starts_with('/'));
        static_cast<void>(e.text());
    }
    if (checked) check_accepted(*checked);
    return 0;
}
