#include "matching/policy_check.hpp"

#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"

#include <map>
#include <set>

namespace zhida::matching {

namespace {

using errors_list = std::vector<failure>;

void wrong(errors_list& errors, std::string where, std::string what, std::string fix) {
    errors.push_back({errc::invalid, std::move(what), std::move(where), std::move(fix)});
}

void collect_pointers(const node& n, std::set<std::string>& pointers) {
    pointers.insert(n.pointer);
    for (const auto& child : n.children) collect_pointers(child, pointers);
}

void check_labels(const policy_item& item, const condition& c, const std::string& where,
                  errors_list& errors) {
    std::set<std::string> pointers;
    collect_pointers(c.root(), pointers);
    json_reader labels(item.eligibility, where + "/labels", errors);
    for (const auto& [pointer, unused] : item.labels) {
        if (pointers.contains(pointer)) continue;
        std::string all;
        std::size_t listed = 0;
        for (const auto& p : pointers)
            if (++listed <= 12) all += (all.empty() ? "" : ", ") + (p.empty() ? std::string("\"\"") : p);
        if (listed > 12) all += " ...";
        labels.error_at(pointer, "no condition of eligibility is there", "its conditions are: " + all);
    }
}

void check_order(const std::optional<std::int32_t>& start, const std::optional<std::int32_t>& end,
                 const std::string& where, errors_list& errors) {
    if (start && end && *end < *start)
        wrong(errors, where + "/end", "ends before it starts",
              "start is " + format_date(*start) + ", end " + format_date(*end));
}

void check_window(const date_window& window, const std::string& where, errors_list& errors) {
    check_order(window.start, window.end, where, errors);
    for (std::size_t i = 0; i < window.stages.size(); ++i) {
        const auto& stage = window.stages[i];
        const auto at = where + "/stages/" + std::to_string(i);
        check_order(stage.start, stage.end, at, errors);
        const auto outside = [&](const std::optional<std::int32_t>& day, const char* member) {
            if (day && ((window.start && *day < *window.start) || (window.end && *day > *window.end)))
                wrong(errors, at + "/" + member, format_date(*day) + " is outside the window",
                      "the window is " + (window.start ? format_date(*window.start) : "open") + " to " +
                          (window.end ? format_date(*window.end) : "open"));
        };
        outside(stage.start, "start");
        outside(stage.end, "end");
    }
}

void check_date_attribute(const std::optional<subject_deadline>& of, subject_type subject,
                          const std::string& where, const catalogue& c, errors_list& errors) {
    if (!of) return;
    std::string dates;
    for (const auto& a : c.attributes()) {
        if (a.subject != subject || a.kind != attribute_kind::date) continue;
        if (a.name == of->attribute) return;
        dates += (dates.empty() ? "" : ", ") + a.name;
    }
    wrong(errors, where + "/attribute",
          "'" + shortened(of->attribute) + "' is not a date of this kind of subject", "one of: " + dates);
}

void check_reminders(const policy_item& item, const std::string& where, const catalogue& c,
                     errors_list& errors) {
    const auto& r = item.reminders;
    if (r.monthly && r.monthly->to < r.monthly->from)
        wrong(errors, where + "/monthly/to_day", "comes before from_day",
              "from_day is " + std::to_string(r.monthly->from) + ", to_day " + std::to_string(r.monthly->to));
    check_date_attribute(r.within_days_of, item.subject, where + "/within_days_of", c, errors);
    check_date_attribute(r.expires_from, item.subject, where + "/expires_from", c, errors);
}

void check_region(const std::string& region, const catalogue& c, errors_list& errors) {
    if (c.divisions().find(region)) return;
    std::string near;
    for (const auto& code : c.divisions().near(region)) {
        const auto* entry = c.divisions().find(code);
        near += (near.empty() ? "" : ", ") + code + (entry ? " " + entry->name : "");
    }
    wrong(errors, "/region", "'" + shortened(region) + "' is not in catalogue/divisions.csv",
          near.empty() ? "use a code of that list" : "near it: " + near);
}

// Where the document's form is wrong already: the conditions that can be found are compiled none the less, so
// that everything is reported at once.
void check_loose_conditions(const json& document, const catalogue& c, errors_list& errors) {
    const auto items = document.find("items");
    if (items == document.end() || !items->is_array()) return;
    constexpr std::size_t most = 16;
    for (std::size_t i = 0; i < items->size() && i < most; ++i) {
        const auto& item = (*items)[i];
        if (!item.is_object()) continue;
        const auto subject = item.find("subject"), eligibility = item.find("eligibility");
        subject_type type = subject_type::enterprise;
        if (subject == item.end() || !subject->is_string() ||
            !parse(subject->get_ref<const std::string&>(), type) || eligibility == item.end() ||
            !eligibility->is_object())
            continue;
        static_cast<void>(condition::compile(*eligibility, type, c, errors,
                                             "/items/" + std::to_string(i) + "/eligibility"));
    }
}

bool right_schema(const json& document) {
    const auto schema = document.is_object() ? document.find("schema") : document.end();
    return schema != document.end() && *schema == "zhida.policy/1";
}

} // namespace

result<checked_policy> check_policy(const json& document, const catalogue& c, errors_list& errors) {
    const auto before = errors.size();
    auto read = read_policy(document, errors);
    if (!read) {
        if (right_schema(document)) check_loose_conditions(document, c, errors);
        return errors[before];
    }

    checked_policy out{std::move(*read), {}};
    const auto& p = out.document;
    check_region(p.region, c, errors);
    check_order(p.valid.start, p.valid.end, "/valid", errors);
    std::map<std::string, std::size_t> ids;
    for (std::size_t i = 0; i < p.items.size(); ++i) {
        const auto& item = p.items[i];
        const auto where = "/items/" + std::to_string(i);
        if (const auto [first, added] = ids.emplace(item.id, i); !added)
            wrong(errors, where + "/id",
                  "'" + item.id + "' is already the id of /items/" + std::to_string(first->second),
                  "give each item its own");
        auto compiled = condition::compile(item.eligibility, item.subject, c, errors, where + "/eligibility");
        if (compiled) {
            check_labels(item, *compiled, where, errors);
            out.conditions.push_back(std::move(*compiled));
        }
        check_window(item.window, where + "/window", errors);
        check_reminders(item, where + "/reminders", c, errors);
    }
    if (errors.size() > before) return errors[before];
    return out;
}

} // namespace zhida::matching
