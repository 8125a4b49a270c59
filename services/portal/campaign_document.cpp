#include "services/portal/campaign_document.hpp"

#include "common/base/clock.hpp"

#include <cstdlib>

namespace zhida::portal {

namespace {

std::int64_t count(const state_counts& states, ledger::state s) noexcept {
    return states[static_cast<std::size_t>(s)];
}

json counts_document(const state_counts& states) {
    json out = json::object();
    for (int i = 0; i < ledger::state_count; ++i)
        out[ledger::to_string(static_cast<ledger::state>(i))] = states[static_cast<std::size_t>(i)];
    return out;
}

json progress_document(const channel_progress& c) {
    json out = {{"channel", to_string(c.via)},
                {"matched", c.matched()},
                {"pending", c.pending()},
                {"read", c.read},
                {"states", counts_document(c.states)}};
    const auto rate = failure_rate(c.states);
    out["failure_rate"] = rate ? json(*rate) : json();
    out["failure_warning"] = rate && *rate > failure_warning;
    out["reasons"] = json::array();
    for (const auto& r : c.reasons)
        if (r.count > 0)
            out["reasons"].push_back({{"state", ledger::to_string(r.now)},
                                      {"reason", ledger::to_string(r.why)},
                                      {"label", ledger::label(r.why)},
                                      {"count", r.count}});
    return out;
}

} // namespace

std::optional<double> failure_rate(const state_counts& states) noexcept {
    const auto failed = count(states, ledger::state::failed);
    const auto settled = failed + count(states, ledger::state::delivered);
    if (settled <= 0) return std::nullopt;
    return static_cast<double>(failed) / static_cast<double>(settled);
}

std::int64_t imbalance(const store::campaign_progress& p, const channel_progress& c) noexcept {
    return c.matched() - p.audience;
}

json channel_document(const store::campaign_progress& p, const channel_progress& c) {
    auto out = progress_document(c);
    out["identity_holds"] = imbalance(p, c) == 0;
    out["imbalance"] = imbalance(p, c);
    return out;
}

json campaign_document(const store::campaign_progress& p) {
    const auto& a = p.about;
    json out = {
        {"id", a.id},       {"policy", a.policy_id}, {"version", a.policy_version}, {"round", a.round},
        {"title", a.title}, {"issuer", a.issuer},    {"audience", p.audience}};
    out["kind"] = a.kind;
    out["kind_label"] = campaign_kind_label(a.kind);
    out["base"] = a.base.empty() ? json() : json(a.base);
    out["state"] = to_string(a.state);
    out["state_label"] = label(a.state);
    out["created_at"] = to_rfc3339(wall_time(milliseconds(a.created_ms)));
    bool holds = true;
    out["channels"] = json::array();
    for (const auto& c : p.channels) {
        holds = holds && imbalance(p, c) == 0;
        out["channels"].push_back(channel_document(p, c));
    }
    out["identity_holds"] = holds;
    out["items"] = json::array();
    for (const auto& i : p.items)
        out["items"].push_back(
            {{"eligible", i.eligible}, {"possible", i.possible}, {"one_short", i.one_short}});
    return out;
}

totals sum(const std::vector<store::campaign_progress>& all) {
    totals out;
    for (const auto& p : all) {
        const bool test = p.about.kind == "test"; // is counted nowhere, but must be right
        if (!test) ++out.campaigns;
        if (!test) out.audience += p.audience;
        for (const auto& c : p.channels) {
            out.imbalance += std::abs(imbalance(p, c));
            if (test) continue;
            auto& to = out.channels[c.via];
            to.via = c.via;
            to.read += c.read;
            for (std::size_t i = 0; i < to.states.size(); ++i) to.states[i] += c.states[i];
            for (const auto& r : c.reasons) {
                auto found = to.reasons.begin();
                while (found != to.reasons.end() && (found->now != r.now || found->why != r.why)) ++found;
                if (found == to.reasons.end())
                    to.reasons.push_back(r);
                else
                    found->count += r.count;
            }
        }
    }
    return out;
}

json totals_document(const totals& t) {
    json out = {{"campaigns", t.campaigns}, {"audience", t.audience}, {"ledger_imbalance", t.imbalance}};
    out["channels"] = json::array();
    for (const auto& [via, progress] : t.channels) out["channels"].push_back(progress_document(progress));
    return out;
}

} // namespace zhida::portal
