#include "services/portal/api.hpp"
#include "services/portal/paging.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/publish.hpp"

namespace zhida::portal {

namespace {

constexpr std::size_t longest_key = 255;

io::http_response of_refusal(const publish_refusal& refusal) {
    switch (refusal.why) {
    case publish_refusal::kind::unreadable:
    case publish_refusal::kind::invalid:
        return policy_invalid(refusal.errors);
    case publish_refusal::kind::not_own_issuer:
        return forbidden(refusal.errors.front().text());
    case publish_refusal::kind::version_taken:
        break;
    }
    return io::problem(409, "/problems/version-taken", "Version already published",
                       refusal.errors.front().text());
}

io::http_response accepted(const json& body, int status) {
    auto out = json_answer(body, status);
    out.headers.emplace_back("Location", body.at("location").get<std::string>());
    return out;
}

asio::awaitable<io::http_response> publish_now(context& c, identity who, std::string body) {
    auto outcome = co_await publish(c, std::move(who), std::move(body));
    if (!outcome) co_return of_failure(outcome.error());
    if (const auto* refusal = std::get_if<publish_refusal>(&*outcome)) co_return of_refusal(*refusal);
    const auto& done = std::get<published>(*outcome);
    json told = {{"id", done.id},
                 {"version", done.version},
                 {"location", done.location},
                 {"repeated", done.repeated},
                 {"campaign", done.public_ ? json(done.campaign) : json()}};
    told["note"] = done.public_ ? "已接收，正在匹配和推送" : "已保存，不推送（公开属性不是主动公开）";
    co_return accepted(told, done.repeated ? 200 : 202);
}

// Own or public; not_found otherwise, so that nobody learns that it exists.
asio::awaitable<result<std::shared_ptr<const compiled_policy>>> visible(context& c, identity who,
                                                                        std::string id) {
    auto found = co_await c.compiled.get(id);
    if (!found) co_return found.error();
    if (!may_see_policy(who, (*found)->about.disclosure, (*found)->about.issuer))
        co_return failure{errc::not_found, "", id, ""};
    co_return *found;
}

std::string etag_of(const compiled_policy& p) {
    return "\"v" + std::to_string(p.about.version) + "-" + std::to_string(p.received_ms) +
           (p.pushed ? "p" : "") + '"';
}

} // namespace

asio::awaitable<io::http_response> api_publish_policy(context& c, visitor v, io::http_request r) {
    const auto key = r.header("idempotency-key");
    if (key.empty()) co_return co_await publish_now(c, v.who, std::move(r.body));
    if (key.size() > longest_key)
        co_return bad_request("Idempotency-Key 最长 " + std::to_string(longest_key) + " 个字符");

    const auto scope = std::string("publish:") + to_string(v.who.as) + ":" + v.who.name;
    const auto digest = crypto::sha256_hex(r.body);
    auto start = co_await c.idempotent.start(scope, key, digest);
    if (!start) co_return of_failure(start.error());
    switch (start->what) {
    case store::idempotent_start::kind::in_progress:
        co_return io::problem(409, "/problems/idempotency-in-progress", "Request in progress",
                              "使用同一 Idempotency-Key 的请求还在处理，请稍后再试");
    case store::idempotent_start::kind::other_body:
        co_return io::problem(422, "/problems/idempotency-key-reused", "Idempotency-Key reused",
                              "这个 Idempotency-Key 已用于另一份内容，请换一个");
    case store::idempotent_start::kind::done: {
        const auto first = parse_json(start->outcome);
        if (!first) co_return of_failure(first.error());
        co_return accepted(*first, 202);
    }
    case store::idempotent_start::kind::first:
        break;
    }
    auto out = co_await publish_now(c, v.who, std::move(r.body));
    // Only success is kept: what failed may be tried again with the same key.
    const auto kept = out.status < 300 ? co_await c.idempotent.finish(scope, key, digest, out.body)
                                       : co_await c.idempotent.forget(scope, key);
    if (!kept && out.status < 300) co_return of_failure(kept.error());
    co_return out;
}

asio::awaitable<io::http_response> api_check_policy(context& c, visitor v, io::http_request r) {
    const auto checked = co_await check_document(c, v.who, std::move(r.body));
    if (!checked) co_return of_failure(checked.error());
    if (const auto* refusal = std::get_if<publish_refusal>(&*checked))
        co_return policy_invalid(refusal->errors);
    const auto& good = std::get<checked_document>(*checked);
    co_return json_answer({{"ok", true},
                           {"id", good.about.id},
                           {"version", good.about.version},
                           {"items", good.about.items.size()},
                           {"repeated", good.repeated},
                           {"may_be_pushed", good.about.may_be_pushed()}});
}

asio::awaitable<io::http_response> api_list_policies(context& c, visitor v, io::http_request r) {
    const auto paging = read_paging(r);
    if (!paging) co_return bad_request(paging.error().what);
    json items = json::array();
    auto before = paging->before_ms;
    bool more = true;
    // Pages are full although some entries may not be seen by everybody.
    while (items.size() < paging->limit && more) {
        const auto want = paging->limit - items.size();
        const auto policies = co_await c.compiled.list(want, before);
        if (!policies) co_return of_failure(policies.error());
        more = policies->size() == want;
        for (const auto& p : *policies) {
            before = p->received_ms;
            if (may_see_policy(v.who, p->about.disclosure, p->about.issuer))
                items.push_back(policy_summary(*p));
        }
    }
    auto out = json_answer({{"items", items}, {"next", more ? json(cursor_of(before)) : json()}});
    if (more) add_next_link(out, "/api/v1/policies", *paging, before);
    co_return out;
}

asio::awaitable<io::http_response> api_get_policy(context& c, visitor v, io::http_request r) {
    const auto found = co_await visible(c, v.who, r.params.at("id"));
    if (!found) co_return of_failure(found.error());
    co_return json_answer(policy_document(**found, c.time.now(), c.parts.catalogue));
}

asio::awaitable<io::http_response> api_get_policy_document(context& c, visitor v, io::http_request r) {
    const auto found = co_await visible(c, v.who, r.params.at("id"));
    if (!found) co_return of_failure(found.error());
    auto out = json_answer((*found)->document);
    out.headers.emplace_back("Cache-Control", "private, no-cache");
    co_return with_etag(std::move(out), r, etag_of(**found));
}

} // namespace zhida::portal
