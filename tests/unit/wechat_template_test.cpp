#include "services/dispatcher/wechat_template.hpp"

#include "services/gateways/wechat_fields.hpp"

#include "common/base/clock.hpp"

#include <gtest/gtest.h>

namespace zhida::dispatcher {
namespace {

constexpr std::int32_t today = 20'000; // 2024-10-04

policy a_policy(bool with_end = true) {
    policy p;
    p.id = "P";
    p.title = "关于支持中小企业的若干措施";
    p.issuer = "上海市宝山区测试局";
    policy_item item;
    item.title = "稳岗补贴";
    item.benefit = "每人 1000 元";
    item.subject = subject_type::enterprise;
    if (with_end) item.window.end = today + 30;
    p.items.push_back(std::move(item));
    return p;
}

TEST(wechat_template, by_default_it_says_what_it_always_said) {
    const auto t = wechat_template::parse("thing1=title, thing2=benefit, thing3=issuer, thing4=deadline");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->fill({}, a_policy(), 1, today, 0), wechat_of_round({}, a_policy(), 1, today, 0));
}

TEST(wechat_template, each_field_says_what_it_is_told_to) {
    const auto t =
        wechat_template::parse("phrase5=kind,date3=date, thing9=title,const2='上海, 宝山',thing1=issuer");
    ASSERT_TRUE(t) << t.error().text();
    const auto fields = t->fill({}, a_policy(), 1, today, 0);
    ASSERT_EQ(fields.size(), 5U);
    EXPECT_EQ(fields[0], std::pair(std::string("phrase5"), std::string("政策推送")));
    EXPECT_EQ(fields[1], std::pair(std::string("date3"), std::string("2024年11月03日")));
    EXPECT_EQ(fields[2].second, "稳岗补贴");
    EXPECT_EQ(fields[3].second, "上海, 宝山");
    EXPECT_EQ(fields[4].second, "上海市宝山区测试局");
    for (const auto& [key, value] : fields) EXPECT_EQ(gateways::wechat_field_fault(key, value), "") << key;
    for (const char* kind :
         {"first", "reminder", "deadline", "interpretation", "correction", "test", "retry"}) {
        const auto words = t->fill({kind}, a_policy(), 1, today, 0)[0].second;
        EXPECT_EQ(gateways::wechat_field_fault("phrase5", words), "") << kind;
    }
}

TEST(wechat_template, no_deadline_is_no_date) {
    const auto t = wechat_template::parse("date3=date").value();
    EXPECT_EQ(t.fill({}, a_policy(false), 1, today, 0)[0].second, "");
}

TEST(wechat_template, what_cannot_be_read_is_named) {
    for (const char* wrong : {"", " ", "thing1", "=title", "thing1=", "thing1=name",
                              "thing1=title,thing1=kind", "th ing=title", "thing1=title,,", "thing1='x"}) {
        const auto t = wechat_template::parse(wrong);
        EXPECT_FALSE(t) << wrong;
        if (!t) EXPECT_FALSE(t.error().fix.empty() && t.error().what.empty()) << wrong;
    }
}

} // namespace
} // namespace zhida::dispatcher
