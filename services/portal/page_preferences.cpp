// 接收设置: what a subject wants to receive.
#include "services/portal/pages.hpp"
#include "services/portal/subject_acts.hpp"
#include "services/portal/views.hpp"

#include <set>

namespace zhida::portal {

namespace {

constexpr std::size_t policies_looked_at = 500, most_themes = 60;

// First parts of the themes of the newest public policies.
asio::awaitable<result<std::vector<std::string>>> known_themes(context& c) {
    const auto policies = co_await c.policies.list(policies_looked_at);
    if (!policies) co_return policies.error();
    std::set<std::string> themes;
    for (const auto& p : *policies) {
        if (p.document.value("disclosure", "") != "主动公开") continue;
        const auto theme = p.document.value("theme", "");
        const auto first = theme.substr(0, theme.find('/'));
        if (!first.empty() && themes.size() < most_themes) themes.insert(first);
    }
    co_return std::vector<std::string>(themes.begin(), themes.end());
}

} // namespace

asio::awaitable<io::http_response> page_preferences(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject && subject.error().code == errc::not_found) co_return redirect("/?unknown");
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto wants = co_await c.consents.preferences_of(subject->shard, subject->subject.id);
    if (!wants) co_return page_of_failure(c, v, r, wants.error());
    auto themes = co_await known_themes(c);
    if (!themes) co_return page_of_failure(c, v, r, themes.error());
    auto model = preferences_view(*wants, std::move(*themes), v.in);
    model["title"] = text(v.in, "preferences_title");
    if (const auto done = r.query.find("done"); done != r.query.end() && done->second == "saved")
        model["notice"] = text(v.in, "preferences_saved");
    co_return render_page(c, v, r, "preferences", std::move(model));
}

asio::awaitable<io::http_response> post_preferences(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto chosen = chosen_in(v.form);
    if (!chosen) co_return error_page(c, v, r, 400, text(v.in, "preferences_unreadable"));
    const auto done =
        co_await record_consent(c, v.who, consent_kind::preferences, subject->subject.id, *chosen);
    if (!done) co_return page_of_failure(c, v, r, done.error());
    co_return redirect("/preferences?done=saved");
}

} // namespace zhida::portal
