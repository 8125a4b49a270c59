#include "common/model/cloud_event.hpp"

#include "common/base/crypto.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace zhida {
namespace {

const event_headers good_headers = {{"ce_specversion", "1.0"},
                                    {"ce_id", "a-1"},
                                    {"ce_source", "/oa"},
                                    {"ce_type", event_type::policy_published}};

event_headers without(std::string_view name) {
    event_headers out;
    for (const auto& h : good_headers)
        if (h.first != name) out.push_back(h);
    return out;
}

event_headers with(std::string name, std::string value) {
    auto out = without(name);
    out.emplace_back(std::move(name), std::move(value));
    return out;
}

failure refused(const event_headers& headers, std::string_view value, std::size_t max = 4 << 20) {
    const auto e = decode_event(headers, value, max);
    EXPECT_FALSE(e.has_value());
    return e ? failure{} : e.error();
}

const event_headers structured = {{"Content-Type", "application/cloudevents+json; charset=UTF-8"}};

TEST(cloud_event, binary_mode_is_written_as_the_kafka_binding_says) {
    cloud_event e;
    e.id = "1";
    e.source = "/zhida/portal";
    e.type = event_type::policy_published;
    e.subject = "BS-006";
    e.time = "2026-11-23T21:05:00+08:00";
    e.data = json{{"名", 1}};
    const auto encoded = encode_event(e);
    const event_headers expected = {{"ce_specversion", "1.0"},
                                    {"ce_id", "1"},
                                    {"ce_source", "/zhida/portal"},
                                    {"ce_type", "cn.zhida.policy.published.v1"},
                                    {"ce_subject", "BS-006"},
                                    {"ce_time", "2026-11-23T21:05:00+08:00"},
                                    {"content-type", "application/json"}};
    EXPECT_EQ(encoded.headers, expected);
    EXPECT_EQ(encoded.value, "{\"名\":1}");
}

TEST(cloud_event, header_names_are_read_in_any_case_and_strangers_are_ignored) {
    const auto e = decode_event({{"CE_SpecVersion", "1.0"},
                                 {"Ce_Id", "7"},
                                 {"CE_SOURCE", "urn:x"},
                                 {"ce_TYPE", "t"},
                                 {"ce_myextension", "x"},
                                 {"traceparent", "00-1"},
                                 {"CONTENT-TYPE", "Application/JSON; charset=utf-8"}},
                                "[1]");
    ASSERT_TRUE(e.has_value()) << e.error().text();
    EXPECT_EQ(e->id, "7");
    EXPECT_EQ(e->source, "urn:x");
    EXPECT_EQ(e->data, json::array({1}));
}

TEST(cloud_event, http_headers_are_percent_decoded) {
    auto headers = event_headers{{"ce-specversion", "1.0"},
                                 {"ce-id", "7%20%E5%AE%9D"},
                                 {"ce-source", "/x"},
                                 {"ce-type", "t"},
                                 {"content-type", "application/json"}};
    const auto e = decode_event(headers, "{}");
    ASSERT_TRUE(e.has_value()) << e.error().text();
    EXPECT_EQ(e->id, "7 宝");
    headers[1].second = "50%";
    EXPECT_EQ(refused(headers, "{}").where, "ce-id");
    headers[1].second = "%0a";
    EXPECT_EQ(refused(headers, "{}").where, "ce_id");
    // Kafka's binding does not encode: there the percent sign is itself.
    EXPECT_EQ(decode_event(with("ce_id", "50%20"), "{}")->id, "50%20");
}

TEST(cloud_event, each_required_attribute_is_required) {
    for (const auto* name : {"ce_specversion", "ce_id", "ce_source", "ce_type"}) {
        const auto why = refused(without(name), "{}");
        EXPECT_EQ(why.where, name);
        EXPECT_EQ(refused(with(name, ""), "{}").where, name);
        EXPECT_FALSE(why.fix.empty());
    }
    EXPECT_NE(refused(with("ce_specversion", "0.3"), "{}").what.find("'0.3'"), std::string::npos);
}

TEST(cloud_event, ill_formed_attributes_are_refused) {
    EXPECT_EQ(refused(with("ce_time", "yesterday"), "{}").where, "ce_time");
    EXPECT_EQ(refused(with("ce_source", "a b"), "{}").where, "ce_source");
    EXPECT_EQ(refused(with("ce_subject", "a\nb"), "{}").where, "ce_subject");
    EXPECT_EQ(refused(with("ce_subject", "\xc2\x85"), "{}").where, "ce_subject");
    EXPECT_EQ(refused(with("ce_subject", "\xff"), "{}").where, "ce_subject");
    EXPECT_EQ(refused(with("ce_dataschema", std::string(5000, 'a')), "{}").where, "ce_dataschema");
    auto twice = good_headers;
    twice.emplace_back("CE_ID", "b");
    EXPECT_EQ(refused(twice, "{}").where, "CE_ID");
}

TEST(cloud_event, neither_mode_is_refused) {
    EXPECT_EQ(refused({}, R"({"id":"1"})").what, "is not a CloudEvent");
    EXPECT_EQ(refused({{"content-type", "application/json"}}, "{}").what, "is not a CloudEvent");
    EXPECT_EQ(refused({{"content-type", "application/cloudevents-batch+json"}}, "[]").where, "content-type");
    EXPECT_EQ(refused({{"content-type", "application/cloudevents+avro"}}, "x").where, "content-type");
}

TEST(cloud_event, only_json_in_utf8_is_data) {
    EXPECT_EQ(refused(with("content-type", "text/plain"), "{}").where, "datacontenttype");
    EXPECT_EQ(refused(with("content-type", "application/json; charset=gbk"), "{}").where, "datacontenttype");
    EXPECT_TRUE(decode_event(with("content-type", "application/vnd.zhida+json"), "{}").has_value());
    EXPECT_EQ(refused(good_headers, "{").where, "data");
    EXPECT_EQ(refused(good_headers, "{\"a\":1,\"a\":2}").where, "data");
    EXPECT_EQ(refused(good_headers, std::string(100, '[')).where, "data");
    EXPECT_TRUE(decode_event(good_headers, "")->data.is_null());
}

TEST(cloud_event, size_and_headers_are_bounded) {
    EXPECT_EQ(refused(good_headers, "\"12345678\"", 9).code, errc::exhausted);
    EXPECT_TRUE(decode_event(good_headers, "\"1234567\"", 9).has_value());
    EXPECT_EQ(refused(event_headers(129, {"a", "b"}), "{}").code, errc::exhausted);
}

TEST(cloud_event, structured_mode_is_read) {
    const auto e = decode_event(structured, R"({"specversion":"1.0","id":"1","source":"/s","type":"t",
        "subject":"x","time":"2026-11-23T13:05:00Z","ext":1,"data":{"a":[1,"二"]}})");
    ASSERT_TRUE(e.has_value()) << e.error().text();
    EXPECT_EQ(e->subject, "x");
    EXPECT_EQ(e->datacontenttype, "application/json");
    EXPECT_EQ(e->data, (json{{"a", {1, "二"}}}));
}

TEST(cloud_event, structured_data_base64_is_decoded) {
    json event = {{"specversion", "1.0"}, {"id", "1"}, {"source", "/s"}, {"type", "t"}};
    event["data_base64"] = crypto::base64(R"({"a":"宝山"})");
    const auto e = decode_event(structured, event.dump());
    ASSERT_TRUE(e.has_value()) << e.error().text();
    EXPECT_EQ(e->data, (json{{"a", "宝山"}}));
    event["data"] = 1;
    EXPECT_EQ(refused(structured, event.dump()).where, "data");
    event.erase("data");
    event["data_base64"] = "***";
    EXPECT_EQ(refused(structured, event.dump()).where, "data_base64");
    event["data_base64"] = 5;
    EXPECT_EQ(refused(structured, event.dump()).where, "data_base64");
    event["data_base64"] = crypto::base64("not json");
    EXPECT_EQ(refused(structured, event.dump()).where, "data");
}

TEST(cloud_event, structured_errors_name_the_member) {
    EXPECT_EQ(refused(structured, "no").where, "event");
    EXPECT_EQ(refused(structured, "[]").where, "event");
    EXPECT_EQ(refused(structured, R"({"id":"1","source":"/s","type":"t"})").where, "specversion");
    EXPECT_EQ(refused(structured, R"({"specversion":1.0,"id":"1","source":"/s","type":"t"})").where,
              "specversion");
    EXPECT_EQ(refused(structured, R"({"specversion":"1.0","id":1,"source":"/s","type":"t"})").where, "id");
    EXPECT_EQ(refused(structured, R"({"specversion":"1.0","id":"1","source":"/s","type":"t",
        "datacontenttype":"text/xml","data":"<a/>"})")
                  .where,
              "datacontenttype");
}

TEST(cloud_event, an_event_is_not_the_data_of_an_event) {
    EXPECT_EQ(refused(structured, R"({"specversion":"1.0","id":"1","source":"/s","type":"t",
        "datacontenttype":"application/cloudevents+json","data":{}})")
                  .where,
              "datacontenttype");
    const auto e = decode_event(structured, R"({"specversion":"1.0","id":"1","source":"/s","type":"t",
        "datacontenttype":"","data":{}})");
    ASSERT_TRUE(e.has_value());
    EXPECT_EQ(e->datacontenttype, "application/json");
}

TEST(cloud_event, ids_are_uuids_of_version_4_and_differ) {
    std::set<std::string> ids;
    for (int i = 0; i < 1000; ++i) {
        const auto id = new_event_id();
        ASSERT_EQ(id.size(), 36U);
        for (std::size_t at = 0; at < id.size(); ++at) {
            if (at == 8 || at == 13 || at == 18 || at == 23)
                ASSERT_EQ(id[at], '-') << id;
            else
                ASSERT_NE(std::string_view("0123456789abcdef").find(id[at]), std::string_view::npos) << id;
        }
        ASSERT_EQ(id[14], '4') << id;
        ASSERT_NE(std::string_view("89ab").find(id[19]), std::string_view::npos) << id;
        ids.insert(id);
    }
    EXPECT_EQ(ids.size(), 1000U);
}

RC_GTEST_PROP(cloud_event, what_is_written_is_read_back, ()) {
    const auto word = rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('!', '~')));
    cloud_event e;
    e.id = *word;
    e.source = *word;
    e.type = *word;
    e.subject = *rc::gen::container<std::string>(rc::gen::inRange('!', '~'));
    if (*rc::gen::arbitrary<bool>()) e.time = "2026-11-23T21:05:00+08:00";
    e.data = json{{"n", *rc::gen::arbitrary<std::int64_t>()}, {"text", *word}};
    const auto encoded = encode_event(e);
    const auto back = decode_event(encoded.headers, encoded.value);
    RC_ASSERT(back.has_value());
    RC_ASSERT(back->id == e.id && back->source == e.source && back->type == e.type);
    RC_ASSERT(back->subject == e.subject && back->time == e.time && back->data == e.data);
    RC_ASSERT(back->datacontenttype == e.datacontenttype);
}

} // namespace
} // namespace zhida
