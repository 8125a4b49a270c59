// 微信绑定: who of a subject hears of its policies by WeChat.
#include "services/portal/pages.hpp"
#include "services/portal/subject_acts.hpp"
#include "services/portal/views.hpp"
#include "services/portal/wechat_bindings.hpp"
#include "services/wechat_scene.hpp"

namespace zhida::portal {

namespace {

json binding_view(const wechat_binding& b, language in) {
    return {{"id", b.id},
            {"role", b.role.empty() ? text(in, "wechat_no_role") : b.role},
            {"account", text(in, "wechat_account_" + b.account)},
            {"masked", b.masked},
            {"origin", text(in, b.bound ? "wechat_by_scan" : "wechat_by_register")},
            {"state", b.state},
            {"state_text", text(in, "wechat_state_" + b.state)},
            {"good", b.state == "reachable"}};
}

asio::awaitable<io::http_response> show(context& c, visitor v, io::http_request r,
                                        const store::stored_profile& subject, const binding_code* code,
                                        std::string chosen_role) {
    const auto all = co_await bindings_of(c, subject);
    if (!all) co_return page_of_failure(c, v, r, all.error());
    json model = {{"title", text(v.in, "wechat_title")},
                  {"home", subject.subject.type == subject_type::enterprise ? "/enterprise" : "/resident"},
                  {"bindings", json::array()},
                  {"any", !all->empty()},
                  {"can_scan", c.wechat != nullptr},
                  {"roles", json::array()}};
    for (const auto& b : *all) model["bindings"].push_back(binding_view(b, v.in));
    for (const auto role : roles_of(subject.subject.type))
        model["roles"].push_back({{"value", role}, {"chosen", role == chosen_role}});
    if (code)
        model["code"] = {{"path", code->picture.path},
                         {"side", code->picture.side},
                         {"role", chosen_role},
                         {"minutes", scene_lives.count()},
                         {"until", to_rfc3339(code->expires).substr(11, 5)}};
    if (const auto done = r.query.find("done"); done != r.query.end() && done->second == "unbound")
        model["notice"] = text(v.in, "wechat_unbound");
    co_return render_page(c, v, r, "wechat", std::move(model));
}

} // namespace

asio::awaitable<io::http_response> page_wechat(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject && subject.error().code == errc::not_found) co_return redirect("/?unknown");
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    co_return co_await show(c, v, std::move(r), *subject, nullptr, "");
}

asio::awaitable<io::http_response> post_wechat_code(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto given = v.form.find("role");
    const auto role = given == v.form.end() ? std::string() : given->second;
    const auto code = co_await new_binding_code(c, *subject, role);
    if (!code)
        co_return error_page(c, v, r,
                             code.error().code == errc::invalid    ? 400
                             : code.error().code == errc::conflict ? 409
                                                                   : 503,
                             code.error().what + "。" + code.error().fix + "。");
    co_return co_await show(c, v, std::move(r), *subject, &*code, role);
}

asio::awaitable<io::http_response> post_wechat_unbind(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto given = v.form.find("id");
    const auto done = co_await unbind(c, v.who, *subject, given == v.form.end() ? "" : given->second);
    if (!done && done.error().code != errc::not_found) co_return page_of_failure(c, v, r, done.error());
    co_return redirect("/wechat?done=unbound");
}

} // namespace zhida::portal
