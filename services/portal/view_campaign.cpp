// Campaigns, totals, gateways, dead letters: what operators and departments read.
#include "common/base/clock.hpp"
#include "common/io/http_decode.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/check_words.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

namespace {

std::string get(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

// Along the way of a message, as a reader thinks of it.
constexpr ledger::state shown_order[] = {
    ledger::state::queued,     ledger::state::held,      ledger::state::submitting, ledger::state::submitted,
    ledger::state::unknown,    ledger::state::delivered, ledger::state::failed,     ledger::state::expired,
    ledger::state::suppressed, ledger::state::cancelled};

// The bar's order and colours: what arrived first.
struct group {
    const char* kind;
    std::initializer_list<ledger::state> states;
};
const group bar_groups[] = {
    {"delivered", {ledger::state::delivered}},
    {"submitted", {ledger::state::submitted, ledger::state::submitting}},
    {"waiting", {ledger::state::queued, ledger::state::held}},
    {"unknown", {ledger::state::unknown}},
    {"failed", {ledger::state::failed, ledger::state::expired}},
    {"suppressed", {ledger::state::suppressed, ledger::state::cancelled}},
};

// The bar is 1000 wide; what is there at all is at least 4 wide, so that a single failure can be seen.
json bar_view(const json& states, std::int64_t matched) {
    json out = json::array();
    if (matched <= 0) return out;
    std::vector<std::pair<const char*, std::int64_t>> parts;
    std::int64_t total = 0;
    for (const auto& g : bar_groups) {
        std::int64_t count = 0;
        for (const auto s : g.states) count += number(states, ledger::to_string(s));
        if (count <= 0) continue;
        const auto width = std::max<std::int64_t>(4, count * 1000 / matched);
        parts.emplace_back(g.kind, width);
        total += width;
    }
    if (parts.empty()) return out;
    // Rounding and small parts go to the account of the widest.
    auto widest = parts.begin();
    for (auto p = parts.begin(); p != parts.end(); ++p)
        if (p->second > widest->second) widest = p;
    widest->second += 1000 - total;
    std::int64_t at = 0;
    for (const auto& [kind, width] : parts) {
        out.push_back({{"kind", kind}, {"x", std::to_string(at)}, {"w", std::to_string(width)}});
        at += width;
    }
    return out;
}

json states_view(const json& states, std::int64_t matched, language in) {
    json out = json::array();
    for (const auto s : shown_order) {
        const std::string name = ledger::to_string(s);
        const auto count = number(states, name.c_str());
        out.push_back(
            {{"name", name},
             {"label", text(in, "state_" + name)},
             {"hint", text(in, "hint_" + name)},
             {"count", with_commas(count)},
             {"some", count > 0},
             {"share", matched > 0 ? percent(static_cast<double>(count) / static_cast<double>(matched))
                                   : std::string("–")}});
    }
    return out;
}

json channel_view(const json& channel, language in) {
    const auto& states = channel.at("states");
    const auto matched = number(channel, "matched");
    const auto name = get(channel, "channel");
    json out = {{"name", name},
                {"label", text(in, "channel_" + name)},
                {"matched", with_commas(matched)},
                {"pending", with_commas(number(channel, "pending"))},
                {"read", with_commas(number(channel, "read"))},
                {"shows_read", name == "web"},
                {"states", states_view(states, matched, in)},
                {"bar", bar_view(states, matched)}};
    for (const auto s : shown_order)
        out[ledger::to_string(s)] = with_commas(number(states, ledger::to_string(s)));
    out["over"] = with_commas(number(states, "expired") + number(states, "cancelled"));
    const auto& rate = channel.at("failure_rate");
    out["failure_rate"] = rate.is_null() ? std::string("–") : percent(rate.get<double>());
    out["failure_warning"] = channel.at("failure_warning");
    out["reasons"] = json::array();
    for (const auto& r : channel.at("reasons"))
        out["reasons"].push_back({{"state", text(in, "state_" + get(r, "state"))},
                                  {"label", text(in, "reason_" + get(r, "reason"))},
                                  {"count", with_commas(number(r, "count"))}});
    out["has_reasons"] = !out["reasons"].empty();
    out["identity_holds"] = channel.value("identity_holds", true);
    out["identity_text"] =
        out["identity_holds"].get<bool>()
            ? text(in, "identity_holds")
            : text(in, "identity_broken", {{"n", with_commas(number(channel, "imbalance"))}});
    out["bar_text"] = text(in, "state_delivered") + " " + with_commas(number(states, "delivered")) + " / " +
                      with_commas(matched);
    return out;
}

// Those that were heard most, with how often: a gateway has many codes and few troubles.
json codes_view(const json& gateway) {
    constexpr std::size_t shown = 4;
    std::vector<std::pair<std::int64_t, std::string>> most;
    if (const auto codes = gateway.find("codes"); codes != gateway.end() && codes->is_object())
        for (const auto& [code, count] : codes->items())
            if (count.is_number_integer()) most.emplace_back(-count.get<std::int64_t>(), code);
    std::sort(most.begin(), most.end());
    json out = json::array();
    for (std::size_t i = 0; i < std::min(shown, most.size()); ++i)
        out.push_back({{"code", most[i].second}, {"count", with_commas(-most[i].first)}});
    return out;
}

std::string latency_text(std::int64_t ms) {
    if (ms < 0) return "–";
    if (ms < 1000) return std::to_string(ms) + " ms";
    if (ms < 100'000) return std::to_string(ms / 1000) + "." + std::to_string(ms % 1000 / 100) + " s";
    return std::to_string(ms / 60'000) + " min";
}

bool known_state(std::string_view state) {
    constexpr std::string_view all[] = {"connected",    "connecting", "down",    "stopped",
                                        "circuit_open", "silent",     "disabled"};
    return std::find(std::begin(all), std::end(all), state) != std::end(all);
}

std::string gateway_state_text(const std::string& state, language in) {
    return text(in, "gw_" + (known_state(state) ? state : std::string("other")));
}

// Where there are several: how many say what of it, as the state is that of the best.
json processes_view(const json& gateway, language in) {
    const auto states = gateway.find("states");
    const auto processes = number(gateway, "processes");
    if (processes < 2 || states == gateway.end() || !states->is_object()) return false;
    std::string all;
    for (const auto& [state, count] : states->items())
        all += (all.empty() ? "" : " · ") + gateway_state_text(state, in) + " " + count.dump();
    return text(in, "gw_processes", {{"n", with_commas(processes)}, {"states", all}});
}

bool of_wechat(const std::string& name) {
    return name == "wechat" || name == "miniprogram" || name == "wecom";
}

json gateway_view(const json& gateway, language in) {
    const auto state = get(gateway, "state");
    const auto name = get(gateway, "name");
    json out = {{"name", name == "sms"     ? text(in, "channel_sms")
                         : of_wechat(name) ? text(in, "wechat_account_" + name)
                                           : name},
                {"protocol", get(gateway, "protocol")},
                {"detail", get(gateway, "detail").empty() ? json(false) : json(get(gateway, "detail"))}};
    out["state"] = known_state(state) ? state : "other";
    out["state_text"] = gateway_state_text(state, in);
    out["processes"] = processes_view(gateway, in);
    out["speaks"] = state != "silent" && state != "disabled";
    for (const char* n :
         {"sent", "accepted", "rejected", "retried", "unknown", "receipts", "in_flight", "window"})
        out[n] = with_commas(number(gateway, n));
    const auto rate = number(gateway, "rate_per_s");
    out["rate"] = rate > 0 ? with_commas(rate) + text(in, "per_second")
                           : text(in, rate < 0 ? "gw_rate_nothing" : "gw_rate_unlimited");
    const auto connections = number(gateway, "connections");
    out["connections"] =
        connections > 0 ? json(text(in, "gw_connections", {{"n", with_commas(connections)}})) : json(false);
    out["latency"] = latency_text(gateway.value("receipt_ms", std::int64_t{-1}));
    out["codes"] = codes_view(gateway);
    out["no_codes"] = out["codes"].empty();
    const auto circuit = gateway.value("circuit", std::string("closed"));
    out["circuit_text"] =
        text(in, "circuit_" + (circuit == "open" || circuit == "half_open" ? circuit : "closed"));
    out["circuit_closed"] = circuit != "open" && circuit != "half_open";
    const auto health = static_cast<std::int64_t>(gateway.value("health", 1.0) * 100 + 0.5);
    // Where there may be several to choose from, and one that says something.
    out["weight_text"] =
        of_wechat(name) || !out["speaks"].get<bool>()
            ? json(false)
            : json(text(in, "gw_weight",
                        {{"weight", std::to_string(gateway.value("weight", std::int64_t{1}))},
                         {"health", std::to_string(health)}}));
    const auto since = number(gateway, "since_ms");
    out["since"] = since > 0 ? json(short_time(to_rfc3339(wall_time(milliseconds(since))))) : json(false);
    return out;
}

} // namespace

json campaign_view(const json& campaign, language in) {
    const auto kind = get(campaign, "kind");
    json out = {{"id", get(campaign, "id")},
                {"path", io::percent_encode(get(campaign, "id"))},
                {"policy_path", io::percent_encode(get(campaign, "policy"))},
                {"title", get(campaign, "title")},
                {"issuer", get(campaign, "issuer")},
                {"kind_text", kind.empty() || kind == "first" ? json(false) : json(text(in, "kind_" + kind))},
                {"state", get(campaign, "state")},
                {"state_text", text(in, "campaign_" + get(campaign, "state"))},
                {"started", short_time(get(campaign, "created_at"))},
                {"version", std::to_string(number(campaign, "version"))},
                {"round", std::to_string(number(campaign, "round"))},
                {"audience", with_commas(number(campaign, "audience"))},
                {"empty", number(campaign, "audience") == 0},
                {"empty_text",
                 text(in, get(campaign, "state") == "finished" ? "no_audience_over" : "no_audience_text")},
                {"identity_holds", campaign.at("identity_holds")}};
    out["channels"] = json::array();
    for (const auto& c : campaign.at("channels")) out["channels"].push_back(channel_view(c, in));
    out["rows"] = std::to_string(campaign.at("channels").size());
    out["items"] = json::array();
    int n = 0;
    for (const auto& i : campaign.at("items"))
        out["items"].push_back({{"number", std::to_string(++n)},
                                {"eligible", with_commas(number(i, "eligible"))},
                                {"possible", with_commas(number(i, "possible"))},
                                {"one_short", with_commas(number(i, "one_short"))}});
    out["has_items"] = !out["items"].empty();
    return out;
}

json summary_view(const json& summary, language in) {
    json out = {{"at", short_time(get(summary, "at"))},
                {"dead_letters", with_commas(number(summary, "dead_letters"))}};
    out["some_dead_letters"] = number(summary, "dead_letters") > 0;
    const auto count_or_dash = [&](const char* name) {
        return summary.at(name).is_null() ? std::string("–") : with_commas(number(summary, name));
    };
    out["subjects"] = count_or_dash("subjects");
    out["policies"] = count_or_dash("policies");
    const auto& totals = summary.at("totals");
    out["has_totals"] = !totals.is_null();
    out["campaigns"] = totals.is_null() ? "–" : with_commas(number(totals, "campaigns"));
    out["totals_note"] = totals.is_null()
                             ? json(false)
                             : json(text(in, "totals_note", {{"n", out["campaigns"].get<std::string>()}}));
    out["channels"] = json::array();
    std::int64_t imbalance = 0;
    if (!totals.is_null()) {
        for (const auto& c : totals.at("channels")) out["channels"].push_back(channel_view(c, in));
        imbalance = number(totals, "ledger_imbalance");
    }
    out["identity_holds"] = imbalance == 0;
    out["identity_text"] = imbalance == 0 ? text(in, "identity_holds")
                                          : text(in, "identity_broken", {{"n", with_commas(imbalance)}});
    out["gateways"] = json::array();
    if (!summary.at("gateways").is_null())
        for (const auto& g : summary.at("gateways")) out["gateways"].push_back(gateway_view(g, in));
    out["backlog"] = json::array();
    if (!summary.at("backlog").is_null())
        for (const auto& b : summary.at("backlog"))
            out["backlog"].push_back({{"label", text(in, "backlog_" + get(b, "what"))},
                                      {"waiting", with_commas(number(b, "waiting"))},
                                      {"some", number(b, "waiting") > 0}});
    out["has_backlog"] = !out["backlog"].empty();
    out["unavailable"] = json::array();
    for (const auto& u : summary.at("unavailable"))
        out["unavailable"].push_back(
            {{"text", text(in, "part_unavailable", {{"why", get(u, "part") + ": " + get(u, "why")}})}});
    return out;
}

json dead_letters_view(const json& lines, std::int64_t total, language in) {
    json out = {{"some", !lines.empty()}, {"lines", json::array()}};
    out["kept_text"] =
        text(in, "dl_kept", {{"total", with_commas(total)}, {"shown", std::to_string(lines.size())}});
    for (const auto& line : lines) {
        json one = {
            {"at", short_time(get(line, "at"))}, {"topic", get(line, "topic")}, {"key", get(line, "key")}};
        one["place"] = number(line, "partition") || line.contains("record_offset")
                           ? "#" + std::to_string(number(line, "partition")) + " @" +
                                 std::to_string(number(line, "record_offset"))
                           : std::string();
        one["errors"] = json::array();
        const auto errors = line.find("errors");
        if (errors != line.end() && errors->is_array())
            for (const auto& e : *errors) {
                if (!e.is_object() || one["errors"].size() >= 3) continue;
                one["errors"].push_back(
                    {{"what", get(e, "what")},
                     {"where", get(e, "where").empty() ? json(false) : json(get(e, "where"))},
                     {"fix", get(e, "fix").empty() ? json(false) : json(get(e, "fix"))}});
            }
        one["excerpt"] = get(line, "excerpt").empty() ? json(false) : json(get(line, "excerpt"));
        out["lines"].push_back(std::move(one));
    }
    return out;
}

json feedback_view(const json& letters, const std::vector<std::string>& departments, language in) {
    json choice = json::array();
    for (const auto& d : departments) choice.push_back({{"name", d}});
    json out = {{"letters", json::array()}, {"empty", letters.empty()}, {"departments", choice}};
    for (const auto& l : letters) {
        const auto or_false = [&](const char* name) {
            return get(l, name).empty() ? json(false) : json(get(l, name));
        };
        out["letters"].push_back(
            {{"id", get(l, "id")},
             {"at", short_time(get(l, "at"))},
             {"phone", get(l, "phone")},
             {"gateway", get(l, "gateway") == "sms" ? text(in, "channel_sms") : get(l, "gateway")},
             {"text", get(l, "text")},
             {"to", or_false("to")},
             {"department", or_false("department")},
             {"nobodys", get(l, "department").empty()}});
    }
    return out;
}

json errors_view(const json& errors, language in) {
    const auto said = [in](const std::string& text) {
        return in == language::zh ? check_words_zh(text) : text;
    };
    json out = {{"title", text(in, "errors_title", {{"n", std::to_string(errors.size())}})},
                {"lines", json::array()}};
    for (const auto& e : errors)
        out["lines"].push_back(
            {{"pointer", get(e, "pointer").empty() ? text(in, "whole_document") : get(e, "pointer")},
             {"what", said(get(e, "what"))},
             {"fix", said(get(e, "fix"))}});
    return out;
}

} // namespace zhida::portal
