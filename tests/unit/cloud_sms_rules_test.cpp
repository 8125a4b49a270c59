#include "services/simulator/cloud_sms_rules.hpp"

#include <gtest/gtest.h>

namespace zhida::simulator {
namespace {

using namespace std::chrono_literals;

constexpr wall_time start{1'790'000'000'000ms};

TEST(mainland_phone, every_prefix_that_the_clouds_take) {
    for (const char* text :
         {"13800000001", "+13800000001", "8613800000001", "+8613800000001", "008613800000001"})
        EXPECT_EQ(mainland_phone(text), "13800000001") << text;
    for (const char* text : {"", "1380000000", "138000000012", "12800000001", "23800000001",
                             "+85213800000001", "1380000000a", " 13800000001", "868613800000001"})
        EXPECT_FALSE(mainland_phone(text)) << text;
}

TEST(fill_template, names_and_numbers) {
    const auto find = [](const std::string& name) -> std::optional<std::string> {
        if (name == "name" || name == "1") return "张三";
        return std::nullopt;
    };
    EXPECT_EQ(fill_template("${name}您好", "${", find).text, "张三您好");
    EXPECT_EQ(fill_template("{1}您好{", "{", find).text, "张三您好{");
    const auto short_of = fill_template("${name}，${what}${", "${", find);
    EXPECT_EQ(short_of.text, "张三，${what}${");
    EXPECT_EQ(short_of.missing, std::vector<std::string>{"what"});
    EXPECT_TRUE(fill_template("", "${", find).missing.empty());
}

TEST(number_counts, windows_slide) {
    number_counts counts;
    const number_limits limits{60s, 1, 2, 3};
    using reached = number_counts::reached;
    EXPECT_EQ(counts.check("a", limits, start), reached::none);
    counts.add("a", start);
    EXPECT_EQ(counts.check("a", limits, start + 59s), reached::moment);
    EXPECT_EQ(counts.check("b", limits, start), reached::none);
    EXPECT_EQ(counts.check("a", limits, start + 60s), reached::none);
    counts.add("a", start + 60s);
    EXPECT_EQ(counts.check("a", limits, start + 30min), reached::hour);
    EXPECT_EQ(counts.check("a", limits, start + 1h), reached::none);
    counts.add("a", start + 1h);
    EXPECT_EQ(counts.check("a", limits, start + 24h - 1ms), reached::day); // not the calendar's day
    EXPECT_EQ(counts.check("a", limits, start + 24h), reached::none);
    EXPECT_EQ(counts.check("a", {}, start + 1h), reached::none); // no limits
}

TEST(second_counts, an_accounts_requests_in_a_second) {
    second_counts counts;
    EXPECT_TRUE(counts.take("a", 2, start));
    EXPECT_TRUE(counts.take("a", 2, start + 500ms));
    EXPECT_FALSE(counts.take("a", 2, start + 999ms));
    EXPECT_TRUE(counts.take("b", 2, start + 999ms));
    EXPECT_TRUE(counts.take("a", 2, start + 1s));
    EXPECT_TRUE(counts.take("a", 0, start + 1s));
}

TEST(shanghai_time, as_receipts_write_it) {
    wall_time t{};
    ASSERT_TRUE(parse_rfc3339("2016-12-31T16:00:00Z", t));
    EXPECT_EQ(shanghai_time(t), "2017-01-01 00:00:00");
}

TEST(holds_url, addresses_of_the_web) {
    EXPECT_TRUE(holds_url("见 HTTPS://example.org"));
    EXPECT_TRUE(holds_url("http://a"));
    EXPECT_TRUE(holds_url("www.example.org"));
    EXPECT_FALSE(holds_url("有新政策"));
}

} // namespace
} // namespace zhida::simulator
