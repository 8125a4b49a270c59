// Every template, filled with what an attacker would write; the words; the API's description.
#include "common/model/policy.hpp"
#include "common/store/campaigns.hpp"
#include "matching/policy_check.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/check_words.hpp"
#include "services/portal/checkup.hpp"
#include "services/portal/live.hpp"
#include "services/portal/package_document.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/routes.hpp"
#include "services/portal/templates.hpp"
#include "services/portal/views.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace zhida::portal {
namespace {

const std::string config_dir = zhida::tests::in_source("config");

std::string file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

const templates& pages() {
    static const auto all = templates::load(config_dir + "/templates").value();
    return all;
}

const matching::catalogue& catalogue() {
    static const auto c = matching::catalogue::load(config_dir + "/catalogue").value();
    return c;
}

json chrome(language in) {
    return {{"t", texts_model(in)},
            {"html_lang", html_name(in)},
            {"demo", true},
            {"signed_in", true},
            {"is_operator", true},
            {"is_department", true},
            {"is_staff", true},
            {"is_subject", true},
            {"large_type", true},
            {"home", "/"},
            {"app_version", "0"},
            {"assets", "0"},
            {"other_lang", "en"},
            {"other_lang_html", "en"},
            {"other_size", "large"},
            {"size_label", "x"},
            {"path", "/"},
            {"role_label", "x"},
            {"who", "x"},
            {"token", "x"},
            {"live", false},
            {"notice", false},
            {"warning", false}};
}

campaign round_of(const std::string& id, const std::string& kind = "first") {
    campaign c;
    c.id = id;
    c.kind = kind;
    return c;
}

// A policy whose every text is the payload, as far as a document may carry it.
compiled_policy hostile(const std::string& payload) {
    compiled_policy p;
    auto& a = p.about;
    a.id = "P-1";
    a.title = a.doc_no = a.issuer = a.level = a.theme = a.source_note = payload;
    a.disclosure = "主动公开";
    a.source = "javascript:" + payload;
    policy_item item;
    item.id = "1";
    item.title = item.benefit = item.mode = item.apply_channel = item.contact = payload;
    item.link = "javascript:alert(1)//" + payload;
    item.tiers = {{payload, payload}};
    item.materials = item.exclusions = {payload};
    item.eligibility = {{"op", "and"},
                        {"args",
                         {{{"op", "="}, {"args", {{{"property", "ent.legal_person"}}, true}}},
                          {{"op", "manual"}, {"args", {payload}}}}}};
    item.labels = {{"/args/0", {payload, payload}}, {"/args/1", {payload, payload}}};
    a.items = {item};
    a.interpretations = {{payload, payload, payload, "javascript:" + payload, 1}};
    std::vector<failure> errors;
    auto c = matching::condition::compile(item.eligibility, item.subject, catalogue(), errors);
    if (c)
        p.conditions.emplace_back(std::move(*c));
    else
        p.conditions.emplace_back(std::nullopt);
    p.pushed = true;
    return p;
}

// A matcher's answer whose every text is the payload.
json hostile_checkup(const std::string& payload) {
    json line = {{"text", payload},      {"clause", payload}, {"manual", false},
                 {"attribute", payload}, {"value", payload},  {"requirement", payload},
                 {"pointer", ""},        {"group", ""},       {"parts", json::array()}};
    line["outcome"] = "not_met";
    auto by_hand = line;
    by_hand.update({{"manual", true}, {"outcome", "unknown"}});
    json entry = {{"policy", {{"id", payload}, {"title", payload}, {"issuer", payload}, {"doc_no", payload}}},
                  {"item", {{"id", payload}, {"title", payload}}},
                  {"deadline", {{"state", "open"}, {"end", "2026-12-31"}, {"stage", payload}}},
                  {"short_of", line},
                  {"why_left_out", true},
                  {"link", "javascript:" + payload}};
    for (const char* name : {"benefit", "mode", "apply_channel", "contact"}) entry[name] = payload;
    entry["why"] = {line, by_hand};
    entry["missing"] = {{{"label", payload}, {"label_en", payload}, {"source", payload}}};
    auto settled = entry;
    settled["only_manual_open"] = true;
    const json list = {{"total", 60}, {"items", {entry, settled}}};
    json out = {{"as_of", payload}, {"day", "2026-11-23"}, {"profile_day", payload}};
    for (const char* name : {"eligible", "possible"}) out[name] = list;
    out["one_short"] = {{"total", 0}, {"items", json::array()}};
    return out;
}

std::vector<std::pair<std::string, std::string>> all_pages(const std::string& payload, language in) {
    const auto p = hostile(payload);
    const wall_time now{std::chrono::hours(24 * 20000)};
    attribute_row row;
    ledger::record web;
    web.items = 1;
    store::campaign_progress progress;
    progress.about.id = "P-1.v1.r1";
    progress.about.policy_id = payload;
    progress.about.title = progress.about.issuer = payload;
    progress.audience = 3;
    progress.channels.push_back({});
    progress.channels[0].states[5] = 3;
    progress.items.push_back({1, 1, 1});
    const auto line = policy_line_view(policy_summary(p), in);
    auto campaign = campaign_view(campaign_document(progress), in);
    for (auto& i : campaign["items"]) i["title"] = payload;
    std::map<std::string, json> models;
    models["error"] = {{"title", payload}, {"status", "500"}, {"detail", payload}};
    models["landing"] = {{"title", payload},
                         {"enterprises", {{{"id", payload}, {"name", payload}, {"facts", payload}}}},
                         {"residents", {{{"id", payload}, {"name", payload}, {"facts", payload}}}},
                         {"departments", {{{"name", payload}}}},
                         {"has_departments", true}};
    models["subject"] = {
        {"title", payload},
        {"subject_name", payload},
        {"subject_id", payload},
        {"packages",
         {package_view(package_document(round_of("P-1.v1.r1"), web, p, 2, row, now, catalogue()), in),
          package_view(
              package_document(round_of("P-1.v1.r2", "interpretation"), web, p, 2, row, now, catalogue()),
              in)}},
        {"empty", true},
        {"packages_count", "1"},
        {"unread_count", "1"},
        {"some_unread", true},
        {"unread_text", "x"},
        {"all_text", "x"},
        {"opted_out", false},
        {"untargeted", true}};
    preferences wants;
    wants.themes = {payload};
    models["preferences"] = preferences_view(wants, {payload + "/"}, in);
    models["preferences"]["title"] = payload;
    models["checkup"] = checkup_view(read_checkup(to_text(hostile_checkup(payload))).value(), in);
    models["checkup"].update({{"title", payload}, {"subject_name", payload}, {"subject_id", payload}});
    models["policies"] = {{"title", payload}, {"policies", {line}}, {"empty", true}, {"next", payload}};
    models["policy"] = policy_view(policy_document(p, now, catalogue()), in);
    auto with_progress = line;
    with_progress["progress"] = campaign;
    models["department"] = {
        {"title", payload},
        {"document", payload},
        {"has_samples", true},
        {"empty", false},
        {"samples", {{{"id", payload}, {"title", payload}, {"issuer", payload}, {"selected", true}}}},
        {"errors", errors_view(errors_document({{errc::invalid, payload, payload, payload}}), in)},
        {"policies", {with_progress}},
        {"list_title", payload}};
    models["campaign"] = campaign;
    models["campaign_waiting"] = {{"id", payload},        {"title", payload}, {"kept", true},
                                  {"kept_text", payload}, {"known", true},    {"policy_path", payload}};
    models["operator"] = summary_view(
        {{"subjects", 1},
         {"policies", 1},
         {"totals", totals_document(sum({progress}))},
         {"gateways", {{{"name", payload}, {"state", payload}, {"detail", payload}, {"protocol", payload}}}},
         {"backlog", {{{"what", "policy"}, {"waiting", 1}}}},
         {"dead_letters", 1},
         {"at", payload},
         {"unavailable", {{{"part", payload}, {"why", payload}}}}},
        in);
    models["operator"].update(
        {{"title", payload},
         {"campaign_list", {campaign}},
         {"no_campaign", false},
         {"buried",
          dead_letters_view({{{"at", payload},
                              {"topic", payload},
                              {"key", payload},
                              {"excerpt", payload},
                              {"errors", {{{"what", payload}, {"where", payload}, {"fix", payload}}}}}},
                            1, in)}});
    json letter;
    for (const char* member : {"id", "at", "department", "gateway", "to", "phone", "text"})
        letter[member] = payload;
    auto of_nobody = letter;
    of_nobody["department"] = "";
    models["feedback"] = feedback_view({letter, of_nobody}, {payload}, in);
    models["feedback"].update({{"title", payload}, {"unassigned", false}, {"next", payload}});
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [name, model] : models) {
        auto whole = chrome(in);
        whole.update({{"notice", payload},
                      {"warning", payload},
                      {"who", payload},
                      {"live", payload},
                      {"path", payload}});
        whole.update(model);
        out.emplace_back(name, pages().render(name, whole));
    }
    return out;
}

TEST(portal_pages, no_payload_reaches_a_page_as_markup) {
    for (const std::string payload :
         {"<script>alert('zhida')</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
          "</textarea><svg onload=alert(1)>", "{{t.name}}{{> head}}{{{x}}}", "<!--", "]]>", "&lt;script&gt;"})
        for (const auto in : {language::zh, language::en})
            for (const auto& [name, html] : all_pages(payload, in)) {
                for (const char* forbidden : {"<script>alert", "<img src=x", "<svg onload", "\" onmouseover",
                                              "' onmouseover", "javascript:", "<!--"})
                    EXPECT_EQ(html.find(forbidden), std::string::npos) << name << ": " << forbidden;
                EXPECT_EQ(html.find(payload == "{{t.name}}{{> head}}{{{x}}}" ? "直达{{" : "&lt;script&gt;\""),
                          std::string::npos);
                // It is there, as text.
                if (name != "campaign")
                    EXPECT_TRUE(html.find("alert(") != std::string::npos ||
                                payload.find("alert(") == std::string::npos)
                        << name;
            }
}

// One enterprise item with this condition, as its page shows it.
json shown_item(
    const json& eligibility, const std::map<std::string, json>& known, language in,
    void (*change)(policy&) = [](policy&) {}) {
    compiled_policy p;
    p.about.disclosure = "主动公开";
    policy_item item;
    item.id = "1";
    item.mode = "申请享受";
    item.eligibility = eligibility;
    p.about.items = {item};
    p.about.interpretations = {{"问答", "t", "x", "", 1}};
    change(p.about);
    std::vector<failure> errors;
    p.conditions.emplace_back(
        matching::condition::compile(eligibility, item.subject, catalogue(), errors).value());
    attribute_row row;
    for (const auto& [name, value] : known) {
        const auto* a = catalogue().find(name);
        row.set(a->number, catalogue().encode(*a, value).value());
    }
    ledger::record web;
    web.items = 1;
    const wall_time now{std::chrono::hours(24 * 20000)}; // 2024-10-04
    return package_view(package_document(round_of("P-1.v1.r1"), web, p, 1, row, now, catalogue()),
                        in)["items"][0];
}

json compare(const char* op, const char* name, const json& value) {
    return {{"op", op}, {"args", {{{"property", name}}, value}}};
}
const json small = compare("=", "ent.size", "小型"), of_ten = compare("<=", "ent.headcount", 10);

TEST(portal_packages, what_is_not_met_beside_an_alternative_that_is_has_no_mark) {
    const json either = {{"op", "or"}, {"args", {small, {{"op", "and"}, {"args", {of_ten, small}}}, of_ten}}};
    const auto line =
        shown_item(either, {{"ent.size", "大型"}, {"ent.headcount", 5}}, language::zh)["why"][0];
    EXPECT_EQ(line["mark"], "met");
    EXPECT_EQ(line["parts"][0]["mark"], "plain");
    EXPECT_EQ(line["parts"][0]["value"], "大型");
    EXPECT_EQ(line["parts"][1]["mark"], "plain");
    EXPECT_EQ(line["parts"][1]["parts"][0]["mark"], "met");
    EXPECT_EQ(line["parts"][1]["parts"][1]["mark"], "plain");
    EXPECT_EQ(line["parts"][2]["mark"], "met");
    // Where none is met, each says so.
    const auto none = shown_item(either, {{"ent.size", "大型"}, {"ent.headcount", 50}}, language::zh);
    EXPECT_EQ(none["why"][0]["parts"][0]["mark"], "not-met");
}

TEST(portal_packages, an_exclusion_shows_the_value_that_decided_it) {
    const auto excluding = [](const json& e) { return json{{"op", "not"}, {"args", {e}}}; };
    const auto one = shown_item(excluding(small), {{"ent.size", "大型"}}, language::zh)["why"][0];
    EXPECT_EQ(one["mark"], "met");
    EXPECT_EQ(one["value"], "大型");
    EXPECT_TRUE(one["facts"]);
    EXPECT_FALSE(one["has_parts"]);
    const json either = {{"op", "or"}, {"args", {small, of_ten}}};
    const auto both =
        shown_item(excluding(either), {{"ent.size", "大型"}, {"ent.headcount", 50}}, language::zh)["why"][0];
    for (const auto& part : both["parts"]) EXPECT_EQ(part["mark"], "plain");
    EXPECT_EQ(both["parts"][1]["value"], "50 人");
    const json by_hand = {{"op", "manual"}, {"args", {"已享受同类补贴"}}};
    const auto open = shown_item(excluding(by_hand), {}, language::zh)["why"][0];
    EXPECT_EQ(open["mark_text"], "须人工核对") << "no data is missing";
}

TEST(portal_packages, a_requirement_is_left_out_where_it_says_nothing_new) {
    const auto line = [](const json& e, const json& value) {
        const auto name = e["args"][0]["property"].get<std::string>();
        return shown_item(e, {{name, value}}, language::zh)["why"][0];
    };
    EXPECT_EQ(line(small, "小型")["requirement"], false);
    EXPECT_EQ(line(compare("=", "ent.legal_person", true), true)["requirement"], false);
    EXPECT_EQ(line(of_ten, 5)["requirement"], "≤ 10 人");
}

TEST(portal_packages, meeting_every_condition_is_not_praised_when_it_is_too_late) {
    const auto said = [](std::int32_t end) {
        static std::int32_t last;
        last = end;
        return shown_item(small, {{"ent.size", "小型"}}, language::zh, [](policy& p) { p.valid.end = last; });
    };
    EXPECT_EQ(said(20010)["verdict"], "eligible");
    EXPECT_EQ(said(20010)["verdict_text"], "按现有数据，您符合全部条件。");
    EXPECT_EQ(said(19999)["verdict"], "late");
    EXPECT_EQ(said(19999)["verdict_text"], "按现有数据，您符合全部条件。但办理期限已过，能否办理请先核实。");
}

TEST(portal_packages, who_does_not_qualify_is_not_told_that_it_is_too_late) {
    const auto item =
        shown_item(small, {{"ent.size", "大型"}}, language::zh, [](policy& p) { p.valid.end = 1; });
    EXPECT_EQ(item["verdict"], "ineligible");
    EXPECT_EQ(item["verdict_text"], text(language::zh, "why_ineligible"));
}

TEST(portal_packages, say_whom_to_ask_where_no_way_to_apply_is_given) {
    EXPECT_EQ(shown_item(small, {}, language::zh)["no_entry"], "未提供办理入口，可拨打 12345 咨询。");
    EXPECT_NE(
        shown_item(small, {}, language::zh, [](policy& p) { p.items[0].mode = "免申即享"; })["no_entry"],
        shown_item(small, {}, language::zh)["no_entry"]);
    EXPECT_EQ(
        shown_item(small, {}, language::zh, [](policy& p) { p.items[0].contact = "021-1"; })["no_entry"],
        false);
}

TEST(portal_packages, tell_that_a_newer_version_came) {
    const auto p = hostile("x");
    ledger::record web;
    const auto newer = [&](int newest) {
        return package_document(round_of("P-1.v1.r1"), web, p, newest, {}, wall_time{},
                                catalogue())["newer_version"];
    };
    EXPECT_EQ(newer(1), false);
    EXPECT_EQ(newer(2), true);
}

TEST(portal_packages, of_a_further_round_say_what_is_new) {
    auto p = hostile("科技政策");
    p.about.items[0].title = "高企奖励";
    std::int32_t today = 0;
    ASSERT_TRUE(parse_date("2026-12-24", today));
    ledger::record web;
    web.items = 1;
    const auto shown = [&](const campaign& round, language in) {
        const auto now = wall_time(std::chrono::days(today)); // eight in the morning
        return package_view(package_document(round, web, p, 1, {}, now, catalogue()), in);
    };
    EXPECT_EQ(shown(round_of("P-1.v1.r1"), language::zh)["notice"], false);
    auto reminder = round_of("P-1.v1.r1.1-d7-20261224", "reminder");
    reminder.reminder = reminder_notice{
        p.about.items[0].id, reminder_kind::days_before, today, today + 7, today + 7, "", false, nullptr};
    EXPECT_EQ(shown(reminder, language::zh)["notice"]["text"], "“高企奖励”还有7天截止");
    EXPECT_EQ(shown(reminder, language::zh)["notice"]["kind"], "办事提醒");
    EXPECT_EQ(shown(reminder, language::en)["notice"]["text"], "7 days left: 高企奖励");
    auto again = round_of("P-1.v1.r2", "retry");
    again.repeats = "reminder";
    again.reminder = reminder.reminder;
    EXPECT_EQ(shown(again, language::zh)["notice"]["text"], "“高企奖励”还有7天截止");

    auto whole = chrome(language::zh);
    whole.update({{"title", "x"}, {"packages", {shown(reminder, language::zh)}}, {"empty", false}});
    const auto page = pages().render("subject", whole);
    EXPECT_NE(page.find("\">“高企奖励”还有7天截止</h3>"), std::string::npos);
    EXPECT_NE(page.find("<span class=\"chip\">办事提醒</span> 科技政策"), std::string::npos);
}

TEST(portal_packages, the_fixed_vocabulary_is_told_in_english) {
    EXPECT_EQ(shown_item(small, {}, language::en)["mode"], "On application");
    EXPECT_EQ(shown_item(small, {}, language::zh)["mode"], "申请享受");
    EXPECT_EQ(fixed_word(language::en, "主动公开"), "Public");
    EXPECT_EQ(fixed_word(language::en, "区"), "District");
    EXPECT_EQ(fixed_word(language::en, "就业"), "就业") << "a department's own word";
}

TEST(portal_pages, have_the_frame_that_assistive_technology_needs) {
    for (const auto in : {language::zh, language::en})
        for (const auto& [name, html] : all_pages("x", in)) {
            EXPECT_NE(html.find(std::string("<html lang=\"") + html_name(in)), std::string::npos) << name;
            for (const char* wanted : {"<main id=\"main\"", "class=\"skip\" href=\"#main\"", "<h1>",
                                       "<title>", "aria-live=\"polite\"", "name=\"viewport\"", "<nav "})
                EXPECT_NE(html.find(wanted), std::string::npos) << name << " lacks " << wanted;
            EXPECT_EQ(html.find("<h1", html.find("<h1") + 1), std::string::npos) << name << " has two h1";
            // Nothing that the content security policy would refuse, nothing from elsewhere.
            EXPECT_FALSE(std::regex_search(html, std::regex("<[^>]*\\s(style|on[a-z]+)="))) << name;
            EXPECT_FALSE(std::regex_search(html, std::regex("(src|href)=\"(https?:)?//"))) << name;
            EXPECT_EQ(html.find("{{"), std::string::npos) << name;
            if (in == language::en) EXPECT_EQ(html.find("："), std::string::npos) << name;
        }
}

TEST(portal_pages, forms_that_change_something_carry_the_token) {
    for (const auto& entry : std::filesystem::directory_iterator(config_dir + "/templates")) {
        if (entry.path().extension() != ".mustache") continue;
        const auto source = file(entry.path().string());
        const std::regex form("<form[^>]*method=\"post\"[^>]*action=\"([^\"]*)\"[\\s\\S]*?</form>");
        for (std::sregex_iterator i(source.begin(), source.end(), form), end; i != end; ++i)
            if ((*i)[1] != "/sign-in")
                EXPECT_NE((*i)[0].str().find("name=\"token\""), std::string::npos) << entry.path() << (*i)[1];
    }
}

TEST(portal_templates, unescaped_text_is_refused) {
    for (const char* source : {"{{{x}}}", "{{&x}}"}) EXPECT_FALSE(templates::from({{"a", source}}));
    EXPECT_FALSE(templates::from({{"a", "{{#x}}"}}));
    EXPECT_FALSE(templates::from({{"a", "{{> missing}}"}}));
    EXPECT_FALSE(templates::from({{"a", "{{> b}}"}, {"b", "{{> a}}"}}));
    const auto good = templates::from({{"a", "{{> b}}{{#l}}[{{.}}]{{/l}}{{n}}"}, {"b", "<{{x}}>"}});
    ASSERT_TRUE(good);
    EXPECT_EQ(good->render("a", {{"x", "<&\"'>"}, {"l", {"1", "2"}}, {"n", 7}}),
              "<&lt;&amp;&quot;&apos;&gt;>[1][2]7");
}

TEST(portal_texts, are_whole_in_both_languages_and_every_one_that_a_template_wants_is_there) {
    std::set<std::string> keys;
    for (const auto& row : text_table()) {
        EXPECT_TRUE(keys.insert(row.key).second) << row.key;
        EXPECT_STRNE(row.zh, "") << row.key;
        EXPECT_STRNE(row.en, "") << row.key;
        EXPECT_EQ(std::string(row.zh).find("{") == std::string::npos,
                  std::string(row.en).find("{") == std::string::npos)
            << row.key;
    }
    const std::regex wanted("\\{\\{[#^]?t\\.([A-Za-z0-9_.]+)\\}\\}");
    for (const auto& entry : std::filesystem::directory_iterator(config_dir + "/templates")) {
        if (entry.path().extension() != ".mustache") continue;
        const auto source = file(entry.path().string());
        for (std::sregex_iterator i(source.begin(), source.end(), wanted), end; i != end; ++i)
            EXPECT_TRUE(keys.contains((*i)[1])) << entry.path() << " wants " << (*i)[1];
    }
    for (int s = 0; s < ledger::state_count; ++s) {
        EXPECT_TRUE(keys.contains(std::string("state_") + ledger::to_string(static_cast<ledger::state>(s))));
        EXPECT_TRUE(keys.contains(std::string("hint_") + ledger::to_string(static_cast<ledger::state>(s))));
    }
    for (int r = 0; r < 256; ++r)
        EXPECT_TRUE(
            keys.contains(std::string("reason_") + ledger::to_string(static_cast<ledger::reason>(r))));
    for (int s = 0; s <= static_cast<int>(campaign_state::withdrawn); ++s)
        EXPECT_TRUE(keys.contains(std::string("campaign_") + to_string(static_cast<campaign_state>(s))));
    EXPECT_THROW(text(language::zh, "no such text"), std::logic_error);
    EXPECT_EQ(text(language::zh, "count_unread", {{"n", "{n}"}}), "{n} 份未读");
}

TEST(portal_texts, numbers) {
    EXPECT_EQ(with_commas(0), "0");
    EXPECT_EQ(with_commas(999), "999");
    EXPECT_EQ(with_commas(1000), "1,000");
    EXPECT_EQ(with_commas(-1234567), "-1,234,567");
    EXPECT_EQ(percent(0.0305), "3.0%");
}

TEST(portal_preferences, a_form_comes_back_as_it_was_drawn) {
    preferences p;
    p.untargeted = true;
    p.channels = 1U << static_cast<int>(channel::sms);
    p.themes = {"养老/住房", "就业"};
    std::sort(p.themes.begin(), p.themes.end());
    p.order = {channel::wechat};
    const auto view = preferences_view(p, {"就业", "养老", "文旅"}, language::zh);
    EXPECT_EQ(view.at("themes").size(), 4U) << "known ones and their own, each once";
    std::map<std::string, std::string> form;
    if (view.at("untargeted").get<bool>()) form["untargeted"] = "on";
    if (view.at("all_messages").get<bool>()) form["all_messages"] = "on";
    for (const char* group : {"themes", "channels"})
        for (const auto& box : view.at(group))
            if (box.at("chosen").get<bool>()) form[box.at("name").get<std::string>()] = "on";
    for (const auto& one : view.at("order"))
        if (one.at("chosen").get<bool>()) form["first"] = one.at("value").get<std::string>();
    EXPECT_EQ(chosen_in(form), p);
    EXPECT_TRUE(chosen_in({{"first", ""}})->nothing_said());
    EXPECT_FALSE(chosen_in({})) << "not that form";
    EXPECT_FALSE(chosen_in({{"first", "fax"}}));
    EXPECT_FALSE(chosen_in({{"first", ""}, {"channel.web", "on"}}));
    EXPECT_FALSE(chosen_in({{"first", ""}, {"theme./", "on"}}));
}

TEST(portal_openapi, describes_the_routes_that_are_there_and_no_others) {
    const auto document = json::parse(file(config_dir + "/openapi.json"));
    EXPECT_EQ(document.at("openapi"), "3.1.0");
    std::set<std::string> described, served;
    for (const auto& [path, verbs] : document.at("paths").items())
        for (const auto& [verb, operation] : verbs.items()) {
            std::string upper = verb;
            for (auto& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
            described.insert(upper + " " + path);
            EXPECT_TRUE(operation.contains("operationId")) << path;
            // Every {name} of the path is a parameter.
            std::set<std::string> named;
            for (const auto& p : operation.value("parameters", json::array()))
                if (p.contains("in") && p.at("in") == "path") named.insert(p.at("name").get<std::string>());
            const std::regex in_path("\\{([a-z]+)\\}");
            for (std::sregex_iterator i(path.begin(), path.end(), in_path), end; i != end; ++i)
                EXPECT_TRUE(named.contains((*i)[1])) << path;
        }
    for (const auto& rule : route_table())
        if (rule.path.starts_with("/api/")) served.insert(rule.verb + " " + rule.path);
    EXPECT_EQ(described, served);
    // Every reference leads somewhere.
    const auto text = document.dump();
    const std::regex reference("\"\\$ref\":\"#([^\"]*)\"");
    for (std::sregex_iterator i(text.begin(), text.end(), reference), end; i != end; ++i)
        EXPECT_TRUE(document.contains(json::json_pointer((*i)[1]))) << (*i)[1];
}

TEST(portal_problems, say_it_in_chinese_with_a_stable_type) {
    const auto out =
        policy_invalid({{errc::invalid, "缺少", "/items/0/title", "补上"}, {errc::invalid, "错", "/", ""}});
    EXPECT_EQ(out.status, 422);
    const auto body = json::parse(out.body);
    EXPECT_EQ(body.at("type"), "/problems/policy-invalid");
    EXPECT_EQ(body.at("errors")[0].at("pointer"), "/items/0/title");
    EXPECT_EQ(body.at("errors")[1].at("pointer"), "");
    EXPECT_EQ(of_failure({errc::timeout, "x", "", ""}).status, 503);
    EXPECT_EQ(of_failure({errc::not_found, "x", "", ""}).status, 404);
    io::http_request r;
    r.headers["if-none-match"] = "W/\"a\", \"b\"";
    EXPECT_EQ(with_etag(json_answer({}), r, "\"b\"").status, 304);
    EXPECT_EQ(with_etag(json_answer({}), r, "\"c\"").status, 200);
}

// Documents broken in every way that a department is likely to; what is said of them must be Chinese on the
// page.
TEST(portal_check_words, the_checkers_common_phrases_are_told_in_chinese) {
    EXPECT_EQ(check_words_zh("is missing"), "缺少此项");
    EXPECT_EQ(check_words_zh("must be a text, not number"), "应为文字，不能是数");
    EXPECT_EQ(check_words_zh("'x' is not allowed here"), "此处不能填“x”");
    EXPECT_EQ(check_words_zh("'*' is not a date"), "“*”不是日期");
    EXPECT_EQ(check_words_zh("something new"), "something new");
    EXPECT_EQ(check_words_zh(""), "");
    json broken = json::parse(file(config_dir + "/samples/policies/BS-001.json"));
    broken.erase("title");
    broken["disclosure"] = "公开";
    broken["published"] = "2026-13-01";
    broken["nonsense"] = 1;
    broken["region"] = "999999";
    broken["items"][0].erase("id");
    broken["items"][0]["benefit"] = 5;
    broken["items"][0]["link"] = "javascript:alert(1)";
    broken["items"][0]["eligibility"]["args"][0]["args"][0]["property"] = "ent.reg_divison";
    broken["items"][0]["eligibility"]["args"][1]["args"][0]["property"] = "nothing";
    std::vector<failure> errors;
    ASSERT_FALSE(matching::check_policy(broken, catalogue(), errors));
    EXPECT_GE(errors.size(), 8u);
    for (const auto& e : errors)
        for (const auto& said : {e.what, e.fix})
            if (!said.empty())
                EXPECT_NE(check_words_zh(said), said) << e.where << " has no Chinese: " << said;
}

TEST(portal_live, an_event_is_one_line_of_data) {
    EXPECT_EQ(sse_event("package", {{"title", "a\nb\r\n\ndata: x"}}),
              "event: package\ndata: {\"title\":\"a\\nb\\r\\n\\ndata: x\"}\n\n");
}

} // namespace
} // namespace zhida::portal
