#include "common/base/utf8.hpp"
#include "common/io/http_decode.hpp"
#include "common/io/http_server.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

namespace zhida::io {
namespace {

http_handler none() {
    return [](http_request) -> asio::awaitable<http_response> { co_return http_response{}; };
}

http_router example() {
    http_router r;
    r.add("GET", "/", none());
    r.add("GET", "/api/v1/policies", none());
    r.add("POST", "/api/v1/policies", none());
    r.add("POST", "/api/v1/policies/check", none());
    r.add("GET", "/api/v1/policies/{id}", none());
    r.add("GET", "/api/v1/policies/{id}/document", none());
    r.add("PUT", "/subjects/{id}/opt-out", none());
    r.add("GET", "/assets/{rest...}", none());
    return r;
}

TEST(http_router, takes_parameters_from_the_path) {
    const auto m = example().find("GET", "/api/v1/policies/BS-001/document");
    ASSERT_TRUE(m.handler);
    EXPECT_EQ(m.route, "/api/v1/policies/{id}/document");
    EXPECT_EQ(m.params, (std::map<std::string, std::string>{{"id", "BS-001"}}));
}

TEST(http_router, literal_segments_win_over_parameters) {
    const auto r = example();
    EXPECT_EQ(r.find("POST", "/api/v1/policies/check").route, "/api/v1/policies/check");
    EXPECT_EQ(r.find("GET", "/api/v1/policies/checks").route, "/api/v1/policies/{id}");
}

TEST(http_router, tells_unknown_paths_from_wrong_verbs) {
    const auto r = example();
    EXPECT_EQ(r.find("GET", "/nothing").status, 404);
    EXPECT_EQ(r.find("GET", "/api/v1/policies/").status, 404); // an empty parameter is none
    const auto wrong = r.find("DELETE", "/api/v1/policies");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.allow, "GET, HEAD, POST");
    EXPECT_EQ(wrong.handler, nullptr);
    EXPECT_EQ(r.find("GET", "/subjects/1/opt-out").allow, "PUT");
}

TEST(http_router, head_is_served_by_get) {
    EXPECT_TRUE(example().find("HEAD", "/").handler);
    EXPECT_EQ(example().find("HEAD", "/api/v1/policies/check").status, 405);
}

TEST(http_router, rest_takes_what_is_left) {
    const auto m = example().find("GET", "/assets/css/site.css");
    ASSERT_TRUE(m.handler);
    EXPECT_EQ(m.params.at("rest"), "css/site.css");
    EXPECT_EQ(example().find("GET", "/assets/").status, 404);
}

TEST(http_router, refuses_a_route_given_twice_and_rest_in_the_middle) {
    auto r = example();
    EXPECT_THROW(r.add("GET", "/", none()), std::logic_error);
    EXPECT_THROW(r.add("GET", "/{rest...}/x", none()), std::logic_error);
}

TEST(http_decode, targets) {
    const auto t = decode_target("/%E6%94%BF%E7%AD%96/x?q=%E5%AE%9D+%E5%B1%B1&empty=&flag&q=2");
    ASSERT_TRUE(t);
    EXPECT_EQ(t->path, "/政策/x");
    EXPECT_EQ(t->query, (std::map<std::string, std::string>{{"q", "2"}, {"empty", ""}, {"flag", ""}}));
    EXPECT_EQ(decode_target("http://example.org/a?b=c")->path, "/a");
    EXPECT_EQ(decode_target("http://example.org")->path, "/");
    EXPECT_EQ(decode_target("http://example.org?b=c")->query.at("b"), "c");
    EXPECT_EQ(decode_target("/a+b")->path, "/a+b"); // plus is a space in forms only
}

TEST(http_decode, refuses_targets_that_could_mean_two_things) {
    for (const char* bad :
         {"", "*", "example.org:80", "http:///x", "/a%2Fb", "/a/../b", "/a/%2e%2E/b", "/.", "/a%00b", "/a%zz",
          "/a%4", "/%ff", "/a b", "/a#b", "/%0d%0aX: y", "/x?a=%ff", "/x?a=%0", "ftp://x/y"})
        EXPECT_FALSE(decode_target(bad)) << bad;
    EXPECT_FALSE(decode_target(std::string_view("/a\0b", 4)));
    EXPECT_FALSE(decode_target("/a\r\nb"));
}

TEST(http_decode, forms_are_bounded) {
    std::string many;
    for (int i = 0; i < 257; ++i) many += "a" + std::to_string(i) + "=1&";
    EXPECT_FALSE(decode_form(many));
    EXPECT_EQ(decode_form("a=1&&b=2")->size(), 2u);
}

TEST(http_decode, cookies) {
    const auto c = decode_cookies(R"( a=1; b="two";; c ; =x; a=3;d=e=f )");
    EXPECT_EQ(c, (std::map<std::string, std::string>{{"a", "1"}, {"b", "two"}, {"d", "e=f"}}));
}

TEST(http_decode, head_faults) {
    EXPECT_EQ(head_fault("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "");
    EXPECT_NE(head_fault("GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n"), "");
    EXPECT_NE(head_fault("GET / HTTP/1.1\r\nHost : x\r\n\r\n"), "");
    EXPECT_NE(head_fault("GET / HTTP/1.1\nHost: x\r\n\r\n"), "");
    EXPECT_NE(head_fault("GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n"), "");
    EXPECT_NE(head_fault("GET / HTTP/1.1\r\nHost\r\n\r\n"), "");
    EXPECT_NE(head_fault("GET / HTTP/1.1\r\nHost: x\r\n"), "");
    EXPECT_NE(head_fault(std::string("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24)), "");
}

TEST(http_decode, utf8) {
    EXPECT_TRUE(valid_utf8("直达 a\xF0\x9F\x99\x82"));
    for (const char* bad :
         {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE4\xB8", "\xF8\x88\x80\x80\x80"})
        EXPECT_FALSE(valid_utf8(bad));
}

RC_GTEST_PROP(http_decode_properties, what_is_encoded_comes_back, (const std::string& text)) {
    const bool nul = text.find('\0') != std::string::npos;
    const auto back = percent_decode(percent_encode(text), false);
    if (nul)
        RC_ASSERT(!back.has_value());
    else
        RC_ASSERT(back == text);
}

TEST(http_problem, follows_rfc_9457) {
    const auto p = problem(422, "/problems/policy-invalid", "Policy invalid", "第 1 项缺少标题");
    EXPECT_EQ(p.content_type, "application/problem+json; charset=utf-8");
    const auto body = nlohmann::json::parse(p.body);
    EXPECT_EQ(body.at("status"), 422);
    EXPECT_EQ(body.at("type"), "/problems/policy-invalid");
    EXPECT_EQ(body.at("detail"), "第 1 项缺少标题");
}

} // namespace
} // namespace zhida::io
