#include "common/store/audit.hpp"

#include "common/base/clock.hpp"
#include "common/base/crypto.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

namespace zhida {

io::log_message delivery_message(const transition& t) {
    json counts = json::object();
    for (const auto& c : t.changes) {
        auto& n = counts[ledger::to_string(c.to.now)];
        n = n.is_null() ? 1 : n.get<int>() + 1;
    }
    cloud_event e;
    e.id = new_event_id();
    e.source = "/zhida/ledger";
    e.type = event_type::delivery_changed;
    e.subject = t.campaign;
    e.time = to_rfc3339(wall_time(milliseconds(t.at_ms)));
    e.data = {{"campaign", t.campaign},
              {"shard", t.shard},
              {"channel", to_string(t.via)},
              {"epoch", t.epoch},
              {"kind", t.kind},
              {"at_ms", t.at_ms},
              {"counts", counts},
              {"changes", crypto::base64(store::encode_changes(t.changes))}};
    auto encoded = encode_event(e);
    return {topics::delivery, t.shard, t.campaign, std::move(encoded.value), encoded.headers};
}

result<transition> read_transition(const json& data) {
    std::vector<failure> errors;
    json_reader in(data, "", errors);
    transition t;
    t.campaign = in.text("campaign", true).value_or("");
    t.shard = static_cast<int>(in.integer("shard", true, 0, 1 << 20).value_or(0));
    t.epoch = static_cast<std::uint32_t>(in.integer("epoch", true, 0, UINT32_MAX).value_or(0));
    t.kind = in.text("kind", true).value_or("");
    t.at_ms = in.integer("at_ms", true, 0, INT64_MAX).value_or(0);
    if (!parse(in.text("channel", true).value_or(""), t.via)) in.error_at("channel", "is not a channel");
    const auto bytes = crypto::from_base64(in.text("changes", true, 64 << 10).value_or(""));
    if (!bytes) return bytes.error();
    auto changes = store::decode_changes(*bytes);
    if (!changes) return changes.error();
    t.changes = std::move(*changes);
    if (!errors.empty()) return errors.front();
    return t;
}

} // namespace zhida
