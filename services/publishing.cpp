#include "services/publishing.hpp"

#include "common/base/murmur2.hpp"
#include "common/io/http_decode.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "matching/profile_document.hpp"

namespace zhida {

std::vector<io::topic_spec> all_topics(std::int32_t shards, bool in_redis) {
    // Policies are kept for ever: a matcher reads them from the beginning; and what a Redis that lost
    // everything is made of again: campaigns, consents, deliveries. Deliveries that are in the same Redis
    // would be lost with it, and take its memory. The others are kept for who has to look back; nothing goes
    // before every group has stored that it is done.
    constexpr auto week = 7 * topics::day_ms, month = 30 * topics::day_ms;
    std::vector<io::topic_spec> all{{topics::policy, 1, -1},
                                    {topics::campaign, 1, -1},
                                    {topics::profile, shards, topics::profile_kept_ms},
                                    {topics::delivery, shards, in_redis ? month : -1},
                                    {topics::receipt, shards, week},
                                    {topics::match, shards, week},
                                    {topics::consent, shards, -1},
                                    {topics::dead_letter, 1, month}};
    for (const auto via : {channel::web, channel::sms, channel::wechat})
        all.push_back({topics::dispatch(via), shards, week});
    return all;
}

result<bool> repeats(const store::stored_policy& stored, const policy& p, const json& document) {
    if (stored.version == p.version && stored.document == document) return true;
    if (stored.version < p.version) return false;
    return failure{errc::conflict,
                   "编号 " + p.id + " 的第 " + std::to_string(stored.version) + " 版已经发布，内容与这份不同",
                   "/version",
                   "若是新政策，请改 id；若是更新，请把 version 改为 " + std::to_string(stored.version + 1)};
}

namespace {
constexpr std::string_view published_by = "/zhida/publish/"; // then the name, percent-encoded
}

std::string publisher_of(const cloud_event& e) {
    if (!e.source.starts_with(published_by)) return {};
    return io::percent_decode(std::string_view(e.source).substr(published_by.size()), false).value_or("");
}

io::log_message policy_message(const policy& p, const json& document, wall_time now, std::string_view by) {
    cloud_event e;
    e.id = p.id + ".v" + std::to_string(p.version);
    e.source = by.empty() ? "/zhida/publish" : std::string(published_by) + io::percent_encode(by);
    e.type = event_type::policy_published;
    e.subject = p.id;
    e.time = to_rfc3339(now);
    e.dataschema = p.schema;
    e.data = document;
    auto encoded = encode_event(e);
    return {topics::policy, 0, p.id, std::move(encoded.value), encoded.headers};
}

io::log_message profile_message(const profile& p, const matching::catalogue& c, const crypto::sealer& sealer,
                                int shards, wall_time now) {
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/import";
    e.type = event_type::profile_upserted;
    e.subject = p.id;
    e.time = to_rfc3339(now);
    e.dataschema = matching::profile_schema;
    e.data = matching::write_profile_document(p, c, &sealer);
    auto encoded = encode_event(e);
    return {topics::profile, shard_of(p.id, shards), p.id, std::move(encoded.value), encoded.headers};
}

} // namespace zhida
