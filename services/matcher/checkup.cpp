#include "services/matcher/checkup.hpp"

#include "common/base/clock.hpp"
#include "matching/explanation_document.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <tuple>

namespace zhida::matcher {

namespace {

using matching::truth;

// The day that matters next: when it closes, of what has not begun when it opens.
std::int32_t next_day(const deadline& d) {
    const auto day = d.now == deadline::kind::not_yet ? d.start : d.end;
    return day.value_or(std::numeric_limits<std::int32_t>::max());
}

bool before(const checkup_entry& a, const checkup_entry& b) {
    const auto order = [](const checkup_entry& e) {
        const auto& p = e.what->from->document;
        const auto published = p.published.value_or(std::numeric_limits<std::int32_t>::min());
        return std::tuple(!e.settled, e.until.now == deadline::kind::not_yet, next_day(e.until),
                          e.what->what().benefit.empty(), -std::int64_t{published}, -e.what->offset,
                          e.what->number);
    };
    return order(a) < order(b);
}

// Whether all but the condition that is not met are met for certain.
bool met_otherwise(const matching::condition& c, const attribute_row& row, std::int32_t day) {
    const auto& root = c.root();
    return root.what != matching::op::all_of ||
           std::none_of(root.children.begin(), root.children.end(), [&](const matching::node& n) {
               return matching::evaluate(n, row, day) == truth::unknown;
           });
}

void rank(checkup_list& list, std::size_t most) {
    list.total = list.entries.size();
    const auto kept = std::min(most, list.total);
    std::partial_sort(list.entries.begin(), list.entries.begin() + static_cast<std::ptrdiff_t>(kept),
                      list.entries.end(), before);
    list.entries.resize(kept);
}

std::size_t bytes_of(const std::vector<matching::explanation>& lines) {
    std::size_t sum = 0;
    for (const auto& l : lines)
        sum += l.text.size() + l.value.size() + l.requirement.size() + l.clause.size() + bytes_of(l.parts);
    return sum;
}

void explain(checkup_entry& e, const attribute_row& row, std::int32_t day,
             const matching::catalogue& catalogue, checkup_limits& left) {
    const auto& c = e.what->condition();
    if (c.root().what ==
        matching::op::all_of) { // of one short the whole is decided, its other parts may be open
        for (const auto& part : c.root().children) e.missing |= matching::missing_for(part, row, day);
    } else {
        e.missing = matching::missing_for(c, row, day);
    }
    const auto lines = matching::explanation_lines(c);
    e.why_left_out = lines > left.lines;
    if (e.why_left_out) return;
    left.lines -= lines;
    auto why = matching::explain(c, row, day, catalogue, matching::labels_of(e.what->what()));
    const auto bytes = bytes_of(why);
    e.why_left_out = bytes > left.bytes;
    if (e.why_left_out) return;
    left.bytes -= bytes;
    e.why = std::move(why);
    const auto missed = std::find_if(e.why.begin(), e.why.end(), [](const matching::explanation& line) {
        return line.outcome == truth::no;
    });
    e.short_of = static_cast<std::size_t>(missed - e.why.begin());
}

json entry_document(const checkup_entry& e, subject_type type, const matching::catalogue& catalogue) {
    const auto& p = e.what->from->document;
    const auto& item = e.what->what();
    json out = {{"policy",
                 {{"id", p.id},
                  {"version", p.version},
                  {"title", p.title},
                  {"doc_no", p.doc_no},
                  {"issuer", p.issuer}}},
                {"item", {{"id", item.id}, {"title", item.title}}},
                {"benefit", item.benefit},
                {"mode", item.mode},
                {"deadline", to_json(e.until)},
                {"apply_channel", item.apply_channel},
                {"link", item.link},
                {"contact", item.contact}};
    out["missing"] = matching::missing_document(e.missing, type, catalogue);
    out["why"] = matching::explanation_document(e.why);
    out["why_left_out"] = e.why_left_out;
    return out;
}

} // namespace

checkup check_up(const standing_items& items, subject_type type, const attribute_row& row,
                 const matching::catalogue& catalogue, standing_space& space, const checkup_limits& limits) {
    checkup out;
    out.type = type;
    out.day = items.day();
    auto& found = space.after;
    items.index(type).match(row, space.space, found);
    const auto each = [&](const std::vector<std::uint64_t>& mask, checkup_list& list, const auto& settled) {
        for (std::size_t w = 0; w < mask.size(); ++w)
            for (auto left = mask[w]; left != 0; left &= left - 1) {
                const auto at = w * 64 + static_cast<std::size_t>(std::countr_zero(left));
                checkup_entry e;
                e.what = &items.at(type, at);
                e.until = deadline_of(e.what->what(), e.what->from->document.valid, out.day);
                e.settled = settled(w, left & -left, *e.what);
                list.entries.push_back(std::move(e));
            }
    };
    each(found.eligible, out.eligible, [](auto, auto, const auto&) { return true; });
    each(found.possible, out.possible,
         [&](std::size_t w, std::uint64_t bit, const auto&) { return (found.decided[w] & bit) != 0; });
    each(found.one_short, out.one_short, [&](auto, auto, const standing_items::item& i) {
        return met_otherwise(i.condition(), row, out.day);
    });
    auto left = limits;
    for (auto* list : {&out.eligible, &out.possible, &out.one_short}) {
        rank(*list, limits.entries);
        for (auto& e : list->entries) explain(e, row, out.day, catalogue, left);
    }
    return out;
}

json checkup_document(const checkup& c, const matching::catalogue& catalogue) {
    const auto list = [&](const checkup_list& from, matching::verdict verdict) {
        json entries = json::array();
        for (const auto& e : from.entries) {
            auto one = entry_document(e, c.type, catalogue);
            one["verdict"] = matching::to_string(verdict);
            if (verdict == matching::verdict::possible) one["only_manual_open"] = e.settled;
            if (verdict == matching::verdict::ineligible)
                one["short_of"] = e.why_left_out ? json() : one["why"][e.short_of];
            entries.push_back(std::move(one));
        }
        return json{{"total", from.total}, {"items", std::move(entries)}};
    };
    json out = {{"day", format_date(c.day)}};
    out["eligible"] = list(c.eligible, matching::verdict::eligible);
    out["possible"] = list(c.possible, matching::verdict::possible);
    out["one_short"] = list(c.one_short, matching::verdict::ineligible);
    return out;
}

} // namespace zhida::matcher
