#include "services/dispatcher/wechat_template.hpp"

#include "common/base/clock.hpp"

#include <algorithm>
#include <optional>

namespace zhida::dispatcher {

namespace {

constexpr std::size_t most_fields = 20;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

// Up to a comma that is in no quotes.
std::string_view take_part(std::string_view& rest) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < rest.size() && (quoted || rest[end] != ','); ++end)
        if (rest[end] == '\'') quoted = !quoted;
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return trimmed(part);
}

// At most five Han characters, as the type `phrase` asks.
std::string kind_words(std::string_view kind) {
    if (kind == "reminder" || kind == "deadline") return "办事提醒";
    if (kind == "interpretation") return "政策解读";
    if (kind == "correction") return "政策更正";
    return kind == "test" ? "测试消息" : "政策推送";
}

// "2026年12月31日"; "" where nobody has said when.
std::string date_words(const message_round& round, const policy& p, std::uint16_t items, std::int32_t today) {
    auto end = round_deadline(round, p, items, today);
    if (!end) return "";
    const auto text = format_date(*end); // 2026-12-31
    return text.substr(0, 4) + "年" + text.substr(5, 2) + "月" + text.substr(8, 2) + "日";
}

bool good_key(std::string_view key) {
    return !key.empty() && key.size() <= 40 && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
}

} // namespace

std::optional<wechat_template::source> wechat_template::source_named(std::string_view name) {
    constexpr std::pair<std::string_view, source> all[] = {
        {"title", source::title},       {"benefit", source::benefit}, {"issuer", source::issuer},
        {"deadline", source::deadline}, {"date", source::date},       {"kind", source::kind}};
    for (const auto& [word, says] : all)
        if (word == name) return says;
    return std::nullopt;
}

result<wechat_template> wechat_template::parse(std::string_view text) {
    wechat_template out;
    while (!text.empty()) {
        const auto part = take_part(text);
        const auto equals = part.find('=');
        const auto wrong = [&](std::string what, std::string fix) {
            return failure{errc::invalid, "'" + std::string(part) + "' " + std::move(what), "template_fields",
                           std::move(fix)};
        };
        if (equals == part.npos) return wrong("is no KEY=WHAT", "as thing1=title");
        field f;
        f.key = trimmed(part.substr(0, equals));
        auto what = trimmed(part.substr(equals + 1));
        if (!good_key(f.key)) return wrong("has no key of a field", "as the template shows it: thing1");
        if (what.size() >= 2 && what.front() == '\'' && what.back() == '\'')
            f.words = what.substr(1, what.size() - 2);
        else if (const auto says = source_named(what))
            f.says = *says;
        else
            return wrong("says nothing that is known",
                         "title, benefit, issuer, deadline, date, kind or 'words of your own'");
        if (std::any_of(out.fields_.begin(), out.fields_.end(),
                        [&](const field& o) { return o.key == f.key; }))
            return wrong("names a field twice", "");
        out.fields_.push_back(std::move(f));
    }
    if (out.fields_.empty() || out.fields_.size() > most_fields)
        return failure{errc::invalid, "names no field, or more than twenty", "template_fields",
                       "as thing1=title, thing2=benefit"};
    return out;
}

std::vector<std::pair<std::string, std::string>> wechat_template::fill(const message_round& round,
                                                                       const policy& p, std::uint16_t items,
                                                                       std::int32_t today,
                                                                       std::size_t others) const {
    const auto words = wechat_of_round(round, p, items, today, others); // title, benefit, issuer, deadline
    std::vector<std::pair<std::string, std::string>> out;
    if (words.empty()) return out;
    for (const auto& f : fields_) {
        std::string value = f.words;
        if (f.says == source::date)
            value = date_words(round, p, items, today);
        else if (f.says == source::kind)
            value = kind_words(round.kind);
        else if (f.says != source::words)
            value = words[static_cast<std::size_t>(f.says)].second;
        out.emplace_back(f.key, std::move(value));
    }
    return out;
}

} // namespace zhida::dispatcher
