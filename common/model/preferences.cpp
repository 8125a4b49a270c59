#include "common/model/preferences.hpp"

#include "common/base/utf8.hpp"
#include "common/model/document_reader.hpp"

#include <algorithm>
#include <charconv>

namespace zhida {

namespace {

constexpr std::int64_t latest_ms = 4'102'444'800'000;               // the year 2100
constexpr std::uint32_t refusable = (1U << channel_count) - 1 - 1U; // all but web
static_assert(static_cast<int>(channel::web) == 0);

bool valid_theme(std::string_view theme) noexcept {
    return !theme.empty() && valid_utf8(theme) && characters(theme) <= max_theme_characters &&
           theme.front() != '/' && theme.back() != '/' &&
           std::none_of(theme.begin(), theme.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void sort_once(std::vector<std::string>& themes) {
    std::sort(themes.begin(), themes.end());
    themes.erase(std::unique(themes.begin(), themes.end()), themes.end());
}

// Up to the separator, which goes as well; all of it where there is none.
std::string_view take(std::string_view& from, char separator) noexcept {
    const auto end = from.find(separator);
    const auto part = from.substr(0, end);
    from.remove_prefix(end == std::string_view::npos ? from.size() : end + 1);
    return part;
}

template <class T>
bool number(std::string_view text, T& out) noexcept {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
    return code == std::errc() && end == text.data() + text.size();
}

failure not_ours() {
    return {errc::invalid, "not stored preferences of this version", "preferences",
            "who wrote them? A newer zhida may have"};
}

std::vector<channel> read_channels(document_reader& in, const char* member, bool web) {
    std::vector<channel> out;
    const auto* list = in.list(member, false, 0, channel_count);
    if (!list) return out;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const auto where = in.at(member) + "/" + std::to_string(i);
        const auto* text = (*list)[i].get_ptr<const std::string*>();
        channel via{};
        if (!text || !parse(*text, via) || (via == channel::web && !web))
            in.errors().push_back({errc::invalid,
                                   "'" + (text ? shortened(*text) : to_text((*list)[i]).substr(0, 40)) +
                                       "' is not allowed here",
                                   where, web ? "one of: web, sms, wechat" : "one of: sms, wechat"});
        else if (std::find(out.begin(), out.end(), via) != out.end())
            in.errors().push_back({errc::invalid, "is given twice", where, "send it once"});
        else
            out.push_back(via);
    }
    return out;
}

json names(const std::vector<channel>& channels) {
    json out = json::array();
    for (const auto via : channels) out.push_back(to_string(via));
    return out;
}

} // namespace

bool within_theme(std::string_view theme, std::string_view refused) noexcept {
    return !refused.empty() && theme.starts_with(refused) &&
           (theme.size() == refused.size() || theme[refused.size()] == '/');
}

std::optional<ledger::reason> refuses(const preferences& p, channel via, std::string_view theme) {
    if (p.untargeted) return ledger::reason::not_targeted;
    if (via == channel::web) return std::nullopt; // it disturbs nobody
    if (p.all_messages) return ledger::reason::opted_out;
    if (p.channels >> static_cast<int>(via) & 1) return ledger::reason::refused_channel;
    for (const auto& refused : p.themes)
        if (within_theme(theme, refused)) return ledger::reason::refused_theme;
    return std::nullopt;
}

std::string encode(const preferences& p) {
    std::string out = "1";
    out += p.untargeted ? 'u' : '-';
    out += p.all_messages ? 'a' : '-';
    out += " " + std::to_string(p.channels) + " ";
    for (const auto via : p.order) out += static_cast<char>('0' + static_cast<int>(via));
    if (p.order.empty()) out += '-';
    out += " " + std::to_string(p.at_ms);
    auto themes = p.themes;
    sort_once(themes);
    for (const auto& theme : themes) out += "\n" + theme;
    return out;
}

result<preferences> decode_preferences(std::string_view text) {
    // Before anything is copied: no more than the longest that we make.
    if (text.size() > 64 + max_refused_themes * (1 + 4 * max_theme_characters)) return not_ours();
    preferences p;
    auto rest = text;
    auto line = take(rest, '\n');
    const auto flags = take(line, ' '), channels = take(line, ' '), order = take(line, ' ');
    if (flags.size() != 3 || flags[0] != '1') return not_ours();
    p.untargeted = flags[1] == 'u';
    p.all_messages = flags[2] == 'a';
    if (!number(channels, p.channels) || (p.channels & ~refusable) != 0) return not_ours();
    if (!number(line, p.at_ms) || p.at_ms < 0 || p.at_ms > latest_ms) return not_ours();
    if (order != "-")
        for (const char digit : order) {
            const auto via = static_cast<channel>(digit - '0');
            if (digit < '0' || digit >= '0' + channel_count ||
                std::find(p.order.begin(), p.order.end(), via) != p.order.end())
                return not_ours();
            p.order.push_back(via);
        }
    while (!rest.empty()) {
        const auto theme = take(rest, '\n');
        if (!valid_theme(theme) || p.themes.size() == max_refused_themes) return not_ours();
        p.themes.emplace_back(theme);
    }
    // Whatever else is wrong (zeros in front, another order, a line end too many) is not what we write.
    if (encode(p) != text) return not_ours();
    return p;
}

json to_document(const preferences& p) {
    std::vector<channel> refused;
    for (int c = 0; c < channel_count; ++c)
        if (p.channels >> c & 1) refused.push_back(static_cast<channel>(c));
    auto themes = p.themes;
    sort_once(themes);
    return {{"all_messages", p.all_messages},
            {"untargeted", p.untargeted},
            {"refused_channels", names(refused)},
            {"refused_themes", std::move(themes)},
            {"preferred_channels", names(p.order)}};
}

std::optional<preferences> read_preferences(const json& document, const std::string& pointer,
                                            std::vector<failure>& errors) {
    const auto before = errors.size();
    document_reader in(document, pointer, errors);
    if (!in.is_object()) return std::nullopt;
    preferences p;
    p.all_messages = in.boolean("all_messages", false).value_or(false);
    p.untargeted = in.boolean("untargeted", false).value_or(false);
    for (const auto via : read_channels(in, "refused_channels", false))
        p.channels |= 1U << static_cast<int>(via);
    p.order = read_channels(in, "preferred_channels", true);
    p.themes = in.lines("refused_themes", max_refused_themes, max_theme_characters);
    for (std::size_t i = 0; i < p.themes.size(); ++i)
        if (!p.themes[i].empty() && !valid_theme(p.themes[i])) // an empty one was reported
            errors.push_back({errc::invalid, "'" + shortened(p.themes[i]) + "' is not a theme",
                              in.at("refused_themes") + "/" + std::to_string(i), "write it as 就业"});
    sort_once(p.themes);
    in.only({"all_messages", "untargeted", "refused_channels", "refused_themes", "preferred_channels"});
    if (errors.size() > before) return std::nullopt;
    return p;
}

} // namespace zhida
