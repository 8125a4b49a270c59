// Audience previews over HTTP: a portal, a matcher and a real Redis, against judge() of every subject.
#include "common/base/murmur2.hpp"
#include "common/model/topics.hpp"
#include "common/store/consents.hpp"
#include "common/store/matchers.hpp"
#include "matching/condition.hpp"
#include "services/internal_auth.hpp"
#include "services/matcher/matcher.hpp"
#include "services/portal/portal.hpp"
#include "services/publishing.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/servers.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <thread>

namespace zhida {
namespace {

namespace asio = boost::asio;
using tests::fetch;
using tests::raw_reply;

constexpr int shards = 4;
const std::map<std::string, std::string> department{{"Authorization", "Bearer demo-department"}},
    resident{{"Authorization", "Bearer demo-subject:R1"}};

// A role on a thread of its own, as in the program.
template <class Role>
class on_a_thread {
  public:
    template <class... Arguments>
    explicit on_a_thread(Arguments&&... arguments)
        : role(std::make_unique<Role>(context_.get_executor(), std::forward<Arguments>(arguments)...)) {}
    void run() {
        asio::co_spawn(context_, role->run(), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
        thread_ = std::thread([this] { context_.run(); });
    }
    void stop() {
        if (!thread_.joinable()) return;
        asio::post(context_, [this] { role->stop(); });
        thread_.join();
    }
    ~on_a_thread() { stop(); }

  private:
    asio::io_context context_{1};

  public:
    std::unique_ptr<Role> role;

  private:
    std::thread thread_;
};

struct world {
    world()
        : server("redis"), folder(std::filesystem::temp_directory_path() /
                                  ("zhida-preview-test-" + std::to_string(::getpid()))),
          catalogue(matching::catalogue::load(tests::in_source("config/catalogue")).value()),
          sealer(crypto::sealer::from_hex_key(std::string(64, 'a')).value()),
          redis(loop.executor(), {server.address(), milliseconds(2000)}) {
        settings.node.data_dir = folder.string();
        settings.redis.url = server.address();
        settings.event_log.driver = "redis";
        settings.node.shards = shards;
        settings.portal.port = 0;
        settings.portal.demo_sign_in = true;
        auto log = io::make_event_log(loop.executor(), settings);
        loop.run(log->ensure(all_topics(shards))).value();
        loop.run(log->close());
        seed();
        matcher = std::make_unique<on_a_thread<matcher::matcher>>(settings, catalogue, time, sealer, meters);
        matcher->role->listen().value();
        matcher->run();
        portal = std::make_unique<on_a_thread<portal::portal>>(
            portal::portal_parts{settings, catalogue, time, sealer, meters, tests::in_source("config")});
        portal->role->start().value();
        portal->run();
    }
    ~world() {
        portal->stop();
        matcher->stop();
        std::filesystem::remove_all(folder);
    }

    void set(profile& p, const char* name, const json& value) const {
        const auto* a = catalogue.find(name);
        p.attributes.set(a->number, catalogue.encode(*a, value).value());
    }
    void seed() {
        store::profiles profiles(redis, sealer, shards);
        store::consents consents(redis);
        for (int i = 0; i < 60; ++i) {
            profile p;
            p.id = "E" + std::to_string(i);
            p.name = "合成·企业" + std::to_string(i);
            if (i % 5 != 0) set(p, "ent.headcount", i * 10);
            set(p, "ent.reg_division", i % 2 ? "310113003" : "310113101");
            if (i % 3 != 0) p.contacts = {{"法人", "16400000001", i % 2 ? "openid" : ""}};
            loop.run(profiles.put(shard_of(p.id, shards), {p}, 0)).value();
            if (i % 7 == 0) loop.run(consents.opt_out(shard_of(p.id, shards), p.id)).value();
            if (i % 11 == 0) loop.run(consents.refuse(shard_of(p.id, shards), {p.id})).value();
            all.push_back(p);
        }
    }
    raw_reply ask(const json& body, const std::map<std::string, std::string>& as = department) {
        return fetch(portal->role->port(), "POST", "/api/v1/audience/preview", as, to_text(body));
    }
    // Asked again until every shard has its owner and is counted.
    json whole(const json& body) {
        json last;
        for (int i = 0; i < 200; ++i) {
            const auto reply = ask(body);
            last = json::parse(reply.body);
            if (reply.status == 503) { // before any matcher has registered
                EXPECT_EQ(reply.header("Content-Type"), "application/problem+json; charset=utf-8");
                EXPECT_FALSE(reply.header("Retry-After").empty());
                EXPECT_EQ(last.at("detail"), "暂时无法统计，请稍后再预览。");
            } else {
                EXPECT_EQ(reply.status, 200) << reply.body;
            }
            if (last.value("complete", false)) break;
            loop.run(tests::pause_for(milliseconds(50)));
        }
        return last;
    }

    tests::loop loop;
    tests::server server;
    std::filesystem::path folder;
    config settings;
    system_clock time;
    metrics meters;
    matching::catalogue catalogue;
    crypto::sealer sealer;
    io::redis redis;
    std::vector<profile> all;
    std::unique_ptr<on_a_thread<matcher::matcher>> matcher;
    std::unique_ptr<on_a_thread<portal::portal>> portal;
};

class preview_test : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { shared = new world; }
    static void TearDownTestSuite() {
        delete shared;
        shared = nullptr;
    }
    static world* shared;
};
world* preview_test::shared = nullptr;

template <class Done>
void loop_until(world& w, Done done) {
    for (int i = 0; i < 200; ++i) {
        if (done()) return;
        w.loop.run(tests::pause_for(milliseconds(50)));
    }
    ADD_FAILURE() << "never";
}

const json small = {{"op", "<="}, {"args", {{{"property", "ent.headcount"}}, 300}}};

TEST_F(preview_test, equals_what_judge_says_of_every_subject) {
    auto& w = *shared;
    const auto told = w.whole({{"subject", "enterprise"}, {"condition", small}, {"reach", "possible"}});
    ASSERT_EQ(told.at("complete"), true) << told.dump();
    std::vector<failure> errors;
    const auto c = matching::condition::compile(small, subject_type::enterprise, w.catalogue, errors).value();
    const auto today = shanghai_day(w.time.now());
    std::int64_t eligible = 0, possible = 0;
    std::map<std::string, std::int64_t> sms;
    for (std::size_t i = 0; i < w.all.size(); ++i) {
        const auto j = judge(c, w.all[i].attributes, today);
        eligible += j.outcome == matching::verdict::eligible;
        possible += j.outcome == matching::verdict::possible;
        if (j.outcome == matching::verdict::ineligible) continue;
        ++sms[i % 7 == 0 ? "opted_out" : i % 3 == 0 ? "no_contact" : "reachable"];
    }
    EXPECT_EQ(told.at("verdicts").at("eligible"), eligible);
    EXPECT_EQ(told.at("verdicts").at("possible"), possible);
    EXPECT_EQ(told.at("audience"), eligible + possible);
    const auto& via = told.at("channels")[1];
    EXPECT_EQ(via.at("channel"), "sms");
    EXPECT_EQ(via.at("reachable"), sms["reachable"]);
    EXPECT_EQ(via.at("excluded").at("opted_out"), sms["opted_out"]);
    EXPECT_EQ(via.at("excluded").at("no_contact"), sms["no_contact"]);
    EXPECT_GT(told.at("channels")[2].at("excluded").at("no_grant"), 0);
    EXPECT_EQ(told.at("channels")[0].at("reachable"), eligible + possible);
    EXPECT_FALSE(told.at("sample").empty());
    EXPECT_EQ(told.dump().find("16400000001"), std::string::npos);
    EXPECT_TRUE(told.at("fresh").contains("optouts_age_ms"));
    EXPECT_EQ(told.at("missing_data")[0].at("attribute"), "ent.headcount");
}

TEST_F(preview_test, a_shard_whose_owner_does_not_answer_is_named_not_left_out_silently) {
    auto& w = *shared;
    const json body = {{"subject", "enterprise"}, {"condition", small}};
    const auto before = w.whole(body);
    // Later than the real owner, so the shard is theirs; nobody listens at that address.
    store::matchers registry(w.redis, w.time, registration_key(w.sealer));
    const auto since = w.time.now().time_since_epoch().count() + 30'000;
    loop_until(w, [&] {
        w.loop.run(registry.put({"ffff", "http://127.0.0.1:1", since, {2}}, milliseconds(3000))).value();
        const auto told = json::parse(w.ask(body).body);
        if (told.at("complete").get<bool>()) return false;
        EXPECT_EQ(told.at("missing_shards"), json::array({2}));
        EXPECT_EQ(told.at("note"), "数字不完整：有匹配服务没有回答");
        EXPECT_LE(told.at("audience"), before.at("audience"));
        return true;
    });
    w.loop.run(registry.remove("ffff")).value();
    EXPECT_EQ(w.whole(body).at("audience"), before.at("audience"));
}

TEST_F(preview_test, a_registration_by_who_has_no_key_is_ignored) {
    auto& w = *shared;
    const json body = {{"subject", "enterprise"}, {"condition", small}};
    const auto before = w.whole(body);
    store::matchers forged(w.redis, w.time, "another key"), real(w.redis, w.time, registration_key(w.sealer));
    const auto since = w.time.now().time_since_epoch().count();
    w.loop.run(forged.put({"0000", "http://127.0.0.1:1", since, {0, 1, 2, 3}}, milliseconds(60'000))).value();
    const auto seen = w.loop.run(real.list()).value();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_NE(seen[0].instance, "0000");
    w.loop.run(forged.remove("0000")).value();
    EXPECT_EQ(w.whole(body).at("audience"), before.at("audience"));
}

TEST_F(preview_test, a_wrong_token_is_refused) {
    auto& w = *shared;
    for (const char* path : {"/internal/v1/audience", "/internal/v1/shards"}) {
        const auto verb = std::string(path).ends_with("shards") ? "GET" : "POST";
        EXPECT_EQ(fetch(w.matcher->role->port(), verb, path).status, 401);
        EXPECT_EQ(fetch(w.matcher->role->port(), verb, path, {{"Authorization", "Bearer wrong"}}).status,
                  401);
    }
    const internal_auth auth(w.sealer);
    const auto right = [&](const char* verb, const char* path, const char* body) {
        return std::map<std::string, std::string>{
            {"Authorization", auth.header(verb, path, body, w.time.now())}};
    };
    const auto port = w.matcher->role->port();
    const auto shards_asked = right("GET", "/internal/v1/shards", "");
    EXPECT_EQ(fetch(port, "GET", "/internal/v1/shards", shards_asked).status, 200);
    EXPECT_EQ(fetch(port, "GET", "/internal/v1/subjects/E1/checkup", shards_asked).status, 401);
    const auto asked = right("POST", "/internal/v1/audience", "{}");
    EXPECT_EQ(fetch(port, "POST", "/internal/v1/audience", asked, "{}").status, 422);
    EXPECT_EQ(fetch(port, "POST", "/internal/v1/audience", asked, "{ }").status, 401) << "another body";
}

TEST_F(preview_test, a_wrong_condition_is_refused_with_its_place) {
    auto& w = *shared;
    const json wrong = {
        {"op", "and"},
        {"args", {small, {{"op", "like"}, {"args", {{{"property", "ent.reg_division"}}, "319%"}}}}}};
    const auto reply = w.ask({{"subject", "enterprise"}, {"condition", wrong}});
    EXPECT_EQ(reply.status, 422);
    EXPECT_EQ(reply.header("Content-Type"), "application/problem+json; charset=utf-8");
    const auto body = json::parse(reply.body);
    ASSERT_FALSE(body.at("errors").empty());
    EXPECT_TRUE(body.at("errors")[0].at("pointer").get<std::string>().starts_with("/condition/args/1"))
        << reply.body;
    const auto missing = w.ask({{"subject", "enterprise"}});
    EXPECT_EQ(missing.status, 422);
    EXPECT_EQ(json::parse(missing.body).at("errors")[0].at("what"), "缺少此项") << missing.body;
    EXPECT_EQ(w.ask({{"subject", "enterprise"}, {"condition", small}}, resident).status, 403);
    EXPECT_EQ(w.ask({{"subject", "enterprise"}, {"condition", small}}, {}).status, 401);
}

TEST_F(preview_test, a_whole_policy_is_previewed_item_by_item) {
    auto& w = *shared;
    const json item = {
        {"id", "1"},         {"title", "研发补助"}, {"subject", "enterprise"}, {"eligibility", small},
        {"benefit", "补贴"}, {"mode", "申请享受"}};
    json policy = {
        {"schema", "zhida.policy/1"}, {"id", "P-1"},   {"version", 1},       {"title", "政策"},
        {"issuer", "单位"},           {"level", "区"}, {"region", "310113"}, {"disclosure", "主动公开"}};
    policy["items"] = json::array({item});
    w.whole({{"subject", "enterprise"}, {"condition", small}});
    const auto reply = w.ask({{"policy", policy}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto items = json::parse(reply.body).at("items");
    ASSERT_EQ(items.size(), 1U);
    EXPECT_EQ(items[0].at("title"), "研发补助");
    EXPECT_GT(items[0].at("audience"), 0);
    EXPECT_TRUE(items[0].at("not_sent").is_null());
    const auto& sms = items[0].at("sms");
    std::int64_t reachable = -1;
    for (const auto& via : items[0].at("channels"))
        if (via.at("channel") == "sms") reachable = via.at("reachable").get<std::int64_t>();
    EXPECT_TRUE(sms.at("text").get<std::string>().starts_with("【直达演示】单位：")) << sms;
    EXPECT_TRUE(sms.at("text").get<std::string>().ends_with("拒收请回复R")) << sms;
    EXPECT_EQ(sms.at("parts"), 1);
    EXPECT_EQ(sms.at("recipients"), reachable);
    EXPECT_NEAR(sms.at("cost_yuan").get<double>(), static_cast<double>(reachable) * 0.045, 0.0005);
    EXPECT_TRUE(sms.at("warnings").empty());
    EXPECT_TRUE(json::parse(reply.body).at("note").is_null());
    auto with_link = policy;
    with_link["items"][0]["title"] = "详见ａｂｃ．ｃｏｍ／x";
    const auto warned = json::parse(w.ask({{"policy", with_link}}).body).at("items")[0].at("sms");
    EXPECT_EQ(warned.at("warnings")[0].at("code"), "link");
    auto by_web = policy;
    by_web["push"] = {{"channels", {"web"}}};
    EXPECT_TRUE(json::parse(w.ask({{"policy", by_web}}).body).at("items")[0].at("sms").is_null());
    auto more = policy;
    for (const char* id : {"2", "3"}) {
        more["items"].push_back(item);
        more["items"].back()["id"] = id;
    }
    more["items"][2]["window"] = {{"start", "2020-01-01"}, {"end", "2020-12-31"}};
    const auto several = json::parse(w.ask({{"policy", more}}).body);
    EXPECT_NE(several.at("note").get<std::string>().find("重复计数"), std::string::npos);
    EXPECT_GT(several.at("items")[1].at("audience"), 0);
    EXPECT_EQ(several.at("items")[2].at("audience"), 0);
    EXPECT_EQ(several.at("items")[2].at("note"), "已截止，不会推送");
    auto kept = policy;
    kept["disclosure"] = "依申请公开";
    const auto nobody = json::parse(w.ask({{"policy", kept}}).body).at("items")[0];
    EXPECT_EQ(nobody.at("audience"), 0);
    EXPECT_TRUE(nobody.at("sms").is_null());
    EXPECT_EQ(nobody.at("note"), "不是主动公开，只保存不推送");
    policy["items"][0]["eligibility"]["args"][0]["property"] = "ent.headcont";
    const auto refused = w.ask({{"policy", policy}});
    EXPECT_EQ(refused.status, 422);
    EXPECT_NE(refused.body.find("/policy/items/0/eligibility"), std::string::npos) << refused.body;
}

} // namespace
} // namespace zhida
