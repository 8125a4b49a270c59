// The campaign document and its life: who may do what, when a second person must approve.
#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"
#include "common/model/campaign_life.hpp"
#include "common/model/campaign_recipients.hpp"
#include "matching/sensitivity.hpp"
#include "tests/support/json_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::int64_t now = 1'795'000'000'000;
const actor li{"李雷", "department"}, han{"韩梅梅", "department"}, wang{"王芳", "operator"};

campaign a_draft() {
    campaign c;
    c.id = "BS-006.v2.r1";
    c.policy_id = "BS-006";
    c.policy_version = 2;
    c.title = "高企奖励";
    c.issuer = "区科委";
    c.channels = {channel::sms, channel::web};
    c.state = campaign_state::draft;
    c.drafted_by = li.name;
    c.created_ms = now - 1000;
    return c;
}

campaign in_state(campaign_state s) {
    auto c = a_draft();
    c.state = s;
    return c;
}

TEST(campaign, every_member_survives_its_json) {
    auto c = a_draft();
    c.urgency = campaign_urgency::urgent;
    c.kind = "retry";
    c.repeats = "deadline";
    c.round = 3;
    c.base = "BS-006.v2.r1";
    c.only = campaign_recipients::unread;
    c.routing = {channel_routing::mode::fallback, 48};
    c.revision = 7;
    c.not_before_ms = now + 1;
    c.expires_ms = now + 2;
    c.submitted_by = han.name;
    c.submitted_ms = now + 3;
    c.approved_by = wang.name;
    c.approved_ms = now + 4;
    c.approval_reasons = {"受众 6000，超过 5000"};
    c.approval_note = "同意";
    c.history = {{campaign_action::submit, han.name, han.role, now, "请审"}};
    const auto back = read_campaign(to_json(c));
    ASSERT_TRUE(back.has_value()) << back.error().text();
    EXPECT_EQ(to_json(*back), to_json(c));
    EXPECT_EQ(back->history, c.history);
    EXPECT_EQ(back->routing, c.routing);
    EXPECT_EQ(back->only, campaign_recipients::unread);
}

TEST(campaign, of_a_reminder_says_what_it_is_about) {
    auto c = a_draft();
    c.kind = "reminder";
    c.reminder = reminder_notice{
        "1",    reminder_kind::own_deadline,
        20'000, 20'007,
        20'009, "第一批",
        false,  {{"op", "="}, {"args", {{{"property", "ent.established"}}, {{"date", "2026-11-23"}}}}}};
    const auto back = read_campaign(to_json(c));
    ASSERT_TRUE(back.has_value()) << back.error().text();
    EXPECT_EQ(to_json(*back), to_json(c));
    EXPECT_EQ(back->reminder->kind, reminder_kind::own_deadline);
    EXPECT_EQ(back->reminder->last_deadline, 20'009);
    auto wrong = to_json(c);
    wrong["reminder"]["kind"] = "spam";
    EXPECT_EQ(read_campaign(wrong).error().where, "/reminder/kind");
    wrong = to_json(c);
    wrong["reminder"]["concerns"] = json::object();
    EXPECT_EQ(read_campaign(wrong).error().where, "/reminder/concerns");
}

TEST(campaign, a_document_of_an_older_version_has_the_defaults) {
    const auto c = read_campaign(json::parse(R"({"id": "BS-006.v1.r1", "policy_id": "BS-006",
        "policy_version": 1, "round": 1, "title": "t", "issuer": "i", "channels": ["web"],
        "state": "running", "created_ms": 5})"));
    ASSERT_TRUE(c.has_value()) << c.error().text();
    EXPECT_EQ(c->kind, "first");
    EXPECT_EQ(c->urgency, campaign_urgency::normal);
    EXPECT_EQ(c->routing, channel_routing());
    EXPECT_EQ(c->only, campaign_recipients::everybody);
    EXPECT_EQ(c->not_before_ms, 0);
    EXPECT_EQ(c->expires_ms, 0);
    EXPECT_EQ(c->revision, 0);
    EXPECT_THAT(c->history, IsEmpty());
}

TEST(campaign, what_is_wrong_is_refused_with_its_place) {
    const std::pair<const char*, json> wrong[] = {{"/state", "lost"},
                                                  {"/kind", "spam"},
                                                  {"/only", "some"},
                                                  {"/urgency", "asap"},
                                                  {"/id", "a b"},
                                                  {"/id", std::string(129, 'a')},
                                                  {"/base", "../x"},
                                                  {"/revision", -1},
                                                  {"/not_before_ms", "tomorrow"},
                                                  {"/routing", "fallback"},
                                                  {"/history", {{"action", "x"}}},
                                                  {"/drafted_by", 5},
                                                  {"/channels", "web"}};
    for (const auto& [where, value] : wrong) {
        auto document = to_json(a_draft());
        document[json::json_pointer(where)] = value;
        const auto c = read_campaign(document);
        ASSERT_FALSE(c.has_value()) << where;
        EXPECT_THAT(c.error().where, testing::StartsWith(where));
    }
    auto twice = to_json(a_draft());
    twice["channels"] = {"web", "web"};
    EXPECT_EQ(read_campaign(twice).error().where, "/channels/1");
    auto step = to_json(a_draft());
    step["history"] = json::array({{{"action", "forget"}, {"at_ms", 1}}});
    EXPECT_EQ(read_campaign(step).error().where, "/history/0/action");
    EXPECT_FALSE(read_campaign(json::array()).has_value());
}

TEST(campaign, ids_say_policy_version_round_and_occasion) {
    const auto plain = parse_campaign_id_parts("BS-006.v2.r11");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->policy, "BS-006");
    EXPECT_EQ(plain->version, 2);
    EXPECT_EQ(plain->round, 11);
    EXPECT_EQ(plain->occasion, "");
    std::int32_t day = 0;
    ASSERT_TRUE(parse_date("2026-11-24", day));
    const auto id = reminder_campaign_id("a.v1.r1", 3, "item-1.b", "d7", day);
    EXPECT_EQ(id, "a.v1.r1.v3.r1.item-1.b-d7-20261124");
    const auto reminder = parse_campaign_id_parts(id);
    ASSERT_TRUE(reminder);
    EXPECT_EQ(reminder->policy, "a.v1.r1");
    EXPECT_EQ(reminder->version, 3);
    EXPECT_EQ(reminder->occasion, "item-1.b-d7-20261124");
    for (const auto* none : {"", "BS-006", ".v1.r1", "x.v1", "x.v0.r1", "x.v1.r", "x.v01.r1", "x.v1.r1x",
                             "x.v1.r1.", "x.v1.r1.1-d7-2026", "x.v99999999999.r1"})
        EXPECT_FALSE(parse_campaign_id_parts(none)) << none;
}

TEST(campaign, the_longest_ids_are_valid) {
    const auto id =
        reminder_campaign_id(std::string(40, 'p'), 1'000'000, std::string(20, 'i'), "month365", 20000);
    EXPECT_TRUE(valid_campaign_id(id)) << id.size();
    EXPECT_FALSE(valid_campaign_id(""));
    EXPECT_FALSE(valid_campaign_id("a/b"));
}

TEST(campaign, kinds_have_words_for_people) {
    for (const auto* kind :
         {"first", "interpretation", "deadline", "reminder", "correction", "retry", "arrivals", "test"})
        EXPECT_NE(campaign_kind_label(kind), nullptr) << kind;
    EXPECT_EQ(campaign_kind_label("spam"), nullptr);
}

TEST(campaign_life, goes_from_draft_to_finished) {
    auto c = a_draft();
    c.not_before_ms = now + 100;
    const auto step = [&](campaign_action a, const actor& by, std::int64_t at, const char* note = "") {
        auto next = apply(c, a, by, at, note);
        ASSERT_TRUE(next.has_value()) << next.error().text();
        c = *next;
    };
    step(campaign_action::submit, han, now);
    EXPECT_EQ(c.submitted_by, han.name);
    step(campaign_action::reject, wang, now + 1, "标题有误");
    EXPECT_EQ(c.state, campaign_state::draft);
    EXPECT_EQ(c.submitted_by, "");
    step(campaign_action::submit, han, now + 2);
    step(campaign_action::approve, wang, now + 3, "同意");
    EXPECT_EQ(c.approved_by, wang.name);
    EXPECT_EQ(c.approved_ms, now + 3);
    EXPECT_EQ(c.approval_note, "同意");
    step(campaign_action::schedule, wang, now + 4);
    step(campaign_action::start, the_system(), now + 100);
    step(campaign_action::pause, wang, now + 101);
    step(campaign_action::resume, wang, now + 102);
    step(campaign_action::finish, the_system(), now + 103);
    EXPECT_EQ(c.state, campaign_state::finished);
    EXPECT_EQ(c.revision, 0) << "raised where it is stored";
    step(campaign_action::withdraw, wang, now + 104, "政策有误");
    EXPECT_EQ(c.state, campaign_state::withdrawn);
    ASSERT_THAT(c.history, SizeIs(10));
    EXPECT_EQ(c.history[1],
              (campaign_step{campaign_action::reject, wang.name, "operator", now + 1, "标题有误"}));
    EXPECT_THAT(allowed_actions(c.state), IsEmpty());
}

TEST(campaign_life, each_state_allows_just_its_actions) {
    using a = campaign_action;
    using s = campaign_state;
    EXPECT_THAT(allowed_actions(s::draft), ElementsAre(a::submit, a::cancel));
    EXPECT_THAT(allowed_actions(s::submitted), ElementsAre(a::approve, a::reject, a::cancel, a::withdraw));
    EXPECT_THAT(allowed_actions(s::approved), ElementsAre(a::schedule, a::start, a::cancel, a::withdraw));
    EXPECT_THAT(allowed_actions(s::scheduled), ElementsAre(a::start, a::cancel, a::withdraw));
    EXPECT_THAT(allowed_actions(s::running), ElementsAre(a::pause, a::finish, a::cancel, a::withdraw));
    EXPECT_THAT(allowed_actions(s::paused), ElementsAre(a::resume, a::finish, a::cancel, a::withdraw));
    EXPECT_THAT(allowed_actions(s::finished), ElementsAre(a::withdraw));
    EXPECT_THAT(allowed_actions(s::cancelled), ElementsAre(a::withdraw));
    EXPECT_THAT(allowed_actions(s::withdrawn), IsEmpty());
}

TEST(campaign_life, a_refusal_says_the_state_and_what_is_possible) {
    const auto no = apply(in_state(campaign_state::running), campaign_action::approve, wang, now);
    ASSERT_FALSE(no.has_value());
    EXPECT_EQ(no.error().code, errc::conflict);
    EXPECT_THAT(no.error().what, HasSubstr("“推送中”，不能批准"));
    EXPECT_THAT(no.error().fix, HasSubstr("暂停、完成、取消、撤回"));
    EXPECT_EQ(no.error().where, "BS-006.v2.r1");
    EXPECT_THAT(apply(in_state(campaign_state::withdrawn), campaign_action::cancel, wang, now).error().fix,
                HasSubstr("不能再做任何操作"));
}

TEST(campaign_life, the_approver_is_a_second_person) {
    auto c = in_state(campaign_state::submitted);
    c.submitted_by = han.name;
    for (const auto& same : {li, han, actor{"", "operator"}}) {
        const auto no = apply(c, campaign_action::approve, same, now);
        ASSERT_FALSE(no.has_value()) << same.name;
        EXPECT_EQ(no.error().code, errc::conflict);
    }
    EXPECT_THAT(apply(c, campaign_action::approve, li, now).error().what, HasSubstr("起草了此任务"));
    EXPECT_TRUE(apply(c, campaign_action::approve, wang, now).has_value());
}

TEST(campaign_life, a_rejection_gives_its_reason) {
    const auto c = in_state(campaign_state::submitted);
    EXPECT_EQ(apply(c, campaign_action::reject, wang, now).error().code, errc::invalid);
    EXPECT_TRUE(apply(c, campaign_action::reject, wang, now, "受众过宽").has_value());
    std::string long_note;
    for (int i = 0; i < 501; ++i) long_note += "长";
    EXPECT_EQ(apply(c, campaign_action::reject, wang, now, long_note).error().code, errc::invalid);
}

TEST(campaign_life, nothing_starts_early_and_nothing_expired_is_approved) {
    auto c = in_state(campaign_state::scheduled);
    c.not_before_ms = now + 1;
    EXPECT_THAT(apply(c, campaign_action::start, the_system(), now).error().what, HasSubstr("时间未到"));
    EXPECT_TRUE(apply(c, campaign_action::start, the_system(), now + 1).has_value());
    c = in_state(campaign_state::submitted);
    c.expires_ms = now;
    EXPECT_THAT(apply(c, campaign_action::approve, wang, now).error().what, HasSubstr("到期"));
    EXPECT_TRUE(apply(c, campaign_action::cancel, wang, now).has_value());
}

TEST(campaign_life, the_history_is_bounded_and_keeps_who_approved) {
    auto c = *submit(a_draft(), {}, han, now);
    c = *apply(c, campaign_action::start, the_system(), now);
    for (int i = 0; i < 100; ++i) {
        c = *apply(c, campaign_action::pause, wang, now + i);
        c = *apply(c, campaign_action::resume, wang, now + i);
    }
    ASSERT_EQ(c.history.size(), most_campaign_steps);
    EXPECT_EQ(c.history[0].action, campaign_action::submit);
    EXPECT_EQ(c.history[1].action, campaign_action::approve);
    EXPECT_TRUE(read_campaign(to_json(c)).has_value());
}

RC_GTEST_PROP(campaign_life, whatever_is_tried_it_ends_where_the_rules_say, (std::vector<int> tried)) {
    auto c = a_draft();
    bool approved = false;
    for (const int t : tried) {
        const auto a = static_cast<campaign_action>(((t % campaign_action_count) + campaign_action_count) %
                                                    campaign_action_count);
        const auto before = c.state;
        const auto next = apply(c, a, a == campaign_action::approve ? wang : han, now, "因");
        const auto can = allowed_actions(before);
        RC_ASSERT(next.has_value() == (std::find(can.begin(), can.end(), a) != can.end()));
        if (!next) continue;
        c = *next;
        if (a == campaign_action::approve) approved = true;
        if (c.state == campaign_state::running) RC_ASSERT(approved);
        if (final(before)) RC_ASSERT(c.state == campaign_state::withdrawn);
    }
}

TEST(campaign_recipients, are_told_apart_by_the_ledger) {
    using r = campaign_recipients;
    using s = ledger::state;
    const auto record = [](s now, std::uint8_t engaged = 0, ledger::reason why = ledger::reason::none) {
        ledger::record out;
        out.now = now;
        out.engaged = engaged;
        out.why = why;
        return out;
    };
    const auto groups = [](std::vector<ledger::record> of) {
        std::string in;
        for (const auto only : {r::everybody, r::unread, r::reached, r::failed})
            if (takes_part(only, of)) in += (in.empty() ? "" : " ") + std::string(to_string(only));
        return in;
    };
    using namespace ledger::engagement;
    EXPECT_EQ(groups({record(s::delivered, seen), record(s::failed)}), "everybody unread reached");
    EXPECT_EQ(groups({record(s::delivered), record(s::submitted, read)}), "everybody reached");
    EXPECT_EQ(groups({record(s::unknown)}), "everybody unread reached");
    EXPECT_EQ(groups({record(s::suppressed, 0, ledger::reason::merged)}), "everybody unread reached");
    EXPECT_EQ(groups({record(s::failed), record(s::suppressed, 0, ledger::reason::no_contact)}),
              "everybody failed");
    EXPECT_EQ(groups({record(s::failed), record(s::queued)}), "everybody") << "it may still arrive";
}

TEST(approval, small_and_harmless_is_approved_by_the_rule) {
    EXPECT_THAT(approval_needed({5000, "就业", campaign_urgency::urgent, {}}, {}), IsEmpty());
    const auto c = submit(a_draft(), {}, han, now);
    ASSERT_TRUE(c.has_value());
    EXPECT_EQ(c->state, campaign_state::approved);
    EXPECT_EQ(c->approved_by, "rule");
    EXPECT_EQ(c->history.back().role, "rule");
    EXPECT_EQ(c->approval_note, "按规则自动批准");
}

TEST(approval, every_reason_is_named) {
    const approval_settings settings{100, comma_separated(" 纾困 ,, 就业/稳岗")};
    const auto reasons =
        approval_needed({101, "就业/稳岗/补贴", campaign_urgency::emergency, {"残疾人", "性别"}}, settings);
    ASSERT_THAT(reasons, SizeIs(4));
    EXPECT_EQ(reasons[0].text, "受众 101，超过 100");
    EXPECT_EQ(reasons[1].why, approval_reason::kind::theme);
    EXPECT_THAT(reasons[2].text, HasSubstr("残疾人、性别"));
    EXPECT_EQ(reasons[3].why, approval_reason::kind::emergency);
    EXPECT_THAT(approval_needed({1'000'000, "就业", campaign_urgency::normal, {}}, {0, {"纾困"}}), IsEmpty());

    const auto c = submit(a_draft(), reasons, han, now);
    ASSERT_TRUE(c.has_value());
    EXPECT_EQ(c->state, campaign_state::submitted);
    EXPECT_THAT(c->approval_reasons, SizeIs(4));
    EXPECT_EQ(apply(*c, campaign_action::approve, the_rule(), now).error().code, errc::conflict);
    EXPECT_THAT(apply(*c, campaign_action::approve, wang, now)->approval_reasons, Not(IsEmpty()));
}

TEST(approval, what_a_condition_asks_of_people_is_found) {
    const auto catalogue = matching::catalogue::load(tests::config_path("catalogue")).value();
    std::vector<failure> errors;
    const auto labels = [&](const char* text, subject_type who) {
        return matching::sensitive_attributes(
            matching::condition::compile(json::parse(text), who, catalogue, errors).value());
    };
    EXPECT_THAT(labels(R"({"op": "or", "args": [
        {"op": "=", "args": [{"property": "person.disability"}, true]},
        {"op": "not", "args": [{"op": "isNull", "args": [{"property": "person.sex"}]}]},
        {"op": "=", "args": [{"property": "person.disability"}, false]}]})",
                       subject_type::resident),
                testing::UnorderedElementsAre("残疾人", "性别"));
    EXPECT_THAT(labels(R"({"op": ">", "args": [{"property": "ent.established"}, {"date": "2020-01-01"}]})",
                       subject_type::enterprise),
                IsEmpty());
}

} // namespace
} // namespace zhida
