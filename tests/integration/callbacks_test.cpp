// What clouds push to the portal, over HTTP, with a real Redis behind it and the event log on Redis Streams.
#include "common/base/murmur2.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/acknowledgements.hpp"
#include "common/store/keys.hpp"
#include "services/gateways/cloud_receipts.hpp"
#include "services/letters.hpp"
#include "services/portal/callbacks.hpp"
#include "services/portal/patience.hpp"
#include "services/portal/portal.hpp"
#include "services/publishing.hpp"
#include "services/receipts.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace zhida {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
using tests::raw_client;
using tests::raw_reply;

constexpr int shards = 2;
const std::string phone = "13800000001", secret_of_ali = "secret-of-ali-0001",
                  secret_of_tc = "secret-of-tc-00001";
const std::string out_id = "zd" + std::string(32, '0');
const std::string kept_aliyun = R"({"code":0,"msg":"接收成功"})",
                  kept_tencent = R"({"result":0,"errmsg":"OK"})";
const std::string ours = "宝山区科委", others = "宝山区民政局";

std::string receipt_of(const std::string& number, bool success = true) {
    return to_text({{"phone_number", number},
                    {"send_time", "2026-11-23 21:05:00"},
                    {"report_time", "2026-11-23 21:05:02"},
                    {"success", success},
                    {"err_code", success ? "DELIVERED" : "MOBILE_NOT_ON_SERVICE"},
                    {"err_msg", ""},
                    {"sms_size", "1"},
                    {"biz_id", "932702304080415357^0"},
                    {"out_id", out_id}});
}

class callbacks : public ::testing::Test {
  protected:
    callbacks() : log_(io::make_event_log(loop_.executor(), settings_)) {
        loop_.run(redis_.command({"FLUSHALL"})).value();
        loop_.run(log_->ensure(all_topics(shards))).value();
        for (const auto& [policy, issuer] : {std::pair{"A", ours}, std::pair{"B", others}}) {
            campaign c;
            c.id = campaign_id(policy, 1, 1);
            c.policy_id = policy;
            c.title = "测试政策";
            c.issuer = issuer;
            c.channels = {channel::sms};
            c.created_ms = clock_.now().time_since_epoch().count();
            if (issuer == others) c.channels = {channel::web};
            loop_.run(campaigns_.put(c)).value();
        }
        portal_ = std::make_unique<portal::portal>(
            context_.get_executor(),
            portal::portal_parts{
                settings_, catalogue(), clock_, sealer_, meters_, tests::in_source("config"), {}});
        portal_->start().value();
        asio::co_spawn(context_, portal_->run(), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
        thread_ = std::thread([this] { context_.run(); });
    }
    ~callbacks() override {
        asio::post(context_, [this] { portal_->stop(); });
        thread_.join();
        loop_.run(log_->close());
    }
    static tests::server& server() {
        static tests::server one("redis"); // of its own: a test makes it hold its breath
        return one;
    }
    static const matching::catalogue& catalogue() {
        static const auto one = matching::catalogue::load(tests::in_source("config/catalogue")).value();
        return one;
    }
    static config settings() {
        config c;
        c.redis.url = server().address();
        c.redis.timeout_ms = 1500;
        c.event_log.driver = "redis";
        c.node.shards = shards;
        c.portal.port = 0;
        c.portal.demo_sign_in = true;
        c.portal.max_body_bytes = 64 << 10;
        auto& ali = c.sms.gateways["ali"];
        ali.name = "ali";
        ali.protocol = "aliyun";
        ali.secret = "key-secret";
        ali.callback_secret = secret_of_ali;
        ali.callback_from = "127.0.0.0/8, ::1";
        auto& tc = c.sms.gateways["tc"];
        tc.name = "tc";
        tc.protocol = "tencent";
        tc.callback_secret = secret_of_tc;
        auto& far = c.sms.gateways["far"];
        far = ali;
        far.name = "far";
        far.callback_from = "203.0.113.0/24";
        return c;
    }
    raw_reply post(const std::string& path, const std::string& body) {
        return tests::fetch(portal_->port(), "POST", path, {{"Content-Type", "application/json"}}, body);
    }
    raw_reply receipts(const std::string& body, const std::string& secret = secret_of_ali) {
        return post("/gateways/ali/receipts/" + secret, body);
    }
    raw_reply get(const std::string& path, const std::string& token) {
        return tests::fetch(portal_->port(), "GET", path, {{"Authorization", "Bearer " + token}});
    }
    // The message of that number, sent by the gateway "ali" for a delivery in shard 1.
    void sent_to(const std::string& number) {
        const auto id = gateways::aliyun_message_id(out_id, number, "key-secret");
        loop_
            .run(messages_.bind(
                "sms", {{gateways::scoped_message_id("ali", id), {1, "A.v1.r1", channel::sms, 7, 1, 1}}}))
            .value();
    }
    std::vector<cloud_event> events(const char* topic) {
        std::vector<cloud_event> out;
        const auto ends = loop_.run(log_->end_offsets(topic)).value();
        for (std::size_t p = 0; p < ends.size(); ++p)
            for (const auto& r :
                 loop_.run(log_->read({topic, static_cast<std::int32_t>(p)}, 0, 1000)).value())
                out.push_back(decode_event(r.headers, r.value).value());
        return out;
    }
    std::vector<dead_letter> letters() {
        std::vector<dead_letter> out;
        for (const auto& r : loop_.run(log_->read({topics::dead_letter, 0}, 0, 1000)).value())
            out.push_back(read_letter(r).value());
        return out;
    }
    double counted(const std::string& line) {
        const auto all = meters_.text();
        const auto at = all.find(line + " ");
        return at == std::string::npos ? 0 : std::stod(all.substr(at + line.size() + 1));
    }
    std::string callbacks_line(const std::string& gateway, const char* kind, const char* outcome) {
        return "zhida_callbacks_total{gateway=\"" + gateway + "\",kind=\"" + kind + "\",outcome=\"" +
               outcome + "\"}";
    }

    tests::loop loop_;
    config settings_ = settings();
    system_clock clock_;
    metrics meters_;
    crypto::sealer sealer_ = crypto::sealer::from_hex_key(std::string(64, 'a')).value();
    io::redis redis_{loop_.executor(), {settings_.redis.url, milliseconds(5000)}};
    std::unique_ptr<io::event_log> log_;
    store::messages messages_{redis_};
    store::campaigns campaigns_{redis_, shards};
    store::consents consents_{redis_};
    store::number_digests digests_{sealer_};
    store::acknowledgements acknowledgements_{redis_, sealer_};
    asio::io_context context_{1};
    std::unique_ptr<portal::portal> portal_;
    std::thread thread_;
};

TEST_F(callbacks, a_receipt_goes_to_the_delivery_it_is_of) {
    sent_to(phone);
    const auto reply = receipts("[" + receipt_of(phone, false) + "]");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, kept_aliyun);
    const auto told = events(topics::receipt);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].type, event_type::receipt_arrived);
    std::vector<failure> errors;
    const auto arrived = read_receipt(told[0].data, errors);
    ASSERT_TRUE(arrived);
    EXPECT_EQ(arrived->place.position, 7U);
    EXPECT_EQ(arrived->place.campaign, "A.v1.r1");
    EXPECT_EQ(record_of(*arrived).now, ledger::state::failed);
    EXPECT_EQ(told[0].data.dump().find(phone), std::string::npos);
    EXPECT_EQ(counted(callbacks_line("ali", "receipts", "taken")), 1);
    // Pushed again it is the same news about the same delivery.
    EXPECT_EQ(receipts("[" + receipt_of(phone, false) + "]").status, 200);
    ASSERT_EQ(events(topics::receipt).size(), 2U);
    EXPECT_EQ(events(topics::receipt)[1].data, told[0].data);
}

TEST_F(callbacks, of_tencent_too) {
    const auto reply = post(
        "/gateways/tc/receipts/" + secret_of_tc,
        R"([{"user_receive_time":"2026-11-23 21:05:02","nationcode":"86","mobile":"13800000001",)"
        R"("report_status":"SUCCESS","errmsg":"DELIVRD","description":"用户短信送达成功","sid":"1:2"}])");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, kept_tencent);
    ASSERT_EQ(events(topics::receipt).size(), 1U);
    EXPECT_EQ(events(topics::receipt)[0].data.at("gateway"), "tc");
}

TEST_F(callbacks, forged_ones_create_nothing_that_stays) {
    EXPECT_EQ(receipts("[" + receipt_of("13800000099") + "]").status, 200);
    const auto told = events(topics::receipt);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].type, event_type::receipt_orphaned);
    const auto id = gateways::aliyun_message_id(out_id, "13800000099", "key-secret");
    const auto key = store::keys::orphan("sms", gateways::scoped_message_id("ali", id));
    EXPECT_GT(loop_.run(redis_.command({"TTL", key})).value().integer, 0) << "it expires";
    for (int shard = 0; shard < shards; ++shard)
        EXPECT_EQ(loop_.run(redis_.command({"EXISTS", store::keys::campaigns_of(shard)})).value().integer, 0);
}

TEST_F(callbacks, who_knows_no_secret_learns_nothing) {
    sent_to(phone);
    const auto body = "[" + receipt_of(phone) + "]";
    const auto wrong = receipts(body, "secret-of-ali-0002");
    EXPECT_EQ(wrong.status, 404);
    for (const auto& path :
         {"/gateways/nobody/receipts/" + secret_of_ali, "/gateways/tc/receipts/" + secret_of_ali,
          "/gateways/sms/replies/" + secret_of_ali, "/gateways/far/receipts/" + secret_of_ali}) {
        const auto reply = post(path, body);
        EXPECT_EQ(reply.status, wrong.status) << path;
        EXPECT_EQ(reply.body, wrong.body) << path;
    }
    EXPECT_EQ(wrong.body.find("secret-of"), std::string::npos);
    EXPECT_TRUE(events(topics::receipt).empty());
    EXPECT_EQ(counted(callbacks_line("none", "receipts", "unknown")), 3);
    EXPECT_EQ(counted(callbacks_line("far", "receipts", "elsewhere")), 1)
        << "the secret, from another address";
    EXPECT_EQ(meters_.text().find("secret-of"), std::string::npos);
    EXPECT_EQ(get("/gateways/ali/receipts/" + secret_of_ali, "demo-operator").status, 405);
}

TEST_F(callbacks, one_wrong_entry_of_three_is_named_and_kept_and_the_others_are_taken) {
    sent_to(phone);
    sent_to("13800000003");
    const auto bad = R"({"phone_number":"13800000002","success":"perhaps","biz_id":"1"})";
    const auto reply = receipts("[" + receipt_of(phone) + "," + bad + "," + receipt_of("13800000003") + "]");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(events(topics::receipt).size(), 2U);
    const auto buried = letters();
    ASSERT_EQ(buried.size(), 1U);
    ASSERT_EQ(buried[0].errors.size(), 1U);
    EXPECT_EQ(buried[0].errors[0].where, "/1/success");
    EXPECT_EQ(buried[0].message.topic, "gateway.ali.receipts");
    EXPECT_EQ(parse_json(buried[0].message.value).value(),
              (json{{"1", {{"phone_number", "138****0002"}, {"success", "perhaps"}, {"biz_id", "1"}}}}));
    EXPECT_FALSE(may_replay(buried[0]));
    EXPECT_EQ(counted("zhida_callback_entries_wrong_total{gateway=\"ali\",kind=\"receipts\"}"), 1);
}

TEST_F(callbacks, what_cannot_be_read_at_all_is_kept_and_refused) {
    for (const std::string body : {"", "{", "{}", "7"}) EXPECT_EQ(receipts(body).status, 400) << body;
    EXPECT_EQ(receipts("[]").status, 200);
    EXPECT_EQ(letters().size(), 4U);
    EXPECT_EQ(counted(callbacks_line("ali", "receipts", "unreadable")), 4);
    EXPECT_EQ(receipts("[\"" + std::string(64 << 10, 'x') + "\"]").status, 413);
    EXPECT_TRUE(events(topics::receipt).empty());
}

TEST_F(callbacks, a_reply_opts_out_or_reaches_its_department_and_nobody_else) {
    const auto reply = [&](const char* text, const char* id) {
        return post("/gateways/ali/replies/" + secret_of_ali, to_text({{{"phone_number", phone},
                                                                        {"content", text},
                                                                        {"dest_code", "01"},
                                                                        {"sequence_id", id},
                                                                        {"send_time", "2026-11-23 21:05:00"},
                                                                        {"sign_name", "直达演示"}}}));
    };
    for (int again = 0; again < 3; ++again) {
        EXPECT_EQ(reply("R", "1").body, kept_aliyun);
        EXPECT_EQ(reply("<b>谢谢</b>", "2").status, 200);
        EXPECT_EQ(
            post(
                "/gateways/tc/replies/" + secret_of_tc,
                R"({"extend":"","mobile":"13800000002","nationcode":"86","sign":"直达演示","text":"收到","time":1795439100})")
                .body,
            kept_tencent);
    }
    for (int shard = 0; shard < shards; ++shard)
        EXPECT_TRUE(loop_.run(consents_.number_refused(shard, digests_.of(phone))).value());
    ASSERT_TRUE(loop_.run(acknowledgements_.take()).value());
    EXPECT_FALSE(loop_.run(acknowledgements_.take()).value()) << "once";

    const auto list = json::parse(
        get("/api/v1/feedback", "demo-department:%E5%AE%9D%E5%B1%B1%E5%8C%BA%E7%A7%91%E5%A7%94").body);
    ASSERT_EQ(list.at("items").size(), 2U) << "each once: " << list;
    EXPECT_EQ(list.at("items")[0].at("text"), "收到");
    EXPECT_EQ(list.at("items")[1].at("phone"), "138****0001");
    EXPECT_EQ(list.at("items")[1].at("department"), ours);
    EXPECT_EQ(list.at("items")[1].at("gateway"), "ali");
    EXPECT_EQ(list.at("items")[1].at("to"), "01");
    EXPECT_EQ(list.at("items")[1].at("at"), "2026-11-23T21:05:00.000+08:00");
    const std::string of_others = "demo-department:%E5%AE%9D%E5%B1%B1%E5%8C%BA%E6%B0%91%E6%94%BF%E5%B1%80";
    EXPECT_TRUE(json::parse(get("/api/v1/feedback", of_others).body).at("items").empty());
    EXPECT_EQ(json::parse(get("/api/v1/feedback", "demo-operator").body).at("items").size(), 2U);
    EXPECT_EQ(get("/api/v1/feedback", "demo-subject:R00000000000000053").status, 403);
    EXPECT_EQ(get("/api/v1/feedback", "nobody").status, 401);

    const auto page = get("/feedback", "demo-operator").body;
    EXPECT_NE(page.find("&lt;b&gt;谢谢&lt;/b&gt;"), std::string::npos);
    EXPECT_NE(page.find("138****0001"), std::string::npos);
    EXPECT_EQ(page.find(phone), std::string::npos);
    EXPECT_EQ(get("/feedback", of_others).body.find("谢谢"), std::string::npos);
    EXPECT_EQ(get("/feedback", "demo-subject:R00000000000000053").status, 403);
}

TEST_F(callbacks, the_list_of_replies_comes_in_pages) {
    json all = json::array();
    for (int i = 0; i < 5; ++i)
        all.push_back({{"phone_number", phone}, {"content", std::to_string(i)}, {"sequence_id", i}});
    ASSERT_EQ(post("/gateways/ali/replies/" + secret_of_ali, to_text(all)).status, 200);
    std::string texts, path = "/api/v1/feedback?limit=2";
    int pages = 0;
    while (!path.empty() && ++pages < 9) {
        const auto reply = get(path, "demo-operator");
        const auto body = json::parse(reply.body);
        for (const auto& m : body.at("items")) texts += m.at("text").get<std::string>();
        EXPECT_EQ(reply.header("Link").empty(), body.at("next").is_null());
        path = body.at("next").is_null()
                   ? ""
                   : "/api/v1/feedback?limit=2&cursor=" + body.at("next").get<std::string>();
    }
    EXPECT_EQ(texts, "43210");
    EXPECT_EQ(pages, 3);
    EXPECT_EQ(get("/api/v1/feedback?limit=0", "demo-operator").status, 400);
}

TEST_F(callbacks, an_operator_gives_a_reply_of_nobody_to_a_department) {
    store::feedback feedback(redis_, sealer_);
    loop_.run(feedback.add({"", "ali", "", phone, "给谁看", clock_.now(), "1"}, clock_.now())).value();
    const auto of_others = "demo-department:%E5%AE%9D%E5%B1%B1%E5%8C%BA%E6%B0%91%E6%94%BF%E5%B1%80";
    EXPECT_EQ(get("/feedback", of_others).body.find("给谁看"), std::string::npos);
    EXPECT_EQ(json::parse(get("/api/v1/feedback", "demo-department").body).at("items").size(), 0U)
        << "a department's token without a name sees what departments have";
    const auto only = get("/feedback?unassigned=1", "demo-operator").body;
    EXPECT_NE(only.find("给谁看"), std::string::npos);
    EXPECT_NE(only.find("未归属"), std::string::npos);
    EXPECT_NE(only.find("<option>" + others + "</option>"), std::string::npos);
    const auto number = loop_.run(feedback.list({""}, 1)).value().messages.at(0).number;
    // As a browser does: a session, and the page's own token.
    const auto cookie_of = [&](const std::string& role) {
        const auto reply = tests::fetch(
            portal_->port(), "POST", "/sign-in",
            {{"Content-Type", "application/x-www-form-urlencoded"}, {"Origin", "http://127.0.0.1"}}, role);
        const auto cookie = reply.header("Set-Cookie");
        return cookie.substr(0, cookie.find(';'));
    };
    const auto assign = [&](const std::string& letter, const std::string& to, const std::string& role,
                            bool with_token = true) {
        const auto cookie = cookie_of(role);
        const auto shown = tests::fetch(portal_->port(), "GET", "/feedback", {{"Cookie", cookie}}).body;
        const std::string mark = "name=\"token\" value=\"";
        const auto token = with_token ? shown.substr(shown.find(mark) + mark.size(), 64) : "";
        return tests::fetch(portal_->port(), "POST", "/feedback/" + letter + "/assign",
                            {{"Cookie", cookie},
                             {"Origin", "http://127.0.0.1"},
                             {"Content-Type", "application/x-www-form-urlencoded"}},
                            "token=" + token + "&department=" + to)
            .status;
    };
    const std::string to_others = "%E5%AE%9D%E5%B1%B1%E5%8C%BA%E6%B0%91%E6%94%BF%E5%B1%80";
    const auto id = std::to_string(number);
    EXPECT_EQ(assign(id, to_others, "role=department&name=" + to_others), 403);
    EXPECT_EQ(assign(id, to_others, "role=operator", false), 403) << "from another site";
    EXPECT_EQ(assign(id, "", "role=operator"), 422);
    EXPECT_EQ(assign(id, "no-such-department", "role=operator"), 422);
    EXPECT_EQ(assign("0x1", to_others, "role=operator"), 404);
    EXPECT_EQ(assign(id, to_others, "role=operator"), 303);
    EXPECT_EQ(assign(id, to_others, "role=operator"), 404) << "it belongs to them now";
    EXPECT_NE(get("/feedback", of_others).body.find("给谁看"), std::string::npos);
}

// gateways.md §5.17: a slow endpoint makes the vendor push again, and so becomes slower. The log (and Redis)
// holds its breath: every push is answered within a second all the same, most of a flood at once; what was
// not kept is refused, comes again, and is kept then.
TEST_F(callbacks, m17_callback_endpoint_slow) {
    sent_to(phone);
    const auto body = "[" + receipt_of(phone) + "]";
    ASSERT_EQ(receipts(body).status, 200);
    loop_.run(redis_.command({"CLIENT", "PAUSE", "4000", "ALL"})).value();
    const auto since = [](steady_clock::time_point t) {
        return std::chrono::duration_cast<milliseconds>(steady_clock::now() - t).count();
    };
    auto start = steady_clock::now();
    const auto alone = receipts(body);
    EXPECT_EQ(alone.status, 503);
    EXPECT_NE(alone.body.find("\"code\":1"), std::string::npos) << alone.body;
    EXPECT_GE(since(start), 850);
    EXPECT_LT(since(start), 1000);

    constexpr int flood = 100;
    std::vector<std::unique_ptr<raw_client>> clients;
    const auto request = "POST /gateways/ali/receipts/" + secret_of_ali +
                         " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body;
    start = steady_clock::now();
    for (int i = 0; i < flood; ++i) {
        clients.push_back(std::make_unique<raw_client>(portal_->port()));
        clients.back()->send(request);
    }
    const auto healthy = steady_clock::now();
    EXPECT_EQ(tests::fetch(portal_->port(), "GET", "/healthz").status, 200);
    EXPECT_LT(since(healthy), 500) << "nothing else waits for it";
    for (auto& c : clients) EXPECT_TRUE(c->rest().starts_with("HTTP/1.1 503")) << "in time, all of them";
    EXPECT_LT(since(start), 2000);
    EXPECT_GE(counted(callbacks_line("ali", "receipts", "busy")), flood - portal::most_callbacks);

    // The vendor pushes again until it is taken.
    int status = 0;
    for (int i = 0; i < 20 && status != 200; ++i) {
        std::this_thread::sleep_for(milliseconds(300));
        status = receipts(body).status;
    }
    EXPECT_EQ(status, 200);
    for (const auto& e : events(topics::receipt)) {
        EXPECT_EQ(e.type, event_type::receipt_arrived);
        EXPECT_EQ(e.data, events(topics::receipt).front().data) << "however often it was said, it is one";
    }
}

TEST(callback_letters, show_no_number) {
    EXPECT_EQ(portal::phones_masked(R"({"a":"13800000001","b":8613800000001,"c":"932702304080415357^0"})"),
              R"({"a":"138****0001","b":86138****0001,"c":"932702304080415357^0"})");
    EXPECT_EQ(portal::phones_masked("1380000000 23800000001 1"), "1380000000 23800000001 1");
}

} // namespace
} // namespace zhida
