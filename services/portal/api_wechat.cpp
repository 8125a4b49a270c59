// Where WeChat reaches a subject: the bindings.
#include "services/portal/api.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/subject_acts.hpp"
#include "services/portal/wechat_bindings.hpp"

namespace zhida::portal {

asio::awaitable<io::http_response> api_get_wechat(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto all = co_await bindings_of(c, *subject);
    if (!all) co_return of_failure(all.error());
    json list = json::array();
    for (const auto& b : *all)
        list.push_back({{"id", b.id},
                        {"role", b.role},
                        {"account", b.account},
                        {"address", b.masked},
                        {"bound", b.bound},
                        {"state", b.state}});
    co_return json_answer({{"bindings", std::move(list)}});
}

asio::awaitable<io::http_response> api_post_wechat_code(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto document = parse_json(r.body, {4 << 10, 4});
    if (!document) co_return of_failure(document.error());
    std::vector<failure> errors;
    json_reader in(*document, "", errors);
    auto role = in.text("role", true, 40).value_or("");
    if (!errors.empty()) co_return of_failure(errors.front());
    const auto code = co_await new_binding_code(c, *subject, std::move(role));
    if (!code) co_return of_failure(code.error());
    co_return json_answer(
        {{"url", code->url}, {"svg", svg_of(code->picture)}, {"expires", to_rfc3339(code->expires)}}, 201);
}

asio::awaitable<io::http_response> api_delete_wechat(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto done = co_await unbind(c, v.who, *subject, r.params.at("binding"));
    if (!done) co_return of_failure(done.error());
    io::http_response out;
    out.status = 204;
    co_return out;
}

} // namespace zhida::portal
