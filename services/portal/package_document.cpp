#include "services/portal/package_document.hpp"

#include "common/model/deadline.hpp"
#include "common/model/round_notice.hpp"

namespace zhida::portal {

namespace {

json interpretations(const policy& p) {
    json out = json::array();
    for (const auto& i : p.interpretations)
        out.push_back(
            {{"kind", i.kind}, {"title", i.title}, {"text", i.text}, {"url", i.url}, {"round", i.round}});
    return out;
}

json day(const std::optional<std::int32_t>& d) {
    return d ? json(format_date(*d)) : json();
}

} // namespace

result<compiled_policy> compile_policy(const json& document, const matching::catalogue& catalogue) {
    std::vector<failure> errors;
    auto about = read_policy(document, errors);
    if (!about) return about.error();
    compiled_policy out;
    out.document = document;
    for (const auto& item : about->items) {
        std::vector<failure> wrong;
        auto compiled = matching::condition::compile(item.eligibility, item.subject, catalogue, wrong);
        // Shown without its reasons: the catalogue may have changed since it was published.
        out.conditions.push_back(compiled ? std::optional<matching::condition>(std::move(*compiled))
                                          : std::nullopt);
    }
    out.about = std::move(*about);
    return ok(std::move(out));
}

json item_document(const compiled_policy& p, std::size_t item, std::int32_t today,
                   const matching::catalogue& catalogue, const attribute_row* row, int levels) {
    const auto& from = p.about.items[item];
    json out = {{"id", from.id},
                {"title", from.title},
                {"subject", to_string(from.subject)},
                {"benefit", from.benefit},
                {"mode", from.mode},
                {"materials", from.materials},
                {"exclusions", from.exclusions},
                {"apply_channel", from.apply_channel},
                {"link", from.link},
                {"contact", from.contact}};
    out["tiers"] = json::array();
    for (const auto& [when, what] : from.tiers) out["tiers"].push_back({{"when", when}, {"what", what}});
    out["deadline"] = to_json(deadline_of(from, p.about.valid, today));
    out["verdict"] = json();
    out["why"] = json::array();
    const auto& condition = p.conditions[item];
    if (!condition) return out;
    const attribute_row nothing_known;
    out["why"] =
        matching::explanation_document(matching::explain(*condition, row ? *row : nothing_known, today,
                                                         catalogue, matching::labels_of(from)),
                                       levels);
    if (!row) return out;
    const auto judged = matching::judge(*condition, *row, today);
    out["verdict"] = to_string(judged.outcome);
    out["only_manual_open"] = judged.only_manual_open;
    out["one_short"] = judged.one_short;
    out["missing"] =
        matching::missing_document(matching::missing_for(*condition, *row, today), from.subject, catalogue);
    return out;
}

json package_document(const campaign& round, const ledger::record& web, const compiled_policy& p,
                      int newest_version, const attribute_row& row, wall_time now,
                      const matching::catalogue& catalogue) {
    json out = {{"campaign", round.id},
                {"kind", said_kind(round)},
                {"kind_label", campaign_kind_label(said_kind(round))},
                {"withdrawn", round.state == campaign_state::withdrawn},
                {"policy", policy_summary(p)},
                {"read", (web.engaged & ledger::engagement::read) != 0},
                {"verify", "12345"}};
    out["delivered_at"] = to_rfc3339(wall_time(std::chrono::seconds(web.at)));
    out["newer_version"] = newest_version > p.about.version;
    out["items"] = json::array();
    for (std::size_t i = 0; i < p.about.items.size() && i < 16; ++i)
        if (web.items >> i & 1)
            out["items"].push_back(item_document(p, i, shanghai_day(now), catalogue, &row));
    out["interpretations"] = interpretations(p.about);
    const auto notice = notice_of_round(said_kind(round), round.reminder ? &*round.reminder : nullptr,
                                        p.about, web.items, shanghai_day(now));
    out["notice"] = notice ? json{{"zh", notice->zh}, {"en", notice->en}} : json();
    return out;
}

json policy_summary(const compiled_policy& p) {
    const auto& a = p.about;
    json out = {{"id", a.id},
                {"version", a.version},
                {"title", a.title},
                {"doc_no", a.doc_no},
                {"issuer", a.issuer},
                {"level", a.level},
                {"region", a.region},
                {"theme", a.theme},
                {"disclosure", a.disclosure},
                {"items", a.items.size()},
                {"pushed", p.pushed}};
    out["published"] = day(a.published);
    out["received_at"] = to_rfc3339(wall_time(milliseconds(p.received_ms)));
    out["campaign"] = p.pushed ? json(campaign_id(a.id, a.version, 1)) : json();
    return out;
}

json policy_document(const compiled_policy& p, wall_time now, const matching::catalogue& catalogue) {
    auto out = policy_summary(p);
    out["items"] = json::array();
    for (std::size_t i = 0; i < p.about.items.size(); ++i)
        out["items"].push_back(item_document(p, i, shanghai_day(now), catalogue, nullptr));
    out["valid"] = {{"start", day(p.about.valid.start)}, {"end", day(p.about.valid.end)}};
    out["interpretations"] = interpretations(p.about);
    out["source"] = p.about.source;
    out["source_note"] = p.about.source_note;
    return out;
}

} // namespace zhida::portal
