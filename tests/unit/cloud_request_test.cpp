// What the clients of the clouds put on the wire and how they sign it, against the vendors' published vectors
// and requests of their own SDKs; and how they read answers.
#include "common/base/crypto.hpp"
#include "common/io/http_decode.hpp"
#include "services/gateways/aliyun_request.hpp"
#include "services/gateways/aliyun_sign.hpp"
#include "services/gateways/tencent_request.hpp"
#include "services/gateways/tencent_sign.hpp"
#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

json vectors(const char* which) {
    return tests::read_json_file(tests::in_source("tests/data/cloud_client_vectors.json")).at(which);
}
std::string text(const json& of, const char* member) {
    return of.at(member).get<std::string>();
}
std::map<std::string, std::string> without_question_mark(const std::string& target) {
    return io::decode_form(std::string_view(target).substr(target.find('?') + 1)).value();
}
std::string header(const cloud_call& c, const std::string& name) {
    for (const auto& [n, value] : c.headers)
        if (n == name) return value;
    return "";
}
wall_time at(const char* rfc3339) {
    wall_time t{};
    EXPECT_TRUE(parse_rfc3339(rfc3339, t));
    return t;
}

TEST(aliyun_sign, published_vector) {
    const auto v = vectors("acs3").at(0);
    aliyun::signable r;
    r.query = {{"ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"},
               {"RegionId", "cn-shanghai"}};
    r.body_sha256 = crypto::sha256_hex("");
    r.headers = {{"host", text(v, "host")},
                 {"x-acs-action", "RunInstances"},
                 {"x-acs-content-sha256", r.body_sha256},
                 {"x-acs-date", "2023-10-26T10:22:32Z"},
                 {"x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"},
                 {"x-acs-version", "2014-05-26"}};
    EXPECT_EQ(aliyun::canonical_request(r), text(v, "canonical_request"));
    EXPECT_EQ(crypto::sha256_hex(aliyun::canonical_request(r)), text(v, "hashed_canonical_request"));
    EXPECT_EQ(aliyun::signature(r, text(v, "AccessKeySecret")), text(v, "signature"));
    EXPECT_EQ(aliyun::authorization(r, text(v, "AccessKeyId"), text(v, "AccessKeySecret")),
              text(v, "authorization"));
}

TEST(aliyun_sign, requests_of_the_vendors_sdk) {
    int seen = 0;
    for (const auto& v : vectors("vendor_sdk_requests")) {
        if (!text(v, "id").starts_with("alicloud")) continue;
        ++seen;
        aliyun::signable r;
        r.query = without_question_mark(text(v, "url"));
        r.body_sha256 = crypto::sha256_hex(text(v, "body"));
        for (const auto& [name, value] : v.at("headers").items())
            if (name == "host" || name == "content-type" || name.starts_with("x-acs-"))
                r.headers[name] = value.get<std::string>();
        EXPECT_EQ(aliyun::canonical_request(r), text(v, "canonical_request"));
        EXPECT_EQ(aliyun::authorization(r, text(v, "key_id"), text(v, "secret")),
                  text(v.at("headers"), "authorization"));
    }
    EXPECT_EQ(seen, 2);
}

sms_body aliyun_body() {
    auto b = plain_body("【阿里云】张三");
    b.signature = "阿里云";
    b.template_ids = {{"aliyun", "SMS_154950909"}};
    b.variables = {{"name", "张三"}, {"n", "a b*c~"}};
    return b;
}

TEST(aliyun_request, send_sms_is_what_the_vectors_say) {
    const auto v = vectors("acs3").at(1);
    const auto c = aliyun::send_sms({"testid", "testsecret", "dysmsapi.aliyuncs.com"},
                                    {at("2024-01-01T00:00:00Z"), "0123456789abcdef0123456789abcdef"},
                                    aliyun_body(), "SMS_154950909", {"13900000000"}, "t-1");
    EXPECT_EQ(c.target, "/?" + text(v, "canonical_query"));
    EXPECT_TRUE(c.body.empty());
    EXPECT_TRUE(header(c, "authorization").ends_with("Signature=" + text(v, "signature")));
    EXPECT_EQ(header(c, "x-acs-date"), "2024-01-01T00:00:00Z");
    EXPECT_EQ(header(c, "x-acs-action"), "SendSms");
}

TEST(aliyun_request, a_batch_carries_its_messages_in_the_form) {
    auto first = aliyun_body(), second = first;
    first.variables = {{"a", "1"}};
    second.variables = {{"a", "2"}};
    const auto c =
        aliyun::send_batch_sms({"testid", "testsecret", "127.0.0.1:18099"}, {at("2026-11-23T04:55:39Z"), "x"},
                               "SMS_1", {{"13900000000", &first}, {"13900000001", &second}}, "t-2");
    EXPECT_EQ(c.target, "/?TemplateCode=SMS_1");
    for (const auto& v : vectors("vendor_sdk_requests")) {
        if (!text(v, "id").ends_with("SendBatchSms")) continue;
        auto sdk = *io::decode_form(text(v, "body"));
        sdk["OutId"] = "t-2";
        EXPECT_EQ(*io::decode_form(c.body), sdk);
    }
    EXPECT_EQ(header(c, "content-type"), "application/x-www-form-urlencoded");
    EXPECT_EQ(header(c, "x-acs-content-sha256"), crypto::sha256_hex(c.body));
}

TEST(aliyun_request, carries_the_extension_of_the_signature) {
    auto with = aliyun_body(), without = with;
    with.extension = "01";
    const aliyun::account a{"testid", "testsecret", "h"};
    const auto one = aliyun::send_sms(a, {{}, "x"}, with, "SMS_1", {"13800000001"}, "t");
    EXPECT_NE(one.target.find("&SmsUpExtendCode=01&"), std::string::npos);
    const auto batch = aliyun::send_batch_sms(a, {{}, "x"}, "SMS_1",
                                              {{"13800000001", &with}, {"13800000002", &without}}, "t");
    EXPECT_EQ(io::decode_form(batch.body)->at("SmsUpExtendCodeJson"), R"(["01",""])");
}

TEST(aliyun_request, a_thousand_numbers_fit_unless_the_text_is_long) {
    auto body = aliyun_body();
    std::vector<std::string> phones;
    for (std::size_t i = 0; i < aliyun::numbers_of_send_sms(body, "SMS_154950909"); ++i)
        phones.push_back("13800000001");
    EXPECT_GT(phones.size(), 950U);
    const auto c = aliyun::send_sms({"testid", "testsecret", "h"}, {{}, "x"}, body, "SMS_154950909", phones,
                                    std::string(34, 'z'));
    EXPECT_LE(c.target.size(), aliyun::most_target_bytes);
    body.variables = {{"name", std::string(100'000, 'x')}};
    EXPECT_EQ(aliyun::numbers_of_send_sms(body, "SMS_154950909"), 1U);
}

TEST(aliyun_request, a_query_names_one_number_and_one_day) {
    const auto c =
        aliyun::query_send_details({"testid", "testsecret", "h"}, {at("2026-11-23T16:30:00Z"), "x"},
                                   "13800000001", shanghai_day(at("2026-11-23T16:30:00Z")));
    EXPECT_EQ(c.target, "/?CurrentPage=1&PageSize=50&PhoneNumber=13800000001&SendDate=20261124");
}

TEST(aliyun_request, answers) {
    const auto good = aliyun::read_answer(
        R"({"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"F655A8D5"})");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->Code, "OK");
    EXPECT_EQ(good->BizId, "900619746936498440^0");
    // As the gateway in front answers, with HTTP 400.
    EXPECT_EQ(
        aliyun::read_answer(
            R"({"RequestId":"1","Message":"no","HostId":"dysmsapi.aliyuncs.com","Code":"Throttling.User"})")
            ->Code,
        "Throttling.User");
    for (const auto* bad : {"", "<html>", "[]", "{}", R"({"Code":1})", R"({"Code":""})", R"({"Code":"a b"})",
                            R"({"Code":"OK","Code":"OK"})", "{\"Code\":\"OK\",\"Message\":\"\xff\"}"})
        EXPECT_FALSE(aliyun::read_answer(bad)) << bad;
}

TEST(aliyun_request, details_of_a_number) {
    const auto d = aliyun::read_send_details(
        R"({"Code":"OK","TotalCount":"2","SmsSendDetailDTOs":{"SmsSendDetailDTO":[
            {"PhoneNum":"13800000001","SendStatus":3,"OutId":"a"},{"SendStatus":1}]}})");
    ASSERT_TRUE(d) << d.error().text();
    EXPECT_TRUE(d->whole);
    EXPECT_EQ(d->out_ids, (std::vector<std::string>{"a", ""}));
    // Seen in the field: a count without its entries. It says nothing of what is not there.
    EXPECT_FALSE(aliyun::read_send_details(
                     R"({"Code":"OK","TotalCount":2,"SmsSendDetailDTOs":{"SmsSendDetailDTO":[]}})")
                     ->whole);
    EXPECT_EQ(aliyun::read_send_details(R"({"Code":"isp.SYSTEM_ERROR"})")->head.Code, "isp.SYSTEM_ERROR");
    EXPECT_FALSE(aliyun::read_send_details(R"({"Code":"OK","TotalCount":0})"));
    EXPECT_FALSE(aliyun::read_send_details(R"({"Code":"OK","TotalCount":"x","SmsSendDetailDTOs":{}})"));
}

TEST(tencent_sign, published_and_computed_vectors) {
    for (const auto& v : vectors("tc3")) {
        tencent::signable r;
        const auto canonical = text(v, "canonical_request");
        const auto host = canonical.substr(canonical.find("host:") + 5);
        r.headers = {{"content-type", "application/json; charset=utf-8"},
                     {"host", host.substr(0, host.find('\n'))}};
        if (text(v, "signed_headers").ends_with("x-tc-action"))
            r.headers["x-tc-action"] = "DescribeInstances";
        r.service = text(v, "scope").find("/cvm/") != std::string::npos ? "cvm" : "sms";
        r.payload = text(v, "payload");
        r.timestamp = v.at("timestamp").get<std::int64_t>();
        EXPECT_EQ(tencent::canonical_request(r), canonical);
        EXPECT_EQ(tencent::string_to_sign(r), text(v, "string_to_sign"));
        EXPECT_EQ(tencent::signature(r, text(v, "SecretKey")), text(v, "signature"));
    }
}

TEST(tencent_sign, a_request_of_the_vendors_sdk) {
    for (const auto& v : vectors("vendor_sdk_requests")) {
        if (!text(v, "id").starts_with("tencent")) continue;
        tencent::signable r;
        r.service = "127"; // the first label of the host, which is signed without its port
        r.headers = {{"content-type", "application/json"}, {"host", "127.0.0.1"}};
        r.payload = text(v, "body");
        r.timestamp = std::stoll(text(v.at("headers"), "x-tc-timestamp"));
        EXPECT_EQ(tencent::authorization(r, text(v, "key_id"), text(v, "secret")),
                  text(v.at("headers"), "authorization"));
    }
}

TEST(tencent_request, send_sms) {
    auto body = plain_body("【腾讯云】12345");
    body.signature = "腾讯云";
    body.variables = {{"z", "12345"}, {"a", "2"}};
    const tencent::account a{"AKIDtest", "testsecret", "sms.tencentcloudapi.com", "ap-guangzhou",
                             "1400006666"};
    const auto c =
        tencent::send_sms(a, at("2026-11-23T04:55:39Z"), body, "1234", {"18511122233", "18511122234"});
    EXPECT_EQ(c.target, "/");
    EXPECT_EQ(parse_json(c.body).value(), parse_json(R"({"PhoneNumberSet":["+8618511122233","+8618511122234"],
        "SmsSdkAppId":"1400006666","TemplateId":"1234","SignName":"腾讯云","TemplateParamSet":["12345","2"]})")
                                              .value());
    body.extension = "01";
    EXPECT_EQ(
        parse_json(tencent::send_sms(a, {}, body, "1234", {"18511122233"}).body).value().at("ExtendCode"),
        "01");
    EXPECT_EQ(header(c, "x-tc-timestamp"), "1795409739");
    EXPECT_EQ(header(c, "x-tc-action"), "SendSms");
    EXPECT_EQ(header(c, "x-tc-version"), "2021-01-11");
    EXPECT_EQ(header(c, "x-tc-region"), "ap-guangzhou");
    EXPECT_TRUE(header(c, "authorization")
                    .starts_with("TC3-HMAC-SHA256 Credential=AKIDtest/2026-11-23/sms/tc3_request, "));
}

TEST(tencent_request, answers) {
    const auto good = tencent::read_answer(R"({"Response":{"SendStatusSet":[
        {"SerialNo":"5000:1","PhoneNumber":"+8618511122233","Fee":1,"SessionContext":"","Code":"Ok","Message":"send success","IsoCode":"CN"},
        {"SerialNo":"","PhoneNumber":"+8618511122234","Fee":0,"Code":"LimitExceeded.PhoneNumberDailyLimit","Message":"x"},
        {"SerialNo":"","PhoneNumber":5,"Code":"Ok"}, null],"RequestId":"a0aabda6"}})");
    ASSERT_TRUE(good) << good.error().text();
    ASSERT_EQ(good->sent_to.size(), 2U);
    EXPECT_EQ(good->sent_to[0].phone, "18511122233");
    EXPECT_EQ(good->sent_to[0].SerialNo, "5000:1");
    EXPECT_EQ(good->sent_to[1].Code, "LimitExceeded.PhoneNumberDailyLimit");
    EXPECT_EQ(good->unreadable, 2U);
    const auto refused = tencent::read_answer(
        R"({"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"no"},"RequestId":"1"}})");
    EXPECT_EQ(refused->Code, "AuthFailure.SignatureFailure");
    const auto pulled =
        tencent::read_answer(R"({"Response":{"PullSmsSendStatusSet":[{"SerialNo":"5000:1"}]}})");
    EXPECT_EQ(pulled->statuses.size(), 1U);
    for (const auto* bad : {"", "<html>", "[]", "{}", R"({"Response":[]})", R"({"Response":{}})",
                            R"({"Response":{"Error":{"Code":5}}})", R"({"Response":{"SendStatusSet":{}}})"})
        EXPECT_FALSE(tencent::read_answer(bad)) << bad;
}

TEST(cloud_call, the_host_is_that_of_the_address) {
    EXPECT_EQ(host_of("https://dysmsapi.aliyuncs.com"), "dysmsapi.aliyuncs.com");
    EXPECT_EQ(host_of("http://127.0.0.1:18099/"), "127.0.0.1:18099");
}

} // namespace
} // namespace zhida::gateways
