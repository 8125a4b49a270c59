// Files to import, CSV and JSON Lines, in one piece and in small ones: the same profiles, rows and counts.
#include "services/profiles/import_reader.hpp"
#include "tests/support/folders.hpp"

#include <cstdlib>

namespace {

const zhida::matching::catalogue& shared_catalogue() {
    static const auto loaded =
        zhida::matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

struct outcome {
    bool done = true;
    std::vector<zhida::profile> profiles;
    std::size_t bad = 0;
    std::int64_t rows = 0, good = 0;
};

outcome read(std::string_view text, std::size_t piece) {
    zhida::profiles::import_reader reader(shared_catalogue(), {.today = 20780, .default_origin = "import"});
    outcome out;
    for (std::size_t at = 0; out.done && at < text.size(); at += piece)
        out.done = reader.feed(text.substr(at, piece)).has_value();
    out.done = out.done && reader.finish().has_value();
    out.profiles = reader.take_profiles();
    out.bad = reader.take_bad_rows().size();
    out.rows = reader.counts().rows;
    out.good = reader.counts().good;
    const auto& c = reader.counts();
    if (c.good + c.bad != c.rows || c.enterprises + c.residents != c.good ||
        out.profiles.size() != static_cast<std::size_t>(c.good) || static_cast<std::int64_t>(out.bad) < c.bad)
        std::abort();
    for (const auto& p : out.profiles)
        if (!zhida::valid_subject_id(p.id)) std::abort();
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    // Reaches the rows more often: half of the inputs begin behind a good header.
    if (size % 2)
        text.insert(0, "id,type,name,as_of,origin,ent.headcount,所属行业,资质,参保地,contact_phone\n");
    const auto whole = read(text, text.size() + 1), pieces = read(text, 7);
    if (whole.done != pieces.done || whole.profiles != pieces.profiles || whole.bad != pieces.bad ||
        whole.rows != pieces.rows || whole.good != pieces.good)
        std::abort();
    return 0;
}
