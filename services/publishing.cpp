#include "services/publishing.hpp"

#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

namespace zhida {

std::vector<io::topic_spec> all_topics(std::int32_t shards) {
    std::vector<io::topic_spec> all{{topics::policy, 1, -1},
                                    {topics::profile, shards, -1},
                                    {topics::delivery, shards, -1},
                                    {topics::receipt, shards, -1},
                                    {topics::dead_letter, 1, -1}};
    for (const auto via : {channel::web, channel::sms, channel::wechat})
        all.push_back({topics::dispatch(via), shards, -1});
    return all;
}

io::log_message policy_message(const policy& p, const json& document, wall_time now) {
    cloud_event e;
    e.id = p.id + ".v" + std::to_string(p.version);
    e.source = "/zhida/publish";
    e.type = event_type::policy_published;
    e.subject = p.id;
    e.time = to_rfc3339(now);
    e.dataschema = p.schema;
    e.data = document;
    auto encoded = encode_event(e);
    return {topics::policy, 0, p.id, std::move(encoded.value), encoded.headers};
}

} // namespace zhida
