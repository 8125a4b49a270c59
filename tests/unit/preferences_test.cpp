#include "common/model/consent_change.hpp"
#include "common/model/preferences.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace zhida {
namespace {

using ledger::reason;

preferences some() {
    preferences p;
    p.untargeted = true;
    p.channels = 1U << static_cast<int>(channel::sms);
    p.themes = {"养老", "就业/稳岗"};
    p.order = {channel::wechat, channel::web};
    p.at_ms = 1'780'000'000'000;
    return p;
}

TEST(preferences, refuse_by_channel_and_by_whole_parts_of_a_theme) {
    preferences p;
    EXPECT_EQ(refuses(p, channel::sms, "就业"), std::nullopt);
    p.channels = 1U << static_cast<int>(channel::sms);
    EXPECT_EQ(refuses(p, channel::sms, ""), reason::refused_channel);
    EXPECT_EQ(refuses(p, channel::wechat, ""), std::nullopt);
    p.themes = {"就业"};
    EXPECT_EQ(refuses(p, channel::wechat, "就业"), reason::refused_theme);
    EXPECT_EQ(refuses(p, channel::wechat, "就业/稳岗"), reason::refused_theme);
    EXPECT_EQ(refuses(p, channel::wechat, "就业创业"), std::nullopt);
    EXPECT_EQ(refuses(p, channel::wechat, "稳岗/就业"), std::nullopt);
    EXPECT_EQ(refuses(p, channel::wechat, ""), std::nullopt);
    p.all_messages = true;
    EXPECT_EQ(refuses(p, channel::wechat, ""), reason::opted_out);
}

TEST(preferences, only_who_is_not_targeted_gets_nothing_on_the_web) {
    preferences p;
    p.all_messages = true;
    p.channels = ~0U;
    p.themes = {"就业"};
    EXPECT_EQ(refuses(p, channel::web, "就业"), std::nullopt);
    p = {};
    p.untargeted = true;
    for (const auto via : {channel::web, channel::sms, channel::wechat})
        EXPECT_EQ(refuses(p, via, ""), reason::not_targeted);
}

TEST(preferences, what_is_stored_is_short_and_says_untargeted_in_its_second_character) {
    EXPECT_EQ(encode({}), "1-- 0 - 0");
    EXPECT_EQ(encode(some()), "1u- 2 20 1780000000000\n养老\n就业/稳岗");
    EXPECT_EQ(decode_preferences(encode(some())).value(), some());
}

TEST(preferences, what_we_never_wrote_is_not_read) {
    for (const char* text : {"",
                             "1",
                             "1--",
                             "2-- 0 - 0",
                             "1-- 0 - 0\n",
                             "1-- 00 - 0",
                             "1-- 1 - 0",
                             "1-- 8 - 0",
                             "1-- 0  0",
                             "1-- 0 3 0",
                             "1-- 0 11 0",
                             "1-- 0 - -1",
                             "1-- 0 - 9999999999999",
                             "1u 0 - 0",
                             "1x- 0 - 0",
                             "1-- 0 - 0\n就业\n养老",
                             "1-- 0 - 0\n养老\n养老",
                             "1-- 0 - 0\n/养老",
                             "1-- 0 - 0\n养老/",
                             "1-- 0 - 0\n\x01",
                             "1-- 0 - 0\n\xff",
                             "1-- 0 - 0 0"})
        EXPECT_FALSE(decode_preferences(text)) << text;
    std::string many = "1-- 0 - 0";
    for (char c = 'A'; c <= 'A' + 32; ++c) many += std::string("\n") + c;
    EXPECT_FALSE(decode_preferences(many)) << "33 themes";
    EXPECT_TRUE(decode_preferences(many.substr(0, many.size() - 2)));
    EXPECT_FALSE(decode_preferences("1-- 0 - 0\n" + std::string(101, 'x')));
    EXPECT_FALSE(decode_preferences(std::string(1 << 20, 'x')));
}

preferences any_preferences() {
    preferences p;
    p.all_messages = *rc::gen::arbitrary<bool>();
    p.untargeted = *rc::gen::arbitrary<bool>();
    p.channels = *rc::gen::element(0U, 2U, 4U, 6U);
    p.order = *rc::gen::element(std::vector<channel>{}, std::vector<channel>{channel::sms},
                                std::vector<channel>{channel::wechat, channel::sms, channel::web});
    for (const char* theme : {"A", "A/B", "就业", "就业/稳岗", "科技 创新"})
        if (*rc::gen::arbitrary<bool>()) p.themes.emplace_back(theme);
    p.at_ms = *rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000);
    return p;
}

RC_GTEST_PROP(preferences, come_back_from_the_store_and_from_documents, ()) {
    const auto p = any_preferences();
    RC_ASSERT(decode_preferences(encode(p)).value() == p);
    std::vector<failure> errors;
    auto read = read_preferences(to_document(p), "", errors).value();
    read.at_ms = p.at_ms;
    RC_ASSERT(read == p);
}

TEST(preferences, a_document_may_leave_everything_out) {
    std::vector<failure> errors;
    EXPECT_TRUE(read_preferences(json::object(), "", errors)->nothing_said());
    EXPECT_TRUE(errors.empty());
    const json twice = {{"refused_themes", {"就业", "养老", "就业"}}};
    EXPECT_EQ(read_preferences(twice, "", errors)->themes.size(), 2U);
}

TEST(preferences, every_error_of_a_document_has_its_pointer) {
    const json wrong = {{"all_messages", "yes"},
                        {"refused_channels", {"sms", "fax", 7}},
                        {"preferred_channels", {"web", "web"}},
                        {"refused_themes", {"就业", "", "/就业", 5, "a\nb"}},
                        {"theme", "就业"}};
    std::vector<failure> errors;
    EXPECT_FALSE(read_preferences(wrong, "", errors));
    std::multiset<std::string> where;
    for (const auto& e : errors) where.insert(e.where);
    EXPECT_EQ(where,
              (std::multiset<std::string>{"/all_messages", "/refused_channels/1", "/refused_channels/2",
                                          "/preferred_channels/1", "/refused_themes/1", "/refused_themes/2",
                                          "/refused_themes/3", "/refused_themes/4", "/theme"}));
    errors.clear();
    const json unfit = {{"refused_channels", {"sms", "web", "sms"}}};
    EXPECT_FALSE(read_preferences(unfit, "/preferences", errors));
    ASSERT_EQ(errors.size(), 2U);
    EXPECT_EQ(errors[0].where, "/preferences/refused_channels/1") << "the web inbox cannot be refused";
    EXPECT_EQ(errors[1].where, "/preferences/refused_channels/2");
    errors.clear();
    EXPECT_FALSE(read_preferences({{"refused_themes", std::vector<std::string>(33, "x")}}, "", errors));
    EXPECT_FALSE(read_preferences("no", "", errors));
}

TEST(consent_change, comes_back_from_its_event) {
    consent_change c{consent_kind::preferences, "91310113HCG34RNH0J", some(), 1'780'000'000'000};
    EXPECT_EQ(read_consent_change(to_event(c)).value(), c);
    for (const auto kind : {consent_kind::opt_out, consent_kind::opt_in, consent_kind::refuse}) {
        c = {kind, "R00000000000000053", {}, 5};
        EXPECT_EQ(read_consent_change(to_event(c)).value(), c);
    }
    for (const auto kind : {consent_kind::number_out, consent_kind::number_in}) {
        c = {kind, std::string(32, 'a'), {}, 5};
        EXPECT_EQ(read_consent_change(to_event(c)).value(), c);
    }
    EXPECT_FALSE(to_event(c).data.contains("by")) << "as events were before they told it";
    c.by = {"热线", "operator"};
    EXPECT_EQ(read_consent_change(to_event(c)).value(), c);
}

TEST(consent_change, a_wrong_event_says_what_is_wrong) {
    const auto refused = [](json data, const std::string& where) {
        cloud_event e = to_event({consent_kind::opt_out, "R1", {}, 5});
        e.data.update(data);
        const auto read = read_consent_change(e);
        return !read && read.error().where == where;
    };
    EXPECT_TRUE(refused({{"kind", "forget"}}, "/kind"));
    EXPECT_TRUE(refused({{"subject", "no such id!"}}, "/subject"));
    EXPECT_TRUE(refused({{"at_ms", -1}}, "/at_ms"));
    EXPECT_TRUE(refused({{"kind", "number_out"}}, "/number"));
    EXPECT_TRUE(refused({{"kind", "number_out"}, {"number", "13800000000"}}, "/number"));
    EXPECT_TRUE(refused({{"kind", "preferences"}}, "/preferences"));
    EXPECT_TRUE(
        refused({{"kind", "preferences"}, {"preferences", {{"untargeted", 1}}}}, "/preferences/untargeted"));
    EXPECT_TRUE(refused({{"by", "热线"}}, "/by"));
    EXPECT_TRUE(refused({{"by", {{"name", "热线"}}}}, "/by/role"));
    cloud_event other = to_event({consent_kind::opt_out, "R1", {}, 5});
    other.type = event_type::policy_published;
    EXPECT_EQ(read_consent_change(other).error().where, "ce_type");
}

} // namespace
} // namespace zhida
