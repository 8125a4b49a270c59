// The check-up.
#include "common/io/http_decode.hpp"
#include "common/model/document_reader.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

namespace {

std::string get(const json& from, const char* name) {
    const auto found = from.find(name);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}

json text_or_false(const std::string& said) {
    return said.empty() ? json(false) : json(said);
}

// "4 条符合 · 1 条待定", of the top-level conditions.
std::string counts_text(const json& lines, language in) {
    std::string out;
    for (const auto& [outcome, key] : {std::pair{"met", "checkup_count_met"},
                                       {"not_met", "checkup_count_not_met"},
                                       {"unknown", "checkup_count_open"}}) {
        std::size_t n = 0;
        for (const auto& line : lines) n += get(line, "outcome") == outcome ? 1 : 0;
        if (n > 0) out += (out.empty() ? "" : " · ") + text(in, key, {{"n", std::to_string(n)}});
    }
    return out;
}

// What is open because only hands can tell.
void add_by_hand(json& out, const json& lines) {
    for (const auto& line : lines) {
        if (get(line, "outcome") != "unknown") continue;
        if (line.at("manual").get<bool>()) out.push_back(get(line, "text"));
        add_by_hand(out, line.at("parts"));
    }
}

json missing_view(const json& missing, language in) {
    json out = json::array();
    for (const auto& one : missing) {
        const auto source = get(one, "source");
        out.push_back({{"label", get(one, in == language::en ? "label_en" : "label")},
                       {"from", source.empty() ? "" : text(in, "checkup_from", {{"source", source}})}});
    }
    return out;
}

json entry_view(const json& entry, const std::string& list, language in) {
    const auto& policy = entry.at("policy");
    const auto& item = entry.at("item");
    const auto& why = entry.at("why");
    const auto link = get(entry, "link");
    json out = {{"id", list + "-" + get(policy, "id") + "-" + get(item, "id")},
                {"policy_path", io::percent_encode(get(policy, "id"))},
                {"policy_title", get(policy, "title")},
                {"issuer", get(policy, "issuer")},
                {"doc_no", text_or_false(get(policy, "doc_no"))},
                {"item_title", get(item, "title")},
                {"benefit", text_or_false(get(entry, "benefit"))},
                {"mode", text_or_false(fixed_word(in, get(entry, "mode")))},
                {"apply_channel", text_or_false(get(entry, "apply_channel"))},
                {"contact", text_or_false(get(entry, "contact"))},
                {"link", valid_link(link) ? json(link) : json(false)}};
    out["ways"] = out["apply_channel"].is_string() || out["contact"].is_string() || out["link"].is_string();
    out["deadline"] = deadline_view(entry.at("deadline"), in);
    out["why"] = reasons_view(why, in);
    out["has_why"] = !why.empty();
    out["counts"] = counts_text(why, in);
    out["left_out"] = entry.at("why_left_out");
    out["missing"] = missing_view(entry.at("missing"), in);
    out["has_missing"] = !out["missing"].empty();
    out["missing_title"] = text(in, list == "one_short" ? "checkup_missing_also" : "checkup_missing");
    out["by_hand"] = json::array();
    out["only_by_hand"] = entry.value("only_manual_open", false);
    if (out["only_by_hand"].get<bool>()) {
        add_by_hand(out["by_hand"], why);
        out["has_missing"] = false; // what is missing decides nothing
    }
    out["short"] = false;
    if (const auto found = entry.find("short_of"); found != entry.end() && found->is_object())
        out["short"] = {{"why", reasons_view(json::array({*found}), in)}};
    return out;
}

json list_view(const json& from, const std::string& name, language in) {
    json out = {{"name", name},
                {"title", text(in, "checkup_" + name + "_title")},
                {"short_title", text(in, "checkup_" + name)},
                {"lead", text(in, "checkup_" + name + "_lead")},
                {"none", text(in, "checkup_none_" + name)},
                {"entries", json::array()}};
    for (const auto& entry : from.at("items")) out["entries"].push_back(entry_view(entry, name, in));
    const auto total = from.at("total").get<std::int64_t>();
    const auto shown = static_cast<std::int64_t>(out["entries"].size());
    out["total"] = with_commas(total);
    out["empty"] = shown == 0;
    out["capped"] =
        total > shown
            ? json(text(in, "checkup_capped", {{"total", with_commas(total)}, {"n", with_commas(shown)}}))
            : json(false);
    return out;
}

} // namespace

json checkup_view(const json& checkup, language in) {
    json out = {{"as_of", text(in, "checkup_as_of", {{"day", get(checkup, "day")}})},
                {"lists", json::array()}};
    const auto day = get(checkup, "profile_day");
    out["profile_day"] = day.empty() ? json(false) : json(text(in, "checkup_profile_day", {{"day", day}}));
    for (const char* name : {"eligible", "possible", "one_short"})
        out["lists"].push_back(list_view(checkup.at(name), name, in));
    return out;
}

} // namespace zhida::portal
