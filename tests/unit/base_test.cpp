// The base library: clock, config, json, murmur2, log.
#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/json.hpp"
#include "common/base/log.hpp"
#include "common/base/murmur2.hpp"
#include "tests/support/folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace zhida {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// ---- murmur2

// From org.apache.kafka.common.utils.UtilsTest.testMurmur2.
TEST(murmur2, agrees_with_kafka) {
    const std::pair<const char*, std::int32_t> vectors[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (const auto& [text, hash] : vectors)
        EXPECT_EQ(static_cast<std::int32_t>(murmur2(text)), hash) << text;
}

TEST(murmur2, a_shard_is_kafkas_partition) {
    // Utils.toPositive(murmur2(key)) % partitions
    EXPECT_EQ(shard_of("21", 64), (-973932308 & 0x7fffffff) % 64);
    EXPECT_EQ(shard_of("abc", 64), 479470107 % 64);
    EXPECT_EQ(shard_of("anything", 1), 0);
}

RC_GTEST_PROP(murmur2, every_shard_is_in_range, (const std::string& id)) {
    const auto shards = *rc::gen::inRange(1, 4097);
    const auto shard = shard_of(id, shards);
    RC_ASSERT(shard >= 0 && shard < shards);
}

// ---- clock

wall_time at(const char* text) {
    wall_time t{};
    EXPECT_TRUE(parse_rfc3339(text, t)) << text;
    return t;
}

TEST(clock, writes_and_reads_instants) {
    EXPECT_EQ(to_rfc3339(wall_time(milliseconds(0))), "1970-01-01T08:00:00.000+08:00");
    EXPECT_EQ(to_rfc3339(at("2026-11-23T21:05:00.123+08:00")), "2026-11-23T21:05:00.123+08:00");
    EXPECT_EQ(at("2026-11-23T13:05:00Z"), at("2026-11-23T21:05:00+08:00"));
    EXPECT_EQ(at("2026-11-23T08:35:00.1-04:30"), at("2026-11-23T21:05:00.100+08:00"));
    EXPECT_EQ(at("2026-11-23t21:05:00.123456789z"), at("2026-11-23 21:05:00.123Z"));
}

TEST(clock, refuses_what_is_not_an_instant) {
    wall_time t{};
    for (const auto* text : {"", "2026-11-23", "2026-11-23T21:05:00", "2026-11-23T21:05Z",
                             "2026-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T21:60:00Z",
                             "2026-11-23T21:05:00.Z", "2026-11-23T21:05:00+0800", "2026-11-23T21:05:00+24:00",
                             "2026-11-23T21:05:00Zx", "2026-11-23T21:05:00+08:0", "x026-11-23T21:05:00Z"})
        EXPECT_FALSE(parse_rfc3339(text, t)) << text;
}

RC_GTEST_PROP(clock, an_instant_survives_its_text, ()) {
    const wall_time t(milliseconds(*rc::gen::inRange<std::int64_t>(-2208988800000, 4102444800000)));
    wall_time back{};
    RC_ASSERT(parse_rfc3339(to_rfc3339(t), back));
    RC_ASSERT(back == t);
}

RC_GTEST_PROP(clock, reads_any_text_without_harm, (const std::string& text)) {
    wall_time t{};
    std::int32_t day = 0;
    const auto head = std::string("2026-11-23T21:05:00").substr(0, *rc::gen::inRange<std::size_t>(0, 20));
    RC_ASSERT(parse_rfc3339(head + text, t) || true);
    RC_ASSERT(parse_date(head + text, day) || true);
}

TEST(clock, dates_are_days) {
    std::int32_t day = -1;
    ASSERT_TRUE(parse_date("1970-01-01", day));
    EXPECT_EQ(day, 0);
    ASSERT_TRUE(parse_date("2000-02-29", day));
    EXPECT_EQ(format_date(day + 1), "2000-03-01");
    for (const auto* text : {"", "2026-2-29", "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-00",
                             "20260101", "2026-01-1x", "2026/01/01", " 2026-01-01"})
        EXPECT_FALSE(parse_date(text, day)) << text;
}

RC_GTEST_PROP(clock, a_date_survives_its_text, ()) {
    const auto day = *rc::gen::inRange(-719162, 2932896); // 0001-01-01 to 9999-12-30
    std::int32_t back = 0;
    RC_ASSERT(parse_date(format_date(day), back));
    RC_ASSERT(back == day);
}

TEST(clock, the_day_is_that_of_shanghai) {
    const auto date = [](const char* text) { return format_date(shanghai_day(at(text))); };
    EXPECT_EQ(date("2026-11-23T15:59:59Z"), "2026-11-23");
    EXPECT_EQ(date("2026-11-23T16:00:00Z"), "2026-11-24");
    EXPECT_EQ(date("1969-12-31T15:59:59Z"), "1969-12-31");
    EXPECT_EQ(minutes_of_shanghai_day(at("2026-11-23T16:00:00Z")), 0);
    EXPECT_EQ(minutes_of_shanghai_day(at("2026-11-23T23:59:59+08:00")), 1439);
    EXPECT_EQ(minutes_of_shanghai_day(at("1969-12-31T15:59:00Z")), 1439);
}

TEST(clock, months_end_where_they_must) {
    const auto moved = [](const char* text, int months) {
        std::int32_t day = 0;
        EXPECT_TRUE(parse_date(text, day));
        return format_date(add_months(day, months));
    };
    EXPECT_EQ(moved("2024-01-31", 1), "2024-02-29");
    EXPECT_EQ(moved("2023-01-31", 1), "2023-02-28");
    EXPECT_EQ(moved("2024-02-29", 12), "2025-02-28");
    EXPECT_EQ(moved("2024-03-31", -1), "2024-02-29");
    EXPECT_EQ(moved("2026-11-23", -24), "2024-11-23");
    EXPECT_EQ(moved("2026-12-15", 1), "2027-01-15");
}

TEST(clock, a_manual_clock_moves_only_when_told) {
    manual_clock c(at("2026-11-23T00:00:00Z"));
    const auto begin = c.steady_now();
    c.advance(milliseconds(1500));
    EXPECT_EQ(c.now(), at("2026-11-23T00:00:01.500Z"));
    EXPECT_EQ(c.steady_now() - begin, milliseconds(1500));
    c.jump_to(at("2020-01-01T00:00:00Z"));
    EXPECT_EQ(c.steady_now() - begin, milliseconds(1500));
    EXPECT_TRUE(c.simulated());
    EXPECT_FALSE(system_clock().simulated());
    EXPECT_GT(system_clock().now(), at("2024-01-01T00:00:00Z"));
}

// ---- json

std::string why_not(std::string_view text, json_limits limits = {}) {
    const auto value = parse_json(text, limits);
    return value ? "" : value.error().text();
}

TEST(json, parses_what_is_valid) {
    const auto value = parse_json(R"({"a":[1,-2,3.5,true,null,"直达"],"b":{"a":9223372036854775807}})");
    ASSERT_TRUE(value);
    EXPECT_EQ((*value)["b"]["a"].get<std::int64_t>(), INT64_MAX);
    EXPECT_EQ(to_text(*value), R"({"a":[1,-2,3.5,true,null,"直达"],"b":{"a":9223372036854775807}})");
}

TEST(json, refuses_what_is_not) {
    for (const auto* text :
         {"", "{", "[1,]", "{\"a\":1,}", "nul", "NaN", "01", "\"\x01\"", "1 2", "'a'", "{1:2}"})
        EXPECT_THAT(why_not(text), HasSubstr("not valid JSON")) << text;
    EXPECT_THAT(why_not("[\"\xff\"]"), HasSubstr("not valid JSON"));
    EXPECT_THAT(why_not("[1e999]"), HasSubstr("not valid JSON"));
    EXPECT_THAT(why_not(R"({"x":{"a":1,"b":2,"a":3}})"), HasSubstr("key given twice in the object at /x "));
    EXPECT_THAT(why_not(R"({"a":1,"a":3})"), HasSubstr("in the object at / "));
    EXPECT_THAT(why_not(R"({"o":[],"a/b":[0,[1,{"x":{}},{"y":{},"z":1,"y":2}]]})"),
                HasSubstr("at /a~1b/1/2 "));
    EXPECT_THAT(why_not(R"([{"a":1},{"a":2}])"), IsEmpty());
}

// Errors are logged and stand in dead letters.
TEST(json, errors_repeat_nothing_of_the_text) {
    for (const auto* text :
         {R"({"phone":"16412345678)", R"({"phone":"16412345678\q"})", R"({"phone":16412345678x})",
          "[016412345678]", R"({"16412345678":1,"16412345678":2})", R"({"phone" "16412345678"})",
          "[16412345678e999]", "[16412345678164123456781641234567816412345678.0e999]", "{16412345678:1}",
          "16412345678\xff"}) {
        EXPECT_THAT(why_not(text), HasSubstr("not valid JSON")) << text;
        EXPECT_THAT(why_not(text), Not(HasSubstr("1641234"))) << text;
    }
    EXPECT_THAT(why_not("{\"a\":\n nul}"), HasSubstr("line 2")); // but says where
}

TEST(json, keeps_its_limits) {
    EXPECT_THAT(why_not("[[[]]]", {100, 3}), IsEmpty());
    EXPECT_THAT(why_not("[[[[]]]]", {100, 3}), HasSubstr("deeper than 3"));
    EXPECT_THAT(why_not("[[],[],[],[]]", {100, 3}), IsEmpty());
    EXPECT_THAT(why_not(std::string(200000, '[')), HasSubstr("deeper than 64"));
    EXPECT_EQ(parse_json("[1,2,3]", {6, 3}).error().code, errc::exhausted);
}

RC_GTEST_PROP(json, any_bytes_end_in_a_value_or_a_failure, (const std::string& bytes)) {
    const auto value = parse_json(bytes);
    if (value) RC_ASSERT(parse_json(to_text(*value)).has_value());
}

TEST(json, bytes_that_are_not_utf8_are_replaced_on_writing) {
    EXPECT_EQ(to_text(json("a\xff z")), "\"a\xEF\xBF\xBD z\"");
}

TEST(json_reader, reports_every_error_with_its_pointer) {
    const auto document = *parse_json(R"({"name":"","count":1.5,"big":99,"when":"2026-02-30","on":"yes",
        "list":{},"map":[],"extra":1,"a/b~c":true,"huge":18446744073709551615,"long":"12345"})");
    std::vector<failure> errors;
    json_reader in(document, "/items/0", errors);
    EXPECT_FALSE(in.text("name", true));
    EXPECT_FALSE(in.text("absent", true));
    EXPECT_FALSE(in.text("long", true, 4));
    EXPECT_FALSE(in.integer("count", true, 0, 10));
    EXPECT_FALSE(in.integer("big", true, 0, 10));
    EXPECT_FALSE(in.integer("huge", true, 0, INT64_MAX));
    EXPECT_FALSE(in.date("when", true));
    EXPECT_FALSE(in.boolean("on", true));
    EXPECT_FALSE(in.number("on", true));
    EXPECT_FALSE(in.array("list", true));
    EXPECT_FALSE(in.object("map", true));
    EXPECT_FALSE(in.text("a/b~c", true));
    std::vector<std::string> places;
    for (const auto& e : errors) {
        EXPECT_EQ(e.code, errc::invalid);
        places.push_back(e.where);
    }
    EXPECT_THAT(places, ElementsAre("/items/0/name", "/items/0/absent", "/items/0/long", "/items/0/count",
                                    "/items/0/big", "/items/0/huge", "/items/0/when", "/items/0/on",
                                    "/items/0/on", "/items/0/list", "/items/0/map", "/items/0/a~1b~0c"));
    errors.clear();
    in.only({"name", "count", "big", "when", "on", "list", "map", "a/b~c", "huge", "long"});
    ASSERT_THAT(errors, SizeIs(1));
    EXPECT_EQ(errors[0].where, "/items/0/extra");
    EXPECT_THAT(errors[0].fix, HasSubstr("name, count"));
}

TEST(json_reader, gives_what_is_there) {
    const auto document =
        *parse_json(R"({"t":"x","i":-3,"n":2,"b":false,"d":"2026-11-23","l":[1,2],"o":{"in":{"deep":5}}})");
    std::vector<failure> errors;
    json_reader in(document, "", errors);
    EXPECT_TRUE(in.is_object());
    EXPECT_EQ(in.text("t", true), "x");
    EXPECT_EQ(in.integer("i", true, -5, 5), -3);
    EXPECT_EQ(in.number("n", true), 2.0);
    EXPECT_EQ(in.boolean("b", true), false);
    EXPECT_EQ(format_date(*in.date("d", true)), "2026-11-23");
    EXPECT_EQ(in.array("l", true)->size(), 2U);
    EXPECT_FALSE(in.array("l", true, 1));
    EXPECT_EQ(in["o"]["in"].integer("deep", true, 0, 9), 5);
    EXPECT_EQ(in["o"]["in"].pointer(), "/o/in");
    EXPECT_EQ(in["l"][1].pointer(), "/l/1");
    EXPECT_TRUE(in.has("t"));
    EXPECT_FALSE(in.has("x"));
    EXPECT_FALSE(in.text("x", false));
    EXPECT_THAT(errors, SizeIs(1));

    errors.clear();
    const json list = json::array();
    json_reader not_object(list, "", errors);
    EXPECT_FALSE(not_object.is_object());
    EXPECT_FALSE(not_object.text("t", true));
    EXPECT_EQ(errors[0].where, "/");
}

// ---- config

class config_file : public testing::Test {
  protected:
    config_file()
        : path_((std::filesystem::temp_directory_path() /
                 ("zhida-config-" + std::to_string(::getpid()) + ".toml"))
                    .string()) {}
    ~config_file() override { std::filesystem::remove(path_); }
    loaded_config load(const std::string& text, std::map<std::string, std::string> environment = {},
                       std::vector<std::string> sets = {}) {
        std::ofstream(path_) << text;
        return load_config({path_, std::move(environment), std::move(sets)});
    }
    static std::string texts(const loaded_config& c) {
        std::string all;
        for (const auto& e : c.errors) all += e.text() + "\n";
        return all;
    }
    std::string path_;
};

TEST_F(config_file, the_defaults_are_good) {
    EXPECT_THAT(texts(load_config({})), IsEmpty());
    const auto loaded = load(default_config_text());
    EXPECT_THAT(texts(loaded), IsEmpty());
    EXPECT_EQ(describe(loaded.values), describe(config()));
}

TEST_F(config_file, the_one_in_the_tree_is_the_default) {
    std::ifstream in(zhida::tests::in_source("config/zhida.toml"));
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_EQ(text.str(), default_config_text())
        << "ZHIDA_WRITE_CONFIG=1 zhida_unit --gtest_filter=config_file.* writes it";
    if (std::getenv("ZHIDA_WRITE_CONFIG"))
        std::ofstream(zhida::tests::in_source("config/zhida.toml")) << default_config_text();
}

TEST_F(config_file, later_sources_win) {
    const std::string text = "[portal]\nport = 1000\nhost = \"0.0.0.0\"\n[node]\nshards = 8\n";
    EXPECT_EQ(load(text).values.portal.port, 1000);
    EXPECT_EQ(load(text, {{"ZHIDA_PORTAL__PORT", "2000"}}).values.portal.port, 2000);
    const auto all = load(text, {{"ZHIDA_PORTAL__PORT", "2000"}}, {"portal.port=3000", "sms.secret=a=b"});
    EXPECT_EQ(all.values.portal.port, 3000);
    EXPECT_EQ(all.values.portal.host, "0.0.0.0");
    EXPECT_EQ(all.values.node.shards, 8);
    EXPECT_EQ(all.values.sms.secret, "a=b");
    EXPECT_EQ(load("", {{"ZHIDA_PORTAL__DEMO_SIGN_IN", "true"}}).values.portal.demo_sign_in, true);
    EXPECT_THAT(texts(all), IsEmpty());
}

TEST_F(config_file, all_errors_come_together_with_their_places) {
    const auto loaded =
        load("[portal]\nport = \"8080\"\nprot = 1\n[nod]\nshards = 3\n[log]\nlevel = \"loud\"\n"
             "[node]\nshards = 5000\n[sms]\nenabled = 1\n",
             {{"ZHIDA_PORTAL__PORTT", "1"}, {"ZHIDA_REDIS__TIMEOUT_MS", "soon"}, {"PATH", "/bin"}},
             {"portal.max_body_bytes=0", "nonsense", "x.y=1", "redis.url=127.0.0.1"});
    const auto all = texts(loaded);
    EXPECT_THAT(loaded.errors, SizeIs(12)) << all;
    EXPECT_THAT(all, AllOf(HasSubstr(path_ + ":2: portal.port must be a whole number"),
                           HasSubstr(path_ + ":3: unknown key portal.prot"),
                           HasSubstr(path_ + ":5: unknown key nod.shards (did you mean node.shards?)"),
                           HasSubstr(path_ + ":7: log.level must be one of debug, info, warn, error"),
                           HasSubstr(path_ + ":9: node.shards must be from 1 to 4096, not 5000"),
                           HasSubstr(path_ + ":11: sms.enabled must be true or false")));
    EXPECT_THAT(all, AllOf(HasSubstr("unknown key ZHIDA_PORTAL__PORTT"),
                           HasSubstr("ZHIDA_REDIS__TIMEOUT_MS: redis.timeout_ms must be a whole number"),
                           HasSubstr("--set portal.max_body_bytes"), HasSubstr("--set nonsense"),
                           HasSubstr("unknown key x.y"), HasSubstr("redis.url must start with redis://")));
    EXPECT_THAT(all,
                AllOf(HasSubstr("did you mean ZHIDA_PORTAL__PORT?"), HasSubstr("did you mean portal.port?")));
}

TEST_F(config_file, variables_that_nothing_reads_are_told) {
    const auto loaded = load("", {{"ZHIDA_REDIS_URL", "redis://h/0"},
                                  {"ZHIDA_SERVICE_HOST", "10.0.0.1"}, // Kubernetes
                                  {"ZHIDA_CONTACT_KEY", "x"},
                                  {"ZHIDA_CONFIG", "x"},
                                  {"ZHIDA_TEST_KEEP", "1"},
                                  {"ZHIDA", "build/zhida"}});
    EXPECT_THAT(texts(loaded), IsEmpty());
    ASSERT_THAT(loaded.warnings, SizeIs(2));
    EXPECT_THAT(loaded.warnings[0].text(),
                AllOf(HasSubstr("ZHIDA_REDIS_URL"), HasSubstr("did you mean ZHIDA_REDIS__URL?")));
    EXPECT_THAT(loaded.warnings[1].fix, HasSubstr("lists every key"));
}

TEST_F(config_file, reminders_are_sent_at_a_time_of_the_day) {
    EXPECT_EQ(load("").values.reminders.at, "09:00");
    EXPECT_EQ(load("[campaign]\napprove_above = 0\n").values.campaign.approve_above, 0);
    EXPECT_THAT(texts(load("[reminders]\nat = \"9am\"\n")),
                HasSubstr("reminders.at is not a time of the day"));
}

TEST_F(config_file, values_that_cannot_work_are_refused) {
    for (const auto* url : {"zhida.example", "ftp://x", "https://", "https://a b", "http:///x"})
        EXPECT_THAT(texts(load("", {}, {std::string("portal.public_url=") + url})),
                    HasSubstr("portal.public_url is not a web address"))
            << url;
    for (const auto* url : {"", "https://zhida.example", "http://127.0.0.1:8080", "https://[::1]/zd"})
        EXPECT_THAT(texts(load("", {}, {std::string("portal.public_url=") + url})), IsEmpty()) << url;
    for (const auto* host : {"0.0.0.0", "::"}) {
        const auto listens = std::string("matcher.host=") + host;
        EXPECT_THAT(texts(load("", {}, {listens})), HasSubstr("no address under which portals reach it"));
        EXPECT_THAT(texts(load("", {}, {listens, "matcher.url=http://m1:7001"})), IsEmpty());
    }
    EXPECT_THAT(texts(load("", {}, {"kafka.brokers="})), HasSubstr("kafka.brokers is empty"));
    EXPECT_THAT(texts(load("", {}, {"kafka.brokers=", "event_log.driver=redis"})), IsEmpty());
}

TEST_F(config_file, a_gateway_that_is_gone_cannot_be_noticed_too_late) {
    EXPECT_THAT(texts(load("", {}, {"sms.keepalive_s=30", "sms_gateway.east.keepalive_s=1"})), IsEmpty());
    EXPECT_THAT(texts(load("", {}, {"sms.keepalive_s=31"})),
                HasSubstr("sms.keepalive_s must be from 1 to 30"));
}

TEST_F(config_file, the_simulators_say_where_they_listen_and_what_they_call) {
    const auto good = load("[simulator]\nsmpp_port = 2775\ncallback_base = \"http://127.0.0.1:8080\"\n");
    EXPECT_THAT(texts(good), IsEmpty());
    EXPECT_EQ(good.values.simulator.smpp_port, 2775);
    EXPECT_EQ(good.values.simulator.callback_base, "http://127.0.0.1:8080");
    EXPECT_THAT(texts(load("", {}, {"simulator.smpp_port=65536"})),
                HasSubstr("simulator.smpp_port must be from 0 to 65535"));
    EXPECT_THAT(texts(load("", {}, {"simulator.callback_base=127.0.0.1:8080"})),
                HasSubstr("simulator.callback_base is not a web address"));
}

TEST_F(config_file, a_broken_or_missing_file_is_an_error_with_its_line) {
    EXPECT_THAT(texts(load("[portal]\nport = = 1\n")), HasSubstr(path_ + ":2"));
    EXPECT_THAT(texts(load("port = 1\n")), HasSubstr(path_ + ":1: unknown key port"));
    EXPECT_THAT(texts(load("[portal]\nport = 1\nport = 2\n")), Not(IsEmpty()));
    EXPECT_THAT(texts(load_config({"/no/such/zhida.toml", {}, {}})),
                HasSubstr("/no/such/zhida.toml: cannot be opened: No such file"));
    const auto folder = std::filesystem::temp_directory_path().string();
    EXPECT_THAT(texts(load_config({folder, {}, {}})), HasSubstr(folder + ": is a folder"));
}

TEST_F(config_file, secrets_are_masked_and_the_rest_can_be_read_again) {
    const std::vector<std::string> sets = {"sms.secret=s3cret", "wechat.secret=t0ken",
                                           "kafka.sasl_password=pw0rd", "redis.url=redis://:hidden@h/0",
                                           "node.data_dir=C:\\a \"b\"\n\t直达"};
    const auto text = describe(load("", {}, sets).values);
    for (const auto* secret : {"s3cret", "t0ken", "pw0rd", "hidden"})
        EXPECT_THAT(text, Not(HasSubstr(secret)));
    EXPECT_THAT(text, AllOf(HasSubstr("secret = \"****\""), HasSubstr("url = \"redis://:****@h/0\"")));
    // What can be shared of the address is shown: where it goes.
    const auto url = [](const std::string& given) {
        const auto all = describe(load_config({"", {}, {"redis.url=" + given}}).values);
        const auto from = all.find("url = \"") + 7;
        return all.substr(from, all.find('"', from) - from);
    };
    EXPECT_EQ(url("redis://10.0.0.5:6380/2"), "redis://10.0.0.5:6380/2");
    EXPECT_EQ(url("redis://zhida:p@ss:w@h:1/2"), "redis://zhida:****@h:1/2");
    EXPECT_EQ(url("redis://hidden@h/2"), "redis://****@h/2");
    // Empty ones are shown as such.
    EXPECT_THAT(describe(config()), HasSubstr("secret = \"\""));
    const auto again = load(text, {}, {"redis.url=redis://h/0"});
    EXPECT_THAT(texts(again), IsEmpty());
    EXPECT_EQ(again.values.node.data_dir, "C:\\a \"b\"\n\t直达");
}

// ---- log

std::string logged(const std::function<void()>& work) {
    testing::internal::CaptureStderr();
    work();
    log::start(log::level::info, "json");
    return testing::internal::GetCapturedStderr();
}

TEST(log, writes_one_json_object_a_line) {
    const auto text = logged([] {
        log::start(log::level::info, "json");
        log::info("policy.published", {{"policy", "沪府{}\n1号"}, {"count", 3}, {"bytes", "\xff"}});
        log::debug("unseen");
        log::error("broken");
    });
    std::istringstream lines(text);
    std::string first, second, third;
    std::getline(lines, first);
    std::getline(lines, second);
    EXPECT_FALSE(std::getline(lines, third));
    const auto value = parse_json(first);
    ASSERT_TRUE(value) << first;
    EXPECT_EQ((*value)["event"], "policy.published");
    EXPECT_EQ((*value)["level"], "info");
    EXPECT_EQ((*value)["policy"], "沪府{}\n1号");
    EXPECT_EQ((*value)["count"], 3);
    wall_time t{};
    EXPECT_TRUE(parse_rfc3339((*value)["time"].get<std::string>(), t));
    EXPECT_EQ((*parse_json(second))["level"], "error");
}

TEST(log, writes_text_for_a_terminal) {
    const auto text = logged([] {
        log::start(log::level::debug, "text");
        log::debug("ready", {{"url", "http://127.0.0.1/"}, {"n", 1}, {"evil", "a\nb"}});
    });
    EXPECT_THAT(text, HasSubstr(" debug ready "));
    EXPECT_THAT(text, HasSubstr("url=http://127.0.0.1/"));
    EXPECT_THAT(text, HasSubstr("n=1"));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST(log, masks_what_is_personal) {
    EXPECT_EQ(log::masked("13800000001"), "138****0001");
    EXPECT_EQ(log::masked("oABCdefghijklmnopqrstuvwxyz0"), "oABC****xyz0");
    EXPECT_EQ(log::masked("1234567"), "****");
    EXPECT_EQ(log::masked(""), "****");
}

} // namespace
} // namespace zhida
