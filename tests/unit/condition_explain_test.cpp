#include "matching_support.hpp"

#include <gmock/gmock.h>

namespace zhida::matching {
namespace {

using testing::SizeIs;

const std::int32_t today = day("2026-11-23");

std::string described(const json& e, subject_type subject = subject_type::enterprise) {
    return describe(compiled(e, subject).root(), today, the_catalogue());
}
std::string described(const char* op, const char* name, json value) {
    return described(op_of(op, {property(name), std::move(value)}));
}
json months(int n) {
    return op_of("monthsAgo", json::array({n}));
}

TEST(explain, makes_texts_that_people_read) {
    EXPECT_EQ(described("<=", "ent.headcount", 500), "从业人员 ≤ 500 人");
    EXPECT_EQ(described("<", "ent.headcount", 500), "从业人员 < 500 人");
    EXPECT_EQ(described(">", "ent.revenue", 2000.5), "营业收入 > 2000.5 万元");
    EXPECT_EQ(described("<=", "ent.layoff_rate", 5.5), "上年度裁员率 ≤ 5.5%");
    EXPECT_EQ(described("=", "ent.headcount", 5), "从业人员 = 5 人");
    EXPECT_EQ(described("<>", "ent.headcount", 5), "从业人员 ≠ 5 人");
    EXPECT_EQ(described(op_of("between", {property("ent.revenue"), 300, 2000})),
              "营业收入 介于 300 万元 与 2000 万元 之间");
    EXPECT_EQ(described("=", "ent.size", "小型"), "企业规模 为 小型");
    EXPECT_EQ(described("<>", "ent.size", "小型"), "企业规模 不为 小型");
    EXPECT_EQ(described("in", "ent.size", {"微型", "小型"}), "企业规模 为其中之一：小型、微型");
    EXPECT_EQ(described("=", "ent.blacklisted", false), "列入信用黑名单 为 否");
    EXPECT_EQ(described("like", "ent.reg_division", "310113%"), "注册地 属于 宝山区");
    EXPECT_EQ(described("like", "ent.reg_division", "31%"), "注册地 属于 上海市");
    EXPECT_EQ(described("like", "ent.reg_division", "310113003001%"), "注册地 属于 友谊路街道宝钢一村居委会");
    EXPECT_EQ(described("like", "ent.reg_division", "3101%"), "注册地 属于 代码以 3101 开头的");
    EXPECT_EQ(described("=", "ent.reg_division", "310113"), "注册地 为 宝山区");
    EXPECT_EQ(described("like", "ent.industry", "C39%"),
              "所属行业 属于 计算机、通信和其他电子设备制造业（C39）");
    EXPECT_EQ(described("=", "ent.industry", "I6513"), "所属行业 为 应用软件开发（I6513）");
    EXPECT_EQ(described(">=", "ent.established", months(24)), "成立日期 2024-11-23 及以后");
    EXPECT_EQ(described("<", "ent.fund_loan_due", months(-3)), "担保贷款到期日 2027-02-23 以前");
    EXPECT_EQ(described("<=", "ent.established", months(0)), "成立日期 今天(2026-11-23) 及以前");
    EXPECT_EQ(described(">", "ent.established", {{"date", "2024-01-01"}}), "成立日期 2024-01-01 以后");
    EXPECT_EQ(described("a_overlaps", "ent.industry_tags", {"邮轮产业", "邮轮公司"}),
              "行业标签 含任一：邮轮产业、邮轮公司");
    EXPECT_EQ(described("a_contains", "ent.industry_tags", {"邮轮产业"}), "行业标签 含全部：邮轮产业");
    EXPECT_EQ(described("a_containedBy", "ent.industry_tags", {"邮轮产业"}), "行业标签 不超出：邮轮产业");
    EXPECT_EQ(described("a_equals", "ent.industry_tags", json::array()), "行业标签 正好是：无");
    EXPECT_EQ(described(op_of("isNull", json::array({property("ent.headcount")}))), "从业人员 没有登记");
    EXPECT_EQ(
        described(op_of("not", json::array({op_of("isNull", json::array({property("ent.headcount")}))}))),
        "从业人员 已登记");
    EXPECT_EQ(described(op_of("not", json::array({op_of("manual", json::array({"已申报同类资金"}))}))),
              "以下情形除外：已申报同类资金");
    EXPECT_EQ(described(true), "不设条件");
    EXPECT_EQ(described(op_of("or", {op_of("=", {property("ent.size"), "小型"}),
                                     op_of("and", {op_of("<", {property("ent.headcount"), 5}),
                                                   op_of("manual", json::array({"丙"}))})})),
              "企业规模 为 小型 或 （从业人员 < 5 人；丙）");
    EXPECT_EQ(described(op_of("<=", {property("person.birth_date"), months(720)}), subject_type::resident),
              "出生日期 1966-11-23 及以前");
}

TEST(explain, gives_a_line_for_each_condition) {
    const auto c =
        compiled(op_of("and", {op_of("like", {property("ent.reg_division"), "310113%"}),
                               op_of("or", {op_of("<=", {property("ent.headcount"), 500}),
                                            op_of("<=", {property("ent.revenue"), 2000})}),
                               op_of("manual", json::array({"落户宝山"})),
                               op_of("not", json::array({op_of("=", {property("ent.size"), "大型"})}))}));
    const auto lines = explain(
        c, row_of({{"ent.reg_division", "310113003"}, {"ent.headcount", 800}, {"ent.size", "小型"}}), today,
        the_catalogue(), {{"/args/0", {"注册地在宝山区", "第三条"}}, {"/args/1/args/1", {"", "第四条"}}});
    ASSERT_THAT(lines, SizeIs(4));
    EXPECT_EQ(lines[0].pointer, "/args/0");
    EXPECT_EQ(lines[0].outcome, truth::yes);
    EXPECT_EQ(lines[0].text, "注册地在宝山区");
    EXPECT_EQ(lines[0].clause, "第三条");
    EXPECT_EQ(lines[0].attribute, "ent.reg_division");
    EXPECT_EQ(lines[0].value, "上海市宝山区友谊路街道");
    EXPECT_EQ(lines[0].requirement, "属于 宝山区");
    EXPECT_THAT(lines[0].parts, SizeIs(0));

    EXPECT_EQ(lines[1].outcome, truth::unknown);
    EXPECT_EQ(lines[1].text, "满足以下任一项");
    EXPECT_EQ(lines[1].attribute, "");
    EXPECT_EQ(lines[0].group + lines[1].group + lines[2].group + lines[3].group, "anynot");
    ASSERT_THAT(lines[1].parts, SizeIs(2));
    EXPECT_EQ(lines[1].parts[0].outcome, truth::no);
    EXPECT_EQ(lines[1].parts[0].value, "800 人");
    EXPECT_EQ(lines[1].parts[0].requirement, "≤ 500 人");
    EXPECT_EQ(lines[1].parts[1].pointer, "/args/1/args/1");
    EXPECT_EQ(lines[1].parts[1].text, "营业收入 ≤ 2000 万元");
    EXPECT_EQ(lines[1].parts[1].clause, "第四条");
    EXPECT_EQ(lines[1].parts[1].value, "");

    EXPECT_TRUE(lines[2].manual);
    EXPECT_EQ(lines[2].outcome, truth::unknown);
    EXPECT_EQ(lines[2].text, "落户宝山");

    EXPECT_EQ(lines[3].outcome, truth::yes);
    EXPECT_EQ(lines[3].text, "以下情形除外：企业规模 为 大型");
    ASSERT_THAT(lines[3].parts, SizeIs(1));
    EXPECT_EQ(lines[3].parts[0].outcome, truth::no);
}

TEST(explain, cuts_what_is_legal_and_endless) {
    json years = json::array();
    for (int i = 0; i < 40; ++i) years.push_back(1000 + i);
    const auto lines =
        explain(compiled(op_of("in", {property("ent.headcount"), years})), {}, today, the_catalogue(), {});
    EXPECT_THAT(lines[0].requirement, testing::HasSubstr("、1029 人…… 等 40 项"));
    EXPECT_THAT(lines[0].requirement, testing::Not(testing::HasSubstr("1030")));
    json many = json::array();
    for (int i = 0; i < 300; ++i) many.push_back(op_of("=", {property("ent.headcount"), i}));
    const auto all = op_of("not", json::array({op_of("not", json::array({op_of("or", many)}))}));
    EXPECT_LT(explain(compiled(all), {}, today, the_catalogue(), {})[0].text.size(), 2000U);
}

TEST(explain, gives_one_line_where_the_root_is_one_condition) {
    const auto lines = [](const json& e) { return explain(compiled(e), {}, today, the_catalogue(), {}); };
    ASSERT_THAT(lines(op_of("=", {property("ent.size"), "小型"})), SizeIs(1));
    EXPECT_EQ(lines(op_of("=", {property("ent.size"), "小型"}))[0].pointer, "");
    const auto all = lines(true);
    ASSERT_THAT(all, SizeIs(1));
    EXPECT_EQ(all[0].text, "不设条件");
    EXPECT_EQ(all[0].outcome, truth::yes);
}

} // namespace
} // namespace zhida::matching
