// Audience previews: a condition, or the items of a policy document, before anything is published.
#include "common/base/log.hpp"
#include "matching/policy_check.hpp"
#include "services/portal/api.hpp"
#include "services/portal/audience_preview.hpp"
#include "services/portal/check_words.hpp"
#include "services/portal/problems.hpp"

namespace zhida::portal {

namespace {

io::http_response condition_invalid(const std::vector<failure>& errors) {
    json body = {{"type", "/problems/condition-invalid"},
                 {"title", "Condition invalid"},
                 {"status", 422},
                 {"detail", "预览请求有 " + std::to_string(errors.size()) + " 处错误，全部列在 errors 中"}};
    body["errors"] = errors_document(errors);
    for (auto& e : body["errors"])
        for (const char* said : {"what", "fix"}) e[said] = check_words_zh(e[said].get<std::string>());
    auto out = json_answer(body, 422);
    out.content_type = "application/problem+json; charset=utf-8";
    return out;
}

io::http_response of_preview_failure(const failure& f) {
    log::warn("audience not previewed", {{"why", f.text()}});
    const bool busy = f.code == errc::exhausted;
    auto out = busy ? io::problem(503, "/problems/busy", "Busy", text(language::zh, "preview_busy"))
                    : io::problem(503, "/problems/unavailable", "Temporarily unavailable",
                                  text(language::zh, "preview_unavailable"));
    out.headers.emplace_back("Retry-After", busy ? "1" : "2");
    return out;
}

} // namespace

asio::awaitable<io::http_response> api_preview_audience(context& c, visitor v, io::http_request r) {
    std::vector<failure> errors;
    const auto document = parse_json(r.body);
    if (!document)
        co_return condition_invalid({{errc::invalid, document.error().what, "", document.error().fix}});
    if (document->is_object() && document->contains("policy")) {
        auto checked = matching::check_policy(document->at("policy"), c.parts.catalogue, errors);
        if (!checked) {
            for (auto& e : errors) e.where = "/policy" + (e.where == "/" ? "" : e.where);
            co_return condition_invalid(errors);
        }
        const auto previews = co_await preview_policy(c, v.who, std::move(checked->document));
        if (!previews) co_return of_preview_failure(previews.error());
        co_return json_answer(*previews);
    }
    auto q = read_audience_request(*document, c.parts.catalogue, errors);
    if (!q) co_return condition_invalid(errors);
    const auto answer = co_await preview_audience(c, v.who, std::move(*q));
    if (!answer) co_return of_preview_failure(answer.error());
    co_return json_answer(*answer);
}

} // namespace zhida::portal
