#include "services/portal/preview_document.hpp"

#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "common/model/deadline.hpp"
#include "services/portal/texts.hpp"

#include <algorithm>
#include <tuple>

namespace zhida::portal {

namespace {

// Of residents: fewer could be guessed by name, and exact sums would give away what a cell hides.
constexpr std::int64_t fewest_told = 5, rounded_to = 5;

bool few(std::int64_t n) {
    return n > 0 && n < fewest_told;
}

// What is told of a number, to put cells in order by: the order of exact ones would tell them apart.
std::int64_t told(std::int64_t n, subject_type type) {
    if (type != subject_type::resident) return n;
    return few(n) ? 1 : (n + rounded_to / 2) / rounded_to * rounded_to;
}

json cell(std::int64_t n, subject_type type) {
    if (type == subject_type::resident && few(n)) return "<5";
    return told(n, type);
}

bool too_few(const preview_part& sum) {
    const auto& all = sum.found.all;
    return few(sum.audience) || few(all.eligible) || few(all.possible) || few(all.decided) ||
           few(all.one_short);
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
    std::sort(order.begin(), order.end(), [type](const auto* a, const auto* b) {
        const auto key = [type](const cells::value_type& c) {
            return std::tuple(-told(c.second.eligible, type), -told(c.second.possible, type),
                              std::string_view(c.first));
        };
        return key(*a) < key(*b);
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

json channel_document(const channel_preview& c, subject_type type, bool enabled) {
    json excluded = {{"opted_out", cell(c.opted_out, type)},
                     {"no_contact", cell(c.no_contact, type)},
                     {"no_grant", cell(c.no_grant, type)},
                     {"capped", cell(c.capped, type)},
                     {"channel_disabled", cell(enabled ? 0 : c.reachable, type)}};
    return {{"channel", to_string(c.via)},
            {"reachable", cell(enabled ? c.reachable : 0, type)},
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

// Of enterprises, which are public by themselves. Residents are never named: a name and an id, even masked,
// are enough for who knows the town.
json sample_document(const std::vector<profile>& shown, const matching::catalogue& catalogue) {
    json out = json::array();
    for (const auto& p : shown) {
        if (p.type != subject_type::enterprise) continue;
        json line = {{"id", log::masked(p.id)}, {"name", masked_name(p.name)}};
        for (const char* attribute : {"ent.reg_division", "ent.industry", "ent.size"}) {
            const auto* a = catalogue.find(attribute);
            if (a && p.attributes.has(a->number))
                line[std::string(attribute).substr(4)] =
                    catalogue.display(*a, p.attributes.value[static_cast<std::size_t>(a->number)]);
        }
        out.push_back(std::move(line));
    }
    return out;
}

} // namespace

std::string masked_name(std::string_view name) {
    constexpr std::size_t kept = 4;
    std::size_t at = 0, taken = 0;
    while (at < name.size() && taken < kept && next_code_point(name, at) != bad_code_point) ++taken;
    return std::string(name.substr(0, at)) + "****";
}

const char* not_sent(const policy& p, const policy_item& item, std::int32_t today) {
    if (!p.may_be_pushed()) return "not_public";
    return stands(p, item, today) ? nullptr : "closed";
}

json preview_document(const preview_question& q, const preview_outcome& found,
                      const std::vector<profile>& shown, const std::vector<bool>& enabled, wall_time now,
                      const matching::catalogue& catalogue) {
    const auto& sum = found.sum;
    const bool resident = q.subject == subject_type::resident, hidden = resident && too_few(sum);
    json channels = json::array(), missing = json::array();
    for (const auto& c : sum.channels)
        channels.push_back(channel_document(c, q.subject, enabled[static_cast<std::size_t>(c.via)]));
    std::vector<std::pair<std::int64_t, std::string>> wanting; // most first
    wanting.reserve(sum.found.missing.size());
    for (const auto& [name, count] : sum.found.missing) wanting.emplace_back(-told(count, q.subject), name);
    std::sort(wanting.begin(), wanting.end());
    for (const auto& [order, name] : wanting) {
        const auto* a = catalogue.find(name);
        missing.push_back({{"attribute", name},
                           {"label", a ? a->label : name},
                           {"possible", cell(sum.found.missing.at(name), q.subject)}});
    }
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
    if (hidden) {
        channels = missing = json::array();
        breakdown = {{"towns", json::array()}};
    }
    json note;
    if (found.not_sent)
        note = text(language::zh, std::string("preview_not_sent_") + found.not_sent);
    else if (!found.complete())
        note = "数字不完整：" + joined(found.reasons);
    return {{"subject", to_string(q.subject)},
            {"reach", to_string(q.reach)},
            {"audience", cell(sum.audience, q.subject)},
            {"rounded_to", resident ? json(rounded_to) : json()},
            {"not_sent", found.not_sent ? json(found.not_sent) : json()},
            {"complete", found.complete()},
            {"missing_shards", found.missing},
            {"note", std::move(note)},
            {"verdicts", counts(sum.found.all, q.subject)},
            {"channels", std::move(channels)},
            {"breakdown", std::move(breakdown)},
            {"missing_data", std::move(missing)},
            {"sms", json()},
            {"sample", sample_document(shown, catalogue)},
            {"fresh", fresh_document(sum.shards, now)}};
}

} // namespace zhida::portal
