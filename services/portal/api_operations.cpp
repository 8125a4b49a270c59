#include "services/portal/api.hpp"
#include "services/portal/operations.hpp"
#include "services/portal/paging.hpp"
#include "services/portal/problems.hpp"

namespace zhida::portal {

asio::awaitable<io::http_response> api_gateways(context& c, visitor, io::http_request) {
    const auto gateways = co_await gateways_document(c);
    if (!gateways) co_return of_failure(gateways.error());
    co_return json_answer({{"items", *gateways}});
}

asio::awaitable<io::http_response> api_dead_letters(context& c, visitor, io::http_request r) {
    const auto paging = read_paging(r, dead_letters::most);
    if (!paging) co_return bad_request(paging.error().what);
    co_return json_answer({{"total", c.buried.total()}, {"items", c.buried.newest(paging->limit)}});
}

asio::awaitable<io::http_response> api_summary(context& c, visitor, io::http_request) {
    co_return json_answer(co_await summary_document(c));
}

asio::awaitable<io::http_response> api_openapi(context& c, visitor, io::http_request) {
    co_return json_answer(c.files.openapi);
}

asio::awaitable<io::http_response> get_health(context&, visitor, io::http_request) {
    co_return json_answer({{"status", "ok"}, {"version", ZHIDA_VERSION}});
}

asio::awaitable<io::http_response> get_ready(context& c, visitor, io::http_request) {
    const auto reasons = co_await not_ready_reasons(c);
    if (reasons.empty()) co_return json_answer({{"status", "ready"}});
    co_return json_answer({{"status", "not ready"}, {"reasons", reasons}}, 503);
}

asio::awaitable<io::http_response> get_metrics(context& c, visitor, io::http_request) {
    co_await refresh_gauges(c);
    io::http_response out;
    out.content_type = metrics::content_type;
    out.body = c.parts.meters.text();
    co_return out;
}

asio::awaitable<io::http_response> get_asset(context& c, visitor, io::http_request r) {
    const auto found = c.files.assets.find(r.params.at("name"));
    if (found == c.files.assets.end()) co_return error_answer(c, 404, "", nullptr);
    io::http_response out;
    out.content_type = found->second.content_type;
    out.body = found->second.body;
    // Pages ask for ?v=<version>, which changes with the file.
    const bool versioned = r.query.contains("v") && r.query.at("v") == c.files.asset_version;
    out.headers.emplace_back("Cache-Control", versioned ? "public, max-age=31536000, immutable" : "no-cache");
    co_return with_etag(std::move(out), r, found->second.etag);
}

asio::awaitable<io::http_response> get_favicon(context& c, visitor v, io::http_request r) {
    r.params["name"] = "icon.svg";
    co_return co_await get_asset(c, std::move(v), std::move(r));
}

} // namespace zhida::portal
