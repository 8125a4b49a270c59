#include "services/dispatcher/decide.hpp"
#include "services/dispatcher/package_text.hpp"
#include "services/dispatcher/quiet_hours.hpp"
#include "services/dispatcher/receipts.hpp"

#include "common/base/clock.hpp"

#include <gtest/gtest.h>

using namespace zhida;
using namespace zhida::dispatcher;

namespace {

profile with(std::vector<contact> contacts) {
    profile p;
    p.contacts = std::move(contacts);
    return p;
}

} // namespace

TEST(Decide, SendsToTheFirstContactThatTheChannelCanReach) {
    const auto p = with({{"法人", "", "oA"}, {"财务", "19900000001", ""}});
    const auto sms = decide({channel::sms, true, true, false, &p});
    EXPECT_FALSE(sms.suppress.has_value());
    EXPECT_EQ(sms.address, "19900000001");
    EXPECT_EQ(decide({channel::wechat, true, true, false, &p}).address, "oA");
}

TEST(Decide, NamesTheReasonNotToSend) {
    const auto p = with({{"法人", "19900000001", ""}});
    const auto bad = with({{"法人", "123", ""}});
    using ledger::reason;
    EXPECT_EQ(decide({channel::sms, true, true, true, &p}).suppress, reason::opted_out);
    EXPECT_EQ(decide({channel::sms, false, true, false, &p}).suppress, reason::channel_disabled);
    EXPECT_EQ(decide({channel::sms, true, false, false, &p}).suppress, reason::not_public);
    EXPECT_EQ(decide({channel::sms, true, true, false, nullptr}).suppress, reason::profile_deleted);
    EXPECT_EQ(decide({channel::wechat, true, true, false, &p}).suppress, reason::no_contact);
    EXPECT_EQ(decide({channel::sms, true, true, false, &bad}).suppress, reason::invalid_contact);
}

TEST(Decide, TheWebInboxIsNeverOptedOutOf) {
    EXPECT_FALSE(decide({channel::web, true, true, true, nullptr}).suppress.has_value());
    EXPECT_EQ(decide({channel::web, true, false, false, nullptr}).suppress, ledger::reason::not_public);
}

TEST(Decide, RetriesSlowDownButNotForEver) {
    EXPECT_EQ(retry_delay_ms(0, 0), 1000);
    EXPECT_EQ(retry_delay_ms(3, 0), 8000);
    EXPECT_EQ(retry_delay_ms(200, 0), 60000);
    EXPECT_EQ(retry_delay_ms(0, 5000), 5000) << "what the gateway asks for counts";
}

namespace {

std::int32_t day_of(const char* text) {
    std::int32_t day = 0;
    parse_date(text, day);
    return day;
}
const std::int32_t today = day_of("2026-11-23");

policy sample() {
    policy p;
    p.issuer = "宝山区科学技术委员会";
    p.title = "政策";
    policy_item a;
    a.id = "1";
    a.title = "高新技术企业认定奖励";
    a.benefit = "一次性奖励25万元";
    a.window.end = day_of("2026-12-31");
    policy_item b = a;
    b.id = "2";
    p.items = {a, b};
    return p;
}

} // namespace

TEST(PackageText, SaysWhoWhatUntilWhenHowToVerifyAndHowToRefuse) {
    const auto text = sms_text(sample(), 1, today, sms_config{});
    EXPECT_TRUE(text.starts_with("【直达演示】宝山区科学技术委员会：")) << text;
    for (const char* part : {"高新技术企业认定奖励", "一次性奖励25万元", "2026-12-31截止", "可拨12345核实",
                             "拒收请回复R", "企业专属网页"})
        EXPECT_NE(text.find(part), std::string::npos) << part;
    EXPECT_EQ(text.find("http"), std::string::npos) << "a policy message carries no link";
    EXPECT_EQ(text.find("等2项"), std::string::npos);
    EXPECT_NE(sms_text(sample(), 3, today, sms_config{}).find("等2项政策"), std::string::npos);
    EXPECT_NE(sms_text(sample(), 2, today, sms_config{}), "") << "the second item alone";
}

TEST(PackageText, SaysTheSameDeadlineAsThePage) {
    auto p = sample();
    const auto said = [&] { return wechat_fields(p, 1, today)[3].second; };
    EXPECT_EQ(said(), "2026-12-31截止");
    p.items[0].window.start = day_of("2026-12-01");
    EXPECT_EQ(said(), "2026-12-01起受理");
    p.items[0].window = {};
    EXPECT_EQ(said(), "截止时间见原文") << "that none is given does not say that there is none";
    p.valid.end = day_of("2027-06-30");
    EXPECT_EQ(said(), "政策有效期至2027-06-30");
    p.valid.end = day_of("2022-12-31");
    EXPECT_EQ(said(), "政策已于2022-12-31失效");
    EXPECT_NE(sms_text(p, 1, today, sms_config{}).find("政策已于2022-12-31失效"), std::string::npos);
    p.items[0].window.end = day_of("2022-06-30");
    EXPECT_EQ(said(), "已于2022-06-30截止");
}

TEST(PackageText, DoesNotSayWhetherTheRecipientQualifies) {
    const auto text = sms_text(sample(), 1, today, sms_config{});
    EXPECT_EQ(text.find("符合"), std::string::npos) << text;
    EXPECT_NE(text.find("按现有数据，您可关注"), std::string::npos) << text;
}

TEST(PackageText, FieldsFitTheTemplate) {
    auto p = sample();
    p.items[0].title = "一二三四五六七八九十一二三四五六七八九十一二三";
    for (const auto& [name, value] : wechat_fields(p, 1, today)) {
        std::size_t characters = 0;
        for (const char c : value) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
        EXPECT_LE(characters, 20U) << name;
        EXPECT_FALSE(value.empty()) << name;
    }
}

TEST(PackageText, ShorteningNeverCutsInsideANumberWithItsUnit) {
    const std::string text = "按核定固定资产设备投资不超过20%，最高4000万元";
    for (const std::size_t n : {18, 19, 21, 22, 23, 24, 25})
        EXPECT_EQ(shortened(text, n), "按核定固定资产设备投资不超过20%…") << n;
    EXPECT_EQ(shortened(text, 26), text);
    EXPECT_EQ(shortened(text, 16), "按核定固定资产设备投资不超过…");
    EXPECT_EQ(shortened("每人每月600元，共12个月整", 14), "每人每月600元…");
    EXPECT_EQ(shortened("补贴12个月整", 6), "补贴…");
    EXPECT_EQ(shortened("2026年专项资金申报", 8), "2026年专项…");
    EXPECT_EQ(shortened("1234567", 4), "…");
}

TEST(PackageText, ShorteningNeverSplitsACharacter) {
    EXPECT_EQ(shortened("一二三四", 4), "一二三四");
    EXPECT_EQ(shortened("一二三四五", 4), "一二三…");
    EXPECT_EQ(shortened("abc", 10), "abc");
    EXPECT_EQ(shortened("", 4), "");
}

TEST(Receipts, SurviveTheWayToTheirShardWithoutThePhoneNumber) {
    gateways::receipt r;
    r.gateway = "sms";
    r.message_id = "00ff";
    r.phone = "19900000001";
    r.status = "DELIVRD";
    r.means = gateways::receipt::meaning::delivered;
    r.at = wall_time(milliseconds(1'795'000'000'123));
    const auto text = receipt_text(r);
    EXPECT_EQ(text.find("1990000"), std::string::npos);
    auto data = parse_json(text);
    ASSERT_TRUE(data.has_value());
    (*data)["place"] = store::to_text(store::message_place{7, "P.v1.r1", channel::sms, 42, 1, 2});
    std::vector<failure> errors;
    const auto back = read_receipt(*data, errors);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->place.position, 42U);
    EXPECT_EQ(back->place.parts, 2);
    EXPECT_EQ(record_of(*back).now, ledger::state::delivered);
    EXPECT_EQ(record_of(*back).at, 1'795'000'000U);
    (*data)["means"] = "maybe";
    EXPECT_FALSE(read_receipt(*data, errors).has_value());
}

TEST(QuietHours, LastFromTheEveningUntilTheMorningInShanghai) {
    const auto at = [](const char* text) {
        wall_time t;
        EXPECT_TRUE(parse_rfc3339(text, t)) << text;
        return t;
    };
    const quiet_hours night{21 * 60, 8 * 60};
    const auto morning = at("2026-11-28T08:00:00+08:00");
    EXPECT_FALSE(quiet_until(night, at("2026-11-27T20:59:59.999+08:00")));
    EXPECT_EQ(quiet_until(night, at("2026-11-27T21:00:00+08:00")), morning);
    EXPECT_EQ(quiet_until(night, at("2026-11-27T13:30:20.500Z")), morning) << "21:30:20 in Shanghai";
    EXPECT_EQ(quiet_until(night, at("2026-11-28T00:00:00+08:00")), morning);
    EXPECT_EQ(quiet_until(night, at("2026-11-28T07:59:59.999+08:00")), morning);
    EXPECT_FALSE(quiet_until(night, morning));
    const quiet_hours noon{12 * 60, 14 * 60};
    EXPECT_EQ(quiet_until(noon, at("2026-11-27T12:00:00+08:00")), at("2026-11-27T14:00:00+08:00"));
    EXPECT_FALSE(quiet_until(noon, at("2026-11-27T14:00:00+08:00")));
    for (int minute = 0; minute < 1440; ++minute)
        EXPECT_FALSE(quiet_until({600, 600}, at("2026-11-27T00:00:00+08:00") + std::chrono::minutes(minute)));
}
