#include "services/dispatcher/wechat_reach.hpp"

#include <gtest/gtest.h>

namespace zhida::dispatcher {
namespace {

using namespace std::chrono_literals;
using ledger::reason;
using store::wechat_standing;
using templates = wechat_standing::templates;
const wall_time noon(milliseconds(1'790'000'000'000));

config all_enabled() {
    config c;
    c.wechat.enabled = c.miniprogram.enabled = c.wecom.enabled = true;
    return c;
}
wechat_standing standing(templates t, std::int64_t left = 0, wall_time since = noon) {
    return {std::nullopt, t, left, since};
}

TEST(wechat_address, says_which_account_reaches_it) {
    const auto official = parse_wechat_address("oUser-1_A"), mp = parse_wechat_address("mp:oUser"),
               member = parse_wechat_address("wecom:zhang.san@corp");
    ASSERT_TRUE(official && mp && member);
    EXPECT_EQ(official->account, wechat_account::official);
    EXPECT_EQ(mp->account, wechat_account::miniprogram);
    EXPECT_EQ(mp->id, "oUser");
    EXPECT_EQ(member->account, wechat_account::wecom);
    EXPECT_EQ(member->id, "zhang.san@corp");
    for (const char* nothing : {"", "mp:", "wecom:"}) EXPECT_FALSE(parse_wechat_address(nothing)) << nothing;
    for (const auto& a : {*official, *mp, *member}) EXPECT_EQ(parse_wechat_address(to_text(a))->id, a.id);
}

TEST(wechat_reach, a_template_message_goes_to_all_who_have_not_left_or_refused) {
    const auto c = all_enabled();
    const auto of = [&](wechat_standing s, wall_time now = noon) {
        return shut(c, wechat_account::official, s, now);
    };
    EXPECT_EQ(of({}), reason::none);
    EXPECT_EQ(of({true, templates::unsaid, 0, {}}), reason::none);
    EXPECT_EQ(of({false, templates::unsaid, 0, {}}), reason::no_grant);
    EXPECT_EQ(of(standing(templates::refused)), reason::no_grant);
    EXPECT_EQ(of(standing(templates::refused), noon + refused_for - 1ms), reason::no_grant);
    EXPECT_EQ(of(standing(templates::refused), noon + refused_for), reason::none)
        << "nobody tells of a change";
}

TEST(wechat_reach, one_grant_is_one_message_where_grants_are_for_one) {
    auto c = all_enabled();
    c.wechat.send_by = "subscribe";
    c.wechat.long_term = false;
    const auto of = [&](wechat_standing s) { return shut(c, wechat_account::official, s, noon); };
    EXPECT_EQ(of({}), reason::no_grant);
    EXPECT_EQ(of(standing(templates::counted, 1)), reason::none);
    EXPECT_EQ(of(standing(templates::counted, 0)), reason::no_grant);
    EXPECT_EQ(of(standing(templates::lasting)), reason::none);
    EXPECT_EQ(of(standing(templates::refused)), reason::no_grant);
    c.wechat.long_term = true;
    EXPECT_EQ(of({}), reason::none) << "WeChat may know of a grant that was never told us";
    EXPECT_EQ(of(standing(templates::refused)), reason::no_grant);
}

TEST(wechat_reach, an_account_that_is_not_used_reaches_nobody) {
    const config only_official;
    EXPECT_EQ(shut(only_official, wechat_account::miniprogram, {}, noon), reason::channel_disabled);
    EXPECT_EQ(shut(only_official, wechat_account::wecom, {}, noon), reason::channel_disabled);
    EXPECT_EQ(shut(all_enabled(), wechat_account::wecom, standing(templates::refused), noon), reason::none);
}

TEST(wechat_reach, who_bound_goes_first_and_who_unbound_is_left_out) {
    const auto digest = [](std::string_view a) { return "d" + std::string(a); };
    std::vector<contact> contacts{{"法人", "13800000001", "oA"}, {"财务", "", "oB"}};
    store::bound_contacts bound;
    bound.contacts = {{"人事", "", "oC"}, {"财务", "", "oB"}};
    bound.unbound = {"doA"};
    add_bound(contacts, bound, digest);
    std::vector<std::string> order;
    for (const auto& c : contacts) order.push_back(c.role + ":" + c.openid);
    EXPECT_EQ(order, (std::vector<std::string>{"人事:oC", "财务:oB", "法人:", "财务:"}));
    EXPECT_EQ(contacts[2].phone, "13800000001") << "an SMS still reaches who unbound WeChat";
}

TEST(wechat_reach, a_theme_has_its_role) {
    constexpr std::string_view roles = "就业=人事, 纾困/社保=人事,税务=财务 , 就业/税收=财务, 坏的, =无";
    EXPECT_EQ(role_for("就业", roles), "人事");
    EXPECT_EQ(role_for("就业/稳岗", roles), "人事");
    EXPECT_EQ(role_for("就业/税收", roles), "财务") << "the longest";
    EXPECT_EQ(role_for("就业促进", roles), "") << "another theme";
    EXPECT_EQ(role_for("纾困", roles), "");
    EXPECT_EQ(role_for("纾困/社保", roles), "人事");
    EXPECT_EQ(role_for("税务", roles), "财务");
    EXPECT_EQ(role_for("", roles), "");
    EXPECT_EQ(role_for("就业", ""), "");
    std::vector<contact> contacts{{"法人", "1", ""}, {"人事", "2", ""}, {"财务", "3", ""}, {"人事", "4", ""}};
    prefer_role(contacts, "人事");
    std::string order;
    for (const auto& c : contacts) order += c.phone;
    EXPECT_EQ(order, "2413");
}

} // namespace
} // namespace zhida::dispatcher
