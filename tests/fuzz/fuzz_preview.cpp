// What portals and matchers tell one another of previews: whatever is read is written and read again the
// same.
#include "services/portal/audience_preview.hpp"
#include "tests/support/folders.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zhida;
    static const auto catalogue =
        matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    const auto document = parse_json({reinterpret_cast<const char*>(data), size});
    if (!document) return 0;
    std::vector<failure> errors;
    if (const auto q = read_preview_question(*document, errors))
        if (read_preview_question(to_document(*q), errors) != q) std::abort();
    if (const auto p = read_preview_part(*document)) {
        const auto again = read_preview_part(to_document(*p));
        if (!again || again->shards != p->shards || again->sample != p->sample ||
            again->audience != p->audience || !(again->found == p->found))
            std::abort();
    }
    errors.clear();
    const auto asked = portal::read_audience_request(*document, catalogue, errors);
    if (asked.has_value() != errors.empty()) std::abort();
    return 0;
}
