#include "services/portal/routes.hpp"

#include "services/portal/callbacks.hpp"
#include "services/portal/form.hpp"
#include "services/portal/pages.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/wechat_events.hpp"

#include <algorithm>

namespace zhida::portal {

namespace {

constexpr auto preference_lifetime = std::chrono::hours(24 * 365);

bool safe(std::string_view verb) noexcept {
    return verb == "GET" || verb == "HEAD";
}

bool secure_site(const context& c) noexcept {
    return c.settings.portal.public_url.starts_with("https://");
}

// ?lang= and ?size= win over their cookies and are kept in them.
void read_preferences(const io::http_request& r, visitor& v) {
    const auto given = [&](const std::string& name, const std::string& cookie) {
        if (const auto q = r.query.find(name); q != r.query.end()) return q->second;
        const auto found = r.cookies.find(cookie);
        return found == r.cookies.end() ? std::string() : found->second;
    };
    v.in = given("lang", "zhida_lang") == "en" ? language::en : language::zh;
    v.large_type = given("size", "zhida_size") == "large";
}

void keep_preferences(const context& c, const io::http_request& r, const visitor& v, io::http_response& out) {
    const bool secure = secure_site(c);
    if (r.query.contains("lang"))
        out.headers.emplace_back("Set-Cookie", set_cookie("zhida_lang", v.in == language::en ? "en" : "zh",
                                                          preference_lifetime, true, secure));
    if (r.query.contains("size"))
        out.headers.emplace_back("Set-Cookie", set_cookie("zhida_size", v.large_type ? "large" : "normal",
                                                          preference_lifetime, true, secure));
}

void identify(const context& c, const io::http_request& r, visitor& v) {
    if (const auto authorization = r.header("authorization"); !authorization.empty())
        v.who = c.sign_in.of_authorization(authorization);
    else if (const auto cookie = r.cookies.find(sessions::cookie_name); cookie != r.cookies.end())
        v.who = c.sign_in.of_cookie(cookie->second, c.time.now());
}

// Pages say whose they are by name. Without it they still stand.
asio::awaitable<void> name_subject(context& c, visitor& v) {
    if (v.who.as != role::subject) co_return;
    const auto known = co_await c.profiles.get(v.who.name);
    if (!known) co_return;
    v.kind = known->subject.type;
    v.called = known->subject.name;
}

// Nothing: go on; else the refusal. Fills v.form.
std::optional<io::http_response> refuse(context& c, const route_rule& rule, const io::http_request& r,
                                        visitor& v) {
    const bool page = rule.as == surface::page;
    if (!r.header("authorization").empty() && !v.who.signed_in() && !rule.who.anyone)
        return unauthenticated(c.sign_in.demo());
    if (!may_call(rule.who, v.who)) {
        if (!v.who.signed_in()) {
            if (page && c.sign_in.demo()) return redirect("/?sign-in=needed");
            return page ? error_page(c, v, r, 401, "") : unauthenticated(c.sign_in.demo());
        }
        return page ? error_page(c, v, r, 403, "") : forbidden("当前身份不能使用此功能");
    }
    // A token is sent on purpose; a cookie travels by itself, so ask where the request comes from.
    if (rule.as == surface::callback) return std::nullopt;
    if (safe(r.method) || (v.who.signed_in() && !v.who.by_cookie())) return std::nullopt;
    bool has_token = rule.signs_in;
    if (page) {
        auto form = decode_form_body(r.header("content-type"), r.body);
        if (!form) return error_page(c, v, r, 400, text(v.in, "form_unreadable"));
        v.form = std::move(*form);
        if (v.who.by_cookie() && !rule.signs_in) {
            const auto token = v.form.find("token");
            if (token == v.form.end() || !c.sign_in.right_form_token(v.who, token->second))
                return error_page(c, v, r, 403, text(v.in, "form_expired"));
            has_token = true;
        }
    }
    if (same_origin(r.header("sec-fetch-site"), r.header("origin"), r.header("host"),
                    c.settings.portal.public_url, has_token))
        return std::nullopt;
    return page ? error_page(c, v, r, 403, text(v.in, "cross_site")) : cross_site();
}

asio::awaitable<io::http_response> guarded(context& c, const route_rule& rule, io::http_request r) {
    visitor v;
    read_preferences(r, v);
    identify(c, r, v);
    if (rule.as == surface::page) co_await name_subject(c, v);
    io::http_response out;
    if (auto refusal = refuse(c, rule, r, v))
        out = std::move(*refusal);
    else
        out = co_await rule.handler(c, v, r);
    if (rule.as == surface::page) keep_preferences(c, r, v, out);
    const bool cacheable = std::any_of(out.headers.begin(), out.headers.end(),
                                       [](const auto& h) { return h.first == "Cache-Control"; });
    if (!cacheable && !out.on_stream) out.headers.emplace_back("Cache-Control", "no-store");
    add_security_headers(out);
    co_return out;
}

} // namespace

void add_security_headers(io::http_response& r) {
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"Content-Security-Policy",
              "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
              "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
             {"X-Content-Type-Options", "nosniff"},
             {"X-Frame-Options", "DENY"},
             {"Referrer-Policy", "same-origin"},
             {"Cross-Origin-Opener-Policy", "same-origin"},
             {"Cross-Origin-Resource-Policy", "same-origin"},
             {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"}})
        r.headers.emplace_back(name, value);
}

const std::vector<route_rule>& route_table() {
    static const std::vector<route_rule> table = {
        {"POST", "/api/v1/policies", surface::api, staff, api_publish_policy},
        {"POST", "/api/v1/policies/check", surface::api, staff, api_check_policy},
        {"GET", "/api/v1/policies", surface::api, signed_in, api_list_policies},
        {"GET", "/api/v1/policies/{id}", surface::api, signed_in, api_get_policy},
        {"GET", "/api/v1/policies/{id}/document", surface::api, signed_in, api_get_policy_document},
        {"POST", "/api/v1/audience/preview", surface::api, staff, api_preview_audience},
        {"GET", "/api/v1/campaigns", surface::api, staff, api_list_campaigns},
        {"GET", "/api/v1/campaigns/{id}", surface::api, staff, api_get_campaign},
        {"POST", "/api/v1/campaigns/{id}/rounds", surface::api, staff, api_further_round},
        {"POST", "/api/v1/campaigns/{id}/test", surface::api, staff, api_test_campaign},
        {"POST", "/api/v1/campaigns/{id}/{action}", surface::api, staff, api_act_on_campaign},
        {"GET", "/api/v1/subjects/{id}/packages", surface::api, subjects_and_operators, api_get_packages},
        {"GET", "/api/v1/subjects/{id}/checkup", surface::api, subjects_and_operators, api_get_checkup},
        {"POST", "/api/v1/subjects/{id}/packages/{campaign}/read", surface::api, subjects, api_read_package},
        {"PUT", "/api/v1/subjects/{id}/opt-out", surface::api, subjects_and_operators, api_opt_out},
        {"DELETE", "/api/v1/subjects/{id}/opt-out", surface::api, subjects_and_operators, api_opt_in},
        {"GET", "/api/v1/subjects/{id}/preferences", surface::api, subjects_and_operators,
         api_get_preferences},
        {"PUT", "/api/v1/subjects/{id}/preferences", surface::api, subjects_and_operators,
         api_put_preferences},
        {"GET", "/api/v1/subjects/{id}/wechat", surface::api, subjects_and_operators, api_get_wechat},
        {"POST", "/api/v1/subjects/{id}/wechat/codes", surface::api, subjects_and_operators,
         api_post_wechat_code},
        {"DELETE", "/api/v1/subjects/{id}/wechat/{binding}", surface::api, subjects_and_operators,
         api_delete_wechat},
        {"PUT", "/api/v1/numbers/{phone}/opt-out", surface::api, operators, api_number_out},
        {"DELETE", "/api/v1/numbers/{phone}/opt-out", surface::api, operators, api_number_in},
        {"GET", "/api/v1/subjects/{id}/live", surface::api, subjects, api_subject_live},
        {"GET", "/api/v1/live", surface::api, staff, api_staff_live},
        {"GET", "/api/v1/feedback", surface::api, staff, api_list_feedback},
        {"GET", "/api/v1/gateways", surface::api, operators, api_gateways},
        {"GET", "/api/v1/dead-letters", surface::api, operators, api_dead_letters},
        {"GET", "/api/v1/summary", surface::api, operators, api_summary},
        {"GET", "/api/v1/openapi.json", surface::api, everyone, api_openapi},

        {"GET", "/", surface::page, everyone, page_landing},
        {"POST", "/sign-in", surface::page, everyone, post_sign_in, /*signs_in*/ true},
        {"POST", "/sign-out", surface::page, signed_in, post_sign_out},
        {"GET", "/enterprise", surface::page, subjects, page_subject},
        {"GET", "/resident", surface::page, subjects, page_subject},
        {"GET", "/checkup", surface::page, subjects, page_checkup},
        {"POST", "/packages/{campaign}/read", surface::page, subjects, post_read},
        {"POST", "/opt-out", surface::page, subjects, post_opt_out},
        {"GET", "/preferences", surface::page, subjects, page_preferences},
        {"POST", "/preferences", surface::page, subjects, post_preferences},
        {"GET", "/wechat", surface::page, subjects, page_wechat},
        {"POST", "/wechat/code", surface::page, subjects, post_wechat_code},
        {"POST", "/wechat/unbind", surface::page, subjects, post_wechat_unbind},
        {"GET", "/policies", surface::page, everyone, page_policies},
        {"GET", "/policies/{id}", surface::page, everyone, page_policy},
        {"GET", "/department", surface::page, staff, page_department},
        {"POST", "/department/publish", surface::page, staff, post_publish},
        {"GET", "/campaigns/{id}", surface::page, staff, page_campaign},
        {"POST", "/campaigns/{id}/act", surface::page, staff, post_campaign_act},
        {"POST", "/campaigns/{id}/test", surface::page, staff, post_campaign_test},
        {"GET", "/feedback", surface::page, staff, page_feedback},
        {"POST", "/feedback/{id}/assign", surface::page, operators, post_feedback_assign},
        {"GET", "/operator", surface::page, operators, page_operator},

        {"POST", "/gateways/{name}/receipts/{secret}", surface::callback, everyone, post_gateway_receipts},
        {"POST", "/gateways/{name}/replies/{secret}", surface::callback, everyone, post_gateway_replies},
        {"GET", "/gateways/{name}/events", surface::callback, everyone, get_wechat_events},
        {"POST", "/gateways/{name}/events", surface::callback, everyone, post_wechat_events},

        {"GET", "/assets/{name}", surface::plain, everyone, get_asset},
        {"GET", "/favicon.ico", surface::plain, everyone, get_favicon},
        {"GET", "/healthz", surface::plain, everyone, get_health},
        {"GET", "/readyz", surface::plain, everyone, get_ready},
        {"GET", "/metrics", surface::plain, everyone, get_metrics},
    };
    return table;
}

io::http_router make_router(context& c) {
    io::http_router router;
    for (const auto& rule : route_table())
        router.add(rule.verb, rule.path, [&c, &rule](io::http_request r) {
            return guarded(c, rule, std::move(r)); // the context and the table outlive the router
        });
    return router;
}

io::http_response error_answer(context& c, int status, std::string detail, const io::http_request* r) {
    io::http_response out;
    if (r && !r->path.starts_with("/api/") && (r->method == "GET" || r->method == "POST")) {
        visitor v;
        read_preferences(*r, v);
        out = error_page(c, v, *r, status, "");
    } else {
        const char* type = status == 404   ? "/problems/not-found"
                           : status == 405 ? "/problems/method-not-allowed"
                           : status == 413 ? "/problems/too-large"
                           : status >= 500 ? "/problems/internal"
                                           : "/problems/bad-request";
        // What the server says is in English, for logs.
        if (status == 404) detail = "没有这个地址" + (r ? "：" + r->path : std::string());
        if (status == 405) detail = "这个地址不支持 " + (r ? r->method : std::string("此操作"));
        if (status == 413) detail = "提交的内容太大";
        if (status == 500) detail = "服务器内部出错，已经记录";
        out = io::problem(status, type, status == 404 ? "Not found" : "Request refused", std::move(detail));
    }
    out.headers.emplace_back("Cache-Control", "no-store");
    add_security_headers(out);
    return out;
}

} // namespace zhida::portal
