// The portal as its users meet it: over HTTP, with a real Redis behind it and the event log on Redis Streams.
#include "common/base/murmur2.hpp"
#include "common/model/cloud_event.hpp"
#include "common/model/topics.hpp"
#include "common/store/audit.hpp"
#include "common/store/keys.hpp"
#include "common/store/ledger.hpp"
#include "services/dead_letter.hpp"
#include "services/portal/portal.hpp"
#include "services/publishing.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <regex>

#include <thread>

namespace zhida {
namespace {

namespace asio = boost::asio;
using tests::fetch;
using tests::raw_client;
using tests::raw_reply;

constexpr int shards = 4;
const std::string issuer = "宝山区科委", other_issuer = "宝山区民政局";
const std::string enterprise_id = "91310113HCG34RNH0J", resident_id = "R00000000000000053";
const std::map<std::string, std::string> op{{"Authorization", "Bearer demo-operator"}},
    department{{"Authorization", "Bearer demo-department:%E5%AE%9D%E5%B1%B1%E5%8C%BA%E7%A7%91%E5%A7%94"}},
    enterprise{{"Authorization", "Bearer demo-subject:" + enterprise_id}},
    resident{{"Authorization", "Bearer demo-subject:" + resident_id}};

config settings_for(const std::string& redis_url, bool demo) {
    config c;
    c.redis.url = redis_url;
    c.redis.timeout_ms = 1000;
    c.event_log.driver = "redis";
    c.node.shards = shards;
    c.portal.port = 0;
    c.portal.demo_sign_in = demo;
    return c;
}

json document(const std::string& id, const std::string& by = issuer, int version = 1,
              const std::string& disclosure = "主动公开") {
    return {{"schema", "zhida.policy/1"},
            {"id", id},
            {"version", version},
            {"title", "测试政策 " + id + " <script>alert(1)</script>"},
            {"issuer", by},
            {"level", "区"},
            {"region", "310113"},
            {"disclosure", disclosure},
            {"items",
             {{{"id", "1"},
               {"title", "研发补助"},
               {"subject", "enterprise"},
               {"eligibility",
                {{"op", "and"},
                 {"args",
                  {{{"op", "like"}, {"args", {{{"property", "ent.reg_division"}}, "310113%"}}},
                   {{"op", "<="}, {"args", {{{"property", "ent.headcount"}}, 500}}},
                   {{"op", "manual"}, {"args", {"研发方向属于重点领域"}}}}}}},
               {"labels", {{"/args/0", {{"text", "注册在宝山"}}}}},
               {"benefit", "最高 50 万元"},
               {"mode", "申请享受"}}}}};
}

// The portal on a thread of its own, as in the program.
class running_portal {
  public:
    running_portal(const config& c, const matching::catalogue& catalogue, const crypto::sealer& sealer,
                   std::function<std::vector<std::string>()> not_ready = {})
        : settings_(c), role_(std::make_unique<portal::portal>(
                            context_.get_executor(),
                            portal::portal_parts{settings_, catalogue, clock_, sealer, meters_,
                                                 zhida::tests::in_source("config"), std::move(not_ready)})) {
        role_->start().value();
        port = role_->port();
        asio::co_spawn(context_, role_->run(), [this](std::exception_ptr thrown) {
            failed = thrown;
            ended = true;
        });
        thread_ = std::thread([this] { context_.run(); });
    }
    ~running_portal() { stop(); }
    // Returns when every coroutine of the role has ended.
    void stop() {
        if (!thread_.joinable()) return;
        asio::post(context_, [this] { role_->stop(); });
        thread_.join();
    }

    std::uint16_t port = 0;
    bool ended = false;
    std::exception_ptr failed;

  private:
    config settings_;
    system_clock clock_;
    metrics meters_;
    asio::io_context context_{1};
    std::unique_ptr<portal::portal> role_;
    std::thread thread_;
};

struct world {
    world()
        : server("redis"), settings(settings_for(server.address(), true)),
          catalogue(matching::catalogue::load(zhida::tests::in_source("config/catalogue")).value()),
          sealer(crypto::sealer::from_hex_key(std::string(64, 'a')).value()),
          redis(loop.executor(), {server.address(), milliseconds(2000)}),
          log(io::make_event_log(loop.executor(), settings)) {
        loop.run(log->ensure(all_topics(shards))).value();
        seed();
        portal = std::make_unique<running_portal>(settings, catalogue, sealer);
    }

    void seed() {
        store::profiles profiles(redis, sealer, shards);
        const auto set = [this](profile& p, const char* name, const json& value) {
            const auto* a = catalogue.find(name);
            p.attributes.set(a->number, catalogue.encode(*a, value).value());
        };
        profile e;
        e.id = enterprise_id;
        e.name = "合成·<b>企业</b>";
        set(e, "ent.reg_division", "310113003");
        set(e, "ent.headcount", 35);
        profile r;
        r.id = resident_id;
        r.type = subject_type::resident;
        r.name = "合成·居民";
        set(r, "person.residence_division", "310113003");
        e.contacts = {{"法人", "16400000001", ""}};
        for (const auto& p : {e, r}) loop.run(profiles.put(shard_of(p.id, shards), {p}, 1)).value();
    }

    // A policy with a campaign whose audience is the enterprise; queued on web and SMS.
    std::string campaign_of(const std::string& id, const std::string& by, std::int64_t at_ms) {
        std::vector<failure> errors;
        const auto doc = document(id, by);
        const auto p = read_policy(doc, errors).value();
        store::policies policies(redis);
        loop.run(policies.put(p, doc, at_ms, true)).value();
        campaign c;
        c.id = campaign_id(id, 1, 1);
        c.policy_id = id;
        c.title = p.title;
        c.issuer = by;
        c.channels = {channel::web, channel::sms};
        c.created_ms = at_ms;
        store::campaigns campaigns(redis, shards);
        loop.run(campaigns.put(c)).value();
        store::profiles profiles(redis, sealer, shards);
        const auto who = loop.run(profiles.get(enterprise_id)).value();
        store::ledgers ledgers(redis);
        loop.run(ledgers.freeze(who.shard, c.id, c.channels, {{who.ordinal, 1}},
                                {{"0:eligible", 0}, {"0:possible", 1}}))
            .value();
        return c.id;
    }
    // What a dispatcher does: the ledger, then the audit event.
    void deliver(const std::string& campaign, channel via, ledger::state to) {
        const int shard = shard_of(enterprise_id, shards);
        ledger::record record;
        record.now = to;
        record.items = 1;
        record.at = 1'780'000'000;
        store::ledgers ledgers(redis);
        const auto changes = loop.run(ledgers.apply(shard, campaign, via, {{0, record}})).value();
        transition t;
        t.shard = shard;
        t.campaign = campaign;
        t.via = via;
        t.kind = "record";
        t.at_ms = 1'780'000'000'000;
        t.changes = changes;
        loop.run(log->append(delivery_message(t))).value();
    }
    std::vector<io::log_record> records_of(const std::string& topic, std::size_t at_least) {
        auto consumer = log->broadcast({topic}, true);
        std::vector<io::log_record> out;
        while (out.size() < at_least) {
            auto event = loop.run(consumer->next());
            if (!event) break;
            if (auto* records = std::get_if<std::vector<io::log_record>>(&*event))
                out.insert(out.end(), records->begin(), records->end());
        }
        loop.run(consumer->close());
        return out;
    }
    std::int64_t end_of(const char* topic) {
        std::int64_t sum = 0;
        for (const auto n : loop.run(log->end_offsets(topic)).value()) sum += n;
        return sum;
    }

    tests::loop loop;
    tests::server server;
    config settings;
    matching::catalogue catalogue;
    crypto::sealer sealer;
    io::redis redis;
    std::unique_ptr<io::event_log> log;
    std::unique_ptr<running_portal> portal;
};

class portal_test : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { shared = new world; }
    static void TearDownTestSuite() {
        delete shared;
        shared = nullptr;
    }
    static std::uint16_t port() { return shared->portal->port; }
    static raw_reply get(const std::string& target, const std::map<std::string, std::string>& as = {}) {
        return fetch(port(), "GET", target, as);
    }
    static raw_reply post(const std::string& target, std::map<std::string, std::string> as,
                          const std::string& body = "") {
        return fetch(port(), "POST", target, as, body);
    }
    // The session cookie of a demo sign-in.
    static std::string sign_in(const std::string& form) {
        const auto reply = post(
            "/sign-in",
            {{"Content-Type", "application/x-www-form-urlencoded"}, {"Origin", "http://127.0.0.1"}}, form);
        EXPECT_EQ(reply.status, 303) << reply.body;
        const auto cookie = reply.header("Set-Cookie");
        EXPECT_NE(cookie.find("; HttpOnly"), std::string::npos);
        EXPECT_NE(cookie.find("; SameSite=Lax"), std::string::npos);
        return cookie.substr(0, cookie.find(';'));
    }
    static std::string form_token(const std::string& page) {
        const std::string mark = "name=\"token\" value=\"";
        const auto at = page.find(mark);
        return at == std::string::npos ? "" : page.substr(at + mark.size(), 64);
    }
    static world* shared;
};
world* portal_test::shared = nullptr;

TEST_F(portal_test, a_published_policy_is_durable_in_the_event_log_before_it_is_acknowledged) {
    const auto before = shared->end_of(topics::policy);
    const auto doc = document("PUB-1");
    const auto reply = post("/api/v1/policies", department, to_text(doc));
    ASSERT_EQ(reply.status, 202) << reply.body;
    EXPECT_EQ(reply.header("Location"), "/api/v1/policies/PUB-1");
    EXPECT_EQ(json::parse(reply.body).at("campaign"), "PUB-1.v1.r1");
    const auto records = shared->records_of(topics::policy, static_cast<std::size_t>(before) + 1);
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records.back().key, "PUB-1");
    const auto event = decode_event(records.back().headers, records.back().value);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, event_type::policy_published);
    EXPECT_EQ(event->data, doc);
}

TEST_F(portal_test, an_idempotency_key_publishes_once) {
    auto as = department;
    as["Idempotency-Key"] = "key-1";
    const auto before = shared->end_of(topics::policy);
    const auto first = post("/api/v1/policies", as, to_text(document("IDEM-1")));
    const auto second = post("/api/v1/policies", as, to_text(document("IDEM-1")));
    EXPECT_EQ(first.status, 202);
    EXPECT_EQ(second.status, 202);
    EXPECT_EQ(first.body, second.body);
    EXPECT_EQ(shared->end_of(topics::policy), before + 1);
    EXPECT_EQ(post("/api/v1/policies", as, to_text(document("IDEM-2"))).status, 422);
    // Another asker's key is another key; and what was refused may be tried again.
    auto mine = op;
    mine["Idempotency-Key"] = "key-1";
    EXPECT_EQ(post("/api/v1/policies", mine, "{}").status, 422);
    EXPECT_EQ(post("/api/v1/policies", mine, to_text(document("IDEM-2"))).status, 202);
}

TEST_F(portal_test, a_wrong_document_gets_every_error_with_its_pointer) {
    auto doc = document("BAD-1");
    doc.erase("title");
    doc["items"][0]["eligibility"]["args"][0]["args"][0]["property"] = "ent.reg_divison";
    for (const char* where : {"/api/v1/policies", "/api/v1/policies/check"}) {
        const auto reply = post(where, department, to_text(doc));
        EXPECT_EQ(reply.status, 422);
        EXPECT_EQ(reply.header("Content-Type"), "application/problem+json; charset=utf-8");
        const auto body = json::parse(reply.body);
        std::set<std::string> pointers;
        for (const auto& e : body.at("errors")) pointers.insert(e.at("pointer").get<std::string>());
        EXPECT_TRUE(pointers.contains("/title")) << reply.body;
        EXPECT_TRUE(std::any_of(pointers.begin(), pointers.end(), [](const std::string& p) {
            return p.starts_with("/items/0/eligibility");
        })) << reply.body;
    }
    EXPECT_EQ(post("/api/v1/policies", department, "{").status, 422);
    EXPECT_EQ(post("/api/v1/policies/check", department, to_text(document("OK-1"))).status, 200);
    shared->campaign_of("OK-2", issuer, 1'000'000'000'000);
    const auto again = post("/api/v1/policies/check", department, to_text(document("OK-2")));
    EXPECT_EQ(json::parse(again.body).at("repeated"), true) << again.body;
}

TEST_F(portal_test, departments_publish_only_their_own_and_never_over_another) {
    EXPECT_EQ(post("/api/v1/policies", department, to_text(document("X-1", other_issuer))).status, 403);
    shared->campaign_of("TAKEN-1", other_issuer, 1'000'000'000'001);
    EXPECT_EQ(post("/api/v1/policies", department, to_text(document("TAKEN-1", issuer, 2))).status, 403);
    shared->campaign_of("TAKEN-2", issuer, 1'000'000'000'002);
    auto changed = document("TAKEN-2");
    EXPECT_EQ(post("/api/v1/policies", department, to_text(changed)).status, 200); // the same: a repetition
    changed["title"] = "改过";
    const auto checked = post("/api/v1/policies/check", department, to_text(changed));
    EXPECT_EQ(checked.status, 422) << "what is checked is what would be published";
    EXPECT_NE(checked.body.find("若是新政策，请改 id；若是更新，请把 version 改为 2"), std::string::npos)
        << checked.body;
    const auto reply = post("/api/v1/policies", department, to_text(changed));
    EXPECT_EQ(reply.status, 409);
    EXPECT_EQ(json::parse(reply.body).at("type"), "/problems/version-taken");
    changed["version"] = 2;
    EXPECT_EQ(post("/api/v1/policies", department, to_text(changed)).status, 202);
}

TEST_F(portal_test, nobody_gets_in_without_an_identity_and_nobody_sees_others) {
    for (const char* path : {"/api/v1/policies", "/api/v1/campaigns", "/api/v1/summary", "/api/v1/gateways",
                             "/api/v1/dead-letters", "/api/v1/live"}) {
        const auto reply = get(path);
        EXPECT_EQ(reply.status, 401) << path;
        EXPECT_FALSE(reply.header("WWW-Authenticate").empty());
    }
    EXPECT_EQ(get("/api/v1/summary", {{"Authorization", "Bearer wrong"}}).status, 401);
    EXPECT_EQ(get("/api/v1/summary", department).status, 403);
    EXPECT_EQ(get("/api/v1/campaigns", enterprise).status, 403);
    const auto packages = "/api/v1/subjects/" + enterprise_id + "/packages";
    EXPECT_EQ(get(packages, enterprise).status, 200);
    EXPECT_EQ(get(packages, op).status, 200);
    EXPECT_EQ(get(packages, department).status, 403);
    // Somebody else's and one that does not exist look the same.
    const auto others = get(packages, resident), none = get("/api/v1/subjects/NOBODY/packages", resident);
    EXPECT_EQ(others.status, 404);
    EXPECT_EQ(none.status, 404);
    EXPECT_EQ(get("/api/v1/subjects/" + enterprise_id + "/live", resident).status, 404);
    EXPECT_EQ(fetch(port(), "PUT", "/api/v1/subjects/" + enterprise_id + "/opt-out", resident).status, 404);
    EXPECT_EQ(post(packages + "/X.v1.r1/read", op).status, 403);
}

TEST_F(portal_test, a_private_policy_is_shown_to_its_own_department_and_operators_alone) {
    const auto doc = document("PRIV-1", issuer, 1, "依申请公开");
    std::vector<failure> errors;
    store::policies policies(shared->redis);
    shared->loop.run(policies.put(read_policy(doc, errors).value(), doc, 1'000'000'000'003, false)).value();
    EXPECT_EQ(get("/api/v1/policies/PRIV-1", department).status, 200);
    EXPECT_EQ(get("/api/v1/policies/PRIV-1", op).status, 200);
    EXPECT_EQ(get("/api/v1/policies/PRIV-1", enterprise).status, 404);
    EXPECT_EQ(get("/api/v1/policies/PRIV-1/document", enterprise).status, 404);
    EXPECT_EQ(get("/policies/PRIV-1").status, 404);
    EXPECT_EQ(get("/policies").body.find("PRIV-1"), std::string::npos);
    const auto cookie = sign_in("role=department&name=%E5%AE%9D%E5%B1%B1%E5%8C%BA%E7%A7%91%E5%A7%94");
    EXPECT_NE(get("/department", {{"Cookie", cookie}}).body.find("已保存，不推送"), std::string::npos);
    EXPECT_NE(get("/campaigns/PRIV-1.v1.r1", {{"Cookie", cookie}}).body.find("已保存，不推送"),
              std::string::npos);
}

TEST_F(portal_test, packages_tell_why_and_are_read_once) {
    const auto campaign = shared->campaign_of("PKG-1", issuer, 1'000'000'000'010);
    const auto path = "/api/v1/subjects/" + enterprise_id + "/packages";
    const auto mine = [&](const json& inbox) {
        for (const auto& p : inbox.at("items"))
            if (p.at("campaign") == campaign) return p;
        return json();
    };
    EXPECT_TRUE(mine(json::parse(get(path, enterprise).body)).is_null()); // queued is not delivered
    EXPECT_EQ(post(path + "/" + campaign + "/read", enterprise).status, 404);
    shared->deliver(campaign, channel::web, ledger::state::delivered);
    const auto package = mine(json::parse(get(path, enterprise).body));
    ASSERT_FALSE(package.is_null());
    EXPECT_FALSE(package.at("read").get<bool>());
    const auto& item = package.at("items").at(0);
    EXPECT_EQ(item.at("benefit"), "最高 50 万元");
    EXPECT_EQ(item.at("verdict"), "possible");
    EXPECT_EQ(item.at("deadline").at("state"), "unstated");
    ASSERT_EQ(item.at("why").size(), 3u);
    EXPECT_EQ(item.at("why")[0].at("text"), "注册在宝山");
    EXPECT_EQ(item.at("why")[0].at("outcome"), "met");
    EXPECT_EQ(item.at("why")[1].at("outcome"), "met");
    EXPECT_NE(item.at("why")[1].at("value").get<std::string>().find("35"), std::string::npos);
    EXPECT_TRUE(item.at("why")[2].at("manual").get<bool>());
    EXPECT_EQ(item.at("why")[2].at("outcome"), "unknown");

    const auto audited = shared->end_of(topics::delivery);
    EXPECT_EQ(json::parse(post(path + "/" + campaign + "/read", enterprise).body), (json{{"changed", true}}));
    EXPECT_EQ(json::parse(post(path + "/" + campaign + "/read", enterprise).body),
              (json{{"changed", false}}));
    EXPECT_EQ(shared->end_of(topics::delivery), audited + 1);
    EXPECT_TRUE(mine(json::parse(get(path, enterprise).body)).at("read").get<bool>());
    const auto funnel = json::parse(get("/api/v1/campaigns/" + campaign, op).body);
    EXPECT_EQ(funnel.at("channels")[0].at("read"), 1);
}

TEST_F(portal_test, without_a_matcher_there_is_no_check_up_rather_than_an_empty_one) {
    const auto path = "/api/v1/subjects/" + enterprise_id + "/checkup";
    for (const auto& as : {enterprise, op}) {
        const auto reply = get(path, as);
        EXPECT_EQ(reply.status, 503) << reply.body;
        EXPECT_NE(reply.header("Retry-After"), "");
        EXPECT_EQ(reply.header("Content-Type"), "application/problem+json; charset=utf-8");
        const auto body = json::parse(reply.body);
        EXPECT_EQ(body.at("type"), "/problems/unavailable");
        EXPECT_NE(body.at("detail").get<std::string>().find("政策体检暂时不能进行"), std::string::npos);
        EXPECT_FALSE(body.contains("eligible"));
    }
    EXPECT_EQ(get(path, resident).status, 404) << "somebody else's";
    EXPECT_EQ(get(path, department).status, 403);
    EXPECT_EQ(get("/api/v1/subjects/R99999999999999999/checkup", op).status, 404);
    const auto cookie = sign_in("role=subject&name=" + enterprise_id);
    const auto page = get("/checkup", {{"Cookie", cookie}});
    EXPECT_EQ(page.status, 503);
    EXPECT_NE(page.header("Retry-After"), "");
    EXPECT_NE(page.body.find("政策体检暂时不能进行"), std::string::npos);
    EXPECT_EQ(page.body.find("没有符合全部条件的事项"), std::string::npos);
}

TEST_F(portal_test, a_package_of_an_older_version_says_so_and_its_campaign_stays_in_reach) {
    const auto campaign = shared->campaign_of("OLD-1", issuer, 1'000'000'000'020);
    shared->deliver(campaign, channel::web, ledger::state::delivered);
    store::policies policies(shared->redis);
    std::vector<failure> errors;
    auto newer = document("OLD-1", issuer, 2);
    const auto p = read_policy(newer, errors).value();
    shared->loop.run(policies.put(p, newer, 1'000'000'000'021, true)).value();
    const auto inbox = json::parse(get("/api/v1/subjects/" + enterprise_id + "/packages", enterprise).body);
    for (const auto& one : inbox.at("items"))
        EXPECT_EQ(one.at("newer_version").get<bool>(), one.at("campaign") == campaign) << one;
    const auto page = get("/enterprise", {{"Cookie", sign_in("role=subject&name=" + enterprise_id)}});
    EXPECT_NE(page.body.find("此政策已有新版"), std::string::npos);
    // The list of campaigns is kept for a second.
    bool in_reach = false;
    for (int tries = 0; tries < 30 && !in_reach; ++tries) {
        if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
        const auto desk = get("/department", department).body;
        in_reach = desk.find("href=\"/campaigns/OLD-1.v1.r1\"") != std::string::npos;
    }
    EXPECT_TRUE(in_reach);
}

TEST_F(portal_test, opting_out_stops_sms_and_wechat_and_leaves_the_page) {
    const auto path = "/api/v1/subjects/" + enterprise_id + "/opt-out";
    store::consents consents(shared->redis);
    const int shard = shard_of(enterprise_id, shards);
    EXPECT_EQ(fetch(port(), "PUT", path, enterprise).status, 200);
    EXPECT_TRUE(shared->loop.run(consents.opted_out(shard, enterprise_id)).value());
    EXPECT_TRUE(json::parse(get("/api/v1/subjects/" + enterprise_id + "/packages", enterprise).body)
                    .at("opted_out")
                    .get<bool>());
    EXPECT_EQ(fetch(port(), "DELETE", path, op).status, 200);
    EXPECT_FALSE(shared->loop.run(consents.opted_out(shard, enterprise_id)).value());
    const auto ends = shared->loop.run(shared->log->end_offsets(topics::consent)).value();
    const auto end = ends[static_cast<std::size_t>(shard)];
    const auto said = shared->loop.run(shared->log->read({topics::consent, shard}, end - 2, 2)).value();
    ASSERT_EQ(said.size(), 2U);
    const auto by = [&](std::size_t n) {
        return read_consent_change(decode_event(said[n].headers, said[n].value).value()).value().by;
    };
    EXPECT_EQ(by(0), (actor{enterprise_id, "subject"}));
    EXPECT_EQ(by(1).role, "operator");
}

TEST_F(portal_test, preferences_are_read_and_replaced) {
    const auto path = "/api/v1/subjects/" + enterprise_id + "/preferences";
    const auto put = [&](const json& body, const std::map<std::string, std::string>& as) {
        return fetch(port(), "PUT", path, as, to_text(body));
    };
    EXPECT_EQ(get(path, resident).status, 404);
    EXPECT_EQ(put(json::object(), resident).status, 404);
    EXPECT_EQ(get(path, department).status, 403);
    const auto before = shared->end_of(topics::consent);
    const json wanted = {{"untargeted", true},
                         {"refused_channels", {"sms"}},
                         {"refused_themes", {"就业"}},
                         {"preferred_channels", {"wechat"}}};
    for (int i = 0; i < 2; ++i) EXPECT_EQ(put(wanted, enterprise).status, 200);
    EXPECT_EQ(shared->end_of(topics::consent), before + 2) << "durable in the log, each time it was said";
    const auto read = json::parse(get(path, op).body);
    EXPECT_EQ(read.at("all_messages"), false);
    EXPECT_EQ(put(read, enterprise).body, to_text(read)) << "what is read may be sent back";
    for (const auto& [name, value] : wanted.items()) EXPECT_EQ(read.at(name), value) << name;
    const auto page = get("/enterprise", {{"Cookie", sign_in("role=subject&name=" + enterprise_id)}});
    EXPECT_NE(page.body.find("您已选择不再接收定向推送"), std::string::npos);

    const auto refused = put({{"refused_channels", {"web"}}, {"untargetted", true}}, enterprise);
    EXPECT_EQ(refused.status, 422);
    const auto body = json::parse(refused.body);
    EXPECT_EQ(body.at("type"), "/problems/preferences-invalid");
    std::set<std::string> pointers;
    for (const auto& e : body.at("errors")) pointers.insert(e.at("pointer").get<std::string>());
    EXPECT_EQ(pointers, (std::set<std::string>{"/refused_channels/0", "/untargetted"}));
    EXPECT_EQ(fetch(port(), "PUT", path, enterprise, "{").status, 422);

    EXPECT_EQ(put(json::object(), op).status, 200) << "on the telephone";
    EXPECT_EQ(json::parse(get(path, enterprise).body).at("refused_themes"), json::array());
}

TEST_F(portal_test, a_number_opts_out_at_the_hotline) {
    const std::string path = "/api/v1/numbers/13800000009/opt-out";
    const auto digest = store::number_digests(shared->sealer).of("13800000009");
    store::consents consents(shared->redis);
    EXPECT_EQ(fetch(port(), "PUT", path, enterprise).status, 403);
    EXPECT_EQ(fetch(port(), "PUT", "/api/v1/numbers/138/opt-out", op).status, 422);
    EXPECT_EQ(fetch(port(), "PUT", "/api/v1/numbers/+8613800000009/opt-out", op).status, 200);
    for (int shard = 0; shard < shards; ++shard)
        EXPECT_TRUE(shared->loop.run(consents.number_refused(shard, digest)).value()) << shard;
    EXPECT_EQ(fetch(port(), "DELETE", path, op).status, 200);
    EXPECT_FALSE(shared->loop.run(consents.number_refused(0, digest)).value());
}

TEST_F(portal_test, the_preferences_page_saves_what_is_ticked) {
    auto doc = document("THEME-1");
    doc["theme"] = "就业/稳岗";
    std::vector<failure> errors;
    store::policies policies(shared->redis);
    shared->loop.run(policies.put(read_policy(doc, errors).value(), doc, 4'000'000'000'009, false)).value();
    const auto cookie = sign_in("role=subject&name=" + enterprise_id);
    const auto page = get("/preferences", {{"Cookie", cookie}});
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("name=\"theme.就业\""), std::string::npos) << page.body;
    std::map<std::string, std::string> form{{"Cookie", cookie},
                                            {"Content-Type", "application/x-www-form-urlencoded"},
                                            {"Sec-Fetch-Site", "same-origin"}};
    EXPECT_EQ(post("/preferences", form, "first=").status, 403) << "without the form's token";
    const auto token = "&token=" + form_token(page.body);
    EXPECT_EQ(post("/preferences", form, "first=fax" + token).status, 400);
    const auto saved =
        post("/preferences", form,
             "first=wechat&all_messages=on&theme.%E5%B0%B1%E4%B8%9A=on&channel.sms=on" + token);
    EXPECT_EQ(saved.status, 303) << saved.body;
    EXPECT_EQ(saved.header("Location"), "/preferences?done=saved");
    const auto read = json::parse(get("/api/v1/subjects/" + enterprise_id + "/preferences", enterprise).body);
    EXPECT_EQ(read.at("all_messages"), true);
    EXPECT_EQ(read.at("refused_themes"), json::array({"就业"}));
    EXPECT_EQ(read.at("preferred_channels"), json::array({"wechat"}));
    EXPECT_NE(get("/preferences?done=saved", {{"Cookie", cookie}}).body.find("接收设置已保存"),
              std::string::npos);
    EXPECT_EQ(post("/preferences", form, "first=" + token).status, 303);
    const auto all_messages = [&] {
        return json::parse(get("/api/v1/subjects/" + enterprise_id + "/preferences", enterprise).body)
            .at("all_messages")
            .get<bool>();
    };
    EXPECT_TRUE(all_messages()) << "a form that was drawn before the opt-out does not take it back";
    const auto put = fetch(port(), "PUT", "/api/v1/subjects/" + enterprise_id + "/preferences", enterprise,
                           to_text(json{{"all_messages", false}}));
    EXPECT_EQ(put.status, 200);
    EXPECT_TRUE(json::parse(put.body).at("all_messages").get<bool>()) << "nor does the API, and it says so";
    const auto opted_out = get("/preferences", {{"Cookie", cookie}}).body;
    EXPECT_EQ(opted_out.find("name=\"all_messages\""), std::string::npos);
    EXPECT_NE(opted_out.find("form=\"opt-in\""), std::string::npos);
    EXPECT_EQ(post("/opt-out", form, "do=in" + token).status, 303);
    EXPECT_FALSE(all_messages());
}

TEST_F(portal_test, funnels_agree_with_the_ledger_and_departments_see_their_own) {
    const auto campaign = shared->campaign_of("FUN-1", issuer, 1'000'000'000'020);
    const auto foreign = shared->campaign_of("FUN-2", other_issuer, 1'000'000'000'021);
    shared->deliver(campaign, channel::web, ledger::state::delivered);
    shared->deliver(campaign, channel::sms, ledger::state::failed);
    const auto body = json::parse(get("/api/v1/campaigns/" + campaign, department).body);
    EXPECT_EQ(body.at("audience"), 1);
    EXPECT_TRUE(body.at("identity_holds").get<bool>());
    EXPECT_EQ(body.at("items")[0].at("possible"), 1);
    for (const auto& c : body.at("channels")) {
        EXPECT_EQ(c.at("matched"), 1);
        EXPECT_EQ(c.at("states").at(c.at("channel") == "web" ? "delivered" : "failed"), 1);
    }
    EXPECT_EQ(get("/api/v1/campaigns/" + foreign, department).status, 404);
    EXPECT_EQ(get("/api/v1/campaigns/none.v1.r1", department).status, 404);
    EXPECT_EQ(get("/api/v1/campaigns/" + foreign, op).status, 200);
    const auto own = json::parse(get("/api/v1/campaigns", department).body);
    for (const auto& c : own.at("items")) EXPECT_EQ(c.at("issuer"), issuer);
    const auto cookie = sign_in("role=department&name=%E5%AE%9D%E5%B1%B1%E5%8C%BA%E7%A7%91%E5%A7%94");
    EXPECT_EQ(get("/campaigns/" + foreign, {{"Cookie", cookie}}).status, 404);
    const auto page = get("/campaigns/" + campaign, {{"Cookie", cookie}});
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("账目相符"), std::string::npos);
    for (const char* of_sms : {"短信内容", "【直达演示】", "研发补助", "拒收请回复R", "按 2 条计费",
                               "约 ¥0.09", "2 条 × 1 个接收主体 × ¥0.045"})
        EXPECT_NE(page.body.find(of_sms), std::string::npos) << of_sms;
}

TEST_F(portal_test, lists_come_in_pages_that_join) {
    for (int i = 0; i < 5; ++i)
        shared->campaign_of("LIST-" + std::to_string(i), issuer, 2'000'000'000'000 + i);
    std::vector<std::string> seen;
    std::string target = "/api/v1/campaigns?limit=2";
    for (int pages = 0; pages < 50 && !target.empty(); ++pages) {
        const auto reply = get(target, op);
        ASSERT_EQ(reply.status, 200);
        const auto page = json::parse(reply.body);
        for (const auto& c : page.at("items")) seen.push_back(c.at("id").get<std::string>());
        const auto link = reply.header("Link");
        target = link.empty() ? "" : link.substr(1, link.find('>') - 1);
    }
    EXPECT_EQ(seen.front(), "LIST-4.v1.r1");
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
    EXPECT_GE(seen.size(), 5u);
    EXPECT_EQ(get("/api/v1/campaigns?cursor=zz", op).status, 400);
}

TEST_F(portal_test, a_package_arrives_on_the_live_stream) {
    const auto campaign = shared->campaign_of("LIVE-1", issuer, 3'000'000'000'000);
    raw_client live(port()), staff(port()), stranger(port());
    const auto open = [](raw_client& c, const std::string& path, const std::string& token) {
        c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n");
        return c.until("event: state");
    };
    EXPECT_NE(open(live, "/api/v1/subjects/" + enterprise_id + "/live", "demo-subject:" + enterprise_id)
                  .find("text/event-stream"),
              std::string::npos);
    open(stranger, "/api/v1/subjects/" + resident_id + "/live", "demo-subject:" + resident_id);
    open(staff, "/api/v1/live", "demo-operator");
    std::this_thread::sleep_for(std::chrono::milliseconds(200)); // the broadcast reads from now on
    shared->deliver(campaign, channel::web, ledger::state::delivered);
    const auto event = live.until("event: package\ndata: ");
    // Its end may have come in the same piece, and more behind it.
    const bool whole = event.find("\n\n", event.find("event: package")) != std::string::npos;
    const auto text = event + (whole ? "" : live.until("\n\n"));
    EXPECT_NE(text.find(campaign), std::string::npos) << text;
    EXPECT_NE(text.find("研发补助"), std::string::npos);
    const auto progress = staff.until("event: progress\ndata: ");
    EXPECT_NE(progress.find("event: progress"), std::string::npos);
    // Nothing of it went to anybody else.
    stranger.socket.non_blocking(true);
    std::array<char, 4096> sink{};
    boost::system::error_code ec;
    std::string strange;
    while (true) {
        const auto n = stranger.socket.read_some(asio::buffer(sink), ec);
        if (ec) break;
        strange.append(sink.data(), n);
    }
    EXPECT_EQ(strange.find("package\n"), std::string::npos);
    EXPECT_EQ(strange.find("研发补助"), std::string::npos);
}

TEST_F(portal_test, pages_carry_strict_headers_and_escape_everything) {
    const auto campaign = shared->campaign_of("PAGE-1", issuer, 4'000'000'000'000);
    shared->deliver(campaign, channel::web, ledger::state::delivered);
    const auto cookie = sign_in("role=subject&name=" + enterprise_id);
    const auto page = get("/enterprise", {{"Cookie", cookie}});
    ASSERT_EQ(page.status, 200);
    EXPECT_EQ(page.body.find("<script>alert"), std::string::npos);
    EXPECT_EQ(page.body.find("<b>企业"), std::string::npos);
    EXPECT_NE(page.body.find("&lt;b&gt;企业"), std::string::npos);
    EXPECT_NE(page.body.find("企业 · <b>合成·&lt;b&gt;企业&lt;/b&gt;</b>"), std::string::npos)
        << "the header names the kind and the name";
    EXPECT_NE(page.body.find("最高 50 万元"), std::string::npos);
    EXPECT_NE(page.body.find("须人工核对"), std::string::npos);
    const auto csp = page.header("Content-Security-Policy");
    EXPECT_NE(csp.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(csp.find("unsafe"), std::string::npos);
    EXPECT_NE(csp.find("frame-ancestors 'none'"), std::string::npos);
    EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(page.header("Cache-Control"), "no-store");
    EXPECT_FALSE(page.header("Referrer-Policy").empty());
    // A resident's page is the resident's; the enterprise is sent home.
    EXPECT_EQ(get("/resident", {{"Cookie", cookie}}).header("Location"), "/enterprise");
    const auto english = get("/enterprise?lang=en&size=large", {{"Cookie", cookie}});
    EXPECT_NE(english.body.find("<html lang=\"en\" class=\"large\""), std::string::npos);
    EXPECT_EQ(english.headers.count("Set-Cookie"), 2u);
    EXPECT_NE(get("/", {{"Cookie", "zhida_lang=en"}}).body.find("Choose a role"), std::string::npos);
    EXPECT_EQ(get("/enterprise").header("Location"), "/?sign-in=needed");
    EXPECT_EQ(get("/operator", {{"Cookie", cookie}}).status, 403);
    EXPECT_EQ(get("/nothing").status, 404);
    EXPECT_NE(get("/api/v1/nope").body.find("没有这个地址：/api/v1/nope"), std::string::npos);
    const auto unknown = get("/api/v1/subjects/R00000000000000099/packages", op);
    EXPECT_EQ(unknown.status, 404);
    EXPECT_NE(unknown.body.find("没有找到：R00000000000000099"), std::string::npos) << unknown.body;
    EXPECT_NE(get("/nothing").body.find("<h1>"), std::string::npos);
}

TEST_F(portal_test, unsafe_requests_by_cookie_need_the_same_origin_and_forms_their_token) {
    const auto campaign = shared->campaign_of("CSRF-1", issuer, 4'000'000'000'001);
    shared->deliver(campaign, channel::web, ledger::state::delivered);
    const auto cookie = sign_in("role=subject&name=" + enterprise_id);
    const auto path = "/api/v1/subjects/" + enterprise_id + "/packages/" + campaign + "/read";
    EXPECT_EQ(post(path, {{"Cookie", cookie}}).status, 403);
    EXPECT_EQ(post(path, {{"Cookie", cookie}, {"Origin", "http://evil.example"}}).status, 403);
    EXPECT_EQ(post(path, {{"Cookie", cookie}, {"Sec-Fetch-Site", "cross-site"}}).status, 403);
    EXPECT_EQ(post(path, {{"Cookie", cookie}, {"Sec-Fetch-Site", "same-origin"}}).status, 200);
    EXPECT_EQ(post("/sign-in",
                   {{"Content-Type", "application/x-www-form-urlencoded"}, {"Sec-Fetch-Site", "cross-site"}},
                   "role=operator")
                  .status,
              403);
    const auto token = form_token(get("/enterprise", {{"Cookie", cookie}}).body);
    ASSERT_EQ(token.size(), 64u);
    std::map<std::string, std::string> form{{"Cookie", cookie},
                                            {"Content-Type", "application/x-www-form-urlencoded"},
                                            {"Sec-Fetch-Site", "same-origin"}};
    EXPECT_EQ(post("/opt-out", form, "do=out").status, 403);
    EXPECT_EQ(post("/opt-out", form, "do=out&token=" + std::string(64, '0')).status, 403);
    EXPECT_EQ(post("/opt-out", form, "do=sideways&token=" + token).status, 400);
    EXPECT_EQ(post("/opt-out", form, "do=in&token=" + token).header("Location"),
              "/enterprise?done=opted_in_done");
    const auto other = sign_in("role=subject&name=" + enterprise_id);
    form["Cookie"] = other;
    EXPECT_EQ(post("/opt-out", form, "do=in&token=" + token).status, 403) << "a token of another session";
}

TEST_F(portal_test, a_department_publishes_from_its_page) {
    const auto cookie = sign_in("role=department&name=%E5%AE%9D%E5%B1%B1%E5%8C%BA%E7%A7%91%E5%A7%94");
    const auto token = form_token(get("/department", {{"Cookie", cookie}}).body);
    const auto submit = [&](const std::string& what, const std::string& text, bool as_file) {
        std::string body;
        for (const auto& [head, value] : std::vector<std::pair<std::string, std::string>>{
                 {"name=\"token\"", token},
                 {"name=\"document\"", as_file ? "" : text},
                 {"name=\"file\"; filename=\"" + std::string(as_file ? "p.json" : "") +
                      "\"\r\nContent-Type: application/json",
                  as_file ? text : ""},
                 {"name=\"do\"", what}})
            body += "--XX\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + value + "\r\n";
        return post("/department/publish",
                    {{"Cookie", cookie},
                     {"Content-Type", "multipart/form-data; boundary=XX"},
                     {"Origin", "http://127.0.0.1"}},
                    body + "--XX--\r\n");
    };
    auto wrong = document("FORM-1");
    wrong.erase("title");
    const auto refused = submit("publish", to_text(wrong), false);
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(refused.body.find("<code>/title</code>"), std::string::npos);
    EXPECT_NE(refused.body.find("&quot;FORM-1&quot;"), std::string::npos) << "what was typed is still there";
    EXPECT_NE(submit("check", to_text(document("FORM-1")), true).body.find("检查通过"), std::string::npos);
    const auto done = submit("publish", to_text(document("FORM-1")), true);
    EXPECT_EQ(done.status, 303);
    EXPECT_EQ(done.header("Location"), "/campaigns/FORM-1.v1.r1?published=1");
    EXPECT_NE(get(done.header("Location"), {{"Cookie", cookie}}).body.find("等待匹配"), std::string::npos);
    EXPECT_EQ(get("/campaigns/NEVER-1.v1.r1", {{"Cookie", cookie}}).status, 404);
    EXPECT_EQ(submit("publish", "  ", false).status, 422);
}

TEST_F(portal_test, a_campaign_is_tested_on_a_few_named_subjects_and_its_history_says_by_whom) {
    const auto id = shared->campaign_of("TEST-1", issuer, 1'000'000'000'030);
    const auto foreign = shared->campaign_of("TEST-2", other_issuer, 1'000'000'000'031);
    const auto send = [&](const std::string& campaign, const json& named,
                          const std::map<std::string, std::string>& as = department) {
        return post("/api/v1/campaigns/" + campaign + "/test", as, to_text({{"subjects", named}}));
    };
    EXPECT_EQ(send(id, json::array()).status, 422);
    EXPECT_EQ(send(id, {enterprise_id, "NOBODY"}).status, 422);
    store::profiles profiles(shared->redis, shared->sealer, shards);
    const auto of_nobody = send(id, {"R-NOONE"}).body, of_somebody = send(id, {resident_id}).body;
    auto reachable = shared->loop.run(profiles.get(resident_id)).value().subject;
    reachable.contacts = {{"本人", "16400000002", ""}};
    shared->loop.run(profiles.put(shard_of(resident_id, shards), {reachable}, 2)).value();
    EXPECT_EQ(std::regex_replace(of_somebody, std::regex(resident_id), "R-NOONE"), of_nobody)
        << "who has a profile and cannot be reached is not told from who has none";
    EXPECT_EQ(send(id, enterprise_id).status, 400);
    EXPECT_EQ(send(foreign, {enterprise_id}).status, 404);
    EXPECT_EQ(send(id, {enterprise_id}, enterprise).status, 403);
    json many = json::array();
    for (int i = 0; i < 11; ++i) many.push_back("S" + std::to_string(i));
    EXPECT_EQ(send(id, many).status, 422);
    for (const char* remark : {"override_quiet", "start"})
        EXPECT_EQ(post("/api/v1/campaigns/" + id + "/" + remark, department).status, 422) << remark;

    const auto made = send(id, {enterprise_id, resident_id, enterprise_id});
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(json::parse(made.body).at("id"), "TEST-1.v1.r2");
    const auto test = json::parse(get("/api/v1/campaigns/TEST-1.v1.r2", department).body);
    EXPECT_EQ(test.at("kind"), "test");
    EXPECT_EQ(test.at("base"), id);
    EXPECT_EQ(test.at("channels").size(), 1U) << "not on the web";
    EXPECT_EQ(send("TEST-1.v1.r2", {enterprise_id}).status, 409) << "a test of a test";
    store::campaigns campaigns(shared->redis, shards);
    const auto kept = shared->loop.run(campaigns.get("TEST-1.v1.r2")).value();
    ASSERT_EQ(kept.chosen.size(), 2U);
    EXPECT_EQ(kept.drafted_by, issuer);

    const auto cookie = sign_in("role=department&name=%E5%AE%9D%E5%B1%B1%E5%8C%BA%E7%A7%91%E5%A7%94");
    const auto page = get("/campaigns/" + id, {{"Cookie", cookie}}).body;
    EXPECT_NE(page.find("TEST-1.v1.r2：" + enterprise_id), std::string::npos) << "the history says it";
    const auto submit = [&](const std::string& named) {
        return post("/campaigns/" + id + "/test",
                    {{"Cookie", cookie},
                     {"Content-Type", "application/x-www-form-urlencoded"},
                     {"Origin", "http://127.0.0.1"}},
                    "token=" + form_token(page) + "&subjects=" + named);
    };
    const auto refused = submit("NOBODY%0D%0A");
    EXPECT_EQ(refused.status, 409);
    EXPECT_NE(refused.body.find("不能试发给 NOBODY"), std::string::npos);
    const auto done = submit(enterprise_id + "%0D%0A" + resident_id);
    EXPECT_EQ(done.status, 303);
    EXPECT_EQ(done.header("Location"), "/campaigns/TEST-1.v1.r3?tested=1");
    const auto shown = get(done.header("Location"), {{"Cookie", cookie}}).body;
    EXPECT_NE(shown.find(" · 试发</p>"), std::string::npos);
    EXPECT_EQ(shown.find("/test\""), std::string::npos) << "a test has no form for another";
    int made_so_far = 2;
    while (made_so_far < 30 && send(id, {enterprise_id}).status == 201) ++made_so_far;
    EXPECT_EQ(made_so_far, 5) << "nobody gets more in a day";
    const auto again = shared->campaign_of("TEST-3", issuer, 1'000'000'000'032);
    EXPECT_EQ(send(again, {enterprise_id}).status, 409) << "of whatever campaign";
    const auto next_day = [&] {
        const auto key = store::keys::tests_of_day(enterprise_id, shanghai_day(system_clock().now()));
        shared->loop.run(shared->redis.command({"DEL", key})).value();
        return true;
    };
    while (made_so_far < 30 && next_day() && send(id, {enterprise_id}).status == 201) ++made_so_far;
    EXPECT_EQ(made_so_far, 20) << "nobody approves them, so they are few";
}

TEST_F(portal_test, health_readiness_and_metrics) {
    EXPECT_EQ(get("/healthz").status, 200);
    EXPECT_EQ(get("/readyz").status, 200);
    get("/api/v1/summary", op);
    get("/no/such/path/" + std::string(50, 'x'));
    shared->campaign_of("METRIC-1", issuer, 5'000'000'000'000);
    std::string text;
    for (int i = 0; i < 100 && text.find("zhida_deliveries") == std::string::npos; ++i) {
        text = get("/metrics").body; // counts are at most a second old
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_NE(text.find("zhida_http_requests_total{method=\"GET\",route=\"/api/v1/summary\",status=\"200\"}"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("zhida_deliveries{channel=\"sms\",state=\"queued\"}"), std::string::npos);
    EXPECT_NE(text.find("zhida_ledger_imbalance 0"), std::string::npos);
    EXPECT_NE(text.find("zhida_event_log_waiting{work=\"policy\"}"), std::string::npos);
    EXPECT_EQ(text.find("xxxxxx"), std::string::npos) << "paths of strangers are no labels";
    EXPECT_EQ(text.find(enterprise_id), std::string::npos) << "ids are no labels";
}

TEST_F(portal_test, the_operator_sees_gateways_backlog_and_dead_letters) {
    store::gateway_states gateways(shared->redis);
    json sms = {{"name", "sms"},
                {"protocol", "CMPP 3.0"},
                {"state", "down"},
                {"detail", "拒绝连接"},
                {"rate_per_s", 1200},
                {"in_flight", 7},
                {"window", 64},
                {"receipt_ms", 3456},
                {"codes", {{"cmpp:8", 1234}, {"cmpp:13", 5}}},
                {"circuit", "half_open"},
                {"weight", 3},
                {"health", 0.05}};
    shared->loop.run(gateways.put("sms", "one", sms, std::chrono::seconds(60))).value();
    EXPECT_EQ(json::parse(get("/api/v1/gateways", op).body).at("items")[1].at("state"), "silent");
    shared->loop
        .run(gateways.put("wechat", "one",
                          {{"name", "wechat"}, {"state", "circuit_open"}, {"circuit", "open"}},
                          std::chrono::seconds(60)))
        .value();
    // Anybody who may write to the topic can write this; it must harm nobody.
    cloud_event strange;
    strange.id = strange.source = strange.subject = "x";
    strange.type = event_type::dead_letter;
    strange.data = json::array();
    auto encoded = encode_event(strange);
    shared->loop.run(shared->log->append({topics::dead_letter, 0, "x", encoded.value, encoded.headers}))
        .value();
    io::log_record bad;
    bad.topic = topics::policy;
    bad.key = "BROKEN-1";
    bad.value = "not json <script>";
    shared->loop
        .run(bury(*shared->log, bad, {{errc::invalid, "不是 JSON", "/", "改正后重发"}}, "test",
                  "2026-11-24T00:00:00Z"))
        .value();
    json letters;
    for (int i = 0; i < 200; ++i) {
        letters = json::parse(get("/api/v1/dead-letters", op).body);
        if (letters.at("total") == 2) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_EQ(letters.at("total"), 2);
    EXPECT_EQ(letters.at("items")[0].at("key"), "BROKEN-1");
    EXPECT_EQ(letters.at("items")[0].at("errors")[0].at("what"), "不是 JSON");
    const auto listed = json::parse(get("/api/v1/gateways", op).body).at("items");
    EXPECT_EQ(listed[0].at("state"), "down");
    EXPECT_EQ(listed[1].at("state"), "circuit_open");
    const auto summary = json::parse(get("/api/v1/summary", op).body);
    EXPECT_EQ(summary.at("subjects"), 2);
    EXPECT_TRUE(summary.at("unavailable").empty()) << summary.dump();
    const auto page = get("/operator", {{"Cookie", sign_in("role=operator")}});
    EXPECT_EQ(page.status, 200);
    for (const char* wanted :
         {"连不上，会自动重试", "拒绝连接", "1,200 条/秒", "7 / 64", "3.4 s", "cmpp:8", "× 1,234", "cmpp:13",
          "试探中", "权重 3，健康度 5%", "已熔断", "BROKEN-1", "不是 JSON", "not json &lt;script&gt;"})
        EXPECT_NE(page.body.find(wanted), std::string::npos) << wanted;
    EXPECT_EQ(page.body.find("个进程"), std::string::npos);

    // Another process has shards, this one has none; the portal shows both as one gateway.
    sms["rate_per_s"] = -1;
    shared->loop.run(gateways.put("sms", "one", sms, std::chrono::seconds(60))).value();
    EXPECT_NE(get("/operator", {{"Cookie", sign_in("role=operator")}}).body.find("未分到分片"),
              std::string::npos);
    sms["rate_per_s"] = 1200;
    sms["state"] = "connected";
    sms["codes"] = {{"cmpp:8", 1000}};
    shared->loop.run(gateways.put("sms", "two", sms, std::chrono::seconds(60))).value();
    const auto both = json::parse(get("/api/v1/gateways", op).body).at("items")[0];
    EXPECT_EQ(both.at("state"), "connected");
    EXPECT_EQ(both.at("processes"), 2);
    EXPECT_EQ(both.at("states"), (json{{"connected", 1}, {"down", 1}}));
    const auto shown = get("/operator", {{"Cookie", sign_in("role=operator")}}).body;
    for (const char* wanted : {"2 个进程：", "1,200 条/秒", "14 / 128", "× 2,234"})
        EXPECT_NE(shown.find(wanted), std::string::npos) << wanted;
}

TEST_F(portal_test, assets_are_cached_by_version_and_etag) {
    const auto page = get("/").body;
    const auto at = page.find("/assets/site.css?v=");
    ASSERT_NE(at, std::string::npos);
    const auto target = page.substr(at, page.find('"', at) - at);
    const auto css = get(target);
    EXPECT_EQ(css.status, 200);
    EXPECT_NE(css.header("Cache-Control").find("immutable"), std::string::npos);
    EXPECT_EQ(get(target, {{"If-None-Match", css.header("ETag")}}).status, 304);
    EXPECT_EQ(get("/assets/site.css").header("Cache-Control"), "no-cache");
    EXPECT_EQ(get("/assets/..%2fopenapi.json").status, 400);
    EXPECT_EQ(get("/assets/none.css").status, 404);
}

TEST(portal_alone, without_demo_sign_in_only_public_things_are_there) {
    world w;
    running_portal p(settings_for(w.server.address(), false), w.catalogue, w.sealer);
    w.campaign_of("PUB-9", issuer, 1);
    for (const char* path :
         {"/", "/policies", "/policies/PUB-9", "/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"})
        EXPECT_EQ(fetch(p.port, "GET", path).status, 200) << path;
    for (const char* path :
         {"/api/v1/policies", "/api/v1/summary", "/operator", "/department", "/enterprise"})
        EXPECT_EQ(fetch(p.port, "GET", path, op).status, 401) << path;
    EXPECT_EQ(fetch(p.port, "POST", "/sign-in",
                    {{"Content-Type", "application/x-www-form-urlencoded"}, {"Origin", "http://127.0.0.1"}},
                    "role=operator")
                  .status,
              401);
}

TEST(portal_alone, says_why_it_is_not_ready_and_lives_through_the_loss_of_redis) {
    world w;
    running_portal p(w.settings, w.catalogue, w.sealer,
                     [] { return std::vector<std::string>{"matcher: still loading"}; });
    const auto waiting = fetch(p.port, "GET", "/readyz");
    EXPECT_EQ(waiting.status, 503);
    EXPECT_EQ(json::parse(waiting.body).at("reasons"), json::array({"matcher: still loading"}));
    w.server.stop();
    const auto lost = fetch(w.portal->port, "GET", "/readyz");
    EXPECT_EQ(lost.status, 503);
    EXPECT_GE(json::parse(lost.body).at("reasons").size(), 1u);
    EXPECT_EQ(fetch(w.portal->port, "GET", "/healthz").status, 200);
    EXPECT_EQ(fetch(w.portal->port, "POST", "/api/v1/policies", op, to_text(document("LOST-1"))).status, 503);
    EXPECT_EQ(fetch(w.portal->port, "GET", "/policies").status, 503);
    EXPECT_EQ(fetch(w.portal->port, "GET", "/metrics").status, 200);
    w.server.start();
    int status = 0;
    for (int i = 0; i < 200 && status != 200; ++i) {
        status = fetch(w.portal->port, "GET", "/readyz").status;
        if (status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(status, 200);
}

TEST(portal_alone, stops_with_streams_open_and_ends_everything_it_started) {
    world w;
    raw_client live(w.portal->port);
    live.send("GET /api/v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-operator\r\n\r\n");
    live.until("event: state");
    const auto begin = std::chrono::steady_clock::now();
    w.portal->stop();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
    EXPECT_TRUE(w.portal->ended);
    EXPECT_FALSE(w.portal->failed);
    live.rest();
}

} // namespace
} // namespace zhida
