#include "services/matcher/audience.hpp"
#include "services/matcher/policy_log.hpp"

#include "common/model/cloud_event.hpp"
#include "tests/support/folders.hpp"

#include <gtest/gtest.h>

namespace zhida::matcher {
namespace {

const matching::catalogue& catalogue() {
    static const auto loaded = matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value();
    return loaded;
}

json document(int version, const char* eligibility, const char* title = "制造业支持") {
    return {{"schema", "zhida.policy/1"},
            {"id", "T-1"},
            {"version", version},
            {"title", title},
            {"issuer", "宝山区经济委员会"},
            {"level", "区"},
            {"region", "310113"},
            {"disclosure", "主动公开"},
            {"items", json::array({{{"id", "1"},
                                    {"title", "事项"},
                                    {"subject", "enterprise"},
                                    {"eligibility", json::parse(eligibility)},
                                    {"benefit", "补贴"},
                                    {"mode", "申请享受"}}})}};
}

constexpr auto manufacturing = R"({"op":"like","args":[{"property":"ent.industry"},"C%"]})";
constexpr auto manual_too =
    R"({"op":"and","args":[{"op":"like","args":[{"property":"ent.industry"},"C%"]},{"op":"manual","args":["须核对"]}]})";

io::log_record event_of(const json& doc, std::int64_t offset,
                        const char* type = event_type::policy_published) {
    cloud_event e;
    e.id = "e" + std::to_string(offset);
    e.source = "/test";
    e.type = type;
    e.time = "1969-01-01T00:00:00Z";
    e.data = doc;
    auto encoded = encode_event(e);
    io::log_record r;
    r.topic = "zhida.policy";
    r.offset = offset;
    r.timestamp_ms = 1'780'000'000'000;
    r.value = encoded.value;
    r.headers = encoded.headers;
    return r;
}

std::string subject(const char* industry, subject_type type = subject_type::enterprise) {
    profile p;
    p.id = "S";
    p.type = type;
    p.name = "合成";
    if (industry) {
        const auto* a = catalogue().find("ent.industry");
        p.attributes.set(a->number, catalogue().encode(*a, json(industry)).value());
    }
    return pack_profile(p, 0, {});
}

struct selected : shard_audience {
    std::size_t unreadable = 0;
};

selected audience_of(const char* eligibility, push_reach reach) {
    std::vector<failure> errors;
    auto checked = matching::check_policy(document(1, eligibility), catalogue(), errors).value();
    checked.document.reach = reach;
    const row_layouts layouts(catalogue());
    shard_rows rows(layouts);
    selected out;
    out.unreadable = rows.load({subject("C3911"), subject("F5111"), subject(nullptr),
                                subject(nullptr, subject_type::resident), "damaged", ""});
    matching::scan_space space;
    static_cast<shard_audience&>(out) = select_audience(
        checked.document, plans_of(checked.document, checked.conditions, layouts, 20000), rows, space);
    return out;
}

TEST(shard_rows, follow_a_subject_that_changes_its_type_and_its_region) {
    const row_layouts layouts(catalogue());
    shard_rows rows(layouts);
    EXPECT_EQ(rows.load({subject("C3911"), "", subject("F5111")}), 0U);
    rows.put(1, subject_type::resident, {}, reachable_by::phone);
    rows.put(2, subject_type::resident, {}, 0);
    rows.put(7, subject_type::enterprise, {}, reachable_by::openid);
    EXPECT_EQ(rows.of(subject_type::enterprise).rows(), 3U);
    EXPECT_TRUE(rows.of(subject_type::enterprise).present(0));
    EXPECT_FALSE(rows.of(subject_type::enterprise).present(1)) << "it is a resident now";
    EXPECT_EQ(rows.ordinal_of(subject_type::enterprise, 2), 7U);
    EXPECT_EQ(rows.ordinal_of(subject_type::resident, 0), 1U);
    EXPECT_EQ(rows.ordinal_of(subject_type::resident, 1), 2U);
    EXPECT_EQ(rows.phones(subject_type::resident), std::vector<std::uint64_t>{1});
    EXPECT_EQ(rows.openids(subject_type::resident), std::vector<std::uint64_t>{0});
    EXPECT_EQ(rows.openids(subject_type::enterprise), std::vector<std::uint64_t>{4});
    EXPECT_GT(rows.disorder(), 0.5);
}

TEST(select_audience, takes_those_who_qualify_and_counts_the_others) {
    const auto a = audience_of(manufacturing, push_reach::decided);
    ASSERT_EQ(a.members.size(), 1U);
    EXPECT_EQ(a.members[0].ordinal, 0U);
    EXPECT_EQ(a.members[0].items, 1);
    EXPECT_EQ(a.verdicts.at("0:eligible"), 1);
    EXPECT_EQ(a.verdicts.at("0:possible"), 1) << "the one whose industry is not known";
    EXPECT_EQ(a.unreadable, 1);
}

TEST(select_audience, reaches_as_far_as_the_policy_says) {
    EXPECT_EQ(audience_of(manufacturing, push_reach::possible).members.size(), 2U);
    EXPECT_EQ(audience_of(manual_too, push_reach::eligible).members.size(), 0U)
        << "a manual condition is open";
    EXPECT_EQ(audience_of(manual_too, push_reach::decided).members.size(), 1U) << "and only that";
    EXPECT_EQ(audience_of(manual_too, push_reach::possible).members.size(), 2U);
}

TEST(policy_log, takes_the_time_of_the_event_where_the_record_has_none) {
    policy_log log(catalogue());
    auto timeless = event_of(document(1, manufacturing), 0);
    timeless.timestamp_ms = -1;
    log.add(timeless);
    for (auto& [name, value] : timeless.headers)
        if (name == "ce_time") value = "2026-11-24T08:00:00+08:00";
    timeless.offset = 1;
    log.add(timeless);
    EXPECT_FALSE(log.events()[0].checked);
    ASSERT_TRUE(log.events()[1].checked);
    EXPECT_EQ(log.events()[1].record.timestamp_ms, 1'795'478'400'000);
}

TEST(policy_log, checks_every_event_and_keeps_its_reason) {
    policy_log log(catalogue());
    log.add(event_of(document(2, manufacturing), 0));
    log.add(event_of(document(2, manufacturing), 1));
    log.add(event_of(document(2, manufacturing, "另一个标题"), 2));
    log.add(event_of(document(1, manufacturing), 3));
    log.add(event_of(document(3, R"({"op":"like","args":[{"property":"ent.industri"},"C%"]})"), 4));
    log.add(event_of(document(3, manufacturing), 5, "cn.example.other"));
    io::log_record bare;
    bare.offset = 6;
    bare.value = "{}";
    log.add(bare);
    log.add(event_of(document(3, manufacturing), 9));
    const auto& e = log.events();
    ASSERT_EQ(e.size(), 8U);
    EXPECT_TRUE(e[0].checked && !e[0].repeated);
    EXPECT_TRUE(e[1].checked && e[1].repeated) << "the same again";
    EXPECT_FALSE(e[2].checked) << "the same version with other content";
    EXPECT_EQ(e[2].errors.at(0).code, errc::conflict);
    EXPECT_FALSE(e[3].checked) << "an older version after a newer one";
    EXPECT_FALSE(e[4].checked);
    EXPECT_NE(e[4].errors.at(0).text().find("ent.industry"), std::string::npos) << "says what is near";
    EXPECT_FALSE(e[5].checked);
    EXPECT_FALSE(e[6].checked);
    EXPECT_TRUE(e[7].checked);
    EXPECT_EQ(log.from(7), 7U);
    EXPECT_EQ(log.from(0), 0U);
    EXPECT_EQ(log.end(), 10);
}

} // namespace
} // namespace zhida::matcher
