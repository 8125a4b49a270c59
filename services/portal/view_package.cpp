// Packages and policies.
#include "common/io/http_decode.hpp"
#include "common/model/document_reader.hpp"
#include "services/portal/deadline_words.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

namespace {

std::string get(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Empty texts hide their section in a template only when they are false.
json text_or_false(const std::string& text) {
    return text.empty() ? json(false) : json(text);
}

// Only links that a reader of documents would take: a page must not run a script: link.
json link_or_false(const std::string& link) {
    return valid_link(link) ? json(link) : json(false);
}

// How lines of reasons are shown: with the subject's marks and values, or as the policy's bare conditions.
enum class reasons { of_subject, of_policy };

json why_view(const json& lines, language in, reasons as) {
    json out = json::array();
    for (const auto& line : lines) {
        const auto outcome = get(line, "outcome");
        const bool manual = line.at("manual").get<bool>();
        json one = {{"text", get(line, "text")},
                    {"clause", text_or_false(get(line, "clause"))},
                    {"requirement", text_or_false(get(line, "requirement"))},
                    {"value", text_or_false(get(line, "value"))},
                    {"parts", json::array()}};
        // A group of one says the same as its part.
        if (line.at("parts").size() > 1) one["parts"] = why_view(line.at("parts"), in, as);
        one["has_parts"] = !one["parts"].empty();
        const bool of_subject = as == reasons::of_subject;
        one["marked"] = of_subject;
        one["sign"] = outcome == "met" ? "✓" : outcome == "not_met" ? "✗" : "?";
        one["mark"] = outcome == "met" ? "met" : outcome == "not_met" ? "not-met" : "open";
        one["mark_text"] = text(in, outcome == "met"       ? "met"
                                    : outcome == "not_met" ? "not_met"
                                    : manual               ? "check_by_hand"
                                                           : "data_missing");
        one["manual"] = manual;
        const bool missing = of_subject && outcome == "unknown" && !manual && !get(line, "attribute").empty();
        one["value_missing"] = missing;
        one["facts"] =
            of_subject && (!get(line, "value").empty() || missing || !get(line, "requirement").empty());
        out.push_back(std::move(one));
    }
    return out;
}

deadline::kind kind_of(const std::string& state) {
    for (const auto k :
         {deadline::kind::open, deadline::kind::soon, deadline::kind::not_yet, deadline::kind::closed})
        if (state == to_string(k)) return k;
    return deadline::kind::unstated;
}

std::optional<std::int32_t> day(const json& from, const char* name) {
    std::int32_t out = 0;
    return parse_date(get(from, name), out) ? std::optional<std::int32_t>(out) : std::nullopt;
}

json deadline_view(const json& from, language in) {
    deadline d;
    d.now = kind_of(get(from, "state"));
    d.start = day(from, "start");
    d.end = day(from, "end");
    d.days = from.value("days", 0);
    d.stage = get(from, "stage");
    d.of_policy = from.value("of_policy", false);
    return {{"text", deadline_text(d, in)}, {"kind", to_string(d.now)}};
}

json item_view(const json& item, language in, reasons as) {
    json out = {{"id", get(item, "id")},
                {"title", get(item, "title")},
                {"benefit", text_or_false(get(item, "benefit"))},
                {"mode", text_or_false(get(item, "mode"))},
                {"apply_channel", text_or_false(get(item, "apply_channel"))},
                {"contact", text_or_false(get(item, "contact"))},
                {"link", link_or_false(get(item, "link"))},
                {"materials", item.at("materials")},
                {"exclusions", item.at("exclusions")},
                {"tiers", item.at("tiers")}};
    out["deadline"] = deadline_view(item.at("deadline"), in);
    out["has_tiers"] = !item.at("tiers").empty();
    out["has_materials"] = !item.at("materials").empty();
    out["has_exclusions"] = !item.at("exclusions").empty();
    out["why"] = why_view(item.at("why"), in, as);
    out["has_why"] = !item.at("why").empty();
    out["for"] = text(in, get(item, "subject") == "resident" ? "for_resident" : "for_enterprise");
    const auto verdict = get(item, "verdict");
    out["verdict"] = verdict.empty() ? "none" : verdict;
    out["verdict_text"] = text(in, verdict.empty() ? "why_none" : "why_" + verdict);
    const bool apply = !get(item, "apply_channel").empty() || !get(item, "contact").empty() ||
                       valid_link(get(item, "link")) || !item.at("materials").empty() ||
                       !item.at("exclusions").empty() || !item.at("tiers").empty();
    out["has_how"] = apply;
    return out;
}

json interpretations_view(const json& from) {
    json out = json::array();
    for (const auto& i : from)
        out.push_back({{"kind", get(i, "kind")},
                       {"title", get(i, "title")},
                       {"text", text_or_false(get(i, "text"))},
                       {"url", link_or_false(get(i, "url"))}});
    return out;
}

} // namespace

std::string short_time(const std::string& rfc3339) {
    wall_time at;
    if (!parse_rfc3339(rfc3339, at)) return rfc3339;
    auto text = to_rfc3339(at).substr(0, 16);
    text[10] = ' ';
    return text;
}

json package_view(const json& package, language in) {
    const auto& policy = package.at("policy");
    json out = {{"campaign", get(package, "campaign")},
                {"campaign_path", io::percent_encode(get(package, "campaign"))},
                {"policy_path", io::percent_encode(get(policy, "id"))},
                {"title", get(policy, "title")},
                {"issuer", get(policy, "issuer")},
                {"doc_no", text_or_false(get(policy, "doc_no"))},
                {"read", package.at("read")},
                {"newer_version", package.at("newer_version")}};
    out["delivered"] = short_time(get(package, "delivered_at"));
    out["delivered_iso"] = get(package, "delivered_at");
    out["items"] = json::array();
    for (const auto& item : package.at("items"))
        out["items"].push_back(item_view(item, in, reasons::of_subject));
    out["interpretations"] = interpretations_view(package.at("interpretations"));
    out["has_interpretations"] = !package.at("interpretations").empty();
    return out;
}

json policy_line_view(const json& summary, language in) {
    const auto disclosure = get(summary, "disclosure");
    const bool is_public = disclosure == "主动公开";
    json out = {{"id", get(summary, "id")},
                {"path", io::percent_encode(get(summary, "id"))},
                {"title", get(summary, "title")},
                {"issuer", get(summary, "issuer")},
                {"doc_no", text_or_false(get(summary, "doc_no"))},
                {"level", text_or_false(get(summary, "level"))},
                {"theme", text_or_false(get(summary, "theme"))},
                {"published", text_or_false(get(summary, "published"))},
                {"version", std::to_string(summary.value("version", 1))},
                {"disclosure", disclosure},
                {"private", !is_public}};
    out["received"] = short_time(get(summary, "received_at"));
    const auto& items = summary.at("items");
    const auto count = items.is_array() ? items.size() : items.get<std::size_t>();
    out["items_text"] = text(in, "items_count", {{"n", std::to_string(count)}});
    out["not_pushed_text"] =
        is_public ? std::string() : text(in, "saved_not_pushed_text", {{"disclosure", disclosure}});
    const auto campaign = get(summary, "campaign");
    out["campaign_path"] = text_or_false(io::percent_encode(campaign));
    return out;
}

json policy_view(const json& policy, language in) {
    auto out = policy_line_view(policy, in);
    out["items"] = json::array();
    for (const auto& item : policy.at("items"))
        out["items"].push_back(item_view(item, in, reasons::of_policy));
    out["interpretations"] = interpretations_view(policy.at("interpretations"));
    out["has_interpretations"] = !policy.at("interpretations").empty();
    const auto start = get(policy.at("valid"), "start"), end = get(policy.at("valid"), "end");
    out["valid"] = start.empty() && end.empty() ? json(false) : json(start + " – " + end);
    out["source"] = link_or_false(get(policy, "source"));
    out["source_note"] = text_or_false(get(policy, "source_note"));
    return out;
}

} // namespace zhida::portal
