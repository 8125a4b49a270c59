#include "services/portal/access.hpp"
#include "services/portal/routes.hpp"
#include "services/portal/session.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace zhida::portal {
namespace {

const wall_time now{std::chrono::hours(24 * 20000)};
const sessions demo("0123456789abcdef0123456789abcdef", true);

TEST(portal_session, a_signed_cookie_comes_back) {
    const auto who =
        demo.of_cookie(demo.sign(role::department, "宝山区科委", now), now + std::chrono::hours(11));
    EXPECT_EQ(who.as, role::department);
    EXPECT_EQ(who.name, "宝山区科委");
    EXPECT_TRUE(who.by_cookie());
}

TEST(portal_session, forged_old_and_foreign_cookies_are_nobody) {
    const auto cookie = demo.sign(role::subject, "R1", now);
    EXPECT_FALSE(demo.of_cookie(cookie, now + std::chrono::hours(13)).signed_in());
    EXPECT_FALSE(demo.of_cookie(cookie, now - std::chrono::hours(1)).signed_in());
    EXPECT_FALSE(sessions("another key of some length......", true).of_cookie(cookie, now).signed_in());
    EXPECT_FALSE(sessions("0123456789abcdef0123456789abcdef", false).of_cookie(cookie, now).signed_in());
    EXPECT_FALSE(demo.of_cookie("", now).signed_in());
    auto other = cookie;
    other.replace(other.find("subject"), 7, "operator");
    EXPECT_FALSE(demo.of_cookie(other, now).signed_in());
    for (std::size_t i = 0; i < cookie.size(); ++i) {
        auto changed = cookie;
        changed[i] = changed[i] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(demo.of_cookie(changed, now).signed_in()) << i;
        EXPECT_FALSE(demo.of_cookie(cookie.substr(0, i), now).signed_in()) << i;
    }
}

RC_GTEST_PROP(portal_session_properties, strangers_bytes_are_nobody, (const std::string& text)) {
    RC_ASSERT(!demo.of_cookie(text, now).signed_in());
    RC_ASSERT(!demo.of_authorization(text).signed_in());
}

TEST(portal_session, demo_tokens_work_only_while_demo_sign_in_is_on) {
    EXPECT_EQ(demo.of_authorization("Bearer demo-operator").as, role::operator_);
    EXPECT_EQ(demo.of_authorization("Bearer demo-department").name, "");
    EXPECT_EQ(demo.of_authorization("Bearer demo-department:%E5%8C%BA").name, "区");
    EXPECT_EQ(demo.of_authorization("Bearer demo-subject:R1").name, "R1");
    EXPECT_FALSE(demo.of_authorization("Bearer demo-subject:R1").by_cookie());
    for (const char* bad : {"demo-operator", "Bearer", "Bearer ", "Bearer demo-subject:",
                            "Bearer demo-operatorX", "Basic demo-operator", "Bearer demo-department:%ff"})
        EXPECT_FALSE(demo.of_authorization(bad).signed_in()) << bad;
    EXPECT_FALSE(sessions("0123456789abcdef", false).of_authorization("Bearer demo-operator").signed_in());
}

TEST(portal_session, form_tokens_belong_to_one_session) {
    const auto a = demo.of_cookie(demo.sign(role::operator_, "", now), now);
    const auto b = demo.of_cookie(demo.sign(role::operator_, "", now), now);
    EXPECT_TRUE(demo.right_form_token(a, demo.form_token(a)));
    EXPECT_FALSE(demo.right_form_token(a, demo.form_token(b)));
    EXPECT_FALSE(demo.right_form_token(a, ""));
    EXPECT_FALSE(demo.right_form_token(identity{}, demo.form_token(identity{}))); // nobody has no session
}

TEST(portal_session, same_origin) {
    EXPECT_TRUE(same_origin("same-origin", "", "h", "", false));
    EXPECT_FALSE(same_origin("cross-site", "http://h", "h", "", true)); // fetch metadata wins
    EXPECT_FALSE(same_origin("same-site", "", "h", "", true));
    EXPECT_TRUE(same_origin("", "http://h:8080", "h:8080", "", false));
    EXPECT_TRUE(same_origin("", "https://p.gov.cn", "10.0.0.1", "https://p.gov.cn/", false));
    EXPECT_FALSE(same_origin("", "http://evil", "h", "", true));
    EXPECT_FALSE(same_origin("", "null", "h", "", true));
    EXPECT_TRUE(same_origin("", "", "h", "", true));
    EXPECT_FALSE(same_origin("", "", "h", "", false));
}

TEST(portal_session, cookies_are_closed_to_scripts_and_other_sites) {
    EXPECT_EQ(set_cookie("a", "b", std::chrono::seconds(60), true, true),
              "a=b; Path=/; SameSite=Lax; Max-Age=60; HttpOnly; Secure");
}

TEST(portal_access, objects) {
    const identity op{role::operator_, "", ""}, dep{role::department, "A", ""}, any{role::department, "", ""},
        sub{role::subject, "R1", ""}, none;
    for (const auto& who : {op, dep, any, sub, none}) EXPECT_TRUE(may_see_policy(who, "主动公开", "B"));
    EXPECT_TRUE(may_see_policy(op, "依申请公开", "B"));
    EXPECT_FALSE(may_see_policy(dep, "依申请公开", "B"));
    EXPECT_TRUE(may_see_policy(dep, "依申请公开", "A"));
    EXPECT_FALSE(may_see_policy(sub, "不予公开", "A"));
    EXPECT_FALSE(may_see_policy(none, "不予公开", "A"));
    EXPECT_TRUE(may_publish(dep, "A"));
    EXPECT_FALSE(may_publish(dep, "B"));
    EXPECT_TRUE(may_publish(any, "B"));
    EXPECT_FALSE(may_publish(sub, "R1"));
    EXPECT_TRUE(may_see_campaign(dep, "A"));
    EXPECT_FALSE(may_see_campaign(dep, "B"));
    EXPECT_FALSE(may_see_campaign(sub, "R1"));
    EXPECT_TRUE(may_see_feedback(op, ""));
    EXPECT_TRUE(may_see_feedback(op, "B"));
    EXPECT_TRUE(may_see_feedback(dep, "A"));
    EXPECT_FALSE(may_see_feedback(dep, "B"));
    EXPECT_FALSE(may_see_feedback(dep, ""));
    EXPECT_TRUE(may_see_feedback(any, "B"));
    EXPECT_FALSE(may_see_feedback(any, "")) << "operators give it out";
    EXPECT_FALSE(may_see_feedback(sub, "R1"));
    EXPECT_TRUE(may_see_subject(sub, "R1"));
    EXPECT_FALSE(may_see_subject(sub, "R2"));
    EXPECT_FALSE(may_see_subject(dep, "R1"));
    EXPECT_TRUE(may_see_subject(op, "R1"));
    EXPECT_FALSE(may_read_for_subject(op, "R1"));
}

// Who may call what, written down a second time: a new route must be decided here as well.
TEST(portal_access, every_route_and_role) {
    const std::map<std::string, std::string> expected = {
        // o operator, d department, s subject, n nobody
        {"POST /api/v1/policies", "od"},
        {"POST /api/v1/policies/check", "od"},
        {"GET /api/v1/policies", "ods"},
        {"GET /api/v1/policies/{id}", "ods"},
        {"GET /api/v1/policies/{id}/document", "ods"},
        {"POST /api/v1/audience/preview", "od"},
        {"GET /api/v1/campaigns", "od"},
        {"GET /api/v1/campaigns/{id}", "od"},
        {"GET /api/v1/subjects/{id}/packages", "os"},
        {"GET /api/v1/subjects/{id}/checkup", "os"},
        {"POST /api/v1/subjects/{id}/packages/{campaign}/read", "s"},
        {"PUT /api/v1/subjects/{id}/opt-out", "os"},
        {"DELETE /api/v1/subjects/{id}/opt-out", "os"},
        {"GET /api/v1/subjects/{id}/preferences", "os"},
        {"PUT /api/v1/subjects/{id}/preferences", "os"},
        {"GET /api/v1/subjects/{id}/wechat", "os"},
        {"POST /api/v1/subjects/{id}/wechat/codes", "os"},
        {"DELETE /api/v1/subjects/{id}/wechat/{binding}", "os"},
        {"PUT /api/v1/numbers/{phone}/opt-out", "o"},
        {"DELETE /api/v1/numbers/{phone}/opt-out", "o"},
        {"GET /api/v1/subjects/{id}/live", "s"},
        {"GET /api/v1/live", "od"},
        {"POST /api/v1/campaigns/{id}/rounds", "od"},
        {"POST /api/v1/campaigns/{id}/test", "od"},
        {"POST /api/v1/campaigns/{id}/{action}", "od"},
        {"GET /api/v1/feedback", "od"},
        {"GET /api/v1/gateways", "o"},
        {"GET /api/v1/dead-letters", "o"},
        {"GET /api/v1/summary", "o"},
        {"GET /api/v1/openapi.json", "odsn"},
        {"GET /", "odsn"},
        {"POST /sign-in", "odsn"},
        {"POST /sign-out", "ods"},
        {"GET /enterprise", "s"},
        {"GET /resident", "s"},
        {"GET /checkup", "s"},
        {"POST /packages/{campaign}/read", "s"},
        {"POST /opt-out", "s"},
        {"GET /preferences", "s"},
        {"POST /preferences", "s"},
        {"GET /wechat", "s"},
        {"POST /wechat/code", "s"},
        {"POST /wechat/unbind", "s"},
        {"GET /policies", "odsn"},
        {"GET /policies/{id}", "odsn"},
        {"GET /department", "od"},
        {"POST /department/publish", "od"},
        {"GET /campaigns/{id}", "od"},
        {"POST /campaigns/{id}/act", "od"},
        {"POST /campaigns/{id}/test", "od"},
        {"GET /feedback", "od"},
        {"POST /feedback/{id}/assign", "o"},
        {"GET /operator", "o"},
        {"POST /gateways/{name}/receipts/{secret}", "odsn"},
        {"POST /gateways/{name}/replies/{secret}", "odsn"},
        {"GET /gateways/{name}/events", "odsn"},
        {"POST /gateways/{name}/events", "odsn"},
        {"GET /assets/{name}", "odsn"},
        {"GET /favicon.ico", "odsn"},
        {"GET /healthz", "odsn"},
        {"GET /readyz", "odsn"},
        {"GET /metrics", "odsn"},
    };
    std::set<std::string> seen;
    for (const auto& rule : route_table()) {
        const auto name = rule.verb + " " + rule.path;
        seen.insert(name);
        ASSERT_TRUE(expected.contains(name)) << name << " is not decided";
        std::string may;
        for (const auto& [letter, as] : {std::pair{'o', role::operator_},
                                         {'d', role::department},
                                         {'s', role::subject},
                                         {'n', role::nobody}})
            if (may_call(rule.who, identity{as, "x", ""})) may += letter;
        EXPECT_EQ(may, expected.at(name)) << name;
    }
    EXPECT_EQ(seen.size(), expected.size());
}

} // namespace
} // namespace zhida::portal
