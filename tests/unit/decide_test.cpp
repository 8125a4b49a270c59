#include "services/dispatcher/decide.hpp"
#include "services/dispatcher/package_text.hpp"
#include "services/dispatcher/quiet_hours.hpp"
#include "services/receipts.hpp"
#include "tests/support/sms.hpp"

#include "common/base/clock.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

using namespace zhida;
using namespace zhida::dispatcher;

namespace {

profile with(std::vector<contact> contacts) {
    profile p;
    p.contacts = std::move(contacts);
    return p;
}

} // namespace

namespace {

using ledger::reason;
using ledger::state;
using kind = decision::kind;

constexpr std::uint32_t now = 1'000'000;

facts about(channel via, const profile* subject) {
    facts f;
    f.via = via;
    f.subject = subject;
    f.now = now;
    f.today = 20'000;
    f.epoch = 7;
    return f;
}
reason why_not(const facts& f) {
    const auto d = decide(f, {});
    EXPECT_EQ(d.what, kind::record);
    EXPECT_EQ(d.to.now, state::suppressed);
    return d.to.why;
}

} // namespace

TEST(Decide, WhatAnotherChannelFollowsDoesNotWaitForTomorrowsQuota) {
    const auto p = with({{"法人", "", "oA"}});
    auto f = about(channel::wechat, &p);
    f.quota_used = true;
    const auto d = decide(f, {});
    EXPECT_EQ(d.what, kind::record);
    EXPECT_EQ(d.to.now, state::failed);
    EXPECT_EQ(d.to.why, reason::quota_used);
    ledger::record waiting;
    waiting.now = state::held;
    waiting.why = reason::waiting_turn;
    EXPECT_EQ(decide(f, waiting).what, kind::leave) << "its turn has not come";
    f.no_grant = true;
    EXPECT_EQ(decide(f, {}).to.why, reason::no_grant) << "what would keep it tomorrow too says more";
}

TEST(Decide, SendsToTheFirstContactThatTheChannelCanReach) {
    const auto p = with({{"法人", "", "oA"}, {"财务", "19900000001", ""}});
    const auto sms = decide(about(channel::sms, &p), {});
    EXPECT_EQ(sms.what, kind::send);
    EXPECT_EQ(sms.address, "19900000001");
    EXPECT_EQ(sms.to.now, state::submitting);
    EXPECT_EQ(sms.to.at, 7U) << "the claim's epoch";
    EXPECT_EQ(sms.to.first_submitted, now);
    EXPECT_EQ(decide(about(channel::wechat, &p), {}).address, "oA");
}

TEST(Decide, NamesTheReasonNotToSend) {
    const auto p = with({{"法人", "19900000001", "oA"}});
    const auto bad = with({{"法人", "123", ""}});
    const auto changed = [&](auto change, channel via = channel::sms) {
        auto f = about(via, &p);
        change(f);
        return why_not(f);
    };
    EXPECT_EQ(changed([](facts& f) { f.opted_out = true; }), reason::opted_out);
    EXPECT_EQ(changed([](facts& f) { f.channel_enabled = false; }), reason::channel_disabled);
    EXPECT_EQ(changed([](facts& f) { f.public_policy = false; }), reason::not_public);
    EXPECT_EQ(changed([](facts& f) { f.subject = nullptr; }), reason::profile_deleted);
    EXPECT_EQ(changed([](facts& f) { f.unreadable = true; }), reason::invalid_contact);
    EXPECT_EQ(changed([](facts& f) { f.no_grant = true; }, channel::wechat), reason::no_grant);
    EXPECT_EQ(changed([](facts& f) { f.refused = reason::duplicate; }), reason::duplicate);
    EXPECT_EQ(changed([](facts& f) { f.refused = reason::duplicate; }, channel::web), reason::duplicate);
    EXPECT_EQ(changed([](facts& f) {
                  f.cap = {1, 0};
                  f.sent = {20'000, 1, 1};
              }),
              reason::capped);
    EXPECT_EQ(why_not(about(channel::wechat, &bad)), reason::no_contact);
    EXPECT_EQ(why_not(about(channel::sms, &bad)), reason::invalid_contact);
}

TEST(Decide, TheWebInboxIsNeverOptedOutOf) {
    auto f = about(channel::web, nullptr);
    f.opted_out = true;
    f.quiet_until = now + 60;
    f.cap = {1, 1};
    f.sent = {20'000, 9, 9};
    const auto d = decide(f, {});
    EXPECT_EQ(d.what, kind::record);
    EXPECT_EQ(d.to.now, state::delivered);
    f.public_policy = false;
    EXPECT_EQ(why_not(f), reason::not_public);
}

TEST(Decide, HoldsAtNightAndReleasesInTheMorning) {
    const auto p = with({{"法人", "19900000001", ""}});
    auto f = about(channel::sms, &p);
    f.quiet_until = now + 600;
    const auto held = decide(f, {});
    EXPECT_EQ(held.what, kind::record);
    EXPECT_EQ(held.to.now, state::held);
    EXPECT_EQ(held.to.why, reason::quiet_hours);
    EXPECT_EQ(held.to.at, now + 600);
    EXPECT_EQ(decide(f, held.to).what, kind::leave);
    f.emergency = true;
    EXPECT_EQ(decide(f, {}).what, kind::send);
    f.emergency = false;
    f.quiet_until.reset();
    f.now = now + 599;
    EXPECT_EQ(decide(f, held.to).what, kind::leave);
    f.now = now + 600;
    EXPECT_EQ(decide(f, held.to).what, kind::send);
}

// Whatever is known and whatever the record says.
TEST(Decide, NeverSendsWhatMustNotBeSent) {
    const auto p = with({{"法人", "19900000001", "oA"}});
    EXPECT_TRUE(rc::check("random facts", [&] {
        const auto flag = [] { return *rc::gen::weightedElement<bool>({{4, false}, {1, true}}); };
        facts f =
            about(*rc::gen::element(channel::web, channel::sms, channel::wechat), flag() ? nullptr : &p);
        f.channel_enabled = !flag();
        f.public_policy = !flag();
        f.opted_out = flag();
        f.no_grant = flag();
        if (flag()) f.refused = reason::duplicate;
        f.unreadable = flag();
        f.expires = flag() ? now + *rc::gen::inRange(-2, 3) : 0;
        if (flag()) f.quiet_until = now + 60;
        f.emergency = flag();
        if (flag()) f.cap = {1, 1};
        if (flag()) f.sent = {20'000, 1, 1};
        f.resend_within = flag() ? 540 : 0;
        f.resend_in_doubt = flag();
        ledger::record r;
        r.now = static_cast<state>(*rc::gen::inRange(0, ledger::state_count));
        r.why = *rc::gen::element(reason::none, reason::no_answer, reason::retry_later, reason::quiet_hours,
                                  reason::waiting_turn);
        r.attempts = *rc::gen::inRange<std::uint8_t>(0, 4);
        r.merged = *rc::gen::inRange<std::uint16_t>(0, 2);
        r.first_submitted = *rc::gen::element<std::uint32_t>(0, now - 1000, now - 100);
        r.at = *rc::gen::element<std::uint32_t>(0, 3, now - 10, now + 10, now + 60);
        if (r.now == state::submitting) r.at = *rc::gen::inRange<std::uint32_t>(0, 7); // an older epoch
        const auto d = decide(f, r);
        if (d.what != kind::leave) {
            RC_ASSERT(!settled(r));
            RC_ASSERT(rank(d.to) > rank(r)); // so that the log may be replayed in any order
        }
        if (d.what != kind::send) return;
        RC_ASSERT(f.via != channel::web && !d.address.empty());
        RC_ASSERT(f.public_policy && f.channel_enabled && !f.opted_out && !f.refused && f.subject &&
                  !f.unreadable);
        RC_ASSERT(!(f.via == channel::wechat && f.no_grant));
        RC_ASSERT(f.expires == 0 || now < f.expires);
        RC_ASSERT(!f.quiet_until || f.emergency);
        RC_ASSERT(r.now != state::held || (r.at <= now && !ledger::waits_its_turn(r)));
        RC_ASSERT(r.first_submitted != 0 || f.emergency || r.now == state::submitting ||
                  !f.sent.reached(f.cap, f.today) || r.why == reason::no_answer);
        RC_ASSERT(!in_doubt(r) || r.merged == 0); // by itself it would be another message
        RC_ASSERT(!in_doubt(r) || f.resend_in_doubt ||
                  (f.resend_within > 0 && now <= r.first_submitted + f.resend_within));
        RC_ASSERT(d.to.now == state::submitting && d.to.at == f.epoch && d.to.first_submitted != 0);
    }));
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

namespace {
std::string sms_text(const policy& p, std::uint16_t items) {
    return tests::text_of(package_words(p, items, today, "可拨12345核实"));
}
} // namespace

TEST(PackageText, SaysWhoWhatUntilWhenHowToVerifyAndHowToRefuse) {
    const auto text = sms_text(sample(), 1);
    EXPECT_TRUE(text.starts_with("【直达演示】宝山区科学技术委员会：")) << text;
    for (const char* part : {"高新技术企业认定奖励", "一次性奖励25万元", "2026-12-31截止", "可拨12345核实",
                             "拒收请回复R", "企业专属网页"})
        EXPECT_NE(text.find(part), std::string::npos) << part;
    EXPECT_EQ(text.find("http"), std::string::npos) << "a policy message carries no link";
    EXPECT_EQ(text.find("等2项"), std::string::npos);
    EXPECT_NE(sms_text(sample(), 3).find("等2项政策"), std::string::npos);
    EXPECT_NE(sms_text(sample(), 2), "") << "the second item alone";
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
    EXPECT_NE(sms_text(p, 1).find("政策已于2022-12-31失效"), std::string::npos);
    p.items[0].window.end = day_of("2022-06-30");
    EXPECT_EQ(said(), "已于2022-06-30截止");
}

TEST(PackageText, DoesNotSayWhetherTheRecipientQualifies) {
    const auto text = sms_text(sample(), 1);
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

TEST(Receipts, CarryTheFaultThatTheGatewaySaw) {
    const auto why = [](const char* fault, const char* status) {
        gateways::receipt r;
        r.gateway = "aliyun-1";
        r.message_id = "id";
        r.status = status;
        r.means = gateways::receipt::meaning::failed;
        r.recipient_fault = fault;
        auto data = parse_json(receipt_text(r)).value();
        data["place"] = store::to_text(store::message_place{7, "P.v1.r1", channel::sms, 42, 1, 1});
        std::vector<failure> errors;
        return record_of(read_receipt(data, errors).value()).why;
    };
    EXPECT_EQ(why("bad_number", "MOBILE_NOT_ON_SERVICE"), ledger::reason::bad_number);
    EXPECT_EQ(why("refused", "SP:0001"), ledger::reason::refused);
    EXPECT_EQ(why("", "MK:0001"), ledger::reason::undelivered)
        << "a code that means something in CMPP means nothing here";
}

TEST(Receipts, OfSeveralGatewaysAreTheirOwn) {
    EXPECT_EQ(gateways::scoped_message_id("sms", "00ff"), "00ff")
        << "as it was stored before there were several";
    EXPECT_EQ(gateways::scoped_message_id("aliyun-1", "00ff"), "aliyun-1/00ff");
    EXPECT_NE(gateways::scoped_message_id("a", "00ff"), gateways::scoped_message_id("b", "00ff"));
    EXPECT_EQ(message_store_of("sms"), "sms");
    EXPECT_EQ(message_store_of("aliyun-1"), "sms");
    EXPECT_EQ(message_store_of("wechat"), "wechat");
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
