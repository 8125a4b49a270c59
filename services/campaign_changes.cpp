#include "services/campaign_changes.hpp"

#include "common/base/log.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"

#include <algorithm>

namespace zhida {

namespace asio = boost::asio;

asio::awaitable<result<void>> campaign_changes::tell(const campaign& c) {
    const bool held_back = c.state == campaign_state::paused || final(c.state);
    const bool went_on = c.state == campaign_state::running &&
                         std::any_of(c.history.begin(), c.history.end(),
                                     [](const auto& step) { return step.action == campaign_action::resume; });
    if (held_back || went_on)
        if (auto told = co_await ledgers_.tell_state(c.id, c.state, c.revision, shards_); !told)
            co_return told.error();
    cloud_event e;
    e.id = c.id + "/" + std::to_string(c.revision);
    e.source = "/zhida/campaigns";
    e.type = event_type::campaign_changed;
    e.subject = c.id;
    e.time = to_rfc3339(time_.now());
    e.data = to_json(c);
    auto encoded = encode_event(e);
    auto appended =
        co_await log_.append({topics::campaign, 0, c.id, std::move(encoded.value), encoded.headers});
    if (!appended) co_return appended.error();
    co_return result<void>{};
}

asio::awaitable<result<campaign>> campaign_changes::keep(campaign changed) {
    auto kept = co_await campaigns_.change(std::move(changed));
    if (!kept) co_return kept.error();
    if (auto told = co_await tell(*kept); !told) co_return told.error();
    co_return *kept;
}

asio::awaitable<result<campaign>> campaign_changes::act(std::string id, campaign_action action, actor by,
                                                        std::string note) {
    auto before = co_await campaigns_.get(id);
    if (!before) co_return before.error();
    auto changed = apply(*before, action, by, time_.now().time_since_epoch().count(), note);
    if (!changed) co_return changed.error();
    auto kept = co_await keep(std::move(*changed));
    if (!kept) co_return kept.error();
    log::info("campaign changed",
              {{"campaign", id}, {"action", to_string(action)}, {"by", by.name}, {"role", by.role}});
    if (action == campaign_action::withdraw && kept->kind != "correction") {
        auto correction = co_await further_round(*kept, "correction", campaign_recipients::reached, by);
        if (!correction) co_return correction.error();
    }
    co_return *kept;
}

asio::awaitable<result<campaign>> campaign_changes::further_round(const campaign& base, std::string kind,
                                                                  campaign_recipients only, actor by) {
    if (kind == "first" || !campaign_kind_label(kind))
        co_return failure{errc::invalid, "没有这种后续推送：" + kind, "/kind",
                          "interpretation、deadline、retry 或 correction"};
    campaign c;
    c.policy_id = base.policy_id;
    c.policy_version = base.policy_version;
    c.title = base.title;
    c.issuer = base.issuer;
    c.channels = base.channels;
    c.urgency = base.urgency;
    c.routing = base.routing;
    c.kind = kind;
    c.base = base.id;
    c.only = only;
    c.drafted_by = by.name;
    c.created_ms = time_.now().time_since_epoch().count();
    c.state = campaign_state::draft;
    constexpr int most_rounds = 1000;
    for (c.round = base.round + 1; c.round < most_rounds; ++c.round) {
        c.id = campaign_id(c.policy_id, c.policy_version, c.round);
        auto held = co_await campaigns_.get(c.id);
        if (held && held->base == c.base && held->kind == c.kind && held->only == c.only &&
            kind == "correction")
            co_return *held; // one correction is enough
        if (held) continue;
        if (held.error().code != errc::not_found) co_return held.error();
        if (auto put = co_await campaigns_.put(c); !put) co_return put.error();
        auto mine = co_await campaigns_.get(c.id);
        if (!mine) co_return mine.error();
        if (to_json(*mine) != to_json(c)) continue; // somebody else was quicker
        if (auto told = co_await tell(c); !told) co_return told.error();
        co_return c;
    }
    co_return failure{errc::exhausted, "该政策的推送轮次已用完", base.id, ""};
}

} // namespace zhida
