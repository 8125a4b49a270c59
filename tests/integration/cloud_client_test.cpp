// The clients of Aliyun's and Tencent Cloud's SMS services against a scripted service over loopback.
#include "services/gateways/aliyun_client.hpp"
#include "services/gateways/circuit.hpp"
#include "services/gateways/cloud_receipts.hpp"
#include "services/gateways/tencent_client.hpp"
#include "tests/support/cloud_vendor.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zhida::gateways {
namespace {

using testing::Contains;
using testing::HasSubstr;
using tests::cloud_vendor;

std::string phone(int n) {
    const auto digits = std::to_string(n);
    return "138" + std::string(8 - digits.size(), '0') + digits;
}
std::shared_ptr<const sms_body> text(const std::string& name = "张三", const std::string& more = "") {
    auto b = plain_body("【直达演示】" + name + "，您好" + more);
    b.signature = "直达演示";
    b.template_ids = {{"aliyun", "SMS_154950909"}, {"tencent", "1234"}};
    b.variables = {{"name", name}};
    return std::make_shared<const sms_body>(std::move(b));
}

struct cloud : testing::Test {
    cloud_vendor vendor;
    std::vector<receipt> receipts;
    bool keep = true; // false: nothing can be made durable now
    int offered = 0;
    std::unique_ptr<cloud_client> client;
    own_codes codes;
    bool running = false;
    cloud_times times{{milliseconds(30), milliseconds(30), milliseconds(30)}, milliseconds(30)};

    static asio::awaitable<bool> take(cloud* self, std::vector<receipt> some) {
        ++self->offered;
        if (self->keep) std::move(some.begin(), some.end(), std::back_inserter(self->receipts));
        co_return self->keep;
    }
    receipt_sink sink() {
        return [this](auto some) { return take(this, std::move(some)); };
    }
    void aliyun() {
        vendor.be_aliyun();
        client = std::make_unique<aliyun_client>(vendor.on.executor(), vendor.time, vendor.settings, sink(),
                                                 times, codes);
    }
    void tencent() {
        vendor.be_tencent();
        client = std::make_unique<tencent_client>(vendor.on.executor(), vendor.time, vendor.settings, sink(),
                                                  times, codes);
    }
    void run() {
        running = true;
        asio::co_spawn(vendor.on.context(), client->run(), [this](std::exception_ptr e) {
            running = false;
            if (e) std::rethrow_exception(e);
        });
    }
    void TearDown() override {
        if (!client) return;
        if (running) client->stop(milliseconds(100));
        EXPECT_TRUE(vendor.wait_until([this] { return !running; }));
        client.reset();
    }
    std::vector<send_result> send(std::vector<sms_copy> copies) {
        return vendor.on.run(client->send_all(std::move(copies)));
    }
    std::vector<send_result> send_same(int from, int count) {
        std::vector<sms_copy> copies;
        const auto body = text();
        for (int i = from; i < from + count; ++i) copies.push_back({phone(i), body});
        return send(std::move(copies));
    }
    send_result send_one(int n = 1) { return send_same(n, 1).front(); }
};

using aliyun_service = cloud;
using tencent_service = cloud;

TEST_F(aliyun_service, the_same_text_to_many_is_one_request) {
    aliyun();
    EXPECT_EQ(client->status().state, "connecting");
    const auto results = send_same(1, 300);
    ASSERT_EQ(vendor.asked.size(), 1U);
    const auto& r = vendor.asked[0];
    EXPECT_EQ(r.header("x-acs-action"), "SendSms");
    EXPECT_EQ(r.query.at("SignName"), "直达演示");
    EXPECT_EQ(r.query.at("TemplateCode"), "SMS_154950909");
    EXPECT_EQ(r.query.at("TemplateParam"), R"({"name":"张三"})");
    std::set<std::string> ids;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(results[static_cast<std::size_t>(i)].outcome, send_outcome::accepted);
        ASSERT_EQ(results[static_cast<std::size_t>(i)].message_ids.size(), 1U);
        ids.insert(results[static_cast<std::size_t>(i)].message_ids[0]);
    }
    EXPECT_EQ(ids.size(), 300U);
    // As the receipt will name it.
    const json pushed = json::array({{{"phone_number", phone(7)},
                                      {"success", true},
                                      {"err_code", "DELIVERED"},
                                      {"biz_id", "1^0"},
                                      {"out_id", r.query.at("OutId")}}});
    EXPECT_EQ(read_aliyun_receipts(to_text(pushed), "sms", "testsecret", {})->receipts.at(0).message_id,
              results[6].message_ids[0]);
    const auto s = client->status();
    EXPECT_EQ(s.state, "connected");
    EXPECT_EQ(s.protocol, "Aliyun");
    EXPECT_EQ(s.sent, 300);
    EXPECT_EQ(s.accepted, 300);
    EXPECT_EQ(s.in_flight, 0);
    EXPECT_EQ(s.window, 4);
    EXPECT_TRUE(s.codes.empty());
}

TEST_F(aliyun_service, different_texts_of_a_template_go_in_batches) {
    aliyun();
    std::vector<sms_copy> copies;
    for (int i = 0; i < 250; ++i) copies.push_back({"+86" + phone(i), text(std::to_string(i))});
    for (const auto& r : send(copies)) EXPECT_EQ(r.outcome, send_outcome::accepted);
    ASSERT_EQ(vendor.asked.size(), 3U);
    EXPECT_EQ(vendor.messages, 250);
    for (const auto& r : vendor.asked) EXPECT_EQ(r.header("x-acs-action"), "SendBatchSms");
    const auto form = cloud_vendor::form(vendor.asked[0]);
    EXPECT_EQ(parse_json(form.at("TemplateParamJson"))->size(), 100U);
    EXPECT_EQ(vendor.asked[0].query.at("TemplateCode"), "SMS_154950909");
}

TEST_F(aliyun_service, a_number_is_in_a_request_once) {
    aliyun();
    std::vector<sms_copy> copies;
    for (int i = 0; i < 30; ++i) copies.push_back({phone(i % 15), text()});
    const auto results = send(copies);
    EXPECT_EQ(vendor.asked.size(), 2U);
    EXPECT_NE(results[0].message_ids, results[15].message_ids);
}

TEST_F(aliyun_service, many_numbers_go_in_several_requests_side_by_side) {
    aliyun();
    vendor.settings.connections = 2;
    aliyun();
    const auto results = send_same(1, 5000);
    for (const auto& r : results) EXPECT_EQ(r.outcome, send_outcome::accepted);
    EXPECT_EQ(vendor.messages, 5000);
    EXPECT_EQ(vendor.taken.size(), 5000U);
    EXPECT_GE(vendor.asked.size(), 5U);
    EXPECT_LE(vendor.asked.size(), 6U);
    EXPECT_LE(vendor.most_under_way, 2);
}

TEST_F(aliyun_service, what_cannot_be_sent_never_leaves) {
    aliyun();
    auto without = *text();
    without.template_ids.erase("aliyun");
    const auto results = send({{"12345", text()},
                               {phone(1), std::make_shared<const sms_body>(std::move(without))},
                               {phone(2), text()}});
    EXPECT_EQ(results[0].outcome, send_outcome::rejected);
    EXPECT_EQ(results[0].recipient_fault, "bad_number");
    EXPECT_EQ(results[1].outcome, send_outcome::stopped);
    EXPECT_EQ(results[1].code, "local:no_template");
    EXPECT_GT(results[1].retry_after.count(), 0);
    EXPECT_EQ(results[2].outcome, send_outcome::accepted) << "the others go";
    EXPECT_EQ(vendor.messages, 1);
    EXPECT_EQ(client->status().codes.at("local:no_template"), 1);
}

TEST_F(aliyun_service, the_number_at_fault_is_found) {
    aliyun();
    vendor.otherwise = [this](const io::http_request& r) {
        for (const auto& p : cloud_vendor::phones(r)) {
            if (p == phone(123))
                return cloud_vendor::just(200, R"({"Code":"isv.MOBILE_NUMBER_ILLEGAL","Message":")" + p +
                                                   R"(invalid"})");
            if (p == phone(7))
                return cloud_vendor::just(
                    200, R"({"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"触发小时级流控Permits:5"})");
        }
        return cloud_vendor::just(200, vendor.aliyun(r));
    };
    const auto results = send_same(0, 200);
    for (std::size_t i = 0; i < 200; ++i) {
        if (i == 7) {
            EXPECT_EQ(results[i].outcome, send_outcome::retry);
            EXPECT_EQ(results[i].retry_after, milliseconds(3'600'000));
            EXPECT_EQ(results[i].code, "aliyun:isv.BUSINESS_LIMIT_CONTROL");
        } else if (i == 123) {
            EXPECT_EQ(results[i].recipient_fault, "bad_number");
            EXPECT_THAT(results[i].detail, testing::Not(HasSubstr(phone(123))));
        } else {
            EXPECT_EQ(results[i].outcome, send_outcome::accepted) << i;
        }
    }
    EXPECT_EQ(vendor.messages, 198);
    EXPECT_LE(vendor.asked.size(), 40U);
}

TEST_F(aliyun_service, where_all_are_at_fault_the_search_ends) {
    aliyun();
    vendor.otherwise = cloud_vendor::aliyun_code("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10");
    for (const auto& r : send_same(0, 500)) {
        EXPECT_EQ(r.outcome, send_outcome::retry);
        EXPECT_GE(r.retry_after.count(), 60'000);
    }
    EXPECT_LE(vendor.asked.size(), 64U);
}

TEST_F(aliyun_service, codes_stop_slow_or_fail_as_the_table_says) {
    aliyun();
    vendor.script = {cloud_vendor::aliyun_code("Throttling.User", "", 400),
                     cloud_vendor::aliyun_code("isv.PARAM_LENGTH_LIMIT"),
                     cloud_vendor::aliyun_code("isv.NEVER_HEARD_OF"),
                     cloud_vendor::aliyun_code("isv.AMOUNT_NOT_ENOUGH")};
    const auto slow = send_one();
    EXPECT_EQ(slow.outcome, send_outcome::retry);
    EXPECT_EQ(sign_of(slow), service_sign::nothing);
    const auto before = vendor.time.steady_now();
    EXPECT_EQ(send_one().recipient_fault, "content");
    EXPECT_GE(vendor.time.steady_now() - before, milliseconds(100)) << "the whole account paused";
    EXPECT_EQ(send_one().outcome, send_outcome::rejected);
    const auto stopped = send_one();
    EXPECT_EQ(stopped.outcome, send_outcome::stopped);
    EXPECT_EQ(stopped.code, "aliyun:isv.AMOUNT_NOT_ENOUGH");
    EXPECT_EQ(client->status().state, "stopped");
    EXPECT_EQ(send_one().outcome, send_outcome::stopped);
    EXPECT_EQ(vendor.asked.size(), 4U) << "it is not asked while it is stopped";
    client->resume();
    EXPECT_EQ(send_one().outcome, send_outcome::accepted);
    const auto s = client->status();
    EXPECT_EQ(s.codes.at("aliyun:isv.NEVER_HEARD_OF"), 1);
    EXPECT_EQ(s.codes.at("aliyun:Throttling.User"), 1);
}

TEST_F(aliyun_service, a_used_up_day_ends_at_midnight) {
    aliyun();
    vendor.script = {cloud_vendor::aliyun_code("isv.DAY_LIMIT_CONTROL")};
    const auto r = send_one();
    EXPECT_EQ(r.outcome, send_outcome::stopped);
    EXPECT_NEAR(static_cast<double>(r.retry_after.count()), 12 * 3'600'000.0, 60'000.0);
}

TEST_F(aliyun_service, what_was_taken_in_silence_is_found) {
    vendor.settings.response_timeout_s = 1;
    aliyun();
    vendor.script = {vendor.taken_in_silence()};
    const auto results = send_same(1, 50);
    for (const auto& r : results) EXPECT_EQ(r.outcome, send_outcome::accepted) << r.code;
    EXPECT_EQ(vendor.count("SendSms"), 1U);
    EXPECT_EQ(vendor.count("QuerySendDetails"), 1U) << "the numbers share one fate";
    EXPECT_EQ(results[4].message_ids.at(0),
              aliyun_message_id(vendor.asked[0].query.at("OutId"), phone(5), "testsecret"));
}

TEST_F(aliyun_service, what_was_not_taken_is_tried_again) {
    vendor.settings.response_timeout_s = 1;
    aliyun();
    vendor.script = {cloud_vendor::silence()};
    const auto r = send_one();
    EXPECT_EQ(r.outcome, send_outcome::retry);
    EXPECT_EQ(r.code, "local:not_taken");
    EXPECT_EQ(sign_of(r), service_sign::ails);
    EXPECT_FALSE(r.in_doubt);
    EXPECT_EQ(vendor.count("QuerySendDetails"), 2U);
}

TEST_F(aliyun_service, what_nobody_knows_is_unknown_and_has_its_id) {
    vendor.settings.response_timeout_s = 1;
    aliyun();
    vendor.script = {cloud_vendor::silence(), cloud_vendor::silence()};
    const auto r = send_one();
    EXPECT_EQ(r.outcome, send_outcome::unknown);
    EXPECT_EQ(r.code, "local:no_answer");
    EXPECT_EQ(r.message_ids.size(), 1U) << "a receipt may still tell";
    EXPECT_EQ(vendor.asked.size(), 2U);
    EXPECT_EQ(client->status().state, "down");
    // A count without its entries says nothing.
    vendor.asked.clear();
    vendor.script = {cloud_vendor::text(503, "<html>busy</html>")};
    vendor.otherwise = cloud_vendor::text(
        200, R"({"Code":"OK","TotalCount":2,"SmsSendDetailDTOs":{"SmsSendDetailDTO":[]}})");
    EXPECT_EQ(send_one().code, "http:503");
    EXPECT_EQ(vendor.count("QuerySendDetails"), 3U);
}

TEST_F(aliyun_service, broken_answers_are_named_and_looked_into) {
    aliyun();
    for (const auto& broken :
         {cloud_vendor::text(500, "oops"), cloud_vendor::text(200, "<html>"),
          cloud_vendor::text(200, std::string(2 << 20, ' ')), cloud_vendor::aliyun_code("isp.SYSTEM_ERROR"),
          cloud_vendor::aliyun_code("ServiceUnavailable", "", 503)}) {
        vendor.script = {broken};
        EXPECT_EQ(send_one().code, "local:not_taken");
    }
    vendor.script = {cloud_vendor::text(403, "<html>forbidden</html>")};
    const auto r = send_one();
    EXPECT_EQ(r.outcome, send_outcome::retry);
    EXPECT_EQ(r.code, "http:403");
    EXPECT_EQ(client->status().state, "down");
    EXPECT_THAT(client->status().detail, HasSubstr("403"));
}

TEST_F(aliyun_service, nobody_listens) {
    aliyun();
    vendor.stop();
    const auto r = send_one();
    EXPECT_EQ(r.outcome, send_outcome::retry);
    EXPECT_EQ(r.code, "local:not_connected");
    EXPECT_EQ(sign_of(r), service_sign::ails);
    EXPECT_EQ(client->status().state, "down");
    EXPECT_EQ(client->status().connections, 0);
    vendor.start();
    EXPECT_EQ(send_one().outcome, send_outcome::accepted);
}

TEST_F(aliyun_service, the_rate_is_counted_in_parts) {
    vendor.settings.rate_per_s = 40;
    vendor.settings.response_timeout_s = 30;
    aliyun();
    std::vector<std::pair<steady_time, std::size_t>> seen;
    vendor.otherwise = [&](const io::http_request& r) {
        seen.emplace_back(vendor.time.steady_now(), 2 * cloud_vendor::phones(r).size());
        return cloud_vendor::just(200, vendor.aliyun(r));
    };
    const auto began = vendor.time.steady_now();
    const auto body = text("李四", std::string(300, 'x')); // of several parts
    const auto parts = body->parts->size();
    ASSERT_GE(parts, 2U);
    std::vector<sms_copy> copies;
    for (int i = 0; i < 30; ++i) copies.push_back({phone(i), body});
    for (const auto& r : send(copies)) EXPECT_EQ(r.outcome, send_outcome::accepted);
    const auto a_second = 40 / parts;
    const auto whole_seconds = static_cast<std::int64_t>((30 + a_second - 1) / a_second);
    EXPECT_GE(vendor.time.steady_now() - began, milliseconds(1000 * whole_seconds - 50));
    for (const auto& [at, n] : seen) EXPECT_LE(n / 2 * parts, 40U);
    EXPECT_EQ(client->status().rate_per_s, 40);
    client->share(1, 4);
    EXPECT_EQ(client->status().rate_per_s, 10);
}

TEST_F(aliyun_service, a_black_hole_holds_nobody_for_ever) {
    vendor.settings.response_timeout_s = 1;
    vendor.settings.connections = 2;
    aliyun();
    vendor.otherwise = cloud_vendor::silence();
    const auto before = vendor.time.steady_now();
    const auto results = send_same(0, 4000);
    EXPECT_LT(vendor.time.steady_now() - before, milliseconds(6000));
    std::map<std::string, int> codes;
    for (const auto& r : results) {
        EXPECT_EQ(r.outcome, r.code == "local:full" ? send_outcome::retry : send_outcome::unknown);
        ++codes[r.code];
    }
    EXPECT_GT(codes["local:full"], 0);
    EXPECT_GT(codes["local:no_answer"], 0);
    EXPECT_LE(vendor.most_under_way, 4) << "requests, and questions about them";
}

TEST_F(aliyun_service, stopping_refuses_what_is_new_and_awaits_what_is_under_way) {
    aliyun();
    run();
    vendor.on.run_for(milliseconds(10));
    vendor.otherwise = [this](const io::http_request& r) -> asio::awaitable<io::http_response> {
        co_await tests::pause_for(milliseconds(300));
        co_return co_await cloud_vendor::just(200, vendor.aliyun(r));
    };
    std::vector<send_result> results;
    asio::co_spawn(vendor.on.context(), client->send_all({{phone(1), text()}}),
                   [&](std::exception_ptr, std::vector<send_result> r) { results = std::move(r); });
    ASSERT_TRUE(vendor.wait_until([&] { return vendor.asked.size() == 1; }));
    client->stop(milliseconds(2000));
    EXPECT_EQ(send_one(2).code, "local:stopping");
    ASSERT_TRUE(vendor.wait_until([&] { return !running; }));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, send_outcome::accepted);
}

own_codes one_code(const char* protocol, const char* code, const char* means, const char* fault = "") {
    std::vector<failure> errors;
    const json row = {{"gateway", "*"}, {"protocol", protocol}, {"code", code},
                      {"class", means}, {"fault", fault},       {"text", "本地的说法"}};
    const json document = {{"schema", "zhida.sms_codes/1"}, {"codes", json::array({row})}};
    return code_table::read(document, errors).value().of("sms", protocol);
}

TEST_F(aliyun_service, a_row_of_the_installation_goes_before_the_table) {
    codes = one_code("aliyun", "isv.DAY_LIMIT_CONTROL", "slow_down");
    aliyun();
    vendor.script = {cloud_vendor::aliyun_code("isv.DAY_LIMIT_CONTROL")};
    const auto slow = send_one();
    EXPECT_EQ(slow.outcome, send_outcome::retry);
    EXPECT_EQ(slow.code, "aliyun:isv.DAY_LIMIT_CONTROL");
    EXPECT_THAT(slow.detail, HasSubstr("本地的说法"));
    EXPECT_EQ(send_one().outcome, send_outcome::accepted) << "the day is not over";
}

TEST_F(tencent_service, a_row_of_the_installation_goes_before_the_table) {
    codes = one_code("tencent", "FailedOperation.*", "permanent", "bad_number");
    tencent();
    vendor.codes = {{"+86" + phone(1), "FailedOperation.ContainSensitiveWord"}};
    const auto r = send_same(0, 2);
    EXPECT_EQ(r[0].outcome, send_outcome::accepted);
    EXPECT_EQ(r[1].recipient_fault, "bad_number");
}

TEST_F(tencent_service, each_number_has_its_own_end) {
    tencent();
    vendor.codes = {{"+86" + phone(1), "LimitExceeded.PhoneNumberThirtySecondLimit"},
                    {"+86" + phone(2), "FailedOperation.PhoneNumberInBlacklist"},
                    {"+86" + phone(3), "FailedOperation.ContainSensitiveWord"},
                    {"+86" + phone(4), "InternalError.Timeout"},
                    {"+86" + phone(5), "FailedOperation.MarketingSendTimeConstraint"},
                    {"+86" + phone(6), "LimitExceeded.PhoneNumberDailyLimit"}};
    const auto r = send_same(0, 20);
    ASSERT_EQ(vendor.asked.size(), 1U);
    EXPECT_EQ(r[0].outcome, send_outcome::accepted);
    EXPECT_THAT(r[0].message_ids, testing::ElementsAre("5000:" + phone(0)));
    EXPECT_EQ(r[1].retry_after, milliseconds(30'000));
    EXPECT_EQ(r[2].recipient_fault, "refused");
    EXPECT_EQ(r[3].recipient_fault, "content");
    EXPECT_EQ(r[4].outcome, send_outcome::unknown);
    EXPECT_EQ(r[5].outcome, send_outcome::retry);
    EXPECT_EQ(r[6].retry_after, milliseconds(86'400'000));
    EXPECT_EQ(r[19].outcome, send_outcome::accepted);
    const auto s = client->status();
    EXPECT_EQ(s.protocol, "Tencent");
    EXPECT_EQ(s.accepted, 14);
    EXPECT_EQ(s.codes.at("tencent:FailedOperation.PhoneNumberInBlacklist"), 1);
    EXPECT_EQ(vendor.count("SendSms"), 1U) << "what is in doubt is not sent again";
}

TEST_F(tencent_service, two_hundred_numbers_a_request) {
    tencent();
    for (const auto& r : send_same(0, 1001)) EXPECT_EQ(r.outcome, send_outcome::accepted);
    EXPECT_EQ(vendor.asked.size(), 6U);
    EXPECT_EQ(vendor.messages, 1001);
    EXPECT_LE(vendor.most_under_way, 4);
}

TEST_F(tencent_service, a_refusal_of_the_request_is_for_all) {
    tencent();
    vendor.script = {cloud_vendor::text(
        200,
        R"({"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound","Message":"no"},"RequestId":"1"}})")};
    for (const auto& r : send_same(0, 20)) {
        EXPECT_EQ(r.outcome, send_outcome::stopped);
        EXPECT_EQ(r.code, "tencent:AuthFailure.SecretIdNotFound");
    }
    EXPECT_EQ(client->status().state, "stopped");
}

TEST_F(tencent_service, a_number_that_the_answer_leaves_out_is_unknown) {
    tencent();
    vendor.script = {cloud_vendor::text(200, R"({"Response":{"SendStatusSet":[{"SerialNo":"5000:1",
        "PhoneNumber":"+8613800000000","Code":"Ok"},{"PhoneNumber":"+8613800000002","Code":"Ok"}]}})")};
    const auto r = send_same(0, 2);
    EXPECT_EQ(r[0].outcome, send_outcome::accepted);
    EXPECT_EQ(r[1].outcome, send_outcome::unknown);
    EXPECT_EQ(r[1].code, "local:not_named");
}

TEST_F(tencent_service, no_answer_and_broken_answers_are_unknown) {
    vendor.settings.response_timeout_s = 1;
    tencent();
    vendor.script = {vendor.taken_in_silence(), cloud_vendor::text(502, "bad gateway"),
                     cloud_vendor::text(200, "{"), cloud_vendor::text(200, std::string(2 << 20, 'x')),
                     cloud_vendor::text(200, R"({"Response":{"SendStatusSet":[]}})")};
    for (const auto* code :
         {"local:no_answer", "http:502", "local:unreadable", "local:oversized", "local:unreadable"}) {
        const auto r = send_one();
        EXPECT_EQ(r.outcome, send_outcome::unknown);
        EXPECT_EQ(r.code, code);
        EXPECT_EQ(sign_of(r), service_sign::ails);
    }
    EXPECT_EQ(vendor.asked.size(), 5U);
    EXPECT_EQ(client->status().codes.at("local:unreadable"), 2);
}

// Takes requests on one connection: answers the first, hangs up on the second.
asio::awaitable<void> hang_up_on_the_second(asio::ip::tcp::acceptor* at, int* requests) {
    auto socket = co_await at->async_accept(asio::use_awaitable);
    for (;;) {
        std::string head(65536, '\0');
        const auto n = co_await socket.async_read_some(asio::buffer(head), asio::use_awaitable);
        if (n == 0) co_return;
        if (++*requests == 2) co_return;
        const std::string body =
            R"({"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":"+8613800000001","Code":"Ok"}]}})";
        const std::string reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body;
        co_await asio::async_write(socket, asio::buffer(reply), asio::use_awaitable);
    }
}

TEST_F(tencent_service, a_connection_that_is_cut_under_a_request_is_no_reason_to_repeat_it) {
    asio::ip::tcp::acceptor at(vendor.on.context(), {asio::ip::make_address("127.0.0.1"), 0});
    vendor.settings.base_url = "http://127.0.0.1:" + std::to_string(at.local_endpoint().port());
    int requests = 0;
    asio::co_spawn(vendor.on.context(), hang_up_on_the_second(&at, &requests), asio::detached);
    tencent();
    EXPECT_EQ(send_one().outcome, send_outcome::accepted);
    const auto r = send_one();
    EXPECT_EQ(r.outcome, send_outcome::unknown);
    EXPECT_EQ(r.code, "local:no_answer");
    EXPECT_EQ(requests, 2);
}

json status_of(int n) {
    return {{"ReportStatus", "SUCCESS"},
            {"Description", "DELIVRD"},
            {"SerialNo", "5000:" + phone(n)},
            {"PhoneNumber", "+86" + phone(n)},
            {"UserReceiveTime", 1'620'734'188}};
}

TEST_F(tencent_service, receipts_are_fetched_and_kept_until_they_are_durable) {
    tencent();
    keep = false;
    for (int i = 0; i < 100; ++i) vendor.statuses.push_back(status_of(i));
    vendor.statuses.push_back("no receipt at all");
    run();
    ASSERT_TRUE(vendor.wait_until([&] { return offered >= 2; }));
    const auto pulls = vendor.count("PullSmsSendStatus");
    EXPECT_EQ(pulls, 1U) << "no more of them before these are kept";
    keep = true;
    ASSERT_TRUE(vendor.wait_until([&] { return receipts.size() == 100; }));
    EXPECT_EQ(receipts[3].message_id, "5000:" + phone(3));
    vendor.statuses.push_back(status_of(500));
    ASSERT_TRUE(vendor.wait_until([&] { return receipts.size() == 101; }));
    EXPECT_EQ(client->status().receipts, 101);
    EXPECT_EQ(client->status().state, "connected");
}

TEST_F(tencent_service, a_stop_waits_for_fetched_receipts) {
    tencent();
    keep = false;
    vendor.statuses.push_back(status_of(1));
    run();
    ASSERT_TRUE(vendor.wait_until([&] { return offered >= 1; }));
    client->stop(milliseconds(5000));
    vendor.on.run_for(milliseconds(100));
    EXPECT_TRUE(running);
    keep = true;
    ASSERT_TRUE(vendor.wait_until([&] { return !running; }, std::chrono::seconds(3)));
    EXPECT_EQ(receipts.size(), 1U);
}

TEST_F(tencent_service, receipts_that_are_pushed_are_not_fetched) {
    vendor.settings.callback_secret = "0123456789abcdef";
    tencent();
    run();
    vendor.on.run_for(milliseconds(200));
    EXPECT_TRUE(vendor.asked.empty());
}

TEST_F(tencent_service, a_refused_fetch_is_tried_again) {
    tencent();
    vendor.script = {
        cloud_vendor::text(500, "x"), cloud_vendor::text(200, R"({"Response":{}})"),
        cloud_vendor::text(200, R"({"Response":{"Error":{"Code":"InternalError","Message":""}}})")};
    vendor.statuses.push_back(status_of(1));
    run();
    ASSERT_TRUE(vendor.wait_until([&] { return receipts.size() == 1; }));
}

} // namespace
} // namespace zhida::gateways
