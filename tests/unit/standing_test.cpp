// Profiles and days against the items that stand: what is told is what judging before and after would tell.
#include "services/matcher/standing.hpp"

#include "matching/crossing.hpp"
#include "policy_events.hpp"
#include "random_conditions.hpp"
#include "services/matcher/audience.hpp"
#include "services/matcher/match_event.hpp"

#include <set>

namespace zhida::matcher {
namespace {

using matching::the_catalogue;
using tests::policy_document;
using tests::policy_record;
using tests::test_item;

const row_layouts& layouts() {
    static const row_layouts made(the_catalogue());
    return made;
}

using named = std::set<std::string>; // "policy.version.item"

named names(const std::vector<const standing_items::item*>& items) {
    named out;
    for (const auto* i : items) {
        const auto& p = i->from->document;
        if (!out.insert(p.id + "." + std::to_string(p.version) + "." + i->what().id).second)
            ADD_FAILURE() << "an item twice";
    }
    return out;
}

// The definition: the newest version before `until` of each policy, item by item.
named eligible_plainly(const policy_log& log, std::int64_t until, const judged_row& row, std::int32_t day) {
    std::map<std::string, const policy_event*> newest;
    for (const auto& e : log.events())
        if (e.record.offset < until && e.checked) newest[e.checked->document.id] = &e;
    named out;
    for (const auto& [id, e] : newest) {
        const auto& p = e->checked->document;
        for (std::size_t i = 0; i < p.items.size(); ++i)
            if (p.items[i].subject == row.type && (!p.items[i].window.end || day <= *p.items[i].window.end) &&
                matching::judge(e->checked->conditions[i], row.values, day).outcome ==
                    matching::verdict::eligible)
                out.insert(id + "." + std::to_string(p.version) + "." + p.items[i].id);
    }
    return out;
}

named less(const named& a, const named& b) {
    named out;
    for (const auto& one : a)
        if (!b.contains(one)) out.insert(one);
    return out;
}

// Days that calendars get wrong, and any other.
std::int32_t random_day() {
    static const std::vector<const char*> hard = {"2024-02-28", "2024-02-29", "2024-03-01", "2025-02-28",
                                                  "2025-03-01", "2026-03-30", "2026-03-31", "2026-04-30",
                                                  "2026-11-29", "2026-11-30", "2026-12-31", "2027-01-01"};
    if (matching::number(0, 2) > 0) return matching::day(matching::pick(hard));
    return matching::day("2026-11-23") + matching::number(-800, 800);
}

json date_leaf() {
    const auto op = matching::pick<std::string>({"<", "<=", ">", ">=", "=", "<>"});
    const auto months = matching::op_of("monthsAgo", json::array({matching::number(-2, 26)}));
    return matching::op_of(op.c_str(), {matching::property("ent.established"), months});
}

json dated_tree() {
    if (matching::number(0, 3) == 0) return matching::random_tree(2);
    json parts = json::array({date_leaf()});
    if (matching::number(0, 1)) parts.push_back(date_leaf());
    if (matching::number(0, 1)) parts.push_back(matching::random_tree(1));
    if (parts.size() == 1) return matching::number(0, 1) ? parts[0] : matching::op_of("not", parts);
    return matching::op_of(matching::number(0, 1) ? "and" : "or", parts);
}

// A date within a day of what some monthsAgo means on one of two days.
attribute_row row_near(std::int32_t from, std::int32_t to) {
    auto row = matching::row_of(matching::random_row());
    if (matching::number(0, 4) == 0) return row;
    const auto near = add_months(matching::number(0, 1) ? from : to, -matching::number(-2, 26));
    row.set(the_catalogue().find("ent.established")->number, near + matching::number(-1, 1));
    if (matching::number(0, 9) == 0) // kept whole, beside the columns
        row.set(the_catalogue().find("ent.revenue")->number, 99'000'000'000);
    return row;
}

policy_log random_policies(std::int32_t day) {
    policy_log log(the_catalogue());
    std::map<int, int> versions;
    for (int i = matching::number(0, 12); i > 0; --i) {
        const int id = matching::number(0, 5);
        std::vector<test_item> items;
        for (int k = matching::number(1, 3); k > 0; --k) {
            test_item item{std::to_string(k), subject_type::enterprise, dated_tree()};
            if (matching::number(0, 3) == 0)
                item.window = {{"end", format_date(day + matching::number(-2, 3))}};
            if (matching::number(0, 3) == 0) {
                item.subject = subject_type::resident;
                item.eligibility = matching::op_of("isNull", json::array({matching::property("person.sex")}));
            }
            items.push_back(std::move(item));
        }
        log.add(policy_record(policy_document("P" + std::to_string(id), ++versions[id], items), log.end()));
        RC_ASSERT(log.events().back().checked.has_value());
    }
    return log;
}

RC_GTEST_PROP(standing, what_an_arrival_tells_is_the_difference_of_judging_twice, ()) {
    const auto day = random_day();
    const auto log = random_policies(day);
    const auto until = matching::number(0, static_cast<int>(log.end()));
    const standing_items items(log, until, day);
    standing_space space;
    for (int i = 0; i < 8; ++i) {
        const auto any = [&] {
            const bool resident = matching::number(0, 5) == 0;
            return judged_row{resident ? subject_type::resident : subject_type::enterprise,
                              resident ? attribute_row{} : row_near(day, day)};
        };
        const auto before = any(), after = matching::number(0, 9) == 0 ? before : any();
        const auto was = eligible_plainly(log, until, before, day),
                   is = eligible_plainly(log, until, after, day);
        const auto changed = compare(items, &before, after, space);
        RC_ASSERT(names(changed.newly) == less(is, was));
        RC_ASSERT(names(changed.no_longer) == less(was, is));
        const auto fresh = compare(items, nullptr, after, space);
        RC_ASSERT(names(fresh.newly) == is);
        RC_ASSERT(fresh.no_longer.empty());
    }
}

RC_GTEST_PROP(standing, what_a_day_tells_is_the_difference_of_judging_on_both, ()) {
    const auto from = random_day();
    const auto to = from + matching::pick<int>({1, 1, 1, 2, 30, 31, 400});
    const auto log = random_policies(to);
    const standing_items items(log, log.end(), to);
    shard_rows rows(layouts());
    std::map<std::uint32_t, judged_row> all;
    for (std::uint32_t i = 0; i < 40; ++i) {
        const bool resident = matching::number(0, 9) == 0;
        judged_row row{resident ? subject_type::resident : subject_type::enterprise,
                       resident ? attribute_row{} : row_near(from, to)};
        rows.put(i, row.type, row.values, 0);
        all[i] = std::move(row);
    }
    std::map<std::uint32_t, std::pair<named, named>> told;
    for (const auto& c : compare_days(items, rows, from)) {
        RC_ASSERT(!c.what.empty());
        told[c.ordinal] = {names(c.what.newly), names(c.what.no_longer)};
    }
    for (const auto& [ordinal, row] : all) {
        const auto is = eligible_plainly(log, log.end(), row, to);
        named was; // of the items that stand on the later day
        for (const auto& item : items.items(row.type))
            if (matching::judge(item.condition(), row.values, from).outcome == matching::verdict::eligible) {
                const auto& p = item.from->document;
                was.insert(p.id + "." + std::to_string(p.version) + "." + item.what().id);
            }
        RC_ASSERT(told[ordinal].first == less(is, was));
        RC_ASSERT(told[ordinal].second == less(was, is));
    }
}

RC_GTEST_PROP(standing, an_item_that_has_ended_does_not_begin_again, ()) {
    policy_item item;
    policy p;
    p.disclosure = "主动公开";
    const auto some_day = [] {
        return matching::number(0, 2) ? std::optional(matching::number(0, 20)) : std::nullopt;
    };
    const auto window = [&](auto& w) {
        w.start = some_day();
        w.end = some_day();
        if (w.start && w.end && *w.end < *w.start) std::swap(w.start, w.end);
    };
    window(item.window);
    window(p.valid);
    for (int i = matching::number(0, 3); i > 0; --i) window(item.window.stages.emplace_back());
    bool before = true;
    for (int day = -1; day < 23; ++day) {
        const bool now = stands(p, item, day);
        RC_ASSERT(before || !now);
        before = now;
    }
}

RC_GTEST_PROP(crossing, finds_every_row_that_a_day_changes_and_few_others, ()) {
    const auto from = random_day();
    const auto to = from + matching::pick<int>({1, 1, 2, 31});
    const auto c = matching::compiled(dated_tree());
    matching::columns rows(layouts().enterprise);
    std::vector<attribute_row> plain;
    for (std::size_t i = 0; i < 100; ++i) {
        plain.push_back(row_near(from, to));
        rows.put(i, plain.back());
    }
    rows.erase(50);
    std::optional<std::vector<std::size_t>> first;
    for (const auto& k : matching::all_kernels()) {
        const auto found = matching::rows_that_cross(c, rows, from, to, k);
        if (!first) first = found;
        RC_ASSERT(found == *first);
    }
    RC_ASSERT(matching::depends_on_day(c) || first->empty());
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (i == 50) {
            RC_ASSERT(std::find(first->begin(), first->end(), i) == first->end());
            continue;
        }
        const bool crosses = std::binary_search(first->begin(), first->end(), i);
        // Verdict and explanation both: nothing of it may change behind our back.
        const auto on = [&](std::int32_t day) {
            const auto j = matching::judge(c, plain[i], day);
            return std::tuple(j.outcome, j.only_manual_open, j.one_short);
        };
        RC_ASSERT(on(from) == on(to) || crosses);
        if (!crosses || rows.odd().contains(i)) continue;
        // No row that lies outside of what the days move over.
        bool near = false;
        const auto established =
            plain[i].value[static_cast<std::size_t>(the_catalogue().find("ent.established")->number)];
        for (int n = -4; n < 27; ++n)
            near = near || (add_months(from, -n) <= established && established <= add_months(to, -n));
        RC_ASSERT(near);
    }
}

// At the very cut-off, on days that not every month has.
TEST(crossing, is_exact_at_the_ends_of_months) {
    const auto number = the_catalogue().find("ent.established")->number;
    const auto within_a_month = matching::compiled(matching::op_of(
        ">=", {matching::property("ent.established"), matching::op_of("monthsAgo", json::array({1}))}));
    const auto told = [&](const char* established, const char* from, const char* to) {
        matching::columns rows(layouts().enterprise);
        attribute_row row;
        row.set(number, matching::day(established));
        rows.put(0, row);
        const auto crossing =
            matching::rows_that_cross(within_a_month, rows, matching::day(from), matching::day(to));
        const auto at = [&](const char* day) {
            return matching::judge(within_a_month, row, matching::day(day)).outcome;
        };
        if (at(from) != at(to)) EXPECT_FALSE(crossing.empty()) << established << " " << from;
        return at(from) != at(to);
    };
    EXPECT_TRUE(told("2026-02-28", "2026-03-31", "2026-04-01"))
        << "28 February is a month before 28 to 31 March";
    EXPECT_FALSE(told("2026-02-28", "2026-03-28", "2026-03-29"));
    EXPECT_FALSE(told("2026-02-28", "2026-03-30", "2026-03-31"));
    EXPECT_TRUE(told("2024-02-28", "2024-03-28", "2024-03-29")) << "a leap year";
    EXPECT_TRUE(told("2024-02-29", "2024-03-31", "2024-04-01"));
    EXPECT_TRUE(told("2025-12-31", "2026-01-31", "2026-02-01"));
}

TEST(match_event, has_the_same_id_however_often_it_is_written) {
    policy_log log(the_catalogue());
    const auto no_headcount = matching::op_of("isNull", json::array({matching::property("ent.headcount")}));
    log.add(policy_record(policy_document("P", 1, {{"1", subject_type::enterprise, no_headcount}}), 7));
    ASSERT_TRUE(log.events()[0].checked) << log.events()[0].errors[0].text();
    const standing_items items(log, 8, 20780);
    ASSERT_EQ(items.items(subject_type::enterprise).size(), 1U);
    const eligible_changes what{{&items.items(subject_type::enterprise)[0]}, {}};
    const auto decoded = [&](const match_cause& why, const char* now) {
        const auto m = match_event("91330100799655058B", why, what, now);
        EXPECT_EQ(m.partition, why.shard);
        EXPECT_EQ(m.key, "91330100799655058B");
        return decode_event(m.headers, m.value).value();
    };
    const auto first = decoded({3, 41, 20780}, "2026-11-23T00:00:00Z"),
               again = decoded({3, 41, 20780}, "2026-11-24T00:00:00Z");
    EXPECT_EQ(first.id, "3/41");
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(again.data, first.data);
    EXPECT_EQ(decoded({3, -1, 20780}, "").id, "3/" + format_date(20780) + "/91330100799655058B");
    EXPECT_EQ(first.data["newly"], json::parse(R"([{"policy":"P","version":1,"item":"1"}])"));
    EXPECT_EQ(first.data["no_longer"], json::array());
}

TEST(standing, is_of_the_newest_versions_before_an_offset) {
    policy_log log(the_catalogue());
    const auto all = matching::op_of("isNull", json::array({matching::property("ent.headcount")}));
    const auto add = [&](const char* id, int version, std::int64_t offset) {
        log.add(policy_record(policy_document(id, version, {{"1", subject_type::enterprise, all}}), offset));
    };
    add("A", 1, 3);
    add("B", 1, 5);
    add("A", 1, 6); // the same again
    add("A", 3, 9);
    add("A", 2, 11); // refused: older
    const auto standing_at = [&](std::int64_t until) {
        const standing_items items(log, until, 20780);
        named out;
        for (const auto& i : items.items(subject_type::enterprise))
            out.insert(i.from->document.id + std::to_string(i.from->document.version));
        return out;
    };
    EXPECT_EQ(standing_at(0), named{});
    EXPECT_EQ(standing_at(3), named{});
    EXPECT_EQ(standing_at(4), named{"A1"});
    EXPECT_EQ(standing_at(9), (named{"A1", "B1"}));
    EXPECT_EQ(standing_at(10), (named{"A3", "B1"}));
    EXPECT_EQ(standing_at(12), (named{"A3", "B1"}));
    EXPECT_EQ(standing_at(100), (named{"A3", "B1"}));
}

// Of the policy's validity and the item's window whichever ends earlier, whatever day the other says.
TEST(standing, ends_with_the_validity_of_its_policy) {
    policy_log log(the_catalogue());
    const auto all = matching::op_of("isNull", json::array({matching::property("ent.headcount")}));
    const auto until = [](std::int32_t day) { return json{{"end", format_date(day)}}; };
    auto document = policy_document("A", 1,
                                    {{"none", subject_type::enterprise, all},
                                     {"earlier", subject_type::enterprise, all, until(20779)},
                                     {"later", subject_type::enterprise, all, until(20790)}});
    document["valid"] = until(20780);
    log.add(policy_record(document, 0));
    ASSERT_TRUE(log.events()[0].checked) << log.events()[0].errors[0].text();
    const auto& [p, conditions] = *log.events()[0].checked;
    shard_rows rows(layouts());
    rows.put(0, subject_type::enterprise, {}, 0);
    matching::scan_space space;
    for (const auto& [day, expected] : std::map<std::int32_t, named>{
             {20779, {"none", "earlier", "later"}}, {20780, {"none", "later"}}, {20781, {}}, {20790, {}}}) {
        const standing_items items(log, log.end(), day);
        named standing, frozen;
        for (const auto& i : items.items(subject_type::enterprise)) standing.insert(i.what().id);
        const auto audience = select_audience(p, plans_of(p, conditions, layouts(), day), rows, space);
        for (const auto& m : audience.members)
            for (std::size_t i = 0; i < p.items.size(); ++i)
                if (m.items >> i & 1) frozen.insert(p.items[i].id);
        EXPECT_EQ(standing, expected) << day;
        EXPECT_EQ(frozen, expected) << day;
        EXPECT_EQ(items.empty(), expected.empty()) << day;
    }
}

TEST(select_audience, leaves_out_items_that_are_over) {
    policy_log log(the_catalogue());
    const auto all = matching::op_of("isNull", json::array({matching::property("ent.headcount")}));
    const auto until = [&](std::int32_t day) { return json{{"end", format_date(day)}}; };
    log.add(policy_record(policy_document("A", 1,
                                          {{"1", subject_type::enterprise, all, until(20779)},
                                           {"2", subject_type::enterprise, all, until(20780)}}),
                          0));
    const auto& [p, conditions] = *log.events()[0].checked;
    shard_rows rows(layouts());
    rows.put(0, subject_type::enterprise, {}, 0);
    matching::scan_space space;
    const auto audience_on = [&](std::int32_t day) {
        return select_audience(p, plans_of(p, conditions, layouts(), day), rows, space);
    };
    ASSERT_EQ(audience_on(20779).members.size(), 1U);
    EXPECT_EQ(audience_on(20779).members[0].items, 3);
    ASSERT_EQ(audience_on(20780).members.size(), 1U);
    EXPECT_EQ(audience_on(20780).members[0].items, 2);
    EXPECT_EQ(audience_on(20780).verdicts.count("0:eligible"), 0U);
    EXPECT_TRUE(audience_on(20781).members.empty());
}

} // namespace
} // namespace zhida::matcher
