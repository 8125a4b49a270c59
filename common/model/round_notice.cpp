#include "common/model/round_notice.hpp"

#include "common/base/clock.hpp"
#include "common/model/deadline.hpp"

namespace zhida {

namespace {

round_notice of_reminder(const reminder_notice& r, const policy_item& item, std::int32_t today) {
    round_notice out;
    out.about = item.title;
    out.words = reminder_words(r, today);
    out.zh = reminder_title_zh(r, item.title, today);
    out.en = reminder_title_en(r, item.title, today);
    // What opens says its last day itself; several subjects' own last days are not one.
    if (!opens(r.kind) && r.first_deadline == r.last_deadline) out.deadline = r.last_deadline;
    return out;
}

round_notice of_interpretation(const policy& p) {
    const interpretation* newest = nullptr;
    for (const auto& i : p.interpretations)
        if (!newest || i.round >= newest->round) newest = &i;
    const bool named = newest && !newest->title.empty();
    round_notice out;
    out.about = p.title;
    out.words = named ? "有新的解读“" + newest->title + "”" : "有新的解读";
    out.zh = "“" + p.title + "”" + out.words;
    out.en = "New explanation of " + p.title + (named ? ": " + newest->title : "");
    return out;
}

// Of the items that were matched: the one that ends first, with what is left of it.
std::optional<round_notice> of_deadline(const policy& p, std::uint16_t items, std::int32_t today) {
    const policy_item* item = nullptr;
    deadline ends;
    for (std::size_t i = 0; i < p.items.size(); ++i) {
        if (!(items >> i & 1)) continue;
        auto d = deadline_of(p.items[i], p.valid, today);
        const bool counts = d.now == deadline::kind::open || d.now == deadline::kind::soon;
        if (!counts || (item && *ends.end <= *d.end)) continue;
        item = &p.items[i];
        ends = std::move(d);
    }
    if (!item) return std::nullopt;
    round_notice out;
    out.about = item->title;
    out.words = (ends.stage.empty() ? "" : "的“" + ends.stage + "”") +
                std::string(ends.of_policy ? "的政策" : "") +
                days_left_zh(ends.days, ends.days, ends.of_policy ? "到期" : "截止");
    out.zh = "“" + item->title + "”" + out.words;
    out.en = days_left_en(ends.days, ends.days) + ": " + item->title;
    out.deadline = ends.end;
    return out;
}

} // namespace

std::optional<round_notice> notice_of_round(std::string_view kind, const reminder_notice* reminder,
                                            const policy& p, std::uint16_t items, std::int32_t today) {
    if (kind == "reminder" && reminder)
        if (const auto* item = p.find_item(reminder->item)) return of_reminder(*reminder, *item, today);
    if (kind == "interpretation") return of_interpretation(p);
    if (kind == "deadline") return of_deadline(p, items, today);
    return std::nullopt;
}

} // namespace zhida
