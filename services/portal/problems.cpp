#include "services/portal/problems.hpp"

namespace zhida::portal {

using io::problem;

io::http_response unauthenticated(bool demo_sign_in) {
    auto out =
        problem(401, "/problems/unauthenticated", "Not signed in",
                demo_sign_in ? "请先登录：浏览器在首页选择身份，程序使用 Authorization: Bearer <演示令牌>"
                             : "演示登录已关闭；正式登录将在后续版本提供");
    out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"zhida\"");
    return out;
}

io::http_response forbidden(std::string detail) {
    return problem(403, "/problems/forbidden", "Not allowed", std::move(detail));
}

io::http_response cross_site() {
    return problem(403, "/problems/cross-site", "Cross-site request refused",
                   "请求来自其他网站，已拒绝；请从本站页面操作，或使用 Bearer 令牌");
}

io::http_response not_found(std::string what) {
    return problem(404, "/problems/not-found", "Not found", "没有" + what);
}

io::http_response bad_request(std::string detail) {
    return problem(400, "/problems/bad-request", "Bad request", std::move(detail));
}

io::http_response of_failure(const failure& f) {
    switch (f.code) {
    case errc::not_found:
        return problem(404, "/problems/not-found", "Not found", "没有找到：" + f.where);
    case errc::invalid:
        return problem(422, "/problems/invalid", "Invalid", f.text());
    case errc::conflict:
        return problem(409, "/problems/conflict", "Conflict", f.text());
    default: {
        auto out = problem(503, "/problems/unavailable", "Temporarily unavailable",
                           "依赖的服务暂时不可用，请稍后重试：" + f.text());
        out.headers.emplace_back("Retry-After", "2");
        return out;
    }
    }
}

json errors_document(const std::vector<failure>& errors) {
    json out = json::array();
    for (const auto& e : errors)
        out.push_back({{"pointer", e.where == "/" ? "" : e.where}, {"what", e.what}, {"fix", e.fix}});
    return out;
}

io::http_response policy_invalid(const std::vector<failure>& errors) {
    json body = {{"type", "/problems/policy-invalid"},
                 {"title", "Policy document invalid"},
                 {"status", 422},
                 {"detail", "政策文档有 " + std::to_string(errors.size()) + " 处错误，全部列在 errors 中"}};
    body["errors"] = errors_document(errors);
    auto out = json_answer(body, 422);
    out.content_type = "application/problem+json; charset=utf-8";
    return out;
}

io::http_response json_answer(const json& body, int status) {
    io::http_response out;
    out.status = status;
    out.content_type = "application/json; charset=utf-8";
    out.body = to_text(body);
    return out;
}

io::http_response with_etag(io::http_response out, const io::http_request& r, const std::string& etag) {
    out.headers.emplace_back("ETag", etag);
    const auto held = r.header("if-none-match");
    if (held != "*" && held.find(etag) == std::string::npos) return out;
    out.status = 304;
    out.body.clear();
    return out;
}

} // namespace zhida::portal
