#include "services/portal/operations.hpp"

#include "common/base/log.hpp"
#include "common/model/topics.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/gateway_sum.hpp"

#include <prometheus/gauge.h>

#include <algorithm>
#include <numeric>

namespace zhida::portal {

namespace {

std::int64_t sum_of(const std::vector<std::int64_t>& offsets) {
    return std::accumulate(offsets.begin(), offsets.end(), std::int64_t{0});
}

// What a group has still to read of a topic.
asio::awaitable<result<std::int64_t>> waiting_of_group(context& c, std::string group, std::string topic) {
    const auto ends = co_await c.log->end_offsets(topic);
    if (!ends) co_return ends.error();
    const auto stored = co_await c.log->stored_offsets(c.settings.event_log.group + group, topic);
    if (!stored) co_return stored.error();
    co_return std::max<std::int64_t>(0, sum_of(*ends) - sum_of(*stored));
}

// Matchers keep their place in the store, with what they did.
asio::awaitable<result<std::int64_t>> waiting_policies(context& c) {
    const auto ends = co_await c.log->end_offsets(topics::policy);
    if (!ends) co_return ends.error();
    if (ends->empty()) co_return 0;
    std::int64_t slowest = ends->front();
    for (int shard = 0; shard < static_cast<int>(c.settings.node.shards); ++shard) {
        const auto done = co_await c.ledgers.matched_until(shard);
        if (!done) co_return done.error();
        slowest = std::min(slowest, done->policy_offset);
    }
    co_return ends->front() - slowest;
}

asio::awaitable<result<std::int64_t>> waiting_profiles(context& c) {
    const auto ends = co_await c.log->end_offsets(topics::profile);
    if (!ends) co_return ends.error();
    const auto applied = co_await c.profiles.applied_offsets();
    if (!applied) co_return applied.error();
    std::int64_t waiting = 0;
    for (std::size_t i = 0; i < ends->size() && i < applied->size(); ++i)
        waiting += std::max<std::int64_t>(0, (*ends)[i] - (*applied)[i]);
    co_return waiting;
}

} // namespace

asio::awaitable<result<json>> gateways_document(context& c) {
    json out = json::array();
    std::vector<std::pair<std::string, bool>> all;
    for (const auto& g : gateways_of(c.settings.sms)) all.emplace_back(g.name, c.settings.sms.enabled);
    all.emplace_back("wechat", c.settings.wechat.enabled);
    if (c.settings.miniprogram.enabled) all.emplace_back("miniprogram", true); // most do without
    if (c.settings.wecom.enabled) all.emplace_back("wecom", true);
    for (const auto& [name, enabled] : all) {
        if (!enabled) {
            out.push_back({{"name", name}, {"state", "disabled"}});
            continue;
        }
        const auto statuses = co_await c.gateways.get(name);
        if (!statuses) co_return statuses.error();
        out.push_back(statuses->empty() ? json{{"name", name}, {"state", "silent"}}
                                        : gateway_of_processes(*statuses));
    }
    co_return ok(std::move(out));
}

asio::awaitable<result<json>> backlog_document(context& c) {
    json out = json::array();
    const auto policies = co_await waiting_policies(c);
    if (!policies) co_return policies.error();
    out.push_back({{"what", "policy"}, {"waiting", *policies}});
    const auto profiles = co_await waiting_profiles(c);
    if (!profiles) co_return profiles.error();
    out.push_back({{"what", "profile"}, {"waiting", *profiles}});
    for (int i = 0; i < channel_count; ++i) {
        const auto via = static_cast<channel>(i);
        const auto name = std::string("dispatch.") + to_string(via);
        const auto waiting = co_await waiting_of_group(c, "." + name, topics::dispatch(via));
        if (!waiting) co_return waiting.error();
        out.push_back({{"what", name}, {"waiting", *waiting}});
    }
    const auto receipts = co_await waiting_of_group(c, ".receipt", topics::receipt);
    if (!receipts) co_return receipts.error();
    out.push_back({{"what", "receipt"}, {"waiting", *receipts}});
    co_return ok(std::move(out));
}

asio::awaitable<json> summary_document(context& c) {
    json out = json::object(), missing = json::array();
    // A dependency that fails leaves its part empty and says so; the rest is still worth seeing.
    const auto put = [&](const char* name, const auto& value) {
        if (value) {
            out[name] = *value;
        } else {
            out[name] = json();
            missing.push_back({{"part", name}, {"why", value.error().text()}});
        }
    };
    put("subjects", co_await c.profiles.count());
    put("policies", co_await c.policies.count());
    const auto progress = co_await c.progress.newest();
    put("totals", progress ? ok(totals_document(sum(**progress))) : result<json>(progress.error()));
    put("gateways", co_await gateways_document(c));
    put("backlog", co_await backlog_document(c));
    out["dead_letters"] = c.buried.total();
    out["at"] = to_rfc3339(c.time.now());
    out["unavailable"] = std::move(missing);
    co_return out;
}

asio::awaitable<std::vector<std::string>> not_ready_reasons(context& c) {
    std::vector<std::string> reasons;
    const auto pong = co_await c.redis.command({"PING"});
    if (!pong) reasons.push_back("redis: " + pong.error().text());
    const auto ends = co_await c.log->end_offsets(topics::policy);
    if (!ends) reasons.push_back("event log: " + ends.error().text());
    if (c.parts.not_ready)
        for (auto& reason : c.parts.not_ready()) reasons.push_back(std::move(reason));
    co_return reasons;
}

asio::awaitable<void> refresh_gauges(context& c) {
    auto& meters = c.parts.meters;
    meters.gauge("zhida_live_streams", "Live streams open now.").Set(static_cast<double>(c.live.open()));
    meters.gauge("zhida_dead_letters", "Events ever buried in zhida.deadletter.")
        .Set(static_cast<double>(c.buried.total()));
    const auto progress = co_await c.progress.newest();
    if (!progress) {
        log::warn("portal_gauges_unreadable", {{"error", progress.error().text()}});
        co_return;
    }
    const auto t = sum(**progress);
    for (const auto& [via, counts] : t.channels)
        for (int i = 0; i < ledger::state_count; ++i)
            meters
                .gauge("zhida_deliveries", "Deliveries of the newest campaigns by channel and state.",
                       {{"channel", to_string(via)},
                        {"state", ledger::to_string(static_cast<ledger::state>(i))}})
                .Set(static_cast<double>(counts.states[static_cast<std::size_t>(i)]));
    meters
        .gauge("zhida_ledger_imbalance", "Deliveries that the ledgers hold too many or too few; 0 is right.")
        .Set(static_cast<double>(t.imbalance));
    const auto backlog = co_await backlog_document(c);
    if (!backlog) {
        log::warn("portal_backlog_unreadable", {{"error", backlog.error().text()}});
        co_return;
    }
    for (const auto& one : *backlog)
        meters
            .gauge("zhida_event_log_waiting", "Records that wait to be worked on.",
                   {{"work", one.at("what").get<std::string>()}})
            .Set(one.at("waiting").get<double>());
}

} // namespace zhida::portal
