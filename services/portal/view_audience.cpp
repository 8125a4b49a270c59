// An audience preview as the department's desk shows it.
#include "services/portal/sms_preview.hpp"
#include "services/portal/views.hpp"

#include <algorithm>

namespace zhida::portal {

namespace {

constexpr std::size_t lines_shown = 8; // of a breakdown; the rest is told as a number of lines

std::string shown(const json& cell) {
    return cell.is_string() ? cell.get<std::string>() : with_commas(cell.get<std::int64_t>());
}

json excluded_view(const json& excluded, language in) {
    json out = json::array();
    for (const char* reason : {"channel_disabled", "opted_out", "no_contact", "no_grant", "capped"})
        if (const auto& n = excluded.at(reason); n != 0)
            out.push_back({{"label", text(in, std::string("reason_") + reason)}, {"count", shown(n)}});
    return out;
}

json channels_view(const json& channels, language in) {
    json out = json::array();
    for (const auto& c : channels) {
        auto reasons = excluded_view(c.at("excluded"), in);
        const bool everybody = reasons.empty();
        out.push_back({{"label", text(in, "channel_" + c.at("channel").get<std::string>())},
                       {"reachable", shown(c.at("reachable"))},
                       {"reasons", std::move(reasons)},
                       {"everybody", everybody}});
    }
    return out;
}

json breakdown_view(const json& lines, const char* title, language in) {
    json out = {{"title", text(in, title)}, {"lines", json::array()}};
    std::size_t more = 0;
    for (const auto& l : lines) {
        // Where nobody is found there is only who is one condition short.
        if (l.at("eligible") == 0 && l.at("possible") == 0) continue;
        if (out["lines"].size() == lines_shown) {
            ++more;
            continue;
        }
        const auto name = l.at("name").get<std::string>();
        out["lines"].push_back({{"name", name.empty() ? text(in, "not_known") : name},
                                {"eligible", shown(l.at("eligible"))},
                                {"possible", shown(l.at("possible"))}});
    }
    out["more"] = more == 0 ? json(false) : json(text(in, "more_lines", {{"n", std::to_string(more)}}));
    out["any"] = !out["lines"].empty();
    return out;
}

json sample_view(const json& sample) {
    json out = json::array();
    for (const auto& s : sample) {
        std::string about;
        for (const char* member : {"reg_division", "industry", "size"})
            if (s.contains(member)) about += (about.empty() ? "" : " · ") + s.at(member).get<std::string>();
        out.push_back({{"name", s.at("name")},
                       {"id", s.at("id")},
                       {"about", about.empty() ? json(false) : json(about)}});
    }
    return out;
}

std::string fresh_text(const json& fresh, language in) {
    if (fresh.is_null()) return "";
    const auto behind = fresh.at("profiles_behind").get<std::int64_t>();
    auto told = text(in, "preview_fresh",
                     {{"at", short_time(fresh.at("as_of").get<std::string>())},
                      {"s", std::to_string((fresh.at("optouts_age_ms").get<std::int64_t>() + 999) / 1000)}});
    if (behind > 0) told += text(in, "preview_behind", {{"n", with_commas(behind)}});
    return told;
}

} // namespace

json preview_view(const json& items, language in) {
    json out = json::array();
    for (const auto& i : items) {
        json one = {{"title", i.at("title")},
                    {"number", std::to_string(out.size() + 1)},
                    {"kind", text(in, "for_" + i.at("subject").get<std::string>())},
                    {"audience", shown(i.at("audience"))},
                    {"explained", text(in, "preview_reach_" + i.at("reach").get<std::string>())},
                    {"note", i.at("complete").get<bool>()
                                 ? json(false)
                                 : json(text(in, "preview_incomplete",
                                             {{"n", std::to_string(i.at("missing_shards").size())}}))},
                    {"channels", channels_view(i.at("channels"), in)},
                    {"sms", sms_view(i.at("sms"), in)},
                    {"sample", sample_view(i.at("sample"))},
                    {"fresh", fresh_text(i.at("fresh"), in)}};
        for (const char* verdict : {"eligible", "possible", "one_short"})
            one[verdict] = shown(i.at("verdicts").at(verdict));
        one["rounded"] = i.at("rounded_to").is_null()
                             ? json(false)
                             : json(text(in, "preview_rounded",
                                         {{"n", std::to_string(i.at("rounded_to").get<std::int64_t>())}}));
        one["sms_open"] = out.empty() || (one["sms"].is_object() && !one["sms"]["warnings"].empty());
        one["has_channels"] = !one["channels"].empty();
        one["has_sample"] = !one["sample"].empty();
        const auto& not_sent = i.at("not_sent");
        one["counted"] = not_sent.is_null();
        // What is not complete may be somebody after all.
        one["nobody"] = false;
        if (!not_sent.is_null())
            one["nobody"] = text(in, "preview_not_sent_" + not_sent.get<std::string>());
        else if (i.at("complete").get<bool>() && i.at("audience") == 0)
            one["nobody"] = text(in, "preview_nobody");
        json missing = json::array();
        for (const auto& m : i.at("missing_data"))
            if (missing.size() < lines_shown)
                missing.push_back({{"label", m.at("label")}, {"count", shown(m.at("possible"))}});
        one["has_missing"] = !missing.empty();
        one["missing"] = std::move(missing);
        json breakdowns = json::array();
        for (const auto& [member, title] :
             {std::pair("towns", "by_town"), std::pair("sections", "by_industry"),
              std::pair("sizes", "by_size")})
            if (i.at("breakdown").contains(member))
                if (auto view = breakdown_view(i.at("breakdown").at(member), title, in);
                    view.at("any").get<bool>())
                    breakdowns.push_back(std::move(view));
        one["breakdowns"] = std::move(breakdowns);
        out.push_back(std::move(one));
    }
    return out;
}

} // namespace zhida::portal
