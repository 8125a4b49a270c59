// The vendors' published signatures and the requests of their own SDKs, held against the simulators' checks.
#include "services/simulator/acs3_check.hpp"
#include "services/simulator/tc3_check.hpp"
#include "tests/support/json_files.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace zhida::simulator {
namespace {

using namespace std::chrono_literals;

const json& vectors() {
    static const json all =
        tests::read_json_file(tests::in_source("tests/data/signed_requests.json")); // their sources are in it
    return all;
}

struct request {
    std::string method = "POST", target, body;
    std::map<std::string, std::string> headers;
    std::vector<access_key> keys;
    wall_time at{};

    signed_request view() const { return {method, target, headers, body}; }
    signature_verdict verdict() const { return verdict_at(at); }
    signature_verdict verdict_at(wall_time now) const {
        return headers.contains("x-acs-action") ? check_acs3(view(), keys, now)
                                                : check_tc3(view(), keys, now);
    }
};

wall_time moment(const std::string& text) {
    wall_time t{};
    EXPECT_TRUE(parse_rfc3339(text, t));
    return t;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

// The request that a canonical one (of POST) was made of.
request of_canonical(const std::string& canonical) {
    const auto all = lines(canonical);
    request r;
    r.target = all.at(1) + (all.at(2).empty() ? "" : "?" + all.at(2));
    for (std::size_t i = 3; !all.at(i).empty(); ++i)
        r.headers[all[i].substr(0, all[i].find(':'))] = all[i].substr(all[i].find(':') + 1);
    return r;
}

request of_acs3(const json& v) {
    auto r = of_canonical(v.at("canonical_request").get<std::string>());
    r.keys = {{v.at("AccessKeyId").get<std::string>(), v.at("AccessKeySecret").get<std::string>()}};
    r.at = moment(r.headers.at("x-acs-date"));
    std::string names;
    for (const auto& [name, unused] : r.headers) names += (names.empty() ? "" : ";") + name;
    r.headers["authorization"] = "ACS3-HMAC-SHA256 Credential=" + r.keys[0].id + ",SignedHeaders=" + names +
                                 ",Signature=" + v.at("signature").get<std::string>();
    if (v.contains("authorization")) EXPECT_EQ(json(r.headers["authorization"]), v.at("authorization"));
    return r;
}

request of_tc3(const json& v) {
    auto r = of_canonical(v.at("canonical_request").get<std::string>());
    r.keys = {{v.at("SecretId").get<std::string>(), v.at("SecretKey").get<std::string>()}};
    r.body = v.at("payload").get<std::string>();
    const auto timestamp = v.at("timestamp").get<std::int64_t>();
    r.at = wall_time(std::chrono::seconds(timestamp));
    r.headers["x-tc-timestamp"] = std::to_string(timestamp);
    r.headers["authorization"] = "TC3-HMAC-SHA256 Credential=" + r.keys[0].id + "/" +
                                 v.at("scope").get<std::string>() +
                                 ", SignedHeaders=" + v.at("signed_headers").get<std::string>() +
                                 ", Signature=" + v.at("signature").get<std::string>();
    return r;
}

request of_sdk(const json& v) {
    request r;
    r.method = v.at("method").get<std::string>();
    r.target = v.at("url").get<std::string>();
    r.body = v.at("body").get<std::string>();
    for (const auto& [name, value] : v.at("headers").items()) r.headers[name] = value.get<std::string>();
    r.keys = {{v.at("key_id").get<std::string>(), v.at("secret").get<std::string>()}};
    r.at = r.headers.contains("x-acs-date")
               ? moment(r.headers.at("x-acs-date"))
               : wall_time(std::chrono::seconds(std::stoll(r.headers.at("x-tc-timestamp"))));
    return r;
}

std::vector<std::pair<std::string, request>> all_requests() {
    std::vector<std::pair<std::string, request>> out;
    for (const auto& v : vectors().at("acs3")) out.emplace_back(v.at("id").get<std::string>(), of_acs3(v));
    for (const auto& v : vectors().at("tc3")) out.emplace_back(v.at("id").get<std::string>(), of_tc3(v));
    for (const auto& v : vectors().at("vendor_sdk_requests"))
        out.emplace_back(v.at("id").get<std::string>(), of_sdk(v));
    return out;
}

TEST(cloud_signature, published_vectors_and_the_vendors_sdks_are_accepted) {
    const auto all = all_requests();
    ASSERT_EQ(all.size(), 7U);
    for (const auto& [id, r] : all) {
        const auto v = r.verdict();
        EXPECT_TRUE(v.good()) << id << ": " << v.code << " " << v.message;
        EXPECT_EQ(v.key_id, r.keys[0].id) << id;
    }
}

// Flips the lowest bit of each byte in turn: that never yields another spelling of the same.
void each_byte_changed(const std::string& id, const std::string& what, std::string& text, request& r) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(text[i] ^ 1);
        EXPECT_FALSE(r.verdict().good()) << id << ": byte " << i << " of " << what << " is now " << text[i];
        text[i] = static_cast<char>(text[i] ^ 1);
    }
}

TEST(cloud_signature, any_changed_byte_is_refused) {
    for (auto [id, r] : all_requests()) {
        each_byte_changed(id, "the method", r.method, r);
        each_byte_changed(id, "the target", r.target, r);
        each_byte_changed(id, "the body", r.body, r);
        each_byte_changed(id, "the secret", r.keys[0].secret, r);
        const auto& header = r.headers.at("authorization");
        const auto algorithm = header.substr(0, header.find(' '));
        const auto given = parse_authorization(header, algorithm);
        ASSERT_TRUE(given) << id;
        auto names = given->signed_headers;
        names.emplace_back("authorization");
        if (algorithm == "TC3-HMAC-SHA256") names.emplace_back("x-tc-timestamp");
        // Tencent's SDK does not sign the port.
        if (algorithm == "TC3-HMAC-SHA256") {
            auto& host = r.headers.at("host");
            host = host.substr(0, host.find(':'));
            EXPECT_TRUE(r.verdict().good()) << id;
        }
        for (const auto& name : names) each_byte_changed(id, name, r.headers.at(name), r);
        r.body += ' ';
        EXPECT_FALSE(r.verdict().good()) << id;
    }
}

TEST(cloud_signature, an_authorization_is_read_strictly) {
    const auto read = [](const char* text) { return parse_authorization(text, "ACS3-HMAC-SHA256"); };
    const auto good = read("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;x-acs-date,Signature=ff");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->credential, "a");
    EXPECT_EQ(good->signed_headers, (std::vector<std::string>{"host", "x-acs-date"}));
    EXPECT_EQ(good->signature, "ff");
    EXPECT_TRUE(read("ACS3-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=ff"));
    for (const char* text :
         {"", "ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 ", "Basic abc", "ACS3-HMAC-SHA256  Credential=a",
          "TC3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,Signature=ff", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host",
          "ACS3-HMAC-SHA256 Credential=,SignedHeaders=host,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=host,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=x-b;host,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;host,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=Host,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host;,Signature=ff",
          "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=ff,",
          "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=ff,Extra=1"})
        EXPECT_FALSE(read(text)) << text;
}

TEST(acs3_check, the_query_is_signed_as_rfc_3986_writes_it) {
    EXPECT_EQ(acs3_canonical_query(""), "");
    EXPECT_EQ(acs3_canonical_query("b=2&a=1"), "a=1&b=2");
    EXPECT_EQ(acs3_canonical_query("P=a%20b*c~&Q=a+b"), "P=a%20b%2Ac~&Q=a%20b");
    EXPECT_EQ(acs3_canonical_query("P=%2a%7e%e4%b8%ad"), "P=%2A~%E4%B8%AD");
    EXPECT_EQ(acs3_canonical_query("a&b="), "a=&b=");
    EXPECT_EQ(acs3_canonical_query("a=1&&b=x=y"), "a=1&b=x%3Dy");
    EXPECT_FALSE(acs3_canonical_query("a=%4"));
    EXPECT_FALSE(acs3_canonical_query("a=%zz"));
}

TEST(acs3_check, each_refusal_has_its_code) {
    const auto good = of_sdk(vectors().at("vendor_sdk_requests").at(0));
    const auto code = [](const request& r) { return r.verdict().code; };
    auto r = good;
    r.keys[0].secret = "other";
    EXPECT_EQ(code(r), "SignatureDoesNotMatch");
    EXPECT_EQ(r.verdict().status, 400);
    EXPECT_NE(r.verdict().message.find("x-acs-action:SendSms"), std::string::npos); // what the server signs
    r = good;
    r.keys[0].id = "somebody";
    EXPECT_EQ(code(r), "InvalidAccessKeyId.NotFound");
    EXPECT_EQ(r.verdict().status, 404);
    r = good;
    EXPECT_TRUE(r.verdict_at(r.at + 15min).good());
    EXPECT_TRUE(r.verdict_at(r.at - 15min).good());
    EXPECT_EQ(r.verdict_at(r.at + 15min + 1ms).code, "InvalidTimeStamp.Expired");
    EXPECT_EQ(r.verdict_at(r.at - 15min - 1ms).code, "InvalidTimeStamp.Expired");
    r.headers["x-acs-date"] = "2026-11-23T04:55:39+08:00";
    EXPECT_EQ(code(r), "InvalidTimeStamp.Format");
    r = good;
    r.headers.erase("x-acs-signature-nonce");
    EXPECT_EQ(code(r), "MissingSignatureNonce");
    r = good;
    r.headers.erase("authorization");
    EXPECT_EQ(code(r), "IncompleteSignature");
    r = good;
    r.headers["x-acs-security-token"] = "not signed";
    EXPECT_EQ(code(r), "IncompleteSignature");
    r = good;
    r.headers["x-acs-content-sha256"] = std::string(64, '0');
    EXPECT_EQ(code(r), "SignatureDoesNotMatch");
    r = good;
    r.headers["user-agent"] = "another"; // nobody signs it
    EXPECT_TRUE(r.verdict().good());
}

TEST(acs3_check, a_nonce_is_good_for_one_request) {
    nonce_memory m;
    const wall_time t{1'790'000'000'000ms};
    EXPECT_TRUE(m.use("a", "n1", t));
    EXPECT_FALSE(m.use("a", "n1", t + 1min));
    EXPECT_TRUE(m.use("b", "n1", t)); // another account's
    EXPECT_TRUE(m.use("a", "n2", t));
    EXPECT_FALSE(m.use("a", "n1", t + 30min));      // its date may have been fast
    EXPECT_TRUE(m.use("a", "n1", t + 30min + 1ms)); // by now the date is refused
}

TEST(tc3_check, each_refusal_has_its_code) {
    const auto good = of_sdk(vectors().at("vendor_sdk_requests").at(2));
    const auto code = [](const request& r) { return r.verdict().code; };
    auto r = good;
    r.keys[0].secret = "other";
    EXPECT_EQ(code(r), "AuthFailure.SignatureFailure");
    EXPECT_EQ(r.verdict().status, 200);
    r = good;
    r.keys[0].id = "somebody";
    EXPECT_EQ(code(r), "AuthFailure.SecretIdNotFound");
    r = good;
    EXPECT_TRUE(r.verdict_at(r.at + 5min).good());
    EXPECT_TRUE(r.verdict_at(r.at - 5min).good());
    EXPECT_EQ(r.verdict_at(r.at + 5min + 1ms).code, "AuthFailure.SignatureExpire");
    EXPECT_EQ(r.verdict_at(r.at - 5min - 1ms).code, "AuthFailure.SignatureExpire");
    EXPECT_EQ(r.verdict_at(r.at + 10min).code, "AuthFailure.SignatureExpire");
    EXPECT_EQ(r.verdict_at(r.at - 10min).code, "AuthFailure.SignatureExpire");
    EXPECT_EQ(r.verdict_at(r.at + 10min + 1ms).code, "InternalError.RequestTimeException");
    EXPECT_EQ(r.verdict_at(r.at - 10min - 1ms).code, "InternalError.RequestTimeException");
    r.headers["x-tc-timestamp"] = "soon";
    EXPECT_EQ(code(r), "InvalidParameter");
    r = good;
    r.headers["authorization"] = "TC3-HMAC-SHA256 Credential=AKIDtest/2026-11-23/tc3_request, "
                                 "SignedHeaders=content-type;host, Signature=00";
    EXPECT_EQ(code(r), "AuthFailure.InvalidAuthorization");
    r.headers["authorization"] = "TC3-HMAC-SHA256 Credential=AKIDtest/2026-11-23/sms/tc3_request, "
                                 "SignedHeaders=host, Signature=00";
    EXPECT_EQ(code(r), "AuthFailure.InvalidAuthorization");
}

} // namespace
} // namespace zhida::simulator
