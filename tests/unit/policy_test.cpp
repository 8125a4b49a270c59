// read_policy, and that the published schema says the same as it.
#include "common/base/clock.hpp"
#include "common/model/document_reader.hpp"
#include "common/model/policy.hpp"
#include "tests/support/json_files.hpp"
#include "tests/support/json_schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace zhida {
namespace {

using testing::HasSubstr;

std::int32_t day(std::string_view text) {
    std::int32_t d = 0;
    EXPECT_TRUE(parse_date(text, d));
    return d;
}

json full_document() {
    return json::parse(R"json({
      "schema": "zhida.policy/1", "id": "T-1", "version": 2, "title": "试验政策", "doc_no": "宝府规〔2026〕1号",
      "issuer": "宝山区人民政府", "level": "区", "region": "310113", "theme": "试验", "disclosure": "主动公开",
      "published": "2026-01-02", "valid": {"start": "2026-01-01", "end": "2026-12-31"},
      "items": [{
        "id": "1", "title": "补贴", "subject": "resident",
        "eligibility": {"op": "isNull", "args": [{"property": "person.sex"}]},
        "labels": {"": {"text": "全部", "clause": "第一条"}, "/args/0": {"text": "性别"}},
        "benefit": "100元", "tiers": [{"when": "甲", "what": "100元"}], "mode": "申请享受",
        "window": {"start": "2026-02-01", "end": "2026-03-01",
                   "stages": [{"name": "报名", "start": "2026-02-01", "end": "2026-02-10"}]},
        "reminders": {"days_before": [10, 0], "calendar": "working", "monthly": {"from_day": 1, "to_day": 15},
                      "within_days_of": {"attribute": "person.graduation_date", "days": 365},
                      "expires_from": {"attribute": "person.discharge_date"}},
        "materials": ["身份证"], "exclusions": ["已享受的"], "apply_channel": "一网通办",
        "link": "https://zwdt.sh.gov.cn/a?b=1#c", "contact": "12345"}],
      "interpretations": [{"kind": "文字", "title": "解读", "text": "第一行\n第二行", "round": 2},
                          {"kind": "视频", "title": "视频", "url": "http://www.shbsq.gov.cn:8080/v"}],
      "push": {"channels": ["sms", "web"], "reach": "possible"},
      "urgency": "urgent", "routing": {"mode": "fallback", "unread_hours": 24},
      "source": "http://example.gov.cn/1", "source_note": "节选", "x-anything": [1, 2]})json");
}

TEST(policy, every_member_is_read) {
    std::vector<failure> errors;
    const auto p = read_policy(full_document(), errors);
    ASSERT_TRUE(p.has_value()) << p.error().text();
    EXPECT_TRUE(errors.empty());
    EXPECT_EQ(p->schema, "zhida.policy/1");
    EXPECT_EQ(p->id, "T-1");
    EXPECT_EQ(p->version, 2);
    EXPECT_EQ(p->title, "试验政策");
    EXPECT_EQ(p->doc_no, "宝府规〔2026〕1号");
    EXPECT_EQ(p->issuer, "宝山区人民政府");
    EXPECT_EQ(p->level, "区");
    EXPECT_EQ(p->region, "310113");
    EXPECT_EQ(p->theme, "试验");
    EXPECT_TRUE(p->may_be_pushed());
    EXPECT_EQ(p->published, day("2026-01-02"));
    EXPECT_EQ(p->valid.start, day("2026-01-01"));
    EXPECT_EQ(p->valid.end, day("2026-12-31"));
    EXPECT_EQ(p->channels, (std::vector<channel>{channel::sms, channel::web}));
    EXPECT_EQ(p->reach, push_reach::possible);
    EXPECT_EQ(p->urgency, campaign_urgency::urgent);
    EXPECT_EQ(p->routing, (channel_routing{channel_routing::mode::fallback, 24}));
    EXPECT_EQ(p->source_note, "节选");
    ASSERT_EQ(p->items.size(), 1U);
    const auto& item = p->items[0];
    EXPECT_EQ(p->find_item("1"), &item);
    EXPECT_EQ(p->find_item("2"), nullptr);
    EXPECT_EQ(item.subject, subject_type::resident);
    EXPECT_EQ(item.eligibility["op"], "isNull");
    EXPECT_EQ(item.labels.at(""), std::pair(std::string("全部"), std::string("第一条")));
    EXPECT_EQ(item.labels.at("/args/0").first, "性别");
    EXPECT_EQ(item.tiers[0].second, "100元");
    EXPECT_EQ(item.window.stages[0].end, day("2026-02-10"));
    EXPECT_EQ(item.reminders.days_before, (std::vector<int>{10, 0}));
    EXPECT_TRUE(item.reminders.working_days);
    EXPECT_EQ(item.reminders.monthly, (item_reminders::days_of_month{1, 15}));
    EXPECT_EQ(item.reminders.within_days_of, (subject_deadline{"person.graduation_date", 365}));
    EXPECT_EQ(item.reminders.expires_from, (subject_deadline{"person.discharge_date", 0}));
    EXPECT_EQ(item.materials, std::vector<std::string>{"身份证"});
    EXPECT_EQ(item.exclusions, std::vector<std::string>{"已享受的"});
    EXPECT_EQ(item.link, "https://zwdt.sh.gov.cn/a?b=1#c");
    ASSERT_EQ(p->interpretations.size(), 2U);
    EXPECT_EQ(p->interpretations[0].text, "第一行\n第二行");
    EXPECT_EQ(p->interpretations[0].round, 2);
    EXPECT_EQ(p->interpretations[1].url, "http://www.shbsq.gov.cn:8080/v");
    EXPECT_EQ(p->interpretations[1].round, 1);
}

TEST(policy, what_is_not_said_has_the_declared_defaults) {
    auto document = full_document();
    for (const auto* member : {"push", "urgency", "routing"}) document.erase(member);
    document["items"][0].erase("reminders");
    std::vector<failure> errors;
    const auto p = read_policy(document, errors);
    ASSERT_TRUE(p.has_value());
    EXPECT_EQ(p->urgency, campaign_urgency::normal);
    EXPECT_EQ(p->routing, channel_routing());
    EXPECT_EQ(p->items[0].reminders.days_before, (std::vector<int>{30, 7, 1}));
    EXPECT_FALSE(p->items[0].reminders.working_days);
    EXPECT_FALSE(p->items[0].reminders.monthly.has_value());
    EXPECT_EQ(p->channels.size(), 3U);
    EXPECT_EQ(p->reach, push_reach::decided);
    document["disclosure"] = "依申请公开";
    EXPECT_FALSE(read_policy(document, errors)->may_be_pushed());
}

TEST(policy, another_schema_version_is_told_so_and_nothing_else) {
    for (const auto& schema : {json("zhida.policy/2"), json(1), json()}) {
        auto document = full_document();
        document["schema"] = schema;
        document.erase("title");
        std::vector<failure> errors;
        EXPECT_FALSE(read_policy(document, errors).has_value());
        ASSERT_EQ(errors.size(), 1U);
        EXPECT_EQ(errors[0].where, "/schema");
        EXPECT_EQ(errors[0].fix, "supported: zhida.policy/1");
    }
}

TEST(policy, all_errors_are_reported_together_each_with_pointer_and_fix) {
    auto document = full_document();
    document["title"] = 5;
    document.erase("issuer");
    document["level"] = "县";
    document["items"][0]["mode"] = "随便";
    document["items"][0]["labels"]["args"] = {{"text", "x"}};
    document["items"][0]["window"]["stages"][0]["begin"] = "2026-02-01";
    document["interpretations"][1].erase("url");
    document["push"]["channels"][1] = "fax";
    document["routing"]["mode"] = "any";
    document["items"][0]["reminders"]["days_before"][1] = "7";
    document["items"][0]["reminders"]["expires_from"]["attribute"] = "";
    std::vector<failure> errors;
    const auto p = read_policy(document, errors);
    ASSERT_FALSE(p.has_value());
    EXPECT_EQ(p.error().where, errors[0].where);
    std::set<std::string> where;
    for (const auto& e : errors) {
        where.insert(e.where);
        EXPECT_FALSE(e.fix.empty()) << e.text();
    }
    EXPECT_EQ(where,
              (std::set<std::string>{"/title", "/issuer", "/level", "/items/0/mode", "/items/0/labels/args",
                                     "/items/0/window/stages/0/begin", "/interpretations/1",
                                     "/push/channels/1", "/routing/mode", "/items/0/reminders/days_before/1",
                                     "/items/0/reminders/expires_from/attribute"}));
}

TEST(policy, an_unknown_member_is_refused_with_what_is_known) {
    auto document = full_document();
    document["items"][0]["benefits"] = "?";
    std::vector<failure> errors;
    EXPECT_FALSE(read_policy(document, errors).has_value());
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].where, "/items/0/benefits");
    EXPECT_THAT(errors[0].fix, HasSubstr("benefit, tiers"));
}

TEST(policy, errors_found_before_are_kept_and_do_not_count) {
    std::vector<failure> errors{{errc::invalid, "earlier", "/", ""}};
    EXPECT_TRUE(read_policy(full_document(), errors).has_value());
    EXPECT_FALSE(read_policy(json(3), errors).has_value());
    EXPECT_EQ(errors.size(), 2U);
}

TEST(policy, channels_have_names) {
    for (const auto c : {channel::web, channel::sms, channel::wechat}) {
        channel back = channel::web;
        EXPECT_TRUE(parse(to_string(c), back));
        EXPECT_EQ(back, c);
    }
    channel unchanged = channel::sms;
    EXPECT_FALSE(parse("Web", unchanged));
    EXPECT_EQ(unchanged, channel::sms);
}

TEST(policy, links_are_web_addresses_and_nothing_else) {
    for (const auto* good : {"https://zwdt.sh.gov.cn", "http://a.cn:80/b?c=%E5%AE%9D&d=(1)#e",
                             "http://101.230.193.164/x", "https://a.cn?x=1"})
        EXPECT_TRUE(valid_link(good)) << good;
    for (const auto* bad : {"javascript:alert(1)", "ftp://a.cn", "https://", "https:///x",
                            "https://user@a.cn/", "https://a.cn/<b>", "https://a.cn/ b", "//a.cn",
                            "HTTPS://a.cn", "https://a.cn:/", "https://a.cn:123456/", "https://宝山.cn/",
                            "https://a.cn/宝山", "https://a.cn/\"x", "https://-a.cn/", "https://a.cn\\x"})
        EXPECT_FALSE(valid_link(bad)) << bad;
}

struct breakage {
    const char* name;
    std::function<void(json&)> apply;
};

const std::vector<breakage>& breakages() {
    static const std::vector<breakage> all = {
        {"not an object", [](json& d) { d = json::array(); }},
        {"no schema", [](json& d) { d.erase("schema"); }},
        {"other schema", [](json& d) { d["schema"] = "zhida.policy/2"; }},
        {"no id", [](json& d) { d.erase("id"); }},
        {"id with a space", [](json& d) { d["id"] = "T 1"; }},
        {"id too long", [](json& d) { d["id"] = std::string(41, 'a'); }},
        {"id empty", [](json& d) { d["id"] = ""; }},
        {"version text", [](json& d) { d["version"] = "1"; }},
        {"version zero", [](json& d) { d["version"] = 0; }},
        {"version too high", [](json& d) { d["version"] = 1000001; }},
        {"title empty", [](json& d) { d["title"] = ""; }},
        {"title too long",
         [](json& d) {
             for (int i = 0; i < 200; ++i) d["title"].get_ref<std::string&>() += "题";
         }},
        {"title with a line break", [](json& d) { d["title"] = "a\nb"; }},
        {"issuer null", [](json& d) { d["issuer"] = nullptr; }},
        {"level unknown", [](json& d) { d["level"] = "县"; }},
        {"no level", [](json& d) { d.erase("level"); }},
        {"region name", [](json& d) { d["region"] = "宝山区"; }},
        {"region of seven digits", [](json& d) { d["region"] = "3101131"; }},
        {"theme list", [](json& d) { d["theme"] = json::array(); }},
        {"disclosure unknown", [](json& d) { d["disclosure"] = "公开"; }},
        {"published half a date", [](json& d) { d["published"] = "2026-01"; }},
        {"published on the 31st of February", [](json& d) { d["published"] = "2026-02-31"; }},
        {"published null", [](json& d) { d["published"] = nullptr; }},
        {"valid with stages", [](json& d) { d["valid"]["stages"] = json::array(); }},
        {"valid text", [](json& d) { d["valid"] = "2026"; }},
        {"no items", [](json& d) { d.erase("items"); }},
        {"items empty", [](json& d) { d["items"] = json::array(); }},
        {"too many items",
         [](json& d) {
             while (d["items"].size() < 17) d["items"].push_back(d["items"][0]);
         }},
        {"item not an object", [](json& d) { d["items"][0] = 1; }},
        {"item id missing", [](json& d) { d["items"][0].erase("id"); }},
        {"item id too long", [](json& d) { d["items"][0]["id"] = std::string(21, '1'); }},
        {"item title missing", [](json& d) { d["items"][0].erase("title"); }},
        {"subject unknown", [](json& d) { d["items"][0]["subject"] = "person"; }},
        {"no eligibility", [](json& d) { d["items"][0].erase("eligibility"); }},
        {"eligibility text", [](json& d) { d["items"][0]["eligibility"] = "sex = 'M'"; }},
        {"label pointer", [](json& d) { d["items"][0]["labels"]["args/0"] = {{"text", "x"}}; }},
        {"label pointer escape", [](json& d) { d["items"][0]["labels"]["/a~2"] = {{"text", "x"}}; }},
        {"label text only", [](json& d) { d["items"][0]["labels"][""] = "x"; }},
        {"label without text", [](json& d) { d["items"][0]["labels"][""].erase("text"); }},
        {"label with more", [](json& d) { d["items"][0]["labels"][""]["note"] = "x"; }},
        {"benefit missing", [](json& d) { d["items"][0].erase("benefit"); }},
        {"benefit too long", [](json& d) { d["items"][0]["benefit"] = std::string(501, 'x'); }},
        {"tier without what", [](json& d) { d["items"][0]["tiers"][0].erase("what"); }},
        {"tiers an object", [](json& d) { d["items"][0]["tiers"] = json::object(); }},
        {"mode unknown", [](json& d) { d["items"][0]["mode"] = "精准推送"; }},
        {"window with more", [](json& d) { d["items"][0]["window"]["until"] = "2026-02-01"; }},
        {"stage without name", [](json& d) { d["items"][0]["window"]["stages"][0].erase("name"); }},
        {"material empty", [](json& d) { d["items"][0]["materials"][0] = ""; }},
        {"material a number", [](json& d) { d["items"][0]["materials"][0] = 1; }},
        {"too many materials",
         [](json& d) { d["items"][0]["materials"] = std::vector<std::string>(65, "x"); }},
        {"exclusions text", [](json& d) { d["items"][0]["exclusions"] = "x"; }},
        {"link to a script", [](json& d) { d["items"][0]["link"] = "javascript:alert(1)"; }},
        {"link with a user", [](json& d) { d["items"][0]["link"] = "https://a@b.cn/"; }},
        {"link with a space", [](json& d) { d["items"][0]["link"] = "https://b.cn/a b"; }},
        {"contact an object", [](json& d) { d["items"][0]["contact"] = json::object(); }},
        {"unknown member of an item", [](json& d) { d["items"][0]["amount"] = 1; }},
        {"interpretation kind", [](json& d) { d["interpretations"][0]["kind"] = "漫画"; }},
        {"interpretation without title", [](json& d) { d["interpretations"][0].erase("title"); }},
        {"interpretation without text or url", [](json& d) { d["interpretations"][0].erase("text"); }},
        {"interpretation round", [](json& d) { d["interpretations"][0]["round"] = 0; }},
        {"interpretation with a bell", [](json& d) { d["interpretations"][0]["text"] = "\a"; }},
        {"interpretation url", [](json& d) { d["interpretations"][1]["url"] = "file:///etc/passwd"; }},
        {"no channels", [](json& d) { d["push"]["channels"] = json::array(); }},
        {"unknown channel", [](json& d) { d["push"]["channels"][0] = "fax"; }},
        {"channel twice", [](json& d) { d["push"]["channels"] = {"web", "web"}; }},
        {"reach unknown", [](json& d) { d["push"]["reach"] = "all"; }},
        {"push unknown member", [](json& d) { d["push"]["quiet"] = true; }},
        {"urgency unknown", [](json& d) { d["urgency"] = "asap"; }},
        {"routing text", [](json& d) { d["routing"] = "fallback"; }},
        {"routing without mode", [](json& d) { d["routing"].erase("mode"); }},
        {"routing mode unknown", [](json& d) { d["routing"]["mode"] = "any"; }},
        {"unread for too long", [](json& d) { d["routing"]["unread_hours"] = 721; }},
        {"routing with more", [](json& d) { d["routing"]["order"] = json::array(); }},
        {"reminders a list", [](json& d) { d["items"][0]["reminders"] = json::array({30}); }},
        {"reminders with more", [](json& d) { d["items"][0]["reminders"]["at"] = "09:00"; }},
        {"days before negative", [](json& d) { d["items"][0]["reminders"]["days_before"] = {-1}; }},
        {"days before half", [](json& d) { d["items"][0]["reminders"]["days_before"] = {1.5}; }},
        {"days before too early", [](json& d) { d["items"][0]["reminders"]["days_before"] = {366}; }},
        {"days before twice", [](json& d) { d["items"][0]["reminders"]["days_before"] = {7, 7}; }},
        {"days before too many",
         [](json& d) { d["items"][0]["reminders"]["days_before"] = {1, 2, 3, 4, 5, 6, 7, 8, 9}; }},
        {"calendar unknown", [](json& d) { d["items"][0]["reminders"]["calendar"] = "lunar"; }},
        {"month without end", [](json& d) { d["items"][0]["reminders"]["monthly"].erase("to_day"); }},
        {"month of 32 days", [](json& d) { d["items"][0]["reminders"]["monthly"]["to_day"] = 32; }},
        {"deadline without days",
         [](json& d) { d["items"][0]["reminders"]["within_days_of"].erase("days"); }},
        {"deadline of nothing",
         [](json& d) { d["items"][0]["reminders"]["within_days_of"]["attribute"] = ""; }},
        {"licence with days", [](json& d) { d["items"][0]["reminders"]["expires_from"]["days"] = 1; }},
        {"unknown member", [](json& d) { d["amount"] = 1; }},
        {"source a list", [](json& d) { d["source"] = json::array(); }},
        {"source note too long", [](json& d) { d["source_note"] = std::string(2001, 'x'); }},
    };
    return all;
}

TEST(policy_schema, agrees_with_read_policy_on_broken_documents) {
    const tests::json_schema schema(tests::config_file("schemas/policy.schema.json"));
    ASSERT_EQ(schema.why_not(full_document()), "");
    for (const auto& b : breakages()) {
        auto document = full_document();
        b.apply(document);
        std::vector<failure> errors;
        EXPECT_FALSE(read_policy(document, errors).has_value()) << b.name;
        EXPECT_FALSE(errors.empty()) << b.name;
        EXPECT_NE(schema.why_not(document), "") << b.name;
    }
}

TEST(policy_schema, agrees_with_read_policy_on_the_edges_of_what_is_allowed) {
    const tests::json_schema schema(tests::config_file("schemas/policy.schema.json"));
    const std::vector<breakage> edges = {
        {"longest id", [](json& d) { d["id"] = std::string(40, 'a'); }},
        {"longest title",
         [](json& d) {
             std::string t;
             for (int i = 0; i < 200; ++i) t += "题";
             d["title"] = t;
         }},
        {"optional texts empty",
         [](json& d) { d["doc_no"] = d["theme"] = d["source"] = d["items"][0]["link"] = ""; }},
        {"most items",
         [](json& d) {
             while (d["items"].size() < 16) d["items"].push_back(d["items"][0]);
         }},
        {"lists empty", [](json& d) { d["items"][0]["materials"] = d["interpretations"] = json::array(); }},
        {"region of a village", [](json& d) { d["region"] = "310113003001"; }},
        {"own members",
         [](json& d) { d["items"][0]["x-a"] = d["push"]["x-b"] = d["items"][0]["window"]["x-c"] = 1; }},
        {"no countdown", [](json& d) { d["items"][0]["reminders"] = {{"days_before", json::array()}}; }},
        {"unread for 30 days", [](json& d) { d["routing"]["unread_hours"] = 720; }},
        {"29 February", [](json& d) { d["published"] = "2024-02-29"; }},
        {"escaped label", [](json& d) { d["items"][0]["labels"]["/a~0b~1c"] = {{"text", "x"}}; }},
        {"no windows",
         [](json& d) {
             d["valid"] = json::object();
             d["items"][0].erase("window");
         }},
    };
    for (const auto& e : edges) {
        auto document = full_document();
        e.apply(document);
        std::vector<failure> errors;
        const auto p = read_policy(document, errors);
        EXPECT_TRUE(p.has_value()) << e.name << ": " << p.error().text();
        EXPECT_EQ(schema.why_not(document), "") << e.name;
    }
}

TEST(policy_schema, every_sample_validates_and_is_read) {
    const tests::json_schema schema(tests::config_file("schemas/policy.schema.json"));
    const auto samples = tests::json_files(tests::config_path("samples/policies"));
    EXPECT_EQ(samples.size(), 30U);
    for (const auto& [file, document] : samples) {
        EXPECT_EQ(schema.why_not(document), "") << file;
        std::vector<failure> errors;
        const auto p = read_policy(document, errors);
        ASSERT_TRUE(p.has_value()) << file << ": " << p.error().text();
        EXPECT_EQ(p->id + ".json", file);
        EXPECT_TRUE(p->may_be_pushed()) << file;
        EXPECT_EQ(p->reach, push_reach::decided) << file;
        EXPECT_THAT(p->source_note, HasSubstr("不是办事依据")) << file;
        EXPECT_FALSE(p->interpretations.empty()) << file;
    }
}

TEST(profile_schema, tells_good_profiles_from_bad_ones) {
    const tests::json_schema schema(tests::config_file("schemas/profile.schema.json"));
    const json good = json::parse(R"({"schema": "zhida.profile/1", "id": "91310113MA1GK0AA0B",
        "type": "enterprise", "name": "上海合成样例有限公司", "origin": "合成数据", "as_of": "2026-11-01",
        "attributes": {"ent.reg_division": "310113003", "ent.headcount": 35, "ent.legal_person": true,
                       "ent.established": "2024-05-01", "ent.qualifications": ["高新技术企业"]},
        "contacts": [{"role": "法人", "phone": "13800000000", "openid": ""}]})");
    EXPECT_EQ(schema.why_not(good), "");
    const std::vector<breakage> bad = {
        {"schema", [](json& d) { d["schema"] = "zhida.profile/2"; }},
        {"id", [](json& d) { d["id"] = "宝山"; }},
        {"type", [](json& d) { d["type"] = "person"; }},
        {"attributes list", [](json& d) { d["attributes"] = json::array(); }},
        {"attribute null", [](json& d) { d["attributes"]["ent.headcount"] = nullptr; }},
        {"attribute name", [](json& d) { d["attributes"]["headcount"] = 1; }},
        {"phone", [](json& d) { d["contacts"][0]["phone"] = "021-12345678"; }},
        {"contact member", [](json& d) { d["contacts"][0]["email"] = "a@b"; }},
        {"unknown member", [](json& d) { d["address"] = "x"; }},
        {"date", [](json& d) { d["as_of"] = "2026/11/01"; }},
    };
    for (const auto& b : bad) {
        auto document = good;
        b.apply(document);
        EXPECT_NE(schema.why_not(document), "") << b.name;
    }
}

} // namespace
} // namespace zhida
