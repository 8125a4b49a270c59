// Who may post receipts and replies, and what the clouds' replies say.
#include "services/gateways/callback_doors.hpp"
#include "services/gateways/cloud_replies.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

using answer = callback_doors::answer;
const wall_time now{milliseconds(1'795'000'000'000)};

TEST(address_list, addresses_and_networks_of_both_families) {
    const auto list =
        io::address_list::parse(" 203.0.113.7, 198.51.100.16/28 ,2001:db8::/32,2001:db9::5").value();
    for (const char* in : {"203.0.113.7", "::ffff:203.0.113.7", "198.51.100.16", "198.51.100.31",
                           "2001:db8::1", "2001:db8:ffff::", "2001:db9::5"})
        EXPECT_TRUE(list.allows(in)) << in;
    for (const char* out : {"203.0.113.8", "198.51.100.32", "198.51.100.15", "2001:db9::6", "2001:db7::1", "",
                            "localhost", "203.0.113.7/32"})
        EXPECT_FALSE(list.allows(out)) << out;
    EXPECT_TRUE(io::address_list::parse("0.0.0.0/0").value().allows("192.0.2.1"));
    EXPECT_FALSE(io::address_list::parse("0.0.0.0/0").value().allows("2001:db8::1"));
    EXPECT_TRUE(io::address_list::parse("10.1.2.3/8").value().allows("10.200.0.1")) << "by its network";
    EXPECT_FALSE(io::address_list::parse("2001:db8::/29").value().allows("2001:dc0::1"));
    EXPECT_TRUE(io::address_list::parse("2001:db8::/29").value().allows("2001:dbf::1"));
    EXPECT_TRUE(io::address_list::parse("fe80::/10").value().allows("fe80::1%1"));
    EXPECT_TRUE(io::address_list::parse("  ").value().allows("192.0.2.1")) << "empty: any";
}

TEST(address_list, what_is_no_address_is_named) {
    for (const char* wrong : {"203.0.113.7;198.51.100.1", "203.0.113", "203.0.113.0/33", "sms.example.org",
                              "1.2.3.4,", "2001:db8::/129", "203.0.113.7/"}) {
        const auto list = io::address_list::parse(wrong);
        ASSERT_FALSE(list) << wrong;
        EXPECT_NE(list.error().what.find("neither an address nor a network"), std::string::npos) << wrong;
    }
}

sms_config two_clouds() {
    sms_config c;
    auto& a = c.gateways["ali"];
    a.name = "ali";
    a.protocol = "aliyun";
    a.callback_secret = "secret-of-ali-0001";
    a.callback_from = "203.0.113.0/24";
    auto& t = c.gateways["tc"];
    t.name = "tc";
    t.protocol = "tencent";
    auto& m = c.gateways["cm"];
    m.name = "cm";
    m.callback_secret = "secret-of-cmpp-0001";
    return c;
}

TEST(callback_doors, open_for_the_right_secret_from_the_right_address) {
    const auto doors = callback_doors::of(two_clouds()).value();
    const auto open = doors.knock("ali", "secret-of-ali-0001", "203.0.113.9");
    ASSERT_EQ(open.what, answer::open);
    EXPECT_EQ(open.at->name, "ali");
    EXPECT_EQ(doors.knock("ali", "secret-of-ali-0001", "192.0.2.1").what, answer::elsewhere);
    for (const char* secret : {"", "secret-of-ali-0002", "secret-of-ali-00011", "SECRET-OF-ALI-0001"})
        EXPECT_EQ(doors.knock("ali", secret, "203.0.113.9").what, answer::unknown) << secret;
    EXPECT_EQ(doors.knock("nobody", "", "203.0.113.9").what, answer::unknown);
    EXPECT_EQ(doors.knock("tc", "", "203.0.113.9").what, answer::unknown) << "without a secret there is none";
    EXPECT_EQ(doors.knock("cm", "secret-of-cmpp-0001", "203.0.113.9").what, answer::unknown) << "no cloud";
}

TEST(callback_doors, a_wrong_list_is_found_at_the_start) {
    auto c = two_clouds();
    c.gateways["ali"].callback_from = "203.0.113.0/24, here";
    const auto doors = callback_doors::of(c);
    ASSERT_FALSE(doors);
    EXPECT_EQ(doors.error().where, "sms_gateway.ali.callback_from");
    EXPECT_NE(doors.error().text().find("'here'"), std::string::npos);
}

TEST(cloud_replies, of_aliyun) {
    const auto got = read_aliyun_replies(
        R"([{"phone_number":"8613800000001","send_time":"2026-11-23 21:05:00","content":"R","sign_name":"直达演示",
            "dest_code":"01","sequence_id":1234567890},
           {"phone_number":"13800000002","content":"","sequence_id":"12"},
           {"phone_number":"13800000003"},
           "R"])",
        "ali", now);
    ASSERT_TRUE(got);
    ASSERT_EQ(got->replies.size(), 2U);
    const auto& first = got->replies[0];
    EXPECT_EQ(first.gateway, "ali");
    EXPECT_EQ(first.phone, "13800000001");
    EXPECT_EQ(first.to, "01");
    EXPECT_EQ(first.text, "R");
    EXPECT_EQ(first.id, "1234567890");
    EXPECT_EQ(to_rfc3339(first.at), "2026-11-23T21:05:00.000+08:00");
    EXPECT_EQ(got->replies[1].at, now);
    ASSERT_EQ(got->wrong.size(), 2U);
    EXPECT_EQ(got->wrong[0].where, "/2/content");
    EXPECT_EQ(got->wrong[1].where, "/3");
    for (const char* wrong : {"", "{", "7", "null"})
        EXPECT_FALSE(read_aliyun_replies(wrong, "ali", now)) << wrong;
    // What only helps must not cost a refusal, nor half a character of somebody else.
    for (const char* odd : {R"({"phone_number":"13800000001","content":"R","dest_code":null,"send_time":0})",
                            R"([{"phone_number":"13800000001","content":"R","sequence_id":1.5}])",
                            "[{\"phone_number\":\"13800000001\",\"content\":\"R\"},"
                            "{\"phone_number\":\"13800000002\",\"content\":\"\\ud83d\"}]",
                            "[{\"phone_number\":\"13800000001\",\"content\":\"R\",\"x\":\"\xff\"}]"}) {
        const auto read = read_aliyun_replies(odd, "ali", now);
        ASSERT_TRUE(read) << odd;
        ASSERT_FALSE(read->replies.empty()) << odd;
        EXPECT_EQ(read->replies[0].text, "R") << odd;
    }
}

TEST(cloud_replies, of_tencent) {
    const auto one = read_tencent_replies(
        R"({"extend":"01","mobile":"13800000001","nationcode":"86","sign":"直达演示","text":"谢谢","time":1795439100})",
        "tc", now);
    ASSERT_TRUE(one);
    ASSERT_EQ(one->replies.size(), 1U);
    EXPECT_EQ(one->replies[0].phone, "13800000001");
    EXPECT_EQ(one->replies[0].text, "谢谢");
    EXPECT_EQ(one->replies[0].to, "01");
    EXPECT_EQ(one->replies[0].at, wall_time(milliseconds(1'795'439'100'000)));
    const auto several = read_tencent_replies(
        R"([{"mobile":"51234567","nationcode":"852","text":"ok"},{"mobile":"+8613800000001","text":"ok"},{"text":"ok"}])",
        "tc", now);
    ASSERT_TRUE(several);
    ASSERT_EQ(several->replies.size(), 2U);
    EXPECT_EQ(several->replies[0].phone, "85251234567");
    EXPECT_EQ(several->replies[0].at, now);
    EXPECT_EQ(several->replies[1].phone, "13800000001");
    ASSERT_EQ(several->wrong.size(), 1U);
    EXPECT_EQ(several->wrong[0].where, "/2/mobile");
}

} // namespace
} // namespace zhida::gateways
