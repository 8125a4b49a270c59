// 接收设置 as a form. A box that is ticked refuses: a theme that came after the page was drawn is not refused
// by a form that did not show it.
#include "services/portal/views.hpp"

#include <algorithm>

namespace zhida::portal {

namespace {

constexpr channel told_by[] = {channel::sms, channel::wechat};
constexpr std::string_view of_theme = "theme.", of_channel = "channel.";

std::string label_of(channel via, language in) {
    return text(in, std::string("channel_") + to_string(via));
}

} // namespace

json preferences_view(const preferences& p, std::vector<std::string> themes, language in) {
    json channels = json::array(), order = json::array(), boxes = json::array();
    const auto first = p.order.empty() ? std::optional<channel>() : p.order.front();
    order.push_back({{"value", ""}, {"label", text(in, "preferences_no_order")}, {"chosen", !first}});
    for (const auto via : told_by) {
        const bool refused = (p.channels >> static_cast<int>(via) & 1) != 0;
        channels.push_back({{"name", std::string(of_channel) + to_string(via)},
                            {"label", label_of(via, in)},
                            {"chosen", refused}});
        order.push_back({{"value", to_string(via)}, {"label", label_of(via, in)}, {"chosen", first == via}});
    }
    themes.insert(themes.end(), p.themes.begin(), p.themes.end());
    std::sort(themes.begin(), themes.end());
    themes.erase(std::unique(themes.begin(), themes.end()), themes.end());
    for (const auto& theme : themes) {
        const bool refused = std::find(p.themes.begin(), p.themes.end(), theme) != p.themes.end();
        boxes.push_back({{"name", std::string(of_theme) + theme}, {"label", theme}, {"chosen", refused}});
    }
    return {{"all_messages", p.all_messages},
            {"untargeted", p.untargeted},
            {"channels", channels},
            {"order", order},
            {"themes", boxes},
            {"has_themes", !boxes.empty()}};
}

std::optional<preferences> chosen_in(const std::map<std::string, std::string>& form) {
    json document = {{"all_messages", form.contains("all_messages")},
                     {"untargeted", form.contains("untargeted")},
                     {"refused_channels", json::array()},
                     {"refused_themes", json::array()},
                     {"preferred_channels", json::array()}};
    const auto first = form.find("first");
    if (first == form.end()) return std::nullopt;
    if (!first->second.empty()) document["preferred_channels"].push_back(first->second);
    for (const auto& [name, unused] : form) {
        if (name.starts_with(of_theme)) document["refused_themes"].push_back(name.substr(of_theme.size()));
        if (name.starts_with(of_channel))
            document["refused_channels"].push_back(name.substr(of_channel.size()));
    }
    std::vector<failure> errors;
    return read_preferences(document, "", errors);
}

} // namespace zhida::portal
