#include "services/dispatch_records.hpp"

#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

namespace zhida {

io::log_message dispatch_message(const dispatch_chunk& c, wall_time now) {
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/scheduler";
    e.type = event_type::dispatch_chunk;
    e.subject = c.campaign;
    e.time = to_rfc3339(now);
    e.data = {{"campaign", c.campaign}, {"shard", c.shard}, {"channel", to_string(c.via)},
              {"first", c.first},       {"count", c.count}, {"urgency", to_string(c.urgency)}};
    auto encoded = encode_event(e);
    return {topics::dispatch(c.via), c.shard, c.campaign, std::move(encoded.value), encoded.headers};
}

result<dispatch_chunk> read_dispatch(const json& data, std::vector<failure>& errors) {
    json_reader in(data, "", errors);
    dispatch_chunk c;
    if (!in.is_object()) return errors.front();
    c.campaign = in.text("campaign", true, 128).value_or("");
    c.shard = static_cast<int>(in.integer("shard", true, 0, 4095).value_or(0));
    c.first = static_cast<std::uint32_t>(in.integer("first", true, 0, UINT32_MAX).value_or(0));
    c.count = static_cast<std::uint32_t>(in.integer("count", true, 1, 1024).value_or(0));
    const auto via = in.text("channel", true, 16).value_or("");
    if (!parse(via, c.via)) in.error_at("channel", "'" + via + "' is not a channel", "web, sms or wechat");
    if (const auto urgency = in.text("urgency", false, 16); urgency && !parse(*urgency, c.urgency))
        in.error_at("urgency", "'" + *urgency + "' is none of normal, urgent, emergency");
    if (!errors.empty()) return errors.front();
    return c;
}

} // namespace zhida
