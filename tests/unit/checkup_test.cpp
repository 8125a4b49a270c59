// The check-up against judge(), item by item; its order, its caps, and that it stays small whatever is legal.
#include "services/matcher/checkup.hpp"

#include "matching/explanation_document.hpp"
#include "policy_events.hpp"
#include "random_conditions.hpp"

#include <gmock/gmock.h>

namespace zhida::matcher {
namespace {

using matching::compiled;
using matching::op_of;
using matching::property;
using matching::row_of;
using matching::the_catalogue;
using matching::today;
using testing::ElementsAre;

json item_of(const std::string& id, const json& eligibility, const char* subject = "enterprise") {
    return {{"id", id},          {"title", "事项" + id},       {"subject", subject},
            {"benefit", "补贴"}, {"eligibility", eligibility}, {"mode", "申请享受"}};
}

json policy_of(const std::string& id, json items) {
    return {{"schema", "zhida.policy/1"}, {"id", id},      {"version", 1},       {"title", "政策" + id},
            {"issuer", "宝山区"},         {"level", "区"}, {"region", "310113"}, {"disclosure", "主动公开"},
            {"published", "2026-01-01"},  {"items", items}};
}

class published {
  public:
    published& add(const json& document) {
        log_.add(tests::policy_record(document, next_++));
        const auto& last = log_.events().back();
        if (!last.checked) throw std::runtime_error(last.errors.at(0).text());
        return *this;
    }
    const policy_log& log() const { return log_; }
    checkup check(const json& row, const checkup_limits& limits = {}, std::int32_t day = today,
                  subject_type type = subject_type::enterprise) {
        items_.emplace_back(log_, log_.end(), day);
        return check_up(items_.back(), type, row_of(row), the_catalogue(), space_, limits);
    }

  private:
    std::int64_t next_ = 0;
    policy_log log_{the_catalogue()};
    std::deque<standing_items> items_; // check-ups refer to them
    standing_space space_;
};

std::vector<std::string> names(const checkup_list& list) {
    std::vector<std::string> out;
    for (const auto& e : list.entries) out.push_back(e.what->from->document.id + "/" + e.what->what().id);
    return out;
}

json at_most(int headcount) {
    return op_of("<=", {property("ent.headcount"), headcount});
}
const json in_baoshan = op_of("like", {property("ent.reg_division"), "310113%"});

RC_GTEST_PROP(checkup, lists_what_the_plain_judgement_says, ()) {
    published all;
    std::vector<json> trees;
    for (int p = matching::number(0, 12); p > 0; --p) {
        json items = json::array();
        for (int i = matching::number(1, 4); i > 0; --i) {
            trees.push_back(matching::random_tree(matching::number(0, 3)));
            items.push_back(item_of(std::to_string(i), trees.back()));
        }
        all.add(policy_of("P" + std::to_string(p), std::move(items)));
    }
    const auto values = matching::random_row();
    const auto row = row_of(values);
    const auto said = all.check(values);

    std::map<std::string, std::string> wanted, got;
    for (const auto* e : all.log().newest(all.log().end()))
        for (std::size_t i = 0; i < e->checked->conditions.size(); ++i) {
            const auto j = judge(e->checked->conditions[i], row, today);
            const auto name = e->checked->document.id + "/" + e->checked->document.items[i].id;
            if (j.outcome == matching::verdict::eligible) wanted[name] = "eligible";
            if (j.outcome == matching::verdict::possible)
                wanted[name] = j.only_manual_open ? "by hand" : "possible";
            if (j.one_short) wanted[name] = "one short";
        }
    for (const auto& name : names(said.eligible)) got[name] = "eligible";
    for (const auto& e : said.possible.entries)
        got[e.what->from->document.id + "/" + e.what->what().id] = e.settled ? "by hand" : "possible";
    for (const auto& name : names(said.one_short)) got[name] = "one short";
    if (said.possible.total > 50 || said.one_short.total > 50 || said.eligible.total > 50) return;
    if (wanted != got) RC_FAIL(json(trees).dump() + " of " + values.dump());

    for (const auto* list : {&said.eligible, &said.possible, &said.one_short})
        for (const auto& e : list->entries)
            RC_ASSERT(e.missing == (list == &said.possible ? missing_for(e.what->condition(), row, today)
                                                           : e.missing & ~row.known));
    for (const auto& e : said.one_short.entries) {
        int failed = 0, open = 0;
        for (const auto& line : e.why) {
            failed += line.outcome == matching::truth::no;
            open += line.outcome == matching::truth::unknown;
        }
        RC_ASSERT(failed == 1);
        RC_ASSERT(e.why[e.short_of].outcome == matching::truth::no);
        RC_ASSERT(e.settled == (open == 0));
    }
    // Whatever there is, it can be told.
    RC_ASSERT(checkup_document(said, the_catalogue()).at("possible").at("total") == said.possible.total);
}

TEST(checkup, what_nobody_can_change_is_never_one_short) {
    published all;
    all.add(policy_of(
        "P",
        {item_of("1", in_baoshan), item_of("2", op_of("and", {in_baoshan, at_most(10)})),
         item_of("3", op_of("and",
                            {at_most(10),
                             op_of("not", json::array({op_of("=", {property("ent.blacklisted"), true})}))})),
         item_of("4", op_of("and", {at_most(100), op_of("=", {property("ent.size"), "微型"})})),
         item_of("5", op_of("like", {property("person.residence_division"), "310112%"}), "resident")}));
    const auto said = all.check({{"ent.reg_division", "310112"},
                                 {"ent.headcount", 10},
                                 {"ent.blacklisted", true},
                                 {"ent.size", "小型"}});
    EXPECT_THAT(names(said.eligible), ElementsAre());
    EXPECT_THAT(names(said.one_short), ElementsAre("P/4"))
        << "not for the region, the blacklist or the kind of subject";
    const auto told = checkup_document(said, the_catalogue()).at("one_short").at("items").at(0);
    EXPECT_EQ(told.at("short_of").at("value"), "小型");
    EXPECT_EQ(told.at("short_of").at("requirement"), "为 微型");
    EXPECT_EQ(told.at("short_of").at("attribute"), "ent.size");
}

TEST(checkup, says_what_is_missing_by_name_and_what_only_hands_can_tell) {
    published all;
    auto labelled =
        item_of("1", op_of("and", {in_baoshan, op_of("like", {property("ent.tax_division"), "310113%"})}));
    labelled["labels"] = {{"/args/1", {{"text", "税管地在宝山"}, {"clause", "第二条"}}}};
    all.add(policy_of(
        "P", {labelled, item_of("2", op_of("and", {in_baoshan, op_of("manual", json::array({"现场核查"}))})),
              item_of("3", op_of("and", {at_most(5), op_of("=", {property("ent.size"), "微型"})}))}));
    const auto said = all.check({{"ent.reg_division", "310113003"}, {"ent.headcount", 6}});
    EXPECT_THAT(names(said.possible), ElementsAre("P/2", "P/1")) << "what only hands can tell comes first";
    const auto told = checkup_document(said, the_catalogue());
    const auto& by_hand = told.at("possible").at("items").at(0);
    EXPECT_EQ(by_hand.at("only_manual_open"), true);
    EXPECT_EQ(by_hand.at("missing"), json::array());
    const auto& open = told.at("possible").at("items").at(1);
    EXPECT_EQ(open.at("only_manual_open"), false);
    EXPECT_EQ(open.at("missing"),
              json::array({{{"attribute", "ent.tax_division"},
                            {"label", "税管地"},
                            {"label_en", the_catalogue().find("ent.tax_division")->label_en},
                            {"source", "税务登记"}}}));
    EXPECT_EQ(open.at("why").at(1).at("text"), "税管地在宝山");
    EXPECT_EQ(open.at("why").at(1).at("clause"), "第二条");
    EXPECT_EQ(open.at("why").at(0).at("outcome"), "met");
    // One short with another condition open: that is said too.
    const auto& nearly = told.at("one_short").at("items").at(0);
    EXPECT_EQ(nearly.at("short_of").at("value"), "6 人");
    EXPECT_EQ(nearly.at("missing").at(0).at("attribute"), "ent.size");
}

TEST(checkup, ranks_what_closes_soonest_first_and_leaves_out_what_is_closed) {
    published all;
    const auto with = [&](const char* id, const json& window, const json& more = json::object()) {
        auto item = item_of("1", at_most(9));
        if (!window.is_null()) item["window"] = window;
        item.update(more);
        auto document = policy_of(id, json::array({item}));
        if (more.contains("published"))
            document["published"] = more["published"], document["items"][0].erase("published");
        all.add(document);
    };
    with("opens", {{"start", "2026-11-24"}, {"end", "2026-11-25"}});
    with("unstated", json());
    with("later", {{"end", "2026-12-31"}});
    with("today", {{"end", "2026-11-23"}});
    with("over", {{"end", "2026-11-22"}});
    with("newer", {{"end", "2026-12-31"}}, {{"published", "2026-02-01"}});
    EXPECT_THAT(names(all.check({{"ent.headcount", 9}}).eligible),
                ElementsAre("today/1", "newer/1", "later/1", "unstated/1", "opens/1"));
    EXPECT_THAT(names(all.check({{"ent.headcount", 9}}, {}, today + 2).eligible),
                ElementsAre("opens/1", "newer/1", "later/1", "unstated/1"));
    EXPECT_THAT(names(all.check({{"ent.headcount", 9}}, {}, today + 3).eligible),
                ElementsAre("newer/1", "later/1", "unstated/1"));
}

TEST(checkup, judges_dates_by_the_day_it_is_made_on) {
    published all;
    const auto young = op_of(">=", {property("ent.established"), op_of("monthsAgo", json::array({24}))});
    all.add(policy_of("P", json::array({item_of("1", young)})));
    const json row = {{"ent.established", "2024-11-23"}};
    EXPECT_THAT(names(all.check(row).eligible), ElementsAre("P/1"));
    const auto after = all.check(row, {}, today + 1);
    EXPECT_THAT(names(after.eligible), ElementsAre());
    EXPECT_THAT(names(after.one_short), ElementsAre("P/1"));
    EXPECT_EQ(after.one_short.entries[0].why[0].requirement, "2024-11-24 及以后");
    EXPECT_EQ(checkup_document(after, the_catalogue()).at("day"), "2026-11-24");
}

TEST(checkup, is_capped_with_the_total_told) {
    published all;
    for (int p = 0; p < 7; ++p) {
        json items = json::array();
        for (int i = 1; i <= 10; ++i) items.push_back(item_of(std::to_string(i), at_most(i * 10)));
        all.add(policy_of("P" + std::to_string(p), std::move(items)));
    }
    const auto said = all.check({{"ent.headcount", 21}}, {3});
    EXPECT_EQ(said.eligible.total, 56U);
    EXPECT_THAT(names(said.eligible), ElementsAre("P6/3", "P6/4", "P6/5"));
    EXPECT_EQ(said.one_short.total, 14U);
    EXPECT_EQ(said.one_short.entries.size(), 3U);
    EXPECT_EQ(all.check({{"ent.headcount", 21}}).eligible.entries.size(), 50U);
    const auto told = checkup_document(said, the_catalogue());
    EXPECT_EQ(told.at("one_short").at("total"), 14);
    EXPECT_EQ(told.at("one_short").at("items").size(), 3U);
}

// Eight items about as wide and as deep as the limits allow.
TEST(checkup, stays_small_whatever_is_legal) {
    json wide = json::array();
    for (int i = 0; i < 100; ++i) {
        json codes = json::array();
        for (int k = 0; k < 40; ++k) codes.push_back(k % 2 ? "I6513" : "C3911");
        wide.push_back(op_of("in", {property("ent.industry"), codes}));
        for (int k = 0; k < 2; ++k) wide.push_back(op_of("not", json::array({at_most(i * 3 + k)})));
    }
    json deep = op_of("or", wide);
    for (int i = 0; i < 10; ++i) deep = op_of("not", json::array({deep}));
    published all;
    for (int p = 0; p < 2; ++p) {
        json items = json::array();
        for (int i = 1; i <= 4; ++i) items.push_back(item_of(std::to_string(i), deep));
        all.add(policy_of("P" + std::to_string(p), std::move(items)));
    }
    for (const auto& row : {json::object(), json{{"ent.industry", "A0111"}, {"ent.headcount", 0}}}) {
        const auto said = all.check(row);
        const auto& list = row.empty() ? said.possible : said.one_short;
        ASSERT_EQ(list.total, 8U);
        ASSERT_EQ(list.entries.size(), 8U);
        std::size_t lines = 0;
        for (const auto& e : list.entries)
            if (!e.why_left_out) lines += matching::explanation_lines(e.what->condition());
        EXPECT_LE(lines, checkup_limits().lines);
        EXPECT_FALSE(list.entries.front().why_left_out);
        EXPECT_TRUE(list.entries.back().why_left_out);
        EXPECT_LT(to_text(checkup_document(said, the_catalogue())).size(), 3U << 20);
    }
}

} // namespace
} // namespace zhida::matcher
