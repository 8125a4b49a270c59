// A snapshot's file: whatever is read can be saved and read again. Checksums are put right first, so that
// what lies behind them is tried.
#include "services/matcher/snapshot.hpp"
#include "tests/support/folders.hpp"

#include <cstdlib>
#include <cstring>

using namespace zhida::matcher;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const auto catalogue =
        zhida::matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    static const row_layouts layouts(catalogue);
    static const auto layout = fingerprint(layouts);
    constexpr const char* lineage = "0123456789abcdef";
    std::string bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.size() >= 48) bytes.replace(16, 32, layout); // the seeds outlive a catalogue
    seal_snapshot(bytes);
    auto read = decode_snapshot(bytes, layouts, layout, 7, lineage);
    if (!read) return 0;
    auto image = encode_snapshot(read->rows, {7, lineage, read->applied_offset}, layout);
    seal_snapshot(image);
    if (image.size() != bytes.size() || !decode_snapshot(image, layouts, layout, 7, lineage)) std::abort();
    for (const auto type : {zhida::subject_type::enterprise, zhida::subject_type::resident})
        for (std::size_t row = 0; row < read->rows.of(type).rows(); ++row)
            if (read->rows.of(type).present(row)) {
                const auto ordinal = read->rows.ordinal_of(type, row);
                read->rows.put(ordinal, type, read->rows.of(type).get(row), 0);
            }
    return 0;
}
