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

// Open only because of what is checked by hand.
bool open_by_hand(const json& line) {
    if (line.at("manual").get<bool>()) return true;
    bool some = false;
    for (const auto& part : line.at("parts")) {
        if (get(part, "outcome") != "unknown") continue;
        if (!open_by_hand(part)) return false;
        some = true;
    }
    return some;
}

// "为 是": the text and the value have said it.
bool says_nothing_new(const std::string& requirement) {
    return requirement.starts_with("为 ") || requirement.starts_with("不为 ");
}

// Which lines carry a mark. Below an alternative that is met, what is not met does no harm; what an exclusion
// names reads upside down. Such lines are shown plainly, with the value that decided.
enum class marked { all, met, open };

marked marks_below(const json& line, marked here) {
    if (here == marked::open || get(line, "group") == "not") return marked::open;
    const bool settled = get(line, "group") == "any" && get(line, "outcome") == "met";
    return settled ? marked::met : here;
}

std::string mark_text(const json& line, language in) {
    const auto outcome = get(line, "outcome");
    return text(in, outcome == "met"       ? "met"
                    : outcome == "not_met" ? "not_met"
                    : open_by_hand(line)   ? "check_by_hand"
                                           : "data_missing");
}

json why_view(const json& lines, language in, reasons as, marked marks = marked::all) {
    json out = json::array();
    for (const auto& line : lines) {
        const auto outcome = get(line, "outcome");
        const bool manual = open_by_hand(line);
        const bool plain =
            (marks == marked::met && outcome != "met") || (marks == marked::open && outcome != "unknown");
        json one = {{"text", get(line, "text")},
                    {"clause", text_or_false(get(line, "clause"))},
                    {"parts", json::array()}};
        const bool of_subject = as == reasons::of_subject;
        const auto& parts = line.at("parts");
        // A group of one says the same as its part, but what an exclusion names holds the value that decided.
        const json* decided = &line;
        const bool hides_value = of_subject && get(line, "group") == "not" && !parts.empty();
        if (hides_value && get(parts[0], "group").empty())
            decided = &parts[0];
        else if (parts.size() > 1 || hides_value)
            one["parts"] =
                why_view(hides_value ? parts[0].at("parts") : parts, in, as, marks_below(line, marks));
        one["has_parts"] = !one["parts"].empty();
        one["marked"] = of_subject;
        one["sign"] = plain ? "·" : outcome == "met" ? "✓" : outcome == "not_met" ? "✗" : "?";
        one["mark"] = plain ? "plain" : outcome == "met" ? "met" : outcome == "not_met" ? "not-met" : "open";
        one["mark_text"] = plain ? std::string() : mark_text(line, in);
        const auto value = get(*decided, "value"), requirement = get(line, "requirement");
        one["value"] = text_or_false(value);
        one["requirement"] = says_nothing_new(requirement) ? json(false) : text_or_false(requirement);
        one["manual"] = manual;
        const bool missing =
            of_subject && outcome == "unknown" && !manual && !get(*decided, "attribute").empty();
        one["value_missing"] = missing;
        one["facts"] = of_subject && (!value.empty() || missing || one["requirement"].is_string());
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

json item_view(const json& item, language in, reasons as) {
    json out = {{"id", get(item, "id")},
                {"title", get(item, "title")},
                {"benefit", text_or_false(get(item, "benefit"))},
                {"mode", text_or_false(fixed_word(in, get(item, "mode")))},
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
    const bool late = (verdict == "eligible" || verdict == "possible") &&
                      out["deadline"]["kind"] == to_string(deadline::kind::closed);
    out["verdict"] = late ? "late" : verdict.empty() ? "none" : verdict;
    out["verdict_text"] = text(in, verdict.empty() ? "why_none" : "why_" + verdict) +
                          (late ? text(in, "why_late") : std::string());
    const auto mode = get(item, "mode");
    const bool without_asking = mode == "免申即享" || mode == "直接享受";
    out["no_entry"] =
        get(item, "apply_channel").empty() && get(item, "contact").empty() && !valid_link(get(item, "link"))
            ? json(text(in, without_asking ? "no_entry_needed" : "no_entry"))
            : json(false);
    return out;
}

json interpretations_view(const json& from, language in) {
    json out = json::array();
    for (const auto& i : from)
        out.push_back({{"kind", fixed_word(in, get(i, "kind"))},
                       {"title", get(i, "title")},
                       {"text", text_or_false(get(i, "text"))},
                       {"url", link_or_false(get(i, "url"))}});
    return out;
}

} // namespace

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

json reasons_view(const json& lines, language in) {
    return why_view(lines, in, reasons::of_subject);
}

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
                {"newer_version", package.at("newer_version")},
                {"withdrawn", package.at("withdrawn")}};
    const auto& notice = package.at("notice");
    const auto kind = get(package, "kind");
    out["notice"] = notice.is_null() ? json(false)
                                     : json{{"kind", text(in, "round_" + kind)},
                                            {"text", get(notice, in == language::en ? "en" : "zh")}};
    out["delivered"] = short_time(get(package, "delivered_at"));
    out["delivered_iso"] = get(package, "delivered_at");
    out["items"] = json::array();
    for (const auto& item : package.at("items"))
        out["items"].push_back(item_view(item, in, reasons::of_subject));
    out["interpretations"] = interpretations_view(package.at("interpretations"), in);
    out["has_interpretations"] = !package.at("interpretations").empty();
    return out;
}

json policy_line_view(const json& summary, language in) {
    const bool is_public = get(summary, "disclosure") == "主动公开";
    const auto disclosure = fixed_word(in, get(summary, "disclosure"));
    json out = {{"id", get(summary, "id")},
                {"path", io::percent_encode(get(summary, "id"))},
                {"title", get(summary, "title")},
                {"issuer", get(summary, "issuer")},
                {"doc_no", text_or_false(get(summary, "doc_no"))},
                {"level", text_or_false(fixed_word(in, get(summary, "level")))},
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
    out["interpretations"] = interpretations_view(policy.at("interpretations"), in);
    out["has_interpretations"] = !policy.at("interpretations").empty();
    const auto start = get(policy.at("valid"), "start"), end = get(policy.at("valid"), "end");
    out["valid"] = start.empty() && end.empty() ? json(false) : json(start + " – " + end);
    out["source"] = link_or_false(get(policy, "source"));
    out["source_note"] = text_or_false(get(policy, "source_note"));
    return out;
}

} // namespace zhida::portal
