// Bytes as a profile document, as its event carries it: what is read is written and packed without loss, held
// in columns without rounding, and judged alike forward, in reverse and plainly against the sample policies;
// what its arrival changes is what judging it before and after tells.
#include "matching/policy_check.hpp"
#include "matching/profile_document.hpp"
#include "services/matcher/audience.hpp"
#include "services/matcher/standing.hpp"
#include "tests/support/folders.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace zhida;
using namespace zhida::matching;

namespace {

constexpr std::int32_t today = 20780;

const catalogue& the_catalogue() {
    static const auto loaded = catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

void must(bool holds) {
    if (!holds) std::abort();
}

const matcher::policy_log& sample_policies() {
    static const auto made = [] {
        matcher::policy_log log(the_catalogue());
        const std::filesystem::directory_iterator folder(zhida::tests::in_source("config/samples/policies"));
        for (const auto& entry : folder) {
            std::ifstream file(entry.path());
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            io::log_record record;
            record.offset = log.end();
            record.timestamp_ms = 1'795'478'400'000;
            record.headers = {{"ce_specversion", "1.0"},
                              {"ce_id", entry.path().filename().string()},
                              {"ce_source", "/test"},
                              {"ce_type", "cn.zhida.policy.published.v1"},
                              {"content-type", "application/json"}};
            record.value = text;
            log.add(std::move(record));
            must(log.events().back().checked.has_value());
        }
        must(log.end() > 0);
        return log;
    }();
    return made;
}

const matcher::standing_items& standing() {
    static const matcher::standing_items made(sample_policies(), sample_policies().end(), today);
    return made;
}

const matcher::row_layouts& layouts() {
    static const matcher::row_layouts made(the_catalogue());
    return made;
}

void check_document(const profile& p) {
    std::vector<failure> errors;
    const auto again =
        read_profile_document(write_profile_document(p, the_catalogue()), the_catalogue(), errors);
    must(again.has_value() && errors.empty() && *again == p);
    const auto bytes = pack_profile(p, 7, "sealed");
    auto packed = unpack_profile(bytes);
    must(packed.has_value() && packed->ordinal == 7 && packed->sealed_contacts == "sealed");
    packed->subject.id = p.id;
    packed->subject.contacts = p.contacts;
    must(packed->subject == p && packed->reachable == reachable(p.contacts));
}

void check_matching(const profile& p) {
    matcher::shard_rows rows(layouts());
    rows.put(0, p.type, p.attributes, reachable(p.contacts));
    const auto held = rows.of(p.type).get(0);
    must(held.known == p.attributes.known);
    static matcher::standing_space space;
    // From nothing known to all of it, from the other type, and as somebody new.
    const matcher::judged_row after{p.type, p.attributes};
    const matcher::judged_row empty{p.type, {}};
    const auto told = matcher::compare(standing(), nullptr, after, space);
    const auto changed = matcher::compare(standing(), &empty, after, space);
    must(matcher::compare(standing(), &after, after, space).empty());
    std::size_t eligible = 0, newly = 0, no_longer = 0;
    for (const auto& item : standing().items(p.type)) {
        const auto now = judge(item.condition(), p.attributes, today).outcome == verdict::eligible;
        const auto before = judge(item.condition(), attribute_row{}, today).outcome == verdict::eligible;
        must(now == (judge(item.condition(), held, today).outcome == verdict::eligible));
        eligible += now ? 1 : 0;
        newly += now && !before ? 1 : 0;
        no_longer += before && !now ? 1 : 0;
    }
    must(told.newly.size() == eligible && told.no_longer.empty());
    must(changed.newly.size() == newly && changed.no_longer.size() == no_longer);
    static scan_space scans;
    for (const auto* item : told.newly) {
        const scan_plan plan(item->condition(), layouts().of(p.type), today);
        bool found = false;
        scans.scan(plan, rows.of(p.type), [&](const scan_block& b) { found = (b.eligible[0] & 1) != 0; });
        must(found);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto document = parse_json({reinterpret_cast<const char*>(data), size});
    if (!document) return 0;
    std::vector<failure> errors;
    const auto read = read_profile_document(*document, the_catalogue(), errors);
    must(read.has_value() == errors.empty());
    for (const auto& e : errors) must(!e.what.empty());
    if (!read) return 0;
    check_document(*read);
    check_matching(*read);
    return 0;
}
