// Campaign documents, from the API and from Redis: what is read is written again the same, and whatever is
// done to it leaves one that can be read.
#include "common/model/campaign_life.hpp"

#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zhida;
    const auto document = parse_json({reinterpret_cast<const char*>(data), size}, {1 << 20, 64});
    if (!document) return 0;
    const auto c = read_campaign(*document);
    if (!c) {
        require(!c.error().what.empty() && c.error().where.starts_with('/'));
        return 0;
    }
    const auto written = to_json(*c);
    const auto again = read_campaign(written);
    require(again.has_value() && to_json(*again) == written);
    require(valid_campaign_id(c->id) && campaign_kind_label(c->kind));
    if (const auto name = parse_campaign_id_parts(c->id))
        require(name->version > 0 && name->round > 0 && c->id.starts_with(name->policy));
    const actor by{"somebody", "operator"};
    for (int a = 0; a < campaign_action_count; ++a) {
        const auto next = apply(*c, static_cast<campaign_action>(a), by, c->not_before_ms, "why");
        if (next)
            require(read_campaign(to_json(*next)).has_value());
        else
            require(!next.error().what.empty() && !next.error().text().empty());
    }
    return 0;
}
