// Links as phones find them: what is one, what is none.
#include "common/base/utf8.hpp"
#include "common/model/text_links.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace zhida {
namespace {

std::vector<std::string> hosts(std::string_view text) {
    std::vector<std::string> out;
    for (const auto& l : links_in(text)) out.push_back(l.host);
    return out;
}

TEST(text_links, are_found_in_every_guise) {
    for (const char* text : {"见https://a.example/x",
                             "见HTTP://1.2.3.4",
                             "weixin://dl/x",
                             "1https://t.cn",
                             "见www.abc查询",
                             "见abc.com/x",
                             "见abc.com查询",
                             "abc.com。",
                             "ABC.COM",
                             "t.cn/a",
                             "xn--fiqs8s.xn--fiqs8s",
                             "ａｂｃ．ｃｏｍ",
                             "abc。com",
                             "abc｡com",
                             "abc．cn/a",
                             "直达.com",
                             "直达.公司",
                             "请看abc.网址。",
                             "abc.zzz/x",
                             "1.2.3.4/x",
                             "1.2.3.4:80/x",
                             "abc.com:8080",
                             "请访问a-b.gov.cn",
                             "zhida.gov.cn@evil.com/x",
                             "https://a.gov.cn@b.com",
                             "http：／／ａ．ｃｎ"})
        EXPECT_EQ(links_in(text).size(), 1U) << text;
    for (const char* text : {"最高3.5万元",
                             "V1.2",
                             "2026.12.31截止",
                             "3.14.15.92",
                             "Node.js项目",
                             "ISO9001.2015",
                             "a@b.com",
                             "zhang.san@zhida.gov.cn",
                             "联系zhang.cn@abc.com。",
                             "第1.2.3条",
                             "一、二。三",
                             "AI+制造",
                             "km/h",
                             "...",
                             "。。",
                             ".",
                             "",
                             "No.1",
                             "e.g.",
                             "支持企业上云。中国制造",
                             "补贴50%。App",
                             "C++/Java",
                             "5G.新基建",
                             "24:00",
                             "可拨12345核实",
                             "U.S.",
                             "A.B/C"})
        EXPECT_THAT(links_in(text), testing::IsEmpty()) << text;
}

TEST(text_links, name_the_host_that_they_lead_to) {
    EXPECT_EQ(hosts("见https://www.Zhida.gov.cn:8443/a?b，t.cn/x"),
              (std::vector<std::string>{"www.zhida.gov.cn", "t.cn"}));
    EXPECT_EQ(hosts("见zhida.gov.cn查询"), std::vector<std::string>{"zhida.gov.cn"});
    for (const char* text : {"https://zhida.gov.cn@evil.com/", "https://zhida.gov.cn\\@evil.com",
                             "https://zhida.gov.cn中.com", "x@zhida.gov.cn/a", "直达.zhida.gov.cn"})
        EXPECT_FALSE(within_domain(hosts(text).front(), "zhida.gov.cn")) << text;
    EXPECT_EQ(hosts("https://zhida.gov.cn。evil.com"), std::vector<std::string>{"zhida.gov.cn.evil.com"});
    EXPECT_EQ(links_in("见ａ．ｃｎ／x，").front().shown, "ａ．ｃｎ／x");
}

TEST(text_links, are_within_a_domain_or_not) {
    EXPECT_TRUE(within_domain("zhida.gov.cn", "zhida.gov.cn"));
    EXPECT_TRUE(within_domain("m.zhida.gov.cn", "zhida.gov.cn"));
    EXPECT_FALSE(within_domain("xzhida.gov.cn", "zhida.gov.cn"));
    EXPECT_FALSE(within_domain("gov.cn", "zhida.gov.cn"));
    EXPECT_FALSE(within_domain("zhida.gov.cn", ""));
}

std::string one_of(std::vector<std::string> choices) {
    return *rc::gen::elementOf(std::move(choices));
}

TEST(text_links, of_any_host_are_found_wherever_they_stand) {
    EXPECT_TRUE(rc::check("any host", [] {
        std::string host;
        for (const int labels = *rc::gen::inRange(1, 4); std::count(host.begin(), host.end(), '.') < labels;)
            host += *rc::gen::nonEmpty(
                        rc::gen::container<std::string>(rc::gen::elementOf(std::string("abcxyz019")))) +
                    ".";
        host += one_of({"com", "cn", "gov.cn", "top", "xn--fiqs8s", "io"});
        // Written in full width, any of it.
        std::string written;
        for (const char c : host)
            if (*rc::gen::inRange(0, 3) == 0)
                append_utf8(written, static_cast<char32_t>(c) + 0xfee0);
            else
                written += c;
        const auto before = one_of({"", "请见", "见：", "（", "详情 ", "“"}),
                   scheme = one_of({"", "http://", "https://"}),
                   after = one_of({"", "，", "。", "）", " 查询", "/a?b=1"});
        const auto found = links_in(before + scheme + written + after);
        RC_ASSERT(found.size() == 1U);
        RC_ASSERT(found.front().host == host);
        RC_ASSERT(within_domain(found.front().host, host));
        RC_ASSERT(!within_domain(found.front().host, "zhida.gov.cn"));
        RC_ASSERT(found.front().shown.starts_with(scheme + written));
    }));
}

TEST(text_links, are_not_seen_in_amounts_dates_and_versions) {
    EXPECT_TRUE(rc::check("amounts", [] {
        const auto number = [] { return std::to_string(*rc::gen::inRange(0, 10000)); };
        const auto text = one_of({"最高", "V", "补贴 ", "ISO", "（", ""}) + number() + "." + number() +
                          one_of({"万元", "%", "亿元", "版", "", "，", "/年", "元/人"});
        RC_ASSERT(links_in(text).empty());
    }));
}

TEST(text_links, reads_any_bytes) {
    EXPECT_TRUE(rc::check("any bytes", [](const std::string& text) {
        for (const auto& l : links_in(text)) RC_ASSERT(text.find(l.shown) != std::string::npos);
        static_cast<void>(hidden_character(text));
    }));
}

TEST(hidden_character, is_named) {
    EXPECT_EQ(hidden_character("宝山区：高企😀"), "");
    EXPECT_EQ(hidden_character("a\nb"), "U+000A");
    EXPECT_EQ(hidden_character("a\xe2\x80\x8b.com"), "U+200B");
    EXPECT_EQ(hidden_character("\xe2\x80\xae"), "U+202E");
    EXPECT_EQ(hidden_character("\xff"), "U+FFFD");
}

} // namespace
} // namespace zhida
