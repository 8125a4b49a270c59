#include "common/model/policy_item_reader.hpp"

#include <algorithm>

namespace zhida {

namespace {

bool pointer_form(std::string_view text) {
    if (!text.empty() && text.front() != '/') return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')))
            return false;
    return true;
}

void read_labels(document_reader& item, policy_item& out) {
    const json* labels = item.table("labels", false);
    if (!labels) return;
    constexpr std::size_t most = 512; // as many as a condition may have nodes
    if (labels->size() > most)
        return item.error_at("labels", "has " + std::to_string(labels->size()) + " entries",
                             "at most " + std::to_string(most) + " are allowed");
    auto all = item.child("labels");
    for (const auto& [pointer, entry] : labels->items()) {
        if (!pointer_form(pointer)) {
            all.error_at(pointer, "is not a JSON Pointer",
                         "name the condition within eligibility, as /args/0, or \"\" for all of it");
            continue;
        }
        document_reader label(entry, all.at(pointer), item.errors());
        if (!label.is_object()) continue;
        label.known({"text", "clause"});
        out.labels[pointer] = {label.words("text", true, 500), label.words("clause", false, 200)};
    }
}

void read_tiers(document_reader& item, policy_item& out) {
    const json* tiers = item.list("tiers", false, 0, 32);
    for (std::size_t i = 0; tiers && i < tiers->size(); ++i) {
        document_reader tier((*tiers)[i], item.at("tiers") + "/" + std::to_string(i), item.errors());
        if (!tier.is_object()) continue;
        tier.known({"when", "what"});
        out.tiers.emplace_back(tier.words("when", true, 200), tier.words("what", true, 500));
    }
}

constexpr int most_days_after = 3650;

// An attribute of the catalogue, by name; that it is a date of this kind of subject is seen by matching/.
std::optional<subject_deadline> read_subject_deadline(document_reader& owner, std::string_view member,
                                                      bool with_days) {
    if (!owner.table(member, false)) return std::nullopt;
    auto in = owner.child(member);
    subject_deadline out;
    out.attribute = in.identifier("attribute", 100);
    if (with_days) {
        in.known({"attribute", "days"});
        out.days = static_cast<int>(in.integer("days", true, 0, most_days_after).value_or(0));
    } else {
        in.known({"attribute"});
    }
    return out;
}

void read_days_before(document_reader& in, item_reminders& out) {
    const json* days = in.list("days_before", false, 0, 8);
    if (!days) return;
    out.days_before.clear();
    for (std::size_t i = 0; i < days->size(); ++i) {
        const auto& n = (*days)[i];
        const auto where = in.at("days_before") + "/" + std::to_string(i);
        constexpr int most = 365;
        if (!n.is_number_integer() || n < 0 || n > most) {
            in.errors().push_back({errc::invalid, "is not a whole number of days from 0 to 365", where,
                                   "30 is a month before the deadline, 0 the day itself"});
            continue;
        }
        const int value = n.get<int>();
        if (std::find(out.days_before.begin(), out.days_before.end(), value) != out.days_before.end())
            in.errors().push_back(
                {errc::invalid, std::to_string(value) + " is given twice", where, "remove one"});
        else
            out.days_before.push_back(value);
    }
}

item_reminders read_reminders(document_reader& item) {
    item_reminders out;
    if (!item.table("reminders", false)) return out;
    auto in = item.child("reminders");
    in.known({"days_before", "calendar", "monthly", "within_days_of", "expires_from"});
    read_days_before(in, out);
    out.working_days = in.choice("calendar", false, {"working", "calendar"}) == "working";
    if (in.table("monthly", false)) {
        auto monthly = in.child("monthly");
        monthly.known({"from_day", "to_day"});
        out.monthly = item_reminders::days_of_month{
            static_cast<int>(monthly.integer("from_day", true, 1, 31).value_or(1)),
            static_cast<int>(monthly.integer("to_day", true, 1, 31).value_or(31))};
    }
    out.within_days_of = read_subject_deadline(in, "within_days_of", true);
    out.expires_from = read_subject_deadline(in, "expires_from", false);
    return out;
}

} // namespace

date_window read_window(document_reader& owner, std::string_view member, bool with_stages) {
    date_window out;
    if (!owner.table(member, false)) return out;
    auto in = owner.child(member);
    if (with_stages)
        in.known({"start", "end", "stages"});
    else
        in.known({"start", "end"});
    out.start = in.day("start");
    out.end = in.day("end");
    const json* stages = with_stages ? in.list("stages", false, 0, 32) : nullptr;
    for (std::size_t i = 0; stages && i < stages->size(); ++i) {
        document_reader stage((*stages)[i], in.at("stages") + "/" + std::to_string(i), in.errors());
        if (!stage.is_object()) continue;
        stage.known({"name", "start", "end"});
        out.stages.push_back({stage.words("name", true, 100), stage.day("start"), stage.day("end")});
    }
    return out;
}

policy_item read_item(document_reader in) {
    policy_item out;
    if (!in.is_object()) return out;
    in.known({"id", "title", "subject", "eligibility", "labels", "benefit", "tiers", "mode", "window",
              "reminders", "materials", "exclusions", "apply_channel", "link", "contact"});
    out.id = in.identifier("id", 20);
    out.title = in.words("title", true, 200);
    if (const auto subject = in.choice("subject", true, {"enterprise", "resident"}); subject == "resident")
        out.subject = subject_type::resident;
    if (const json* eligibility = in.table("eligibility", true)) out.eligibility = *eligibility;
    read_labels(in, out);
    out.benefit = in.words("benefit", true, 500);
    read_tiers(in, out);
    out.mode = in.choice("mode", true, {"申请享受", "免申即享", "直接享受"});
    out.window = read_window(in, "window", true);
    out.reminders = read_reminders(in);
    out.materials = in.lines("materials", 64, 500);
    out.exclusions = in.lines("exclusions", 64, 500);
    out.apply_channel = in.words("apply_channel", false, 500);
    out.link = in.link("link");
    out.contact = in.words("contact", false, 200);
    return out;
}

interpretation read_interpretation(document_reader in) {
    interpretation out;
    if (!in.is_object()) return out;
    in.known({"kind", "title", "text", "url", "round"});
    out.kind = in.choice("kind", true, {"文字", "图解", "视频", "问答"});
    out.title = in.words("title", true, 200);
    out.text = in.words("text", false, 20000, document_reader::form::prose);
    out.url = in.link("url");
    if (!in.has("text") && !in.has("url")) in.error("has neither text nor url", "give one of the two");
    out.round = static_cast<int>(in.integer("round", false, 1, 99).value_or(1));
    return out;
}

} // namespace zhida
