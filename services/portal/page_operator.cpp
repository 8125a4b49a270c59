// The operator's page: everything that runs, on one screen.
#include "services/portal/campaign_document.hpp"
#include "services/portal/operations.hpp"
#include "services/portal/pages.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

namespace {
constexpr std::size_t campaigns_shown = 50, dead_letters_shown = 20;
}

asio::awaitable<io::http_response> page_operator(context& c, visitor v, io::http_request r) {
    auto model = summary_view(co_await summary_document(c), v.in);
    model["title"] = text(v.in, "operator_title");
    json list = json::array();
    if (const auto progress = co_await c.progress.newest())
        for (const auto& p : **progress) {
            if (list.size() >= campaigns_shown) break;
            list.push_back(campaign_view(campaign_document(p), v.in));
        }
    model["campaign_list"] = std::move(list);
    model["no_campaign"] = model["campaign_list"].empty();
    model["buried"] = dead_letters_view(c.buried.newest(dead_letters_shown), c.buried.total(), v.in);
    model["live"] = "/api/v1/live";
    co_return render_page(c, v, r, "operator", std::move(model));
}

} // namespace zhida::portal
