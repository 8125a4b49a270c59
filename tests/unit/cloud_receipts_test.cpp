// Receipts of the clouds: the published pushes, and what people who know the address may post.
#include "services/gateways/cloud_receipts.hpp"
#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>

#include <set>

namespace zhida::gateways {
namespace {

const wall_time now{milliseconds(1'795'409'739'000)};
const std::string out_id = "zd0123456789abcdef0123456789abcdef";

cloud_receipts aliyun(const std::string& body) {
    return read_aliyun_receipts(body, "sms", "testsecret", now).value();
}
cloud_receipts tencent(const std::string& body) {
    return read_tencent_receipts(body, "sms", now).value();
}
json published() {
    return tests::read_json_file(tests::in_source("tests/data/cloud_client_vectors.json"))
        .at("sms_callbacks");
}
json entry(const char* vendor) {
    for (const json all = published(); const auto& v : all)
        if (v.at("vendor") == vendor) return v.at("request").at(0);
    return nullptr;
}
json aliyun_entry() {
    auto e = entry("aliyun");
    e["phone_number"] = "13800000001";
    e["out_id"] = out_id;
    return e;
}
json tencent_entry() {
    auto e = entry("tencent");
    e["mobile"] = "13800000001";
    e["sid"] = "5000:1045710669157053657849499619";
    return e;
}

TEST(aliyun_receipts, the_published_push) {
    const auto got = aliyun(to_text(json::array({aliyun_entry()})));
    ASSERT_EQ(got.receipts.size(), 1U);
    EXPECT_TRUE(got.wrong.empty());
    const auto& r = got.receipts[0];
    EXPECT_EQ(r.gateway, "sms");
    EXPECT_EQ(r.message_id, aliyun_message_id(out_id, "+8613800000001", "testsecret"));
    EXPECT_EQ(r.phone, "13800000001");
    EXPECT_EQ(r.status, "DELIVERED");
    EXPECT_EQ(r.means, receipt::meaning::delivered);
    EXPECT_EQ(to_rfc3339(r.at), "2017-01-01T00:00:00.000+08:00");
    // With the vendor's own masks it names nobody.
    EXPECT_EQ(aliyun(to_text(json::array({entry("aliyun")}))).wrong.size(), 1U);
}

TEST(aliyun_receipts, one_number_of_a_request_is_told_from_another) {
    EXPECT_NE(aliyun_message_id(out_id, "13800000001", "s"), aliyun_message_id(out_id, "13800000002", "s"));
    EXPECT_NE(aliyun_message_id(out_id, "13800000001", "s"), aliyun_message_id(out_id, "13800000001", "t"));
    EXPECT_EQ(aliyun_message_id(out_id, "13800000001", "s").size(), 34U + 1 + 16);
    EXPECT_NE(new_out_id(), new_out_id());
}

TEST(aliyun_receipts, without_an_id_of_ours_it_is_known_by_the_vendors) {
    auto e = aliyun_entry();
    e["out_id"] = "somebody-else";
    e["biz_id"] = "900619746936498440^0";
    EXPECT_EQ(aliyun(to_text(json::array({e}))).receipts[0].message_id,
              aliyun_message_id("900619746936498440^0", "13800000001", "testsecret"));
}

TEST(aliyun_receipts, what_failed_says_whose_fault_it_is) {
    auto e = aliyun_entry();
    e["success"] = false;
    for (const auto& [code, fault] :
         {std::pair("MOBILE_IN_BLACK", "refused"), std::pair("INVALID_NUMBER", "bad_number"),
          std::pair("MK:0001", "bad_number"), std::pair("SP_UNKNOWN_ERROR", ""), std::pair("", "")}) {
        e["err_code"] = code;
        const auto got = aliyun(to_text(json::array({e})));
        ASSERT_EQ(got.receipts.size(), 1U) << code;
        EXPECT_EQ(got.receipts[0].means, receipt::meaning::failed) << code;
        EXPECT_EQ(got.receipts[0].recipient_fault, fault) << code;
        EXPECT_FALSE(got.receipts[0].status.empty());
    }
}

TEST(tencent_receipts, the_published_push) {
    const auto got = tencent(to_text(json::array({tencent_entry()})));
    ASSERT_EQ(got.receipts.size(), 1U);
    const auto& r = got.receipts[0];
    EXPECT_EQ(r.message_id, "5000:1045710669157053657849499619");
    EXPECT_EQ(r.phone, "13800000001");
    EXPECT_EQ(r.status, "DELIVRD");
    EXPECT_EQ(r.means, receipt::meaning::delivered);
    EXPECT_EQ(to_rfc3339(r.at), "2015-10-17T08:03:04.000+08:00");
}

TEST(tencent_receipts, a_failure_has_the_networks_code) {
    auto e = tencent_entry();
    e["report_status"] = "FAIL";
    e["errmsg"] = "DB:0141";
    e["user_receive_time"] = "";
    const auto r = tencent(to_text(json::array({e}))).receipts.at(0);
    EXPECT_EQ(r.means, receipt::meaning::failed);
    EXPECT_EQ(r.recipient_fault, "refused");
    EXPECT_EQ(r.at, now);
}

TEST(tencent_receipts, pulled_ones_have_other_names) {
    const auto statuses = parse_json(R"([{"Description":"DELIVRD","CountryCode":"86",
        "SubscriberNumber":"13800000001","ReportStatus":"SUCCESS","PhoneNumber":"+8613800000001",
        "SerialNo":"5000:7","UserReceiveTime":1620734188,"SessionContext":""},
        {"ReportStatus":"FAIL","SerialNo":""}])")
                              .value();
    const auto got = read_pulled_receipts(statuses, "cloud", now);
    ASSERT_EQ(got.receipts.size(), 1U);
    EXPECT_EQ(got.receipts[0].gateway, "cloud");
    EXPECT_EQ(got.receipts[0].message_id, "5000:7");
    EXPECT_EQ(got.receipts[0].phone, "13800000001");
    EXPECT_EQ(got.receipts[0].at.time_since_epoch().count(), 1'620'734'188'000);
    ASSERT_EQ(got.wrong.size(), 1U);
    EXPECT_EQ(got.wrong[0].where, "/1/SerialNo");
}

TEST(cloud_receipts, one_bad_entry_does_not_take_the_good_ones_with_it) {
    for (const bool of_aliyun : {true, false}) {
        const auto good = of_aliyun ? aliyun_entry() : tencent_entry();
        const std::vector<std::pair<const char*, json>> changes =
            of_aliyun ? std::vector<std::pair<const char*, json>>{{"phone_number", "one two three"},
                                                                  {"phone_number", 13800000001},
                                                                  {"success", "perhaps"},
                                                                  {"success", nullptr},
                                                                  {"biz_id", std::string(100'000, 'x')}}
                      : std::vector<std::pair<const char*, json>>{{"mobile", "+86abcdefg"},
                                                                  {"report_status", 5},
                                                                  {"sid", ""},
                                                                  {"sid", std::string(129, 'x')}};
        for (const auto& [member, value] : changes) {
            auto bad = good;
            bad[member] = value;
            const auto body = to_text(json::array({good, bad, nullptr, good}));
            const auto got = of_aliyun ? aliyun(body) : tencent(body);
            EXPECT_EQ(got.receipts.size(), 2U) << member;
            ASSERT_EQ(got.wrong.size(), 2U) << member;
            EXPECT_EQ(got.wrong[0].where, std::string("/1/") + member);
            EXPECT_EQ(got.wrong[1].where, "/2");
        }
    }
}

// What only helps must not cost the receipt.
TEST(cloud_receipts, odd_members_that_nothing_rests_on_are_let_be) {
    const auto of = [](json entry, const char* member, const json& odd, bool of_aliyun) {
        entry[member] = odd;
        const auto got =
            of_aliyun ? aliyun(to_text(json::array({entry}))) : tencent(to_text(json::array({entry})));
        EXPECT_TRUE(got.wrong.empty()) << member;
        EXPECT_LE(got.receipts.at(0).status.size(), 64U);
    };
    for (const auto& odd : {json(nullptr), json(5.5), json(std::string(2000, 'x')), json::array()}) {
        for (const char* member : {"err_code", "out_id", "report_time", "err_msg"})
            of(aliyun_entry(), member, odd, true);
        for (const char* member : {"errmsg", "description", "user_receive_time"})
            of(tencent_entry(), member, odd, false);
    }
}

TEST(tencent_receipts, a_status_that_is_neither_is_none) {
    auto e = tencent_entry();
    e["report_status"] = "MAYBE";
    EXPECT_EQ(tencent(to_text(json::array({e}))).wrong.at(0).where, "/0");
    e.erase("report_status");
    EXPECT_EQ(tencent(to_text(json::array({e}))).wrong.size(), 1U);
}

TEST(cloud_receipts, what_is_no_array_is_nothing) {
    for (const std::string body : {"", "{}", "null", "[", "<xml/>", "[{\"a\":1,\"a\":2}]"}) {
        EXPECT_FALSE(read_aliyun_receipts(body, "sms", "s", now)) << body;
        EXPECT_FALSE(read_tencent_receipts(body, "sms", now)) << body;
    }
    EXPECT_FALSE(read_tencent_receipts("[" + std::string(2 << 20, ' ') + "]", "sms", now));
    std::string many = "[1";
    for (int i = 0; i < 10'000; ++i) many += ",1";
    EXPECT_FALSE(read_tencent_receipts(many + "]", "sms", now));
    EXPECT_TRUE(tencent("[]").receipts.empty());
}

TEST(cloud_receipts, the_answers_are_those_that_are_published) {
    for (const json all = published(); const auto& v : all)
        EXPECT_EQ(parse_json(v.at("vendor") == "aliyun" ? aliyun_push_answer.kept : tencent_push_answer.kept)
                      .value(),
                  v.at("response"));
}

} // namespace
} // namespace zhida::gateways
