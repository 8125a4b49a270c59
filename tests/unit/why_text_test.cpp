// What the hotline reads.
#include "services/why_text.hpp"

#include <gtest/gtest.h>

namespace zhida {
namespace {

json line_of(const char* text, const char* outcome, const char* value = "", const char* requirement = "") {
    return {{"text", text},
            {"outcome", outcome},
            {"manual", false},
            {"value", value},
            {"attribute", "ent.x"},
            {"clause", ""},
            {"requirement", requirement},
            {"group", ""},
            {"parts", json::array()}};
}

json item_of(const char* verdict, json why) {
    return {{"id", "1"},
            {"title", "稳岗补贴"},
            {"subject", "enterprise"},
            {"verdict", verdict},
            {"only_manual_open", false},
            {"one_short", false},
            {"why", why},
            {"missing", json::array()},
            {"deadline", {{"state", "unstated"}}},
            {"other_subject", false}};
}

json answer() {
    json newest = {
        {"version", 2},   {"newest", true},     {"title", "新标题"},         {"disclosure", "主动公开"},
        {"pushed", true}, {"reach", "decided"}, {"campaigns", json::array()}};
    auto open = item_of("possible", json::array({line_of("注册地在宝山", "met", "宝山区", "属于 宝山区"),
                                                 line_of("税管地在宝山", "unknown")}));
    open["missing"] = {{{"label", "税管地"}, {"source", "税务登记"}}};
    newest["items"] = json::array({open});
    json old = newest;
    old.update({{"version", 1}, {"newest", false}, {"title", "旧标题"}});
    auto nearly = item_of("ineligible", json::array({line_of("人数", "not_met", "800 人", "≤ 300 人")}));
    nearly["one_short"] = true;
    old["items"] = json::array({nearly});
    old["campaigns"] = {{{"id", "P.v1.r1"},
                         {"items", {"1"}},
                         {"deliveries",
                          {{{"channel", "sms"},
                            {"label", "不发送"},
                            {"reason_label", "没有联系方式"},
                            {"attempts", 0},
                            {"read", false}},
                           {{"channel", "wechat"},
                            {"label", "失败"},
                            {"first_submitted", "2026-11-24T10:00:00+08:00"},
                            {"attempts", 2},
                            {"read", true}}}}}};
    return {{"policy", "P"},
            {"title", "新标题"},
            {"disclosure", "主动公开"},
            {"day", "2026-11-27"},
            {"newest", 2},
            {"subject",
             {{"id", "S-1"},
              {"type", "enterprise"},
              {"name", "某公司"},
              {"as_of", "2026-11-20"},
              {"phone", false},
              {"wechat", true},
              {"opted_out", false}}},
            {"versions", {newest, old}}};
}

TEST(why_text, says_both_versions_each_condition_and_each_attempt) {
    const auto said = why_text(answer());
    for (const char* wanted :
         {"主体 某公司（S-1），企业", "画像日期 2026-11-20，没有手机号，已绑定微信，未退订",
          "政策 新标题（P，最新为第 2 版，主动公开）", "以下结论按 2026-11-27 判断",
          "第 2 版（最新）：新标题", "事项 1 稳岗补贴：可能符合，缺少数据：税管地（税务登记）",
          "    ✓ 注册地在宝山（您的情况：宝山区；要求：属于 宝山区）\n", "    ? 税管地在宝山（缺少数据）\n",
          "推送时本主体不在受众中", "第 1 版（旧版，已推送给本主体）：旧标题", "事项 1 稳岗补贴：差一项",
          "    ✗ 人数（不符合；您的情况：800 人；要求：≤ 300 人）\n", "推送任务 P.v1.r1，事项 1\n",
          "    短信：不发送，没有联系方式\n",
          "    微信：失败，首次提交 2026-11-24 10:00，被退回重试 2 次，已读\n"})
        EXPECT_NE(said.find(wanted), std::string::npos) << wanted << " in\n" << said;
}

TEST(why_text, says_why_nothing_was_sent) {
    auto private_one = answer();
    private_one["versions"].erase(1);
    private_one["versions"][0]["disclosure"] = "不予公开";
    EXPECT_NE(why_text(private_one).find("公开属性为“不予公开”，依规不推送"), std::string::npos);
    private_one["versions"][0]["disclosure"] = "主动公开";
    private_one["versions"][0]["pushed"] = false;
    EXPECT_NE(why_text(private_one).find("还没有推送：等待匹配"), std::string::npos);
    private_one["versions"][0]["items"][0]["other_subject"] = true;
    EXPECT_NE(why_text(private_one).find("稳岗补贴：面向企业，不适用于本主体"), std::string::npos);
}

} // namespace
} // namespace zhida
