// 短信回复: what people wrote back, as a page and by the API.
#include "services/portal/api.hpp"
#include "services/portal/feedback.hpp"
#include "services/portal/pages.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

namespace {

bool only_unassigned(const io::http_request& r) {
    const auto found = r.query.find("unassigned");
    return found != r.query.end() && found->second == "1";
}

asio::awaitable<io::http_response> show(context& c, visitor v, io::http_request r, std::string warning,
                                        int status) {
    const auto paging = read_paging(r);
    if (!paging) co_return error_page(c, v, r, 400, paging.error().what);
    const bool unassigned = v.who.as == role::operator_ && only_unassigned(r);
    const auto list = co_await feedback_for(c, v.who, *paging, unassigned);
    if (!list) co_return page_of_failure(c, v, r, list.error());
    std::vector<std::string> departments;
    if (v.who.as == role::operator_) {
        auto known = co_await known_departments(c);
        if (!known) co_return page_of_failure(c, v, r, known.error());
        departments = std::move(*known);
    }
    auto model = feedback_view(list->items, departments, v.in);
    model["title"] = text(v.in, "feedback_title");
    model["unassigned"] = unassigned;
    const auto more = "/feedback?cursor=" + cursor_of(list->before) +
                      "&limit=" + std::to_string(paging->limit) + (unassigned ? "&unassigned=1" : "");
    model["next"] = list->before ? json(more) : json(false);
    if (r.query.contains("assigned")) model["notice"] = text(v.in, "feedback_assigned");
    if (!warning.empty()) model["warning"] = warning;
    co_return render_page(c, v, r, "feedback", std::move(model), status);
}

} // namespace

asio::awaitable<io::http_response> page_feedback(context& c, visitor v, io::http_request r) {
    return show(c, std::move(v), std::move(r), "", 200);
}

asio::awaitable<io::http_response> post_feedback_assign(context& c, visitor v, io::http_request r) {
    const auto given = v.form.find("department");
    const auto department = given == v.form.end() ? std::string() : given->second;
    const auto done = co_await assign_feedback(c, v.who, r.params.at("id"), department);
    if (done) co_return redirect("/feedback?assigned=1");
    if (done.error().code == errc::invalid)
        co_return co_await show(c, v, r, text(v.in, "feedback_choose"), 422);
    if (done.error().code == errc::not_found)
        co_return co_await show(c, v, r, text(v.in, "feedback_gone"), 404);
    co_return page_of_failure(c, v, r, done.error());
}

asio::awaitable<io::http_response> api_list_feedback(context& c, visitor v, io::http_request r) {
    const auto paging = read_paging(r);
    if (!paging) co_return bad_request(paging.error().what);
    const auto list = co_await feedback_for(c, v.who, *paging, only_unassigned(r));
    if (!list) co_return of_failure(list.error());
    auto out = json_answer(
        {{"items", list->items}, {"next", list->before ? json(cursor_of(list->before)) : json()}});
    if (list->before) add_next_link(out, "/api/v1/feedback", *paging, list->before);
    co_return out;
}

} // namespace zhida::portal
