#include "common/model/campaign.hpp"

#include <numeric>

namespace zhida {

namespace {

struct names {
    const char* name;
    const char* label;
};
constexpr names states[] = {{"draft", "草稿"},       {"submitted", "待审"},   {"approved", "已批准"},
                            {"scheduled", "已排期"}, {"running", "推送中"},   {"paused", "已暂停"},
                            {"finished", "已完成"},  {"cancelled", "已取消"}, {"withdrawn", "已撤回"}};

} // namespace

const char* to_string(campaign_state s) noexcept {
    return states[static_cast<int>(s)].name;
}
const char* label(campaign_state s) noexcept {
    return states[static_cast<int>(s)].label;
}

std::string campaign_id(std::string_view policy_id, int version, int round) {
    return std::string(policy_id) + ".v" + std::to_string(version) + ".r" + std::to_string(round);
}

json to_json(const campaign& c) {
    json channels = json::array();
    for (const auto via : c.channels) channels.push_back(to_string(via));
    return {{"id", c.id},
            {"policy_id", c.policy_id},
            {"policy_version", c.policy_version},
            {"round", c.round},
            {"title", c.title},
            {"issuer", c.issuer},
            {"channels", channels},
            {"state", to_string(c.state)},
            {"urgency", to_string(c.urgency)},
            {"kind", c.kind},
            {"revision", c.revision},
            {"expires_ms", c.expires_ms},
            {"created_ms", c.created_ms}};
}

result<campaign> read_campaign(const json& document) {
    std::vector<failure> errors;
    json_reader in(document, "", errors);
    campaign c;
    c.id = in.text("id", true).value_or("");
    c.policy_id = in.text("policy_id", true).value_or("");
    c.policy_version = static_cast<int>(in.integer("policy_version", true, 1, 1'000'000).value_or(1));
    c.round = static_cast<int>(in.integer("round", true, 1, 1000).value_or(1));
    c.title = in.text("title", true).value_or("");
    c.issuer = in.text("issuer", true).value_or("");
    c.created_ms = in.integer("created_ms", true, 0, INT64_MAX).value_or(0);
    c.kind = in.text("kind", false, 32).value_or("first");
    c.revision = in.integer("revision", false, 0, INT64_MAX).value_or(0);
    c.expires_ms = in.integer("expires_ms", false, 0, INT64_MAX).value_or(0);
    if (const auto urgency = in.text("urgency", false, 16); urgency && !parse(*urgency, c.urgency))
        in.error_at("urgency", "'" + *urgency + "' is none of normal, urgent, emergency");
    const auto name = in.text("state", true).value_or("");
    bool known = false;
    for (std::size_t i = 0; i < std::size(states); ++i)
        if (name == states[i].name) {
            c.state = static_cast<campaign_state>(i);
            known = true;
        }
    if (!known && errors.empty()) in.error_at("state", "'" + name + "' is not a campaign state");
    if (const json* channels = in.array("channels", true, channel_count))
        for (const auto& entry : *channels) {
            channel via{};
            if (entry.is_string() && parse(entry.get_ref<const std::string&>(), via))
                c.channels.push_back(via);
            else
                in.error_at("channels", "names an unknown channel");
        }
    if (!errors.empty()) return errors.front();
    return c;
}

std::int64_t channel_progress::matched() const noexcept {
    return std::accumulate(states.begin(), states.end(), std::int64_t{0});
}

std::int64_t channel_progress::pending() const noexcept {
    std::int64_t sum = 0;
    for (int s = 0; s < ledger::state_count; ++s)
        if (!ledger::terminal(static_cast<ledger::state>(s))) sum += states[static_cast<std::size_t>(s)];
    return sum;
}

} // namespace zhida
