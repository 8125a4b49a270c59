#include "services/simulator/faults.hpp"
#include "services/simulator/inbound_parts.hpp"
#include "services/simulator/message_log.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace zhida::simulator {
namespace {

const auto any = [](const fault_rule&) { return true; };

TEST(glob_match, star_stands_for_anything) {
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_TRUE(glob_match("138*", "13800000001"));
    EXPECT_TRUE(glob_match("*0001", "13800000001"));
    EXPECT_TRUE(glob_match("1*0*1", "13800000001"));
    EXPECT_TRUE(glob_match("oA*refused*", "oA1refused2"));
    EXPECT_FALSE(glob_match("138*", "13900000001"));
    EXPECT_FALSE(glob_match("", "1"));
    EXPECT_FALSE(glob_match("*2", "13800000001"));
}

TEST(fault_table, the_first_rule_that_fits_is_used_up) {
    fault_table t;
    EXPECT_TRUE(t.apply(json::parse(R"({"rules":[
        {"channel":"sms","to":"138*","result":8,"times":2},
        {"channel":"sms","result":13},
        {"channel":"wechat","to":"*x","errcode":43101}]})"))
                    .empty());
    EXPECT_EQ(t.take("sms", "13800000001", any)->result, 8);
    EXPECT_EQ(t.take("sms", "13900000001", any)->result, 13);
    EXPECT_EQ(t.take("sms", "13800000001", any)->result, 8);
    EXPECT_EQ(t.take("sms", "13800000001", any)->result, 13);
    EXPECT_EQ(t.take("wechat", "ox", any)->errcode, 43101);
    EXPECT_FALSE(t.take("wechat", "oy", any));
    EXPECT_FALSE(t.take("sms", "13800000001", [](const fault_rule& r) { return r.black_hole; }));
    EXPECT_EQ(t.to_json().at(1).at("matched"), 2);
    EXPECT_TRUE(t.apply(json::parse(R"({"replace":true})")).empty());
    EXPECT_FALSE(t.take("sms", "13800000001", any));
}

TEST(fault_table, a_rule_may_be_for_one_gateway) {
    fault_table t;
    EXPECT_TRUE(t.apply(json::parse(R"({"rules":[
        {"channel":"sms","gateway":"ali","code":"isv.OUT_OF_SERVICE","text":"业务停机"},
        {"channel":"sms","err_code":"MK:0001","report":"out_of_order"}]})"))
                    .empty());
    EXPECT_EQ(t.take("sms", "13800000001", any, "ali")->code, "isv.OUT_OF_SERVICE");
    EXPECT_EQ(t.take("sms", "13800000001", any, "tc")->err_code, "MK:0001");
    EXPECT_EQ(t.take("sms", "13800000001", any)->err_code, "MK:0001"); // who has no name
}

TEST(fault_table, wrong_rules_change_nothing_and_are_all_named) {
    fault_table t;
    EXPECT_TRUE(t.apply(json::parse(R"({"rules":[{"channel":"sms"}]})")).empty());
    const auto errors = t.apply(json::parse(
        R"({"replace":true,"rules":[{"channel":"fax","delay_ms":-1},{"channel":"sms","report":"lost","typo":1}]})"));
    ASSERT_EQ(errors.size(), 4U);
    EXPECT_EQ(errors[0].where, "/rules/0/channel");
    EXPECT_EQ(errors[1].where, "/rules/0/delay_ms");
    EXPECT_TRUE(t.take("sms", "1", any));
}

TEST(fault_table, cmpp_words_are_read_and_wrong_ones_named) {
    fault_table t;
    EXPECT_TRUE(t.apply(json::parse(R"({"rules":[
        {"channel":"sms","to":"900001","only_version":"2.0","writes":"bytes","active_test":"bare",
         "blank_authenticator":true},
        {"channel":"sms","response":"after_next","report":"elsewhere","then_stat":"UNDELIV",
         "pdu_before":"unknown_pdu"}]})"))
                    .empty());
    const auto login = t.take("sms", "900001", [](const fault_rule& r) { return r.at_login(); });
    ASSERT_TRUE(login);
    EXPECT_EQ(login->only_version, "2.0");
    EXPECT_TRUE(login->blank_authenticator);
    const auto other = t.take("sms", "900001", [](const fault_rule& r) { return !r.at_login(); });
    ASSERT_TRUE(other);
    EXPECT_EQ(other->then_stat, "UNDELIV");
    const auto errors = t.apply(json::parse(R"({"rules":[{"channel":"sms","only_version":"1.2","writes":"x",
        "active_test":"y","response":"z","pdu_before":"q","then_stat":"TOOLONGSTAT","report":"lost"}]})"));
    EXPECT_EQ(errors.size(), 7U);
}

TEST(inbound_parts, are_what_a_network_makes_of_a_text) {
    inbound_message m;
    m.phone = "13800000001";
    m.text = "T";
    EXPECT_EQ(inbound_parts(m, 5).value(), (std::vector<inbound_part>{{8, false, std::string("\0T", 2)}}));
    m.formats = {"ascii"};
    EXPECT_EQ(inbound_parts(m, 5).value(), (std::vector<inbound_part>{{0, false, "T"}}));
    m.text = "退订";
    EXPECT_FALSE(inbound_parts(m, 5));
    m.formats = {"gbk"};
    EXPECT_EQ(inbound_parts(m, 5).value(), (std::vector<inbound_part>{{15, false, "\xcd\xcb\xb6\xa9"}}));
    m.text = std::string(70, 'a') + "𝄞";
    EXPECT_FALSE(inbound_parts(m, 5)) << "no such character in GBK";
    m.formats = {"ascii", "ucs2"};
    const auto two = inbound_parts(m, 5).value();
    ASSERT_EQ(two.size(), 2U);
    EXPECT_EQ(two[0].content, std::string("\5\0\3\5\2\1", 6) + std::string(67, 'a'));
    EXPECT_EQ(two[1].content, std::string("\5\0\3\5\2\2\0a\0a\0a\xd8\x34\xdd\x1e", 16));
    m.order = {2, 2};
    m.ref = 0x0102;
    m.wide_ref = true;
    EXPECT_EQ(inbound_parts(m, 5).value()[1].content.substr(0, 7), std::string("\6\x08\4\1\2\2\2", 7));
    m.order = {3};
    EXPECT_EQ(inbound_parts(m, 5).error().where, "order");
    m.phone = "12";
    EXPECT_EQ(inbound_parts(m, 5).error().where, "phone");
}

TEST(fault_table, takes_codes_and_forms_of_every_protocol) {
    fault_table t;
    EXPECT_TRUE(t.apply(json::parse(R"({"rules":[
        {"channel":"sms","result":4294967295,"login_status":1025,"report":"tlv_only","ids":"hex_and_decimal"}]})"))
                    .empty());
    const auto rule = t.take("sms", "1", any);
    ASSERT_TRUE(rule);
    EXPECT_EQ(rule->result, 0xFFFFFFFF);
    EXPECT_EQ(rule->login_status, 0x401);
    EXPECT_EQ(rule->report, "tlv_only");
    EXPECT_EQ(rule->ids, "hex_and_decimal");
    const auto errors = t.apply(
        json::parse(R"({"rules":[{"channel":"sms","result":4294967296,"report":"fax","ids":"roman"}]})"));
    ASSERT_EQ(errors.size(), 3U);
    EXPECT_EQ(errors[0].where, "/rules/0/result");
    EXPECT_EQ(errors[1].what, "must be normal, none, duplicate, early, other_layout, short_tail, after_next, "
                              "elsewhere, tlv_only or text_only");
    EXPECT_EQ(errors[2].what, "must be same, hex_and_decimal, decimal_and_hex, upper or zeros");
}

message sms(std::string to, std::string id, int part, int parts, std::string text, int ref = 7) {
    message m;
    m.time_ms = 1'790'000'000'000;
    m.channel = "sms";
    m.to = std::move(to);
    m.id = std::move(id);
    m.more = {{"text", text}, {"part", part}, {"parts", parts}, {"src_id", "1069"}};
    if (parts > 1) m.more["udh_ref"] = ref;
    return m;
}

TEST(assembled, joins_the_parts_of_a_text_in_their_order) {
    const std::vector<message> parts = {sms("1", "a", 2, 2, "乙"), sms("2", "b", 1, 1, "单"),
                                        sms("1", "c", 1, 2, "甲"), sms("1", "d", 1, 3, "x"),
                                        sms("3", "e", 1, 2, "p"),  sms("3", "f", 1, 2, "q"),
                                        sms("3", "g", 2, 2, "r")};
    const auto whole = assembled(parts);
    ASSERT_EQ(whole.size(), 5U);
    EXPECT_EQ(whole[0].more.at("text"), "甲乙");
    EXPECT_EQ(whole[0].more.at("ids"), (json{"c", "a"}));
    EXPECT_EQ(whole[1].more.at("text"), "单");
    EXPECT_EQ(whole[2].id, "d"); // never whole
    EXPECT_EQ(whole[3].id, "e"); // its reference was used again
    EXPECT_EQ(whole[4].more.at("text"), "qr");
}

struct log_file : testing::Test {
    std::string file =
        (std::filesystem::temp_directory_path() / ("zhida_record_" + std::to_string(::getpid()) + ".jsonl"))
            .string();
    void SetUp() override { std::filesystem::remove(file); }
    void TearDown() override { std::filesystem::remove(file); }
};

TEST_F(log_file, survives_a_restart_and_a_torn_line) {
    {
        message_log log;
        ASSERT_TRUE(log.open(file));
        ASSERT_TRUE(log.add(sms("13800000001", "a", 1, 1, "你好")));
        ASSERT_TRUE(log.add(sms("13800000002", "b", 1, 1, "再见")));
    }
    std::ofstream(file, std::ios::app) << R"({"time_ms":17)";
    message_log again;
    const auto opened = again.open(file);
    ASSERT_TRUE(opened) << opened.error().text();
    ASSERT_EQ(again.all().size(), 2U);
    EXPECT_EQ(again.find({"sms", "13800000002", 0}).at(0).more.at("text"), "再见");
    EXPECT_TRUE(again.find({"wechat", "", 0}).empty());
    EXPECT_TRUE(again.find({"", "", 1'790'000'000'001}).empty());
    ASSERT_TRUE(again.add(sms("13800000003", "c", 1, 1, "x")));
    message_log third;
    ASSERT_TRUE(third.open(file));
    EXPECT_EQ(third.all().size(), 3U);
    ASSERT_TRUE(third.clear());
    EXPECT_EQ(std::filesystem::file_size(file), 0U);
}

TEST_F(log_file, foreign_contents_are_refused_not_overwritten) {
    std::ofstream(file) << "not ours\n";
    message_log log;
    const auto opened = log.open(file);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().where, file);
    EXPECT_EQ(std::filesystem::file_size(file), 9U);
}

} // namespace
} // namespace zhida::simulator
