// Policies for everybody: the list that uses no profile, and each policy's own page.
#include "services/portal/pages.hpp"
#include "services/portal/paging.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

asio::awaitable<io::http_response> page_policies(context& c, visitor v, io::http_request r) {
    const auto paging = read_paging(r);
    if (!paging) co_return error_page(c, v, r, 400, paging.error().what);
    json list = json::array();
    auto before = paging->before_ms;
    bool more = true;
    while (list.size() < paging->limit && more) {
        const auto want = paging->limit - list.size();
        const auto policies = co_await c.compiled.list(want, before);
        if (!policies) co_return page_of_failure(c, v, r, policies.error());
        more = policies->size() == want;
        for (const auto& p : *policies) {
            before = p->received_ms;
            if (may_see_policy(v.who, p->about.disclosure, p->about.issuer))
                list.push_back(policy_line_view(policy_summary(*p), v.in));
        }
    }
    json model = {{"title", text(v.in, "policies_title")}, {"empty", list.empty()}, {"policies", list}};
    model["next"] =
        more ? json("/policies?cursor=" + cursor_of(before) + "&limit=" + std::to_string(paging->limit))
             : json(false);
    co_return render_page(c, v, r, "policies", std::move(model));
}

asio::awaitable<io::http_response> page_policy(context& c, visitor v, io::http_request r) {
    const auto found = co_await c.compiled.get(r.params.at("id"));
    if (!found) co_return page_of_failure(c, v, r, found.error());
    const auto& about = (*found)->about;
    if (!may_see_policy(v.who, about.disclosure, about.issuer)) co_return error_page(c, v, r, 404, "");
    auto model = policy_view(policy_document(**found, c.time.now(), c.parts.catalogue), v.in);
    if (!may_see_campaign(v.who, about.issuer)) model["campaign_path"] = false;
    co_return render_page(c, v, r, "policy", std::move(model));
}

} // namespace zhida::portal
