#include "common/model/reminder.hpp"

#include "common/base/clock.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace zhida {

namespace {

constexpr const char* kinds[] = {"window_opens", "stage_opens",  "days_before",    "month_opens",
                                 "month_closes", "own_deadline", "licence_expires"};

std::string in_chinese(std::int32_t day) {
    const auto d = std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
    return std::to_string(static_cast<unsigned>(d.month())) + "月" +
           std::to_string(static_cast<unsigned>(d.day())) + "日";
}

// Days until the first and the last deadline; those that have passed are not waited for any more.
std::pair<std::int32_t, std::int32_t> left(const reminder_notice& r, std::int32_t today) {
    const auto to = r.last_deadline.value_or(today) - today;
    const auto from = r.first_deadline.value_or(r.last_deadline.value_or(today)) - today;
    return {std::min(std::max(from, 0), to), to};
}

bool over_an_attribute(const json& comparison) {
    if (!comparison.is_object() || !comparison.contains("args")) return false;
    const auto& args = comparison.at("args");
    return args.is_array() && !args.empty() && args[0].is_object() && args[0].contains("property");
}

bool own(reminder_kind k) noexcept {
    return k == reminder_kind::own_deadline || k == reminder_kind::licence_expires;
}

} // namespace

const char* to_string(reminder_kind k) noexcept {
    return kinds[static_cast<std::size_t>(k)];
}

bool parse(std::string_view text, reminder_kind& out) noexcept {
    const auto* found = std::find(std::begin(kinds), std::end(kinds), text);
    if (found == std::end(kinds)) return false;
    out = static_cast<reminder_kind>(found - std::begin(kinds));
    return true;
}

std::string days_left_zh(std::int32_t from, std::int32_t to, std::string_view ends) {
    const std::string end(ends);
    if (to < 0) return "已" + end;
    if (to == 0) return "今天" + end;
    if (from == to && to == 1) return "明天" + end;
    if (from == 0) return "最多还有" + std::to_string(to) + "天" + end;
    return "还有" + (from == to ? "" : std::to_string(from) + "至") + std::to_string(to) + "天" + end;
}

std::string days_left_en(std::int32_t from, std::int32_t to) {
    if (to < 0) return "Over";
    if (to == 0) return "Last day";
    if (from == to && to == 1) return "1 day left";
    if (from == 0) return "At most " + std::to_string(to) + (to == 1 ? " day left" : " days left");
    return (from == to ? "" : std::to_string(from) + " to ") + std::to_string(to) + " days left";
}

std::string reminder_words(const reminder_notice& r, std::int32_t today) {
    const auto of_stage = r.stage.empty() ? "" : "的“" + r.stage + "”";
    if (opens(r.kind))
        return of_stage + (r.kind == reminder_kind::month_opens ? "本月" : "") +
               (r.day == today ? "今天开始办理" : "已开始办理") +
               (r.last_deadline ? "，" + in_chinese(*r.last_deadline) + "截止" : "");
    const auto [from, to] = left(r, today);
    if (r.kind == reminder_kind::licence_expires) return "相关证照" + days_left_zh(from, to, "到期");
    if (r.kind == reminder_kind::own_deadline) return "您的办理期限" + days_left_zh(from, to, "截止");
    if (r.of_policy) return of_stage + "的政策" + days_left_zh(from, to, "到期");
    return of_stage + (r.kind == reminder_kind::month_closes ? "本月" : "") + days_left_zh(from, to, "截止");
}

std::string reminder_title_zh(const reminder_notice& r, std::string_view item_title, std::int32_t today) {
    return "“" + std::string(item_title) + "”" + reminder_words(r, today);
}

std::string reminder_title_en(const reminder_notice& r, std::string_view item_title, std::int32_t today) {
    const auto named = std::string(item_title) + (r.stage.empty() ? "" : " (" + r.stage + ")");
    if (opens(r.kind))
        return (r.day == today ? "Open from today" : "Open since " + format_date(r.day)) +
               (r.last_deadline ? ", until " + format_date(*r.last_deadline) : "") + ": " + named;
    const auto [from, to] = left(r, today);
    const char* until = !own(r.kind)                               ? ": "
                        : r.kind == reminder_kind::licence_expires ? " on your licence: "
                                                                   : " to apply: ";
    return days_left_en(from, to) + until + named;
}

json to_json(const reminder_notice& r) {
    json out = {{"item", r.item},   {"kind", to_string(r.kind)}, {"day", format_date(r.day)},
                {"stage", r.stage}, {"of_policy", r.of_policy},  {"concerns", r.concerns}};
    if (r.first_deadline) out["first_deadline"] = format_date(*r.first_deadline);
    if (r.last_deadline) out["last_deadline"] = format_date(*r.last_deadline);
    return out;
}

reminder_notice read_reminder_notice(json_reader in) {
    reminder_notice r;
    if (!in.is_object()) return r;
    r.item = in.text("item", true, 64).value_or("");
    if (const auto kind = in.text("kind", true, 32); kind && !parse(*kind, r.kind))
        in.error_at("kind", "'" + *kind + "' is no kind of reminder");
    r.day = in.date("day", true).value_or(0);
    r.first_deadline = in.date("first_deadline", false);
    r.last_deadline = in.date("last_deadline", false);
    r.stage = in.text("stage", false).value_or("");
    r.of_policy = in.boolean("of_policy", false).value_or(false);
    if (in.has("concerns") && !in.value().at("concerns").is_null()) {
        r.concerns = in.value().at("concerns");
        if (!over_an_attribute(r.concerns))
            in.error_at("concerns", "is no comparison of an attribute", "see reminders.hpp");
    }
    return r;
}

} // namespace zhida
