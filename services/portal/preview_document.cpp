#include "services/portal/preview_document.hpp"

#include "common/base/log.hpp"
#include "common/base/utf8.hpp"

#include <algorithm>

namespace zhida::portal {

namespace {

constexpr std::int64_t fewest_told = 5; // of residents in a cell: fewer could be guessed by name

json cell(std::int64_t n, subject_type type) {
    if (type == subject_type::resident && n > 0 && n < fewest_told) return "<5";
    return n;
}

json counts(const matching::verdict_counts& c, subject_type type) {
    return {{"eligible", cell(c.eligible, type)},
            {"possible", cell(c.possible, type)},
            {"decided", cell(c.decided, type)},
            {"one_short", cell(c.one_short, type)}};
}

using cells = std::map<std::string, matching::verdict_counts>;

// Most eligible first.
template <class Name>
json breakdown_list(const cells& of, subject_type type, Name name) {
    std::vector<const cells::value_type*> order;
    order.reserve(of.size());
    for (const auto& one : of) order.push_back(&one);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        if (a->second.eligible != b->second.eligible) return a->second.eligible > b->second.eligible;
        if (a->second.possible != b->second.possible) return a->second.possible > b->second.possible;
        return a->first < b->first;
    });
    json out = json::array();
    for (const auto* one : order) {
        auto line = counts(one->second, type);
        line["code"] = one->first;
        line["name"] = name(one->first);
        out.push_back(std::move(line));
    }
    return out;
}

std::string name_in(const matching::code_list& list, const std::string& code) {
    const auto* found = list.find(code);
    return found ? found->name : code;
}

json channel_document(const channel_preview& c, bool enabled) {
    json excluded = {{"opted_out", c.opted_out},
                     {"no_contact", c.no_contact},
                     {"no_grant", c.no_grant},
                     {"capped", c.capped},
                     {"channel_disabled", enabled ? 0 : c.reachable}};
    return {{"channel", to_string(c.via)},
            {"reachable", enabled ? c.reachable : 0},
            {"excluded", std::move(excluded)}};
}

json fresh_document(const std::vector<shard_standing>& shards, wall_time now) {
    if (shards.empty()) return nullptr;
    const auto now_ms = now.time_since_epoch().count();
    auto as_of = now_ms;
    std::int64_t behind = 0, exclusions_age = 0, policy_offset = shards.front().policy_offset;
    for (const auto& s : shards) {
        as_of = std::min(as_of, s.at_ms);
        behind += s.profiles_behind;
        exclusions_age = std::max(exclusions_age, s.exclusions_age_ms);
        policy_offset = std::min(policy_offset, s.policy_offset);
    }
    return {{"as_of", to_rfc3339(wall_time(milliseconds(as_of)))},
            {"age_ms", now_ms - as_of},
            {"profiles_behind", behind},
            {"policy_offset", policy_offset},
            {"optouts_age_ms", exclusions_age}};
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& t : texts) out += (out.empty() ? "" : "；") + t;
    return out;
}

// Enterprises are public by themselves, so they say where they are; of residents nothing but a masked name.
json sample_document(const std::vector<profile>& shown, const matching::catalogue& catalogue) {
    json out = json::array();
    for (const auto& p : shown) {
        json line = {{"id", log::masked(p.id)}, {"name", masked_name(p.type, p.name)}};
        for (const char* attribute : {"ent.reg_division", "ent.industry", "ent.size"}) {
            const auto* a = catalogue.find(attribute);
            if (p.type == subject_type::enterprise && a && p.attributes.has(a->number))
                line[std::string(attribute).substr(4)] =
                    catalogue.display(*a, p.attributes.value[static_cast<std::size_t>(a->number)]);
        }
        out.push_back(std::move(line));
    }
    return out;
}

} // namespace

std::string masked_name(subject_type type, std::string_view name) {
    const std::size_t kept = type == subject_type::enterprise ? 4 : 1;
    std::size_t at = 0, taken = 0;
    while (at < name.size() && taken < kept && next_code_point(name, at) != bad_code_point) ++taken;
    return std::string(name.substr(0, at)) + (type == subject_type::enterprise ? "****" : "**");
}

json preview_document(const preview_question& q, const preview_outcome& found,
                      const std::vector<profile>& shown, const std::vector<bool>& enabled, wall_time now,
                      const matching::catalogue& catalogue) {
    const auto& sum = found.sum;
    json channels = json::array(), missing = json::array();
    for (const auto& c : sum.channels)
        channels.push_back(channel_document(c, enabled[static_cast<std::size_t>(c.via)]));
    std::vector<std::pair<std::int64_t, std::string>> wanting; // most first
    wanting.reserve(sum.found.missing.size());
    for (const auto& [name, count] : sum.found.missing) wanting.emplace_back(-count, name);
    std::sort(wanting.begin(), wanting.end());
    for (const auto& [count, name] : wanting) {
        const auto* a = catalogue.find(name);
        missing.push_back(
            {{"attribute", name}, {"label", a ? a->label : name}, {"possible", cell(-count, q.subject)}});
    }
    const bool few = q.subject == subject_type::resident && sum.audience < fewest_told;
    json breakdown = {{"towns", breakdown_list(sum.found.towns, q.subject, [&](const auto& code) {
                           return name_in(catalogue.divisions(), code);
                       })}};
    if (q.subject == subject_type::enterprise) {
        breakdown["sections"] = breakdown_list(sum.found.sections, q.subject, [&](const auto& code) {
            return name_in(catalogue.industries(), code);
        });
        breakdown["sizes"] =
            breakdown_list(sum.found.sizes, q.subject, [](const auto& code) { return code; });
    }
    return {{"subject", to_string(q.subject)},
            {"reach", to_string(q.reach)},
            {"audience", sum.audience},
            {"complete", found.complete()},
            {"missing_shards", found.missing},
            {"note", found.complete() ? json() : json("数字不完整：" + joined(found.reasons))},
            {"verdicts", counts(sum.found.all, subject_type::enterprise)}, // of all: nobody is guessed by it
            {"channels", std::move(channels)},
            {"breakdown", std::move(breakdown)},
            {"missing_data", std::move(missing)},
            {"sample", few ? json::array() : sample_document(shown, catalogue)},
            {"fresh", fresh_document(sum.shards, now)}};
}

} // namespace zhida::portal
