#include "services/portal/api.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/paging.hpp"
#include "services/portal/problems.hpp"

namespace zhida::portal {

asio::awaitable<io::http_response> api_list_campaigns(context& c, visitor v, io::http_request r) {
    const auto paging = read_paging(r);
    if (!paging) co_return bad_request(paging.error().what);
    std::vector<campaign> own;
    auto before = paging->before_ms;
    bool more = true;
    while (own.size() < paging->limit && more) {
        const auto want = paging->limit - own.size();
        const auto campaigns = co_await c.campaigns.list(want, before);
        if (!campaigns) co_return of_failure(campaigns.error());
        more = campaigns->size() == want;
        for (const auto& one : *campaigns) {
            before = one.created_ms;
            if (may_see_campaign(v.who, one.issuer)) own.push_back(one);
        }
    }
    const auto progress = co_await c.campaigns.progress_of(std::move(own));
    if (!progress) co_return of_failure(progress.error());
    json items = json::array();
    for (const auto& p : *progress) items.push_back(campaign_document(p));
    auto out = json_answer({{"items", items}, {"next", more ? json(cursor_of(before)) : json()}});
    if (more) add_next_link(out, "/api/v1/campaigns", *paging, before);
    co_return out;
}

asio::awaitable<io::http_response> api_get_campaign(context& c, visitor v, io::http_request r) {
    const auto id = r.params.at("id");
    const auto about = co_await c.campaigns.get(id);
    if (!about) co_return of_failure(about.error());
    if (!may_see_campaign(v.who, about->issuer)) co_return not_found("推送任务 " + id);
    const auto policy = co_await c.compiled.get_version(about->policy_id, about->policy_version);
    if (!policy) co_return of_failure(policy.error());
    const auto progress = co_await c.campaigns.progress(id, (*policy)->about.items.size());
    if (!progress) co_return of_failure(progress.error());
    co_return json_answer(campaign_document(*progress));
}

} // namespace zhida::portal
