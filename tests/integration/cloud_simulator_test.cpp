// The simulated SMS clouds over loopback: requests signed here, receipts taken by a server of the test.
#include "common/base/crypto.hpp"
#include "common/io/http_client.hpp"
#include "common/io/http_decode.hpp"
#include "services/gateways/cloud_replies.hpp"
#include "services/simulator/acs3_check.hpp"
#include "tests/support/gateways.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace zhida::simulator {
namespace {

using namespace std::chrono_literals;

using fields = std::vector<std::pair<std::string, std::string>>;

struct clouds : testing::Test {
    tests::simulated all;
    std::unique_ptr<io::http_client> client;
    std::string host;
    int nonces = 0;
    // What the receipts' address got, request by request, and what it answers.
    std::unique_ptr<io::http_server> portal;
    bool portal_ended = false;
    std::vector<std::pair<std::string, json>> posted; // path, receipts
    std::vector<std::string> answers;                 // in turn; then the right one

    clouds() {
        auto& ali = all.sms.gateways["ali"];
        ali.name = "ali";
        ali.protocol = "aliyun";
        ali.access_key = "testid";
        ali.secret = "testsecret";
        ali.callback_secret = "0123456789abcdef";
        auto& tencent = all.sms.gateways["tc"];
        tencent.name = "tc";
        tencent.protocol = "tencent";
        tencent.access_key = "AKIDtest";
        tencent.secret = "testsecret";
        tencent.app_id = "1400006666";
        tencent.callback_secret = "fedcba9876543210";
    }
    static asio::awaitable<io::http_response> take(clouds* self, io::http_request r) {
        self->posted.emplace_back(r.path, parse_json(r.body).value());
        io::http_response out;
        out.content_type = "application/json";
        const auto right = r.path.starts_with("/gateways/ali/") ? R"({"code":0,"msg":"接收成功"})"
                                                                : R"({"result":0,"errmsg":"OK"})";
        out.body = right;
        if (!self->answers.empty()) {
            out.body = self->answers.front();
            self->answers.erase(self->answers.begin());
        }
        co_return out;
    }
    void start(std::function<void(cloud_options&)> prepare = nullptr) {
        io::http_router router;
        for (const char* path : {"/gateways/{name}/receipts/{secret}", "/gateways/{name}/replies/{secret}"})
            router.add("POST", path, [this](io::http_request r) { return take(this, std::move(r)); });
        portal = std::make_unique<io::http_server>(all.on.executor(), io::http_server_options{},
                                                   std::move(router));
        ASSERT_TRUE(portal->listen());
        asio::co_spawn(all.on.context(), portal->run(), [this](std::exception_ptr) { portal_ended = true; });
        all.start([&](simulator& s) {
            for (auto* o : {&s.aliyun_options(), &s.tencent_options()}) {
                o->callback_base = "http://127.0.0.1:" + std::to_string(portal->port());
                o->report_delay = 20ms;
                o->hold = 300ms;
                o->push_again = {20ms, 60ms};
                if (prepare) prepare(*o);
            }
        });
        io::http_client_options o;
        o.base_url = all.wechat.base_url;
        o.timeout = 2000ms;
        client = std::make_unique<io::http_client>(all.on.executor(), o);
        host = o.base_url.substr(7);
    }
    void TearDown() override {
        if (client) client->close();
        all.stop();
        if (!portal) return;
        portal->stop(100ms);
        all.wait_until([this] { return portal_ended; });
    }

    struct answered {
        int status = 0;
        json body;
        std::string code() const { return body.at("Code").get<std::string>(); }
    };
    static answered of(const result<io::http_reply>& r) {
        if (!r) return {};
        return {r->status, parse_json(r->body).value()};
    }

    // ---- Aliyun, as its documents tell clients to sign
    struct aliyun_call {
        std::string action;
        fields query{};
        std::string form{}; // empty: none
        std::string secret = "testsecret", key = "testid", nonce{}, version = "2017-05-25";
        milliseconds clock{0}; // ahead of ours
    };
    result<io::http_reply> ask_aliyun(aliyun_call c) {
        std::string raw;
        std::sort(c.query.begin(), c.query.end());
        for (const auto& [name, value] : c.query)
            raw += (raw.empty() ? "" : "&") + io::percent_encode(name) + "=" + io::percent_encode(value);
        const auto date = std::chrono::floor<std::chrono::seconds>(all.time.now() + c.clock - 8h);
        fields headers = {
            {"host", host},
            {"x-acs-action", c.action},
            {"x-acs-content-sha256", crypto::sha256_hex(c.form)},
            {"x-acs-date", to_rfc3339(date).substr(0, 19) + "Z"},
            {"x-acs-signature-nonce", c.nonce.empty() ? "nonce-" + std::to_string(++nonces) : c.nonce},
            {"x-acs-version", c.version}};
        if (!c.form.empty())
            headers.insert(headers.begin(), {"content-type", "application/x-www-form-urlencoded"});
        std::string names, lines;
        for (const auto& [name, value] : headers) {
            names += (names.empty() ? "" : ";") + name;
            lines += name + ":" + value + "\n";
        }
        const auto canonical =
            "POST\n/\n" + raw + "\n" + lines + "\n" + names + "\n" + crypto::sha256_hex(c.form);
        headers.emplace_back(
            "authorization",
            "ACS3-HMAC-SHA256 Credential=" + c.key + ",SignedHeaders=" + names + ",Signature=" +
                crypto::hex(hmac_sha256(c.secret, "ACS3-HMAC-SHA256\n" + crypto::sha256_hex(canonical))));
        headers.erase(std::find_if(headers.begin(), headers.end(),
                                   [](const auto& h) { return h.first == "host"; })); // the client writes it
        return all.on.run(client->request("POST", raw.empty() ? "/" : "/?" + raw, headers, c.form));
    }
    static fields sms_to(const std::string& phones, const std::string& variables = R"({"name":"a b*c~"})") {
        return {{"PhoneNumbers", phones},
                {"SignName", "直达演示"},
                {"TemplateCode", "SMS_1"},
                {"TemplateParam", variables},
                {"OutId", "t-1"}};
    }
    answered send(const std::string& phones, const std::string& variables = R"({"name":"a b*c~"})") {
        return of(ask_aliyun({"SendSms", sms_to(phones, variables)}));
    }
    answered send_batch(const json& phones, const json& signs, const json& variables) {
        return of(ask_aliyun({"SendBatchSms",
                              {{"TemplateCode", "SMS_1"}},
                              "PhoneNumberJson=" + io::percent_encode(phones.dump()) +
                                  "&SignNameJson=" + io::percent_encode(signs.dump()) +
                                  "&TemplateParamJson=" + io::percent_encode(variables.dump())}));
    }
    answered details(const std::string& phone, fields more = {}) {
        auto day = format_date(shanghai_day(all.time.now()));
        std::erase(day, '-');
        fields query = {{"PhoneNumber", phone}, {"SendDate", day}};
        for (const auto& [name, value] : fields{{"PageSize", "10"}, {"CurrentPage", "1"}})
            if (std::none_of(more.begin(), more.end(), [&](const auto& m) { return m.first == name; }))
                query.emplace_back(name, value);
        query.insert(query.end(), more.begin(), more.end());
        return of(ask_aliyun({"QuerySendDetails", query}));
    }

    // ---- Tencent
    struct tencent_call {
        std::string action;
        json body{};
        std::string secret = "testsecret", id = "AKIDtest";
        milliseconds clock{0};
    };
    answered ask_tencent(tencent_call c) {
        const auto text = c.body.dump();
        const auto now = std::chrono::floor<std::chrono::seconds>(all.time.now() + c.clock);
        const auto seconds = std::to_string(now.time_since_epoch().count());
        const auto date = format_date(static_cast<std::int32_t>(now.time_since_epoch().count() / 86'400));
        const auto canonical = "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:" + host +
                               "\n\ncontent-type;host\n" + crypto::sha256_hex(text);
        const auto to_sign = "TC3-HMAC-SHA256\n" + seconds + "\n" + date + "/sms/tc3_request\n" +
                             crypto::sha256_hex(canonical);
        const auto key = hmac_sha256(hmac_sha256(hmac_sha256("TC3" + c.secret, date), "sms"), "tc3_request");
        return of(all.on.run(client->request(
            "POST", "/",
            {{"Content-Type", "application/json; charset=utf-8"},
             {"X-TC-Action", c.action},
             {"X-TC-Version", "2021-01-11"},
             {"X-TC-Region", "ap-guangzhou"},
             {"X-TC-Timestamp", seconds},
             {"Authorization", "TC3-HMAC-SHA256 Credential=" + c.id + "/" + date +
                                   "/sms/tc3_request, SignedHeaders=content-type;host, Signature=" +
                                   crypto::hex(hmac_sha256(key, to_sign))}},
            text)));
    }
    static json sms_of(std::vector<std::string> phones, std::vector<std::string> variables = {"1"}) {
        return {{"PhoneNumberSet", phones}, {"SmsSdkAppId", "1400006666"},   {"TemplateId", "1234"},
                {"SignName", "直达演示"},   {"TemplateParamSet", variables}, {"SessionContext", "c1-s1"}};
    }
    json statuses(std::vector<std::string> phones) {
        const auto a = ask_tencent({"SendSms", sms_of(std::move(phones))});
        return a.body.at("Response").value("SendStatusSet", json::array());
    }
    json pulled(int limit) {
        return ask_tencent({"PullSmsSendStatus", {{"Limit", limit}, {"SmsSdkAppId", "1400006666"}}})
            .body.at("Response")
            .at("PullSmsSendStatusSet");
    }
    static std::string error_of(const answered& a) {
        return a.body.at("Response").at("Error").at("Code").get<std::string>();
    }

    // All receipts that came, in their order.
    std::vector<json> receipts() const {
        std::vector<json> out;
        for (const auto& [path, list] : posted)
            for (const auto& r : list) out.push_back(r);
        return out;
    }
    bool receipts_are(std::size_t count) {
        return all.wait_until([&] { return receipts().size() >= count; }, 5000ms);
    }
};

struct aliyun_simulator_test : clouds {};
struct tencent_simulator_test : clouds {};

TEST_F(aliyun_simulator_test, a_message_is_taken_recorded_and_reported) {
    start();
    const auto a = send("+8613800000001,008613800000002,8613800000003,13800000004");
    ASSERT_EQ(a.status, 200);
    ASSERT_EQ(a.code(), "OK") << a.body;
    const auto biz_id = a.body.at("BizId").get<std::string>();
    ASSERT_EQ(all.sim->messages().all().size(), 4U);
    const auto& m = all.sim->messages().all()[1];
    EXPECT_EQ(m.channel, "sms");
    EXPECT_EQ(m.to, "13800000002");
    EXPECT_EQ(m.id, biz_id);
    EXPECT_EQ(m.more.at("gateway"), "ali");
    EXPECT_EQ(m.more.at("sign_name"), "直达演示");
    EXPECT_EQ(m.more.at("template"), "SMS_1");
    EXPECT_EQ(m.more.at("variables"), json::parse(R"({"name":"a b*c~"})"));
    ASSERT_TRUE(receipts_are(4));
    ASSERT_EQ(posted.size(), 1U); // all in one request
    EXPECT_EQ(posted[0].first, "/gateways/ali/receipts/0123456789abcdef");
    const auto& r = posted[0].second.at(1);
    EXPECT_EQ(r.at("phone_number"), "13800000002");
    EXPECT_EQ(r.at("biz_id"), biz_id);
    EXPECT_EQ(r.at("out_id"), "t-1");
    EXPECT_EQ(r.at("success"), true);
    EXPECT_EQ(r.at("err_code"), "DELIVERED");
    EXPECT_EQ(r.at("sms_size"), "1");
    EXPECT_EQ(r.at("report_time").get<std::string>().size(), 19U);
    all.on.run_for(20ms);
    EXPECT_EQ(all.sim->aliyun().stats().receipts.at("ali").taken, 4);
}

TEST_F(aliyun_simulator_test, who_does_not_sign_well_is_refused_with_the_vendors_codes) {
    start();
    const auto refused = [this](aliyun_call c) {
        c.action = "SendSms";
        c.query = sms_to("13800000001");
        return of(ask_aliyun(std::move(c)));
    };
    aliyun_call c;
    c.secret = "wrong";
    auto a = refused(c);
    EXPECT_EQ(a.status, 400);
    EXPECT_EQ(a.code(), "SignatureDoesNotMatch");
    EXPECT_FALSE(a.body.at("RequestId").get<std::string>().empty());
    c = {};
    c.key = "nobody";
    a = refused(c);
    EXPECT_EQ(a.status, 404);
    EXPECT_EQ(a.code(), "InvalidAccessKeyId.NotFound");
    c = {};
    c.clock = 16min;
    EXPECT_EQ(refused(c).code(), "InvalidTimeStamp.Expired");
    c.clock = -16min;
    EXPECT_EQ(refused(c).code(), "InvalidTimeStamp.Expired");
    c = {};
    c.version = "2016-01-01";
    EXPECT_EQ(refused(c).code(), "InvalidVersion");
    c = {};
    c.nonce = "once";
    EXPECT_EQ(refused(c).code(), "OK");
    a = refused(c);
    EXPECT_EQ(a.status, 400);
    EXPECT_EQ(a.code(), "SignatureNonceUsed");
    EXPECT_EQ(of(ask_aliyun({"DeleteAll", {}})).code(), "InvalidAction.NotFound");
    EXPECT_EQ(all.sim->messages().all().size(), 1U);
    EXPECT_EQ(all.sim->aliyun().stats().refused.at("SignatureDoesNotMatch"), 1);
}

TEST_F(aliyun_simulator_test, parameters_are_checked_as_the_vendor_does) {
    start([](cloud_options& o) {
        o.templates = {{"SMS_1", "${name}您好，${what}。"}};
        o.signatures = {"直达演示"};
    });
    EXPECT_EQ(send("13800000001", R"({"name":"张三"})").code(), "isv.TEMPLATE_MISSING_PARAMETERS");
    EXPECT_EQ(send("13800000001", R"({"name":"张三","what":1})").code(), "isv.INVALID_JSON_PARAM");
    EXPECT_EQ(send("13800000001", "[]").code(), "isv.INVALID_JSON_PARAM");
    EXPECT_EQ(send("13800000001", R"({"name":"张三","what":"https://example.org/p"})").code(),
              "isv.PARAM_NOT_SUPPORT_URL");
    const auto good = R"({"name":"张三","what":"有新政策"})";
    EXPECT_EQ(send("12345", good).code(), "isv.MOBILE_NUMBER_ILLEGAL");
    EXPECT_EQ(send("13800000001,", good).code(), "isv.MOBILE_NUMBER_ILLEGAL");
    EXPECT_EQ(send("+85213800000001", good).code(), "isv.MOBILE_NUMBER_ILLEGAL");
    auto query = sms_to("13800000001", good);
    query[1].second = "【直达演示】";
    EXPECT_EQ(of(ask_aliyun({"SendSms", query})).code(), "isv.SMS_SIGNATURE_ILLEGAL");
    query = sms_to("13800000001", good);
    query[2].second = "SMS_2";
    EXPECT_EQ(of(ask_aliyun({"SendSms", query})).code(), "isv.SMS_TEMPLATE_ILLEGAL");
    query = sms_to("13800000001", good);
    query.erase(query.begin());
    const auto a = of(ask_aliyun({"SendSms", query}));
    EXPECT_EQ(a.status, 400);
    EXPECT_EQ(a.code(), "MissingPhoneNumbers");
    std::string many;
    for (int i = 0; i < 1000; ++i) many += (i ? "," : "") + tests::nth_phone(i);
    EXPECT_EQ(send(many + ",13900000001", good).code(), "isv.MOBILE_COUNT_OVER_LIMIT");
    EXPECT_TRUE(all.sim->messages().all().empty());
    EXPECT_EQ(send(many, good).code(), "OK");
    ASSERT_EQ(all.sim->messages().all().size(), 1000U);
    EXPECT_EQ(all.sim->messages().all()[0].more.at("text"), "【直达演示】张三您好，有新政策。");
}

TEST_F(aliyun_simulator_test, a_batch_has_a_text_for_each) {
    start();
    const json signs = {"直达演示", "直达演示"};
    const json phones = {"13800000001", "13800000002"};
    const auto a = send_batch(phones, signs, {{{"n", "1"}}, {{"n", "2"}}});
    ASSERT_EQ(a.code(), "OK") << a.body;
    ASSERT_EQ(all.sim->messages().all().size(), 2U);
    EXPECT_EQ(all.sim->messages().all()[1].more.at("variables").at("n"), "2");
    ASSERT_TRUE(receipts_are(2));
    EXPECT_EQ(send_batch(phones, {"直达演示"}, {{{"n", "1"}}, {{"n", "2"}}}).code(),
              "isv.INVALID_PARAMETERS");
    json many = json::array(), many_signs = json::array(), many_variables = json::array();
    for (int i = 0; i < 101; ++i) {
        many.push_back(tests::nth_phone(i));
        many_signs.push_back("直达演示");
        many_variables.push_back(json::object());
    }
    EXPECT_EQ(send_batch(many, many_signs, many_variables).code(), "isv.MOBILE_COUNT_OVER_LIMIT");
}

TEST_F(aliyun_simulator_test, details_tell_what_became_of_a_message) {
    start([](cloud_options& o) { o.report_delay = 400ms; });
    all.rules(R"({"rules":[{"channel":"sms","to":"*2","err_code":"MK:0001"},
                           {"channel":"sms","to":"*3","report":"none","report_delay_ms":0}]})");
    const auto first = send("13800000001").body.at("BizId").get<std::string>();
    const auto state = [this](const std::string& phone, fields more = {}) {
        return details(phone, std::move(more)).body.at("SmsSendDetailDTOs").at("SmsSendDetailDTO");
    };
    ASSERT_EQ(state("13800000001").size(), 1U);
    EXPECT_EQ(state("13800000001")[0].at("SendStatus"), 1);
    EXPECT_FALSE(state("13800000001")[0].contains("ErrCode"));
    send("13800000001");
    send("13800000002");
    send("13800000003");
    ASSERT_TRUE(receipts_are(3));
    EXPECT_EQ(state("13800000001")[0].at("SendStatus"), 3);
    EXPECT_EQ(state("13800000002")[0].at("SendStatus"), 2);
    EXPECT_EQ(state("13800000002")[0].at("ErrCode"), "MK:0001");
    EXPECT_EQ(state("13800000003")[0].at("SendStatus"), 3); // its push was lost, it was not
    EXPECT_EQ(details("13800000001").body.at("TotalCount"), "2");
    EXPECT_EQ(state("13800000001", {{"BizId", first}}).size(), 1U);
    EXPECT_EQ(state("13800000001", {{"PageSize", "1"}, {"CurrentPage", "2"}}).size(), 1U);
    EXPECT_EQ(state("13800000001", {{"PageSize", "1"}, {"CurrentPage", "3"}}).size(), 0U);
    EXPECT_EQ(details("13800000001", {{"PageSize", "51"}}).code(), "isv.INVALID_PARAMETERS");
    EXPECT_EQ(details("13900000009").body.at("TotalCount"), "0");
}

TEST_F(aliyun_simulator_test, limits_of_a_number_and_of_the_account) {
    start([](cloud_options& o) {
        o.limits.per_moment = 1;
        o.requests_per_s = 1000;
    });
    EXPECT_EQ(send("13800000001").code(), "OK");
    const auto a = send("13800000001");
    EXPECT_EQ(a.code(), "isv.BUSINESS_LIMIT_CONTROL");
    EXPECT_EQ(a.body.at("Message"), "触发分钟级流控Permits:1");
    EXPECT_EQ(send("13800000002").code(), "OK");
    EXPECT_EQ(of(all.on.run(client->request("POST", "/sim/clouds", {}, R"({"aliyun":{"requests_per_s":1}})")))
                  .status,
              200);
    std::vector<answered> some;
    for (int i = 10; i < 14; ++i) some.push_back(send(tests::nth_phone(i)));
    const auto throttled = std::find_if(some.begin(), some.end(),
                                        [](const answered& x) { return x.code() == "Throttling.User"; });
    ASSERT_NE(throttled, some.end());
    EXPECT_EQ(throttled->status, 400);
}

TEST_F(aliyun_simulator_test, faults_by_number) {
    start();
    all.rules(R"({"rules":[
        {"channel":"sms","to":"*0001","code":"isv.AMOUNT_NOT_ENOUGH","text":"账户余额不足","times":1},
        {"channel":"sms","to":"*0002","code":"Throttling.User"},
        {"channel":"sms","to":"*0003","http_status":503},
        {"channel":"sms","to":"*0004","drop_response":true},
        {"channel":"sms","gateway":"tc","code":"isv.OUT_OF_SERVICE"}]})");
    auto a = send("13800000009,13800000001");
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.code(), "isv.AMOUNT_NOT_ENOUGH");
    EXPECT_EQ(a.body.at("Message"), "账户余额不足");
    EXPECT_EQ(send("13800000001").code(), "OK");
    EXPECT_EQ(send("13800000002").status, 400);
    EXPECT_EQ(send("13800000003").status, 503);
    EXPECT_EQ(all.sim->messages().all().size(), 1U);
    EXPECT_EQ(send("13800000004").status, 0); // no answer
    EXPECT_EQ(all.sim->messages().all().size(), 2U);
    ASSERT_TRUE(receipts_are(2)); // and yet it was sent
}

TEST_F(aliyun_simulator_test, receipts_go_wrong_as_they_are_told_to) {
    start();
    all.rules(R"({"rules":[
        {"channel":"sms","to":"*0001","report":"duplicate"},
        {"channel":"sms","to":"*0002","report":"conflicting"},
        {"channel":"sms","to":"*0003","report":"out_of_order"},
        {"channel":"sms","to":"*0005","report":"early"}]})");
    send("13800000001");
    ASSERT_TRUE(receipts_are(2));
    EXPECT_EQ(receipts()[0].at("biz_id"), receipts()[1].at("biz_id"));
    posted.clear();
    send("13800000002");
    ASSERT_TRUE(receipts_are(2));
    EXPECT_EQ(receipts()[0].at("success"), true);
    EXPECT_EQ(receipts()[1].at("success"), false);
    EXPECT_EQ(receipts()[1].at("err_code"), "UNDELIV");
    posted.clear();
    send("13800000003");
    all.on.run_for(60ms);
    send("13800000004");
    ASSERT_TRUE(receipts_are(2));
    EXPECT_EQ(receipts()[0].at("phone_number"), "13800000004");
    EXPECT_EQ(receipts()[1].at("phone_number"), "13800000003");
    posted.clear();
    send("13800000003"); // with nothing after it
    ASSERT_TRUE(receipts_are(1));
    posted.clear();
    const auto a = send("13800000005");
    ASSERT_EQ(receipts().size(), 1U); // before the answer
    EXPECT_EQ(receipts()[0].at("biz_id"), a.body.at("BizId"));
}

TEST_F(aliyun_simulator_test, receipts_are_pushed_again_until_they_are_taken) {
    start();
    answers = {R"({"code":1,"msg":"稍后"})", "not JSON"};
    send("13800000001");
    ASSERT_TRUE(receipts_are(3));
    EXPECT_EQ(posted[0].second, posted[2].second);
    ASSERT_TRUE(all.wait_until([&] { return all.sim->aliyun().stats().receipts.at("ali").taken == 1; }));
    EXPECT_EQ(all.sim->aliyun().stats().receipts.at("ali").refused, 2);
    answers = {"{}", "{}", "{}"};
    posted.clear();
    send("13800000002");
    ASSERT_TRUE(all.wait_until([&] { return all.sim->aliyun().stats().receipts.at("ali").given_up == 1; }));
    EXPECT_EQ(posted.size(), 3U);
}

TEST_F(tencent_simulator_test, each_number_has_a_code_of_its_own) {
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*0003",
                           "code":"FailedOperation.PhoneNumberInBlacklist","text":"blacklisted"}]})");
    const auto set = statuses({"+8613800000001", "13800000002", "+8613800000003", "+86123"});
    ASSERT_EQ(set.size(), 4U);
    EXPECT_EQ(set[0].at("Code"), "Ok");
    EXPECT_EQ(set[0].at("PhoneNumber"), "+8613800000001");
    EXPECT_EQ(set[0].at("SessionContext"), "c1-s1");
    EXPECT_EQ(set[0].at("Fee"), 1);
    EXPECT_EQ(set[0].at("IsoCode"), "CN");
    EXPECT_EQ(set[1].at("Code"), "Ok");
    EXPECT_NE(set[0].at("SerialNo"), set[1].at("SerialNo"));
    EXPECT_EQ(set[2].at("Code"), "FailedOperation.PhoneNumberInBlacklist");
    EXPECT_EQ(set[2].at("Message"), "blacklisted");
    EXPECT_EQ(set[2].at("SerialNo"), "");
    EXPECT_EQ(set[3].at("Code"), "InvalidParameterValue.IncorrectPhoneNumber");
    ASSERT_EQ(all.sim->messages().all().size(), 2U);
    const auto& m = all.sim->messages().all()[0];
    EXPECT_EQ(m.to, "13800000001");
    EXPECT_EQ(json(m.id), set[0].at("SerialNo"));
    EXPECT_EQ(m.more.at("gateway"), "tc");
    EXPECT_EQ(m.more.at("variables"), (json{"1"}));
    ASSERT_TRUE(receipts_are(2));
    EXPECT_EQ(posted[0].first, "/gateways/tc/receipts/fedcba9876543210");
    EXPECT_EQ(receipts()[0].at("sid"), set[0].at("SerialNo"));
    EXPECT_EQ(receipts()[0].at("mobile"), "13800000001");
    EXPECT_EQ(receipts()[0].at("nationcode"), "86");
    EXPECT_EQ(receipts()[0].at("report_status"), "SUCCESS");
}

TEST_F(tencent_simulator_test, whole_requests_are_refused_inside_200) {
    start([](cloud_options& o) { o.templates = {{"1234", "验证码{1}"}}; });
    const auto refused = [this](tencent_call c) {
        c.action = c.action.empty() ? "SendSms" : c.action;
        if (c.body.is_null()) c.body = sms_of({"+8613800000001"});
        const auto a = ask_tencent(std::move(c));
        EXPECT_EQ(a.status, 200);
        return error_of(a);
    };
    tencent_call c;
    c.secret = "wrong";
    EXPECT_EQ(refused(c), "AuthFailure.SignatureFailure");
    c = {};
    c.id = "AKIDnobody";
    EXPECT_EQ(refused(c), "AuthFailure.SecretIdNotFound");
    c = {};
    c.clock = 6min;
    EXPECT_EQ(refused(c), "AuthFailure.SignatureExpire");
    c.clock = 11min;
    EXPECT_EQ(refused(c), "InternalError.RequestTimeException");
    c = {};
    c.action = "SendSMS";
    EXPECT_EQ(refused(c), "InvalidAction");
    c = {};
    c.body = sms_of({"+8613800000001"});
    c.body["SmsSdkAppId"] = "1";
    EXPECT_EQ(refused(c), "UnauthorizedOperation.SmsSdkAppIdVerifyFail");
    c.body = sms_of({"+8613800000001"});
    c.body.erase("TemplateId");
    EXPECT_EQ(refused(c), "MissingParameter");
    c.body = sms_of({"+8613800000001"});
    c.body["TemplateParamSet"] = {1};
    EXPECT_EQ(refused(c), "InvalidParameter");
    c.body = sms_of({"+8613800000001", "+85212345678"});
    EXPECT_EQ(refused(c), "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber");
    c.body = sms_of(std::vector<std::string>(201, "+8613800000001"));
    EXPECT_EQ(refused(c), "LimitExceeded.PhoneNumberCountLimit");
    all.rules(R"({"rules":[{"channel":"sms","gateway":"tc","whole_request":true,"times":1,
                           "code":"InternalError.Timeout"}]})");
    EXPECT_EQ(refused({}), "InternalError.Timeout");
    // What is wrong with the text is told of each number.
    c.body = sms_of({"+8613800000001"}, {"1", "2"});
    EXPECT_EQ(ask_tencent({"SendSms", c.body}).body.at("Response").at("SendStatusSet").at(0).at("Code"),
              "FailedOperation.TemplateParamSetNotMatchApprovedTemplate");
    EXPECT_TRUE(all.sim->messages().all().empty());
    EXPECT_EQ(statuses({"+8613800000001"})[0].at("Code"), "Ok");
    EXPECT_EQ(all.sim->messages().all().at(0).more.at("text"), "【直达演示】验证码1");
}

TEST_F(tencent_simulator_test, a_status_is_pulled_once) {
    start();
    all.rules(R"({"rules":[{"channel":"sms","to":"*0002","err_code":"MK:0001"}]})");
    const auto set = statuses({"+8613800000001", "+8613800000002"});
    ASSERT_TRUE(receipts_are(2));
    const auto first = pulled(1);
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].at("SerialNo"), set[0].at("SerialNo"));
    EXPECT_EQ(first[0].at("PhoneNumber"), "+8613800000001");
    EXPECT_EQ(first[0].at("ReportStatus"), "SUCCESS");
    const auto second = pulled(100);
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].at("ReportStatus"), "FAIL");
    EXPECT_EQ(second[0].at("Description"), "MK:0001");
    EXPECT_EQ(pulled(100).size(), 0U);
}

TEST_F(tencent_simulator_test, a_number_gets_one_message_in_thirty_seconds) {
    start([](cloud_options& o) { o.limits.per_moment = 1; });
    EXPECT_EQ(statuses({"+8613800000001"})[0].at("Code"), "Ok");
    EXPECT_EQ(statuses({"+8613800000001"})[0].at("Code"), "LimitExceeded.PhoneNumberThirtySecondLimit");
}

TEST_F(clouds, what_neither_cloud_is_asked_is_not_found) {
    start();
    EXPECT_EQ(of(all.on.run(client->request("POST", "/", {}, "{}"))).status, 404);
    const auto wrong = of(all.on.run(
        client->request("POST", "/sim/clouds", {}, R"({"aliyun":{"templates":{"a":1},"typo":2}})")));
    EXPECT_EQ(wrong.status, 400);
    EXPECT_NE(wrong.body.at("detail").get<std::string>().find("/aliyun/templates/a"), std::string::npos);
}

TEST_F(clouds, a_restarted_simulator_still_knows_what_it_took) {
    all.settings.record_file =
        (std::filesystem::temp_directory_path() / ("zhida_clouds_" + std::to_string(::getpid()) + ".jsonl"))
            .string();
    std::filesystem::remove(all.settings.record_file);
    start();
    send("13800000001");
    client->close();
    all.stop();
    portal->stop(100ms);
    all.wait_until([this] { return portal_ended; });
    portal_ended = false;
    start();
    EXPECT_EQ(details("13800000001").body.at("TotalCount"), "1");
    std::filesystem::remove(all.settings.record_file);
    std::filesystem::remove(all.settings.record_file + ".reported");
}

// ---- what people write back

inbound_message written(std::string phone, std::string text, std::string to = "", std::string account = "") {
    inbound_message m;
    m.phone = std::move(phone);
    m.text = std::move(text);
    m.to = std::move(to);
    m.account = std::move(account);
    return m;
}

TEST_F(clouds, people_write_back_and_it_is_pushed_as_each_cloud_does) {
    start();
    answers = {R"({"code":1})"}; // not taken: it comes again
    ASSERT_TRUE(all.sim->aliyun().write_back(written("13800000001", "退订", "01")));
    ASSERT_TRUE(all.wait_until([this] { return posted.size() == 2; }));
    EXPECT_EQ(posted[0].first, "/gateways/ali/replies/0123456789abcdef");
    EXPECT_EQ(posted[0], posted[1]);
    const auto heard = gateways::read_aliyun_replies(to_text(posted[1].second), "ali", all.time.now());
    ASSERT_TRUE(heard && heard->wrong.empty());
    ASSERT_EQ(heard->replies.size(), 1U);
    EXPECT_EQ(heard->replies[0].phone, "13800000001");
    EXPECT_EQ(heard->replies[0].text, "退订");
    EXPECT_EQ(heard->replies[0].to, "01");
    posted.clear();
    for (const char* text : {"T", "谢谢"})
        ASSERT_TRUE(all.sim->tencent().write_back(written("13800000002", text)));
    ASSERT_TRUE(all.wait_until([this] { return posted.size() == 2; }));
    for (const auto& [path, one] : posted) {
        EXPECT_EQ(path, "/gateways/tc/replies/fedcba9876543210");
        EXPECT_TRUE(one.is_object()) << "one by one";
        const auto said = gateways::read_tencent_replies(to_text(one), "tc", all.time.now());
        ASSERT_TRUE(said && said->wrong.empty());
        EXPECT_EQ(said->replies.at(0).phone, "13800000002");
    }
    EXPECT_FALSE(all.sim->tencent().write_back(written("13800000002", "T", "", "ali")))
        << "none of Tencent's";
    all.sim->set_callback_base("");
    EXPECT_FALSE(all.sim->aliyun().write_back(written("13800000001", "T"))) << "nobody is there to hear it";
}

TEST_F(clouds, the_settings_say_where_the_clouds_call_and_smpp_listens) {
    simulator_config settings;
    settings.cmpp_port = settings.wechat_port = 0;
    settings.callback_base = "http://127.0.0.1:9";
    simulator first(all.on.executor(), all.time, settings, all.sms, all.wechat);
    EXPECT_EQ(first.aliyun_options().callback_base, settings.callback_base);
    EXPECT_EQ(first.tencent_options().callback_base, settings.callback_base);
    ASSERT_TRUE(first.listen());
    settings.smpp_port = first.smpp_port(); // in use
    simulator second(all.on.executor(), all.time, settings, all.sms, all.wechat);
    EXPECT_FALSE(second.listen());
}

} // namespace
} // namespace zhida::simulator
