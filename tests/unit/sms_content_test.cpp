// Signatures, templates and opt-out words: read, chosen, put together, checked before anything is sent.
#include "common/base/clock.hpp"
#include "common/model/sms_content.hpp"
#include "services/dispatcher/outcome.hpp"
#include "services/dispatcher/round_text.hpp"
#include "services/dispatcher/sms_message.hpp"
#include "services/dispatcher/sms_sender.hpp"
#include "services/portal/sms_preview.hpp"
#include "tests/support/json_files.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/sms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhida {

namespace asio = boost::asio;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using kind = sms_problem::kind;

std::int32_t day(std::string_view text) {
    std::int32_t d = 0;
    EXPECT_TRUE(parse_date(text, d)) << text;
    return d;
}

json document() {
    return tests::config_file("sms_content.json");
}

sms_content read(const json& of) {
    std::vector<failure> errors;
    auto read = read_sms_content(of, errors);
    for (const auto& e : errors) ADD_FAILURE() << e.text();
    return read.value();
}

// "where: what" of every error.
std::vector<std::string> errors_in(const json& of) {
    std::vector<failure> errors;
    EXPECT_EQ(read_sms_content(of, errors).has_value(), errors.empty());
    std::vector<std::string> out;
    for (const auto& e : errors) {
        EXPECT_FALSE(e.fix.empty()) << e.text();
        out.push_back(e.where + ": " + e.what);
    }
    return out;
}

TEST(sms_content, comes_in_good_order) {
    const auto c = read(document());
    EXPECT_EQ(c.opt_out[0], "拒收请回复R");
    ASSERT_TRUE(signature_of(c, "宝山区科委", "直达演示"));
    EXPECT_THAT(check_sms_settings(c, sms_config{}), IsEmpty());
}

TEST(sms_content, tells_every_error_with_its_place) {
    auto d = document();
    d["link_domain"] = "zhida.example";
    d["max_parts"] = 0;
    d["opt_out"]["marketing"] = "回T退订";
    d["opt_out"]["notice"] = "";
    d["signatures"][0]["text"] = "【直达】";
    d["signatures"][0]["filing"] = "applied";
    d["signatures"][0]["valid_until"] = "2027-13-01";
    d["signatures"][0]["extension"] = "0x";
    auto& t = d["templates"];
    t[0]["class"] = "marketing";
    t[1]["key"] = "greeting";
    t[2]["text"] = "{issuer}：“{title}”已撤回{name}，见 evil.com/x，{verify}。";
    t[3]["text"] = "";
    t[4]["version"] = 0;
    t.push_back(t[2]);
    t[5]["text"] = "{issuer}：“{title}”已撤回。";
    EXPECT_THAT(errors_in(d),
                testing::UnorderedElementsAre(
                    "/link_domain: 'zhida.example' is not a government's domain", HasSubstr("/max_parts: "),
                    "/opt_out/marketing: is not a known member", "/opt_out/notice: must not be empty",
                    "/signatures/0/text: has the bracket 【",
                    "/signatures/0/filing: 'applied' is not allowed here",
                    "/signatures/0/valid_until: '2027-13-01' is not a date",
                    "/signatures/0/extension: '0x' is not a number",
                    "/templates/0/class: 'marketing' is not allowed here",
                    "/templates/1/key: 'greeting' is not the name of a text",
                    "/templates/2/text: {name} is not a variable of 'correction'",
                    "/templates/2/text: has the link 'evil.com/x'", "/templates/3/text: must not be empty",
                    HasSubstr("/templates/4/version: "), "/templates/5/text: {verify} is missing",
                    "/templates/5/version: correction has version 1 already"));
}

TEST(sms_content, needs_an_approved_version_of_each_text) {
    auto d = document();
    d["templates"][2]["approved"] = false;
    EXPECT_THAT(errors_in(d), ElementsAre("/templates: no version of 'correction' is approved"));
    EXPECT_THAT(errors_in(json::array()), ElementsAre(HasSubstr("/: ")));
    d = document();
    d["templates"][2]["text"] = "{issuer}：“{title}”已撤回{，{verify}。";
    EXPECT_THAT(errors_in(d), ElementsAre("/templates/2/text: has { or } that belong to no variable"));
    d["templates"][2]["text"] = "{issuer}：“{title}”已撤回，见https://zhida.gov.cn/a，{verify}。";
    d["link_domain"] = "zhida.gov.cn";
    EXPECT_THAT(errors_in(d), IsEmpty());
    d["signatures"].push_back(d["signatures"][0]);
    EXPECT_THAT(errors_in(d), ElementsAre("/signatures/1/text: '直达演示' is there twice"));
}

TEST(sms_content, must_have_the_signature_that_is_configured) {
    const auto c = read(document());
    sms_config settings;
    settings.signature = "别的";
    const auto errors = check_sms_settings(c, settings);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors.front().where, "sms.signature");
    EXPECT_FALSE(errors.front().fix.empty());
    auto d = document();
    d["signatures"][0]["extension"] = "123456789012";
    settings.signature = "直达演示";
    settings.src_id = "106900001234";
    EXPECT_EQ(check_sms_settings(read(d), settings).front().where, "sms.src_id");
}

TEST(sms_content, warns_of_what_will_not_work) {
    const auto where = [](const sms_content& c, const sms_config& s) {
        std::vector<std::string> out;
        for (const auto& w : sms_warnings(c, s)) out.push_back(w.where);
        return out;
    };
    auto d = document();
    sms_config settings;
    EXPECT_THAT(where(read(d), settings), ElementsAre("sms.src_id")) << "of the demonstration";
    settings.gateways["ali"].name = "ali";
    settings.gateways["ali"].protocol = "aliyun";
    for (auto& t : d["templates"]) t.erase("ids");
    EXPECT_THAT(where(read(d), settings), ElementsAre("sms_gateway.ali.callback_secret", "sms_content.json"));
    settings.gateways["ali"].callback_secret = "0123456789abcdef";
    for (auto& t : d["templates"]) t["ids"] = {{"aliyun", "SMS_1"}};
    EXPECT_THAT(where(read(d), settings), IsEmpty());
}

sms_content of_departments() {
    auto d = document();
    d["signatures"] = {
        {{"text", "宝山科委"},
         {"departments", {"宝山区科委"}},
         {"filing", "filed"},
         {"valid_until", "2027-12-31"},
         {"extension", "01"}},
        {{"text", "宝山人社"}, {"departments", {"宝山区人社局", "宝山区科委"}}, {"filing", "pending"}},
        {{"text", "直达演示"}, {"filing", "filed"}}};
    return read(d);
}

TEST(sms_signature, tells_whom_a_reply_to_its_number_is_for) {
    auto c = of_departments();
    sms_config settings;
    settings.gateways["mobile"].src_id = "10657000";
    settings.gateways["mobile"].name = "mobile";
    EXPECT_EQ(department_of_number(c, settings, "1065700001"), "宝山区科委");
    EXPECT_EQ(department_of_number(c, settings, "861065700001"), "宝山区科委");
    EXPECT_EQ(department_of_number(c, settings, "01"), "宝山区科委") << "a cloud tells the extension alone";
    for (const char* other : {"1069000001", "10657000", "1065700002", "106570000101", ""})
        EXPECT_EQ(department_of_number(c, settings, other), "") << other;
    c.signatures[1].extension = "02"; // of two departments
    EXPECT_EQ(department_of_number(c, settings, "02"), "");
    c.signatures[2].extension = "01"; // of nobody
    EXPECT_EQ(department_of_number(c, settings, "01"), "");
}

TEST(sms_signature, is_the_departments_own_or_the_common_one) {
    const auto c = of_departments();
    EXPECT_EQ(signature_of(c, "宝山区科委", "直达演示")->text, "宝山科委") << "the first one";
    EXPECT_EQ(signature_of(c, "宝山区人社局", "直达演示")->text, "宝山人社");
    EXPECT_EQ(signature_of(c, "别的部门", "直达演示")->text, "直达演示");
    EXPECT_EQ(signature_of(c, "", "没有"), nullptr);
}

TEST(sms_signature, holds_until_its_last_day) {
    const auto c = of_departments();
    const auto& s = c.signatures[0];
    EXPECT_FALSE(signature_problem(s, day("2027-12-31")));
    EXPECT_EQ(signature_problem(s, day("2028-01-01"))->what, kind::signature_expired);
    EXPECT_EQ(failure_of(*signature_problem(s, day("2028-01-01")), c).code, errc::refused);
    EXPECT_FALSE(signature_ends_in(s, day("2027-12-01") - 1));
    EXPECT_EQ(signature_ends_in(s, day("2027-12-01")), 30);
    EXPECT_EQ(signature_ends_in(s, day("2027-12-31")), 0);
    EXPECT_FALSE(signature_ends_in(s, day("2028-01-01")));
    EXPECT_EQ(signature_problem(c.signatures[1], 0)->what, kind::signature_pending);
    const auto news = signature_news(c, "直达演示", day("2027-12-30"));
    EXPECT_THAT(news, HasSubstr("signature 宝山科委: valid for 1 more days"));
    EXPECT_THAT(news, HasSubstr("signature 宝山人社: is not filed yet"));
    EXPECT_EQ(signature_news(tests::content_as_shipped(), "直达演示", 0), "");
}

policy a_policy() {
    policy p;
    p.title = "科技创新若干政策";
    p.issuer = "宝山区科委";
    policy_item item;
    item.id = "1";
    item.title = "高企奖励";
    item.benefit = "一次性奖励25万元";
    item.window.end = day("2026-12-31");
    p.items = {item, item};
    p.items[1].id = "2";
    p.items[1].benefit = "";
    p.items[1].subject = subject_type::resident;
    return p;
}
const std::int32_t today = day("2026-12-01");
const std::string verify = "可拨12345核实", common = "直达演示";

TEST(sms_message, reads_word_for_word) {
    const auto p = a_policy();
    const auto text = [&](const dispatcher::sms_words& w, bool emergency = false) {
        return tests::text_of(w, common, emergency, today);
    };
    using namespace dispatcher;
    EXPECT_EQ(text(package_words(p, 1, today, verify)), "【直达演示】宝山区科委：按现有数据，您可关注“高企奖"
                                                        "励”，一次性奖励25万元，2026-12-31截止。条件和办法见"
                                                        "企业专属网页，可拨12345核实。拒收请回复R");
    EXPECT_EQ(text(package_words(p, 2, today, verify)),
              "【直达演示】宝山区科委：按现有数据，您可关注“高企奖励”，2026-12-31截止。条件和办法见市民主页，"
              "可拨12345核实。拒收请回复R");
    EXPECT_EQ(
        text(package_words(p, 3, today, verify, 2)),
        "【直达演示】宝山区科委：按现有数据，您可关注“高企奖励”等2项政策，一次性奖励25万元，2026-12-31截止；"
        "另有2份政策礼包。条件和办法见企业专属网页，可拨12345核实。拒收请回复R");
    EXPECT_EQ(
        text(test_words(p, 1, today, verify)),
        "【直达演示】【测试】宝山区科委：按现有数据，您可关注“高企奖励”，一次性奖励25万元，2026-12-31截止。"
        "条件和办法见企业专属网页，可拨12345核实。拒收请回复R");
    EXPECT_EQ(
        text(correction_words(p, verify)),
        "【直达演示】宝山区科委：更正：此前推送的“科技创新若干政策”已撤回，请勿据此办理，以政策原文为准，"
        "可拨12345核实。拒收请回复R");
    EXPECT_EQ(text(round_words({"deadline", nullptr}, p, 3, day("2026-12-24"), verify, 1)),
              "【直达演示】宝山区科委：临期提醒：“高企奖励”还有7天截止（2026-12-31）；另有1份政策礼包。详情见"
              "企业专属网页，可拨12345核实。拒收请回复R");
    EXPECT_EQ(text(package_words(p, 0, today, verify)), "") << "of nothing there is nothing to say";
}

TEST(sms_message, ends_with_the_opt_out_words_of_its_class) {
    auto d = document();
    d["opt_out"] = {{"notice", "拒收请回复R"}, {"emergency", "（应急）"}, {"service", "（服务）"}};
    const auto c = read(d);
    const auto ends = [&](const dispatcher::sms_words& w, bool emergency, const char* with) {
        const auto m = sms_of({c, common}, "", w, emergency, today);
        EXPECT_TRUE(m.body.text.ends_with(with)) << m.body.text;
        EXPECT_TRUE(m.body.parts) << m.body.parts.error().text();
    };
    const auto p = a_policy();
    ends(dispatcher::package_words(p, 1, today, verify), false, "。拒收请回复R");
    ends(dispatcher::package_words(p, 1, today, verify), true, "。（应急）");
    ends(dispatcher::acknowledgement_words(), false, "中开启。（服务）");
    ends(dispatcher::acknowledgement_words(), true, "中开启。（服务）");
    EXPECT_TRUE(tests::text_of(dispatcher::package_words(p, 1, today, verify), common, true)
                    .ends_with("可拨12345核实。"));
}

TEST(sms_message, is_of_the_highest_approved_version) {
    auto d = document();
    auto newer = d["templates"][2];
    newer["version"] = 3;
    newer["text"] = "{verify}：{issuer}的“{title}”有误。";
    newer["ids"] = {{"aliyun", "SMS_3"}, {"tencent", ""}};
    d["templates"].push_back(newer);
    newer["version"] = 4;
    newer["approved"] = false;
    newer["text"] = "{issuer}{title}{verify}";
    d["templates"].push_back(newer);
    const auto c = read(d);
    const auto m = sms_of({c, common}, "", dispatcher::correction_words(a_policy(), verify), false, today);
    EXPECT_EQ(m.body.text, "【直达演示】可拨12345核实：宝山区科委的“科技创新若干政策”有误。拒收请回复R");
    EXPECT_EQ(m.body.signature, "直达演示");
    EXPECT_THAT(m.body.template_ids, ElementsAre(Pair("aliyun", "SMS_3")));
    EXPECT_THAT(m.body.variables, ElementsAre(Pair("verify", "可拨12345核实"), Pair("issuer", "宝山区科委"),
                                              Pair("title", "科技创新若干政策")))
        << "in the template's order";
}

TEST(sms_message, is_signed_by_the_department) {
    const auto c = of_departments();
    const auto words = dispatcher::package_words(a_policy(), 1, today, verify);
    const auto m = sms_of({c, common}, "宝山区科委", words, false, today);
    EXPECT_TRUE(m.body.text.starts_with("【宝山科委】宝山区科委：")) << m.body.text;
    EXPECT_EQ(m.body.extension, "01");
    EXPECT_TRUE(m.body.parts);
    const auto expired = sms_of({c, common}, "宝山区科委", words, false, day("2028-01-01"));
    ASSERT_FALSE(expired.body.parts);
    EXPECT_EQ(expired.body.parts.error().code, errc::refused);
    EXPECT_THAT(expired.body.parts.error().text(),
                HasSubstr("signature 宝山科委: was valid until 2027-12-31"));
    EXPECT_FALSE(expired.body.text.empty()) << "a preview shows it";
    const auto pending = sms_of({c, common}, "宝山区人社局", words, false, today);
    EXPECT_EQ(pending.body.parts.error().code, errc::refused);
    EXPECT_EQ(sms_of({c, std::string("没有")}, "", words, false, today).body.parts.error().code,
              errc::refused);
}

TEST(sms_message, of_bad_content_is_not_sent) {
    const auto c = tests::content_as_shipped();
    const auto problems = [&](auto change) {
        auto p = a_policy();
        change(p);
        const auto m = sms_of({c, common}, "", dispatcher::package_words(p, 1, today, verify), false, today);
        std::vector<kind> found;
        for (const auto& one : m.problems) found.push_back(one.what);
        EXPECT_EQ(m.body.parts.has_value(), found.empty());
        if (!m.body.parts) {
            EXPECT_EQ(m.body.parts.error().code, errc::invalid);
            EXPECT_FALSE(m.body.parts.error().where.empty());
            EXPECT_FALSE(m.body.parts.error().fix.empty());
        }
        return found;
    };
    EXPECT_THAT(problems([](policy&) {}), IsEmpty());
    EXPECT_THAT(problems([](policy& p) { p.items[0].title = "见evil.com/x"; }), ElementsAre(kind::link));
    EXPECT_THAT(problems([](policy& p) { p.items[0].benefit = "奖励{amount}元"; }),
                ElementsAre(kind::placeholder));
    EXPECT_THAT(problems([](policy& p) { p.issuer = "区\xe2\x80\x8b科委"; }),
                ElementsAre(kind::hidden_character));
    auto brief = c;
    brief.max_parts = 1;
    const auto m =
        sms_of({brief, common}, "", dispatcher::package_words(a_policy(), 1, today, verify), false, today);
    ASSERT_EQ(m.problems.size(), 1U);
    EXPECT_EQ(m.problems.front(), (sms_problem{kind::too_long, "", 2}));
    EXPECT_THAT(m.body.parts.error().text(), HasSubstr("needs 2 parts"));
}

TEST(sms_message, of_every_sample_can_be_sent) {
    for (const auto& [name, of] : tests::json_files(tests::config_path("samples/policies"))) {
        std::vector<failure> errors;
        const auto p = read_policy(of, errors).value();
        for (std::size_t i = 0; i < p.items.size(); ++i) {
            const auto m = portal::sms_of_item(tests::content_as_shipped(), sms_config{}, p, i, today);
            EXPECT_TRUE(m.body.parts) << name << " " << m.body.text << " " << m.body.parts.error().text();
        }
    }
}

// Billed as the network does: signature and opt-out words count, a surrogate pair is never split.
TEST(sms_message, is_billed_with_signature_and_opt_out_words) {
    auto d = document();
    d["templates"][4]["text"] = "x";
    const auto around = std::string("【直达演示】") + "拒收请回复R"; // 6 + 6 units
    const auto parts = [&](int units, bool emoji_at_cut) {
        auto of = d;
        std::string text(static_cast<std::size_t>(units - 12), 'a');
        if (emoji_at_cut) text.replace(60, 2, "😀"); // units 66 and 67: the cut of parts lies between
        of["templates"][4]["text"] = text;
        of["templates"][4]["class"] = "notice";
        const auto c = read(of);
        const auto m = sms_of({c, common}, "", dispatcher::acknowledgement_words(), false, today);
        EXPECT_EQ(gateways::sms_units(m.body.text).value(), static_cast<std::size_t>(units));
        EXPECT_EQ(gateways::billed_parts(m.body.text).value(), m.body.parts.value().size());
        return m.body.parts.value().size();
    };
    EXPECT_EQ(gateways::sms_units(around).value(), 12U);
    EXPECT_EQ(parts(70, false), 1U);
    EXPECT_EQ(parts(71, false), 2U);
    EXPECT_EQ(parts(134, false), 2U);
    EXPECT_EQ(parts(135, false), 3U);
    EXPECT_EQ(parts(133, true), 2U);
    EXPECT_EQ(parts(134, true), 3U) << "the first part has 66 units: the pair goes into the second";
}

TEST(sms_message, without_a_signature_waits_as_for_an_outage) {
    gateways::send_result answer;
    answer.outcome = gateways::send_outcome::stopped;
    answer.code = dispatcher::no_signature;
    answer.retry_after = milliseconds(300'000);
    ledger::record r;
    r.now = ledger::state::submitting;
    r.attempts = 100;
    const auto now = wall_time(std::chrono::hours(500'000));
    r.first_submitted = unix_seconds(now) - 3600 * 20;
    EXPECT_EQ(dispatcher::outcome_of(r, answer, now, 0).now, ledger::state::held);
    answer.code = "local:login_refused";
    EXPECT_EQ(dispatcher::outcome_of(r, answer, now, 0).now, ledger::state::failed);
}

TEST(sms_sender, holds_what_has_no_signature_and_says_so) {
    tests::loop loop;
    const system_clock clock;
    const sms_config settings;
    auto d = document();
    d["signatures"].push_back({{"text", "宝山科委"}, {"departments", {"宝山区科委"}}, {"filing", "pending"}});
    const auto c = read(d);
    const auto via = dispatcher::make_sms_sender(
        loop.executor(), clock, settings, c, [](auto) -> asio::awaitable<bool> { co_return true; },
        [](auto) -> asio::awaitable<bool> { co_return true; });
    auto own = a_policy(), common_one = a_policy();
    common_one.issuer = "宝山区人社局";
    std::vector<dispatcher::outgoing> messages(3);
    for (auto& m : messages) {
        m.about = &own;
        m.items = 1;
        m.address = "13800000001";
    }
    messages[1].about = &common_one;
    const auto results = loop.run(via->send_all(std::move(messages), dispatcher::admission{}));
    ASSERT_EQ(results.size(), 3U);
    for (const std::size_t held : {0U, 2U}) {
        EXPECT_EQ(results[held].outcome, gateways::send_outcome::stopped);
        EXPECT_EQ(results[held].code, "local:signature");
        EXPECT_EQ(results[held].retry_after, std::chrono::minutes(5));
        EXPECT_THAT(results[held].detail, HasSubstr("signature 宝山科委: is not filed yet"));
    }
    EXPECT_EQ(results[1].code, "local:not_connected") << "others go on as far as they come";
    EXPECT_THAT(via->statuses().front().detail, HasSubstr("signature 宝山科委: is not filed yet"));
}

TEST(sms_preview, tells_parts_cost_and_what_is_wrong) {
    sms_config settings;
    const auto& c = tests::content_as_shipped();
    const auto m = portal::sms_of_item(c, settings, a_policy(), 0, today);
    const auto doc = portal::sms_document(m, c, settings, 1200, today);
    EXPECT_EQ(doc.at("text"), m.body.text);
    EXPECT_EQ(doc.at("characters"), gateways::sms_units(m.body.text).value());
    EXPECT_EQ(doc.at("parts"), 2);
    EXPECT_EQ(doc.at("part_price_yuan"), 0.045);
    EXPECT_EQ(doc.at("cost_yuan"), 108.0);
    EXPECT_THAT(doc.at("warnings"), IsEmpty());
    const auto view = portal::sms_view(doc, portal::language::zh);
    EXPECT_EQ(view.at("cost"), "约 ¥108.00");
    EXPECT_EQ(view.at("cost_of"), "2 条 × 1,200 个接收主体 × ¥0.045");
    EXPECT_EQ(view.at("parts"), "按 2 条计费");
    EXPECT_TRUE(portal::sms_document(m, c, settings, "<5", today).at("cost_yuan").is_null());
    settings.part_price_li = 0;
    EXPECT_TRUE(portal::sms_document(m, c, settings, 5, today).at("cost_yuan").is_null());
    EXPECT_EQ(portal::sms_view(nullptr, portal::language::en), json(false));

    const auto own = of_departments();
    const auto warned = [&](std::int32_t on) {
        const auto of = portal::sms_of_item(own, settings, a_policy(), 0, on);
        return portal::sms_document(of, own, settings, 1, on).at("warnings");
    };
    EXPECT_THAT(warned(today), IsEmpty());
    EXPECT_EQ(warned(day("2027-12-24"))[0].at("code"), "signature_ends");
    EXPECT_EQ(warned(day("2027-12-24"))[0].at("text"), "签名“宝山科委”的备案还有 7 天到期，请及时续期。");
    EXPECT_EQ(warned(day("2028-01-01"))[0].at("code"), "signature_expired");
    auto p = a_policy();
    p.items[0].title = "见t.cn/x";
    const auto link = portal::sms_of_item(own, settings, p, 0, today);
    const auto told =
        portal::sms_view(portal::sms_document(link, own, settings, 1, today), portal::language::en);
    EXPECT_THAT(told.at("warnings")[0].at("text").get<std::string>(), HasSubstr("“t.cn/x”"));
}

} // namespace
} // namespace zhida
