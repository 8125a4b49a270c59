#include "services/portal/api.hpp"
#include "services/portal/campaign_document.hpp"
#include "services/portal/paging.hpp"
#include "services/portal/problems.hpp"

#include <algorithm>
#include <array>

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

namespace {

std::string text_of(const json& body, const char* name) {
    const auto found = body.is_object() ? body.find(name) : body.end();
    return body.is_object() && found != body.end() && found->is_string() ? found->get<std::string>()
                                                                         : std::string();
}

} // namespace

asio::awaitable<result<campaign>> act_on_campaign(context& c, identity who, std::string id,
                                                  std::string action, std::string note) {
    auto about = co_await c.campaigns.get(id);
    if (about && !may_see_campaign(who, about->issuer))
        about = failure{errc::not_found, "推送任务 " + id, id, ""};
    if (!about) co_return about.error();
    campaign_action what{};
    constexpr std::array ours = {campaign_action::start, campaign_action::finish, campaign_action::schedule,
                                 campaign_action::test, campaign_action::override_quiet};
    if (!parse(action, what) || std::find(ours.begin(), ours.end(), what) != ours.end())
        co_return failure{errc::invalid, "没有这种操作：" + action, "/action",
                          "submit、approve、reject、pause、resume、cancel 或 withdraw"};
    auto done = co_await c.changes.act(id, what, actor_of(who), std::move(note));
    if (done) c.progress.forget();
    co_return done;
}

asio::awaitable<io::http_response> api_act_on_campaign(context& c, visitor v, io::http_request r) {
    std::string note;
    if (!r.body.empty()) {
        const auto body = parse_json(r.body);
        if (!body || !body->is_object()) co_return bad_request("正文须为 JSON 对象，如 {\"note\": \"原因\"}");
        note = text_of(*body, "note");
    }
    const auto done = co_await act_on_campaign(c, v.who, r.params.at("id"), r.params.at("action"), note);
    if (!done) co_return of_failure(done.error());
    co_return json_answer(
        {{"id", done->id}, {"state", to_string(done->state)}, {"revision", done->revision}});
}

asio::awaitable<io::http_response> api_further_round(context& c, visitor v, io::http_request r) {
    const auto id = r.params.at("id");
    const auto base = co_await c.campaigns.get(id);
    if (!base || !may_see_campaign(v.who, base->issuer)) co_return not_found("推送任务 " + id);
    const auto body = parse_json(r.body);
    if (!body || !body->is_object())
        co_return bad_request("正文须为 JSON 对象，如 {\"kind\": \"interpretation\", \"only\": \"unread\"}");
    const auto kind = text_of(*body, "kind");
    auto only = kind == "retry" ? campaign_recipients::failed : campaign_recipients::everybody;
    if (const auto asked = text_of(*body, "only"); !asked.empty() && !parse(asked, only))
        co_return of_failure(
            {errc::invalid, "没有这种范围：" + asked, "/only", "everybody、unread、reached 或 failed"});
    const auto made = co_await c.changes.further_round(*base, kind, only, actor_of(v.who));
    if (!made) co_return of_failure(made.error());
    auto out = json_answer({{"id", made->id}, {"state", to_string(made->state)}});
    out.status = 201;
    out.headers.emplace_back("Location", "/api/v1/campaigns/" + made->id);
    co_return out;
}

} // namespace zhida::portal
