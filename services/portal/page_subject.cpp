// The page of an enterprise or a resident: their packages, and what they can do with them.
#include "common/io/http_decode.hpp"
#include "services/portal/live_feed.hpp"
#include "services/portal/pages.hpp"
#include "services/portal/subject_acts.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

namespace {

std::string page_of(subject_type type) {
    return type == subject_type::resident ? "/resident" : "/enterprise";
}

} // namespace

asio::awaitable<io::http_response> page_subject(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject && subject.error().code == errc::not_found) co_return redirect("/?unknown");
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto& who = subject->subject;
    if (r.path != page_of(who.type)) co_return redirect(page_of(who.type));

    const auto packages = co_await packages_of(c, *subject);
    if (!packages) co_return page_of_failure(c, v, r, packages.error());
    const auto wants = co_await c.consents.preferences_of(subject->shard, who.id);
    if (!wants) co_return page_of_failure(c, v, r, wants.error());

    json list = json::array();
    std::size_t unread = 0;
    for (const auto& p : *packages) {
        unread += p.at("read").get<bool>() ? 0 : 1;
        list.push_back(package_view(p, v.in));
    }
    const bool enterprise = who.type == subject_type::enterprise;
    json model = {{"title", text(v.in, enterprise ? "enterprise_page" : "resident_page")},
                  {"subject_name", who.name.empty() ? who.id : who.name},
                  {"subject_id", who.id},
                  {"packages", list},
                  {"empty", list.empty()},
                  {"packages_count", std::to_string(list.size())},
                  {"unread_count", std::to_string(unread)},
                  {"some_unread", unread > 0},
                  {"unread_text", text(v.in, "count_unread", {{"n", std::to_string(unread)}})},
                  {"all_text", text(v.in, "count_all", {{"n", std::to_string(list.size())}})},
                  {"opted_out", wants->all_messages},
                  {"untargeted", wants->untargeted}};
    model["live"] = "/api/v1/subjects/" + io::percent_encode(who.id) + "/live";
    if (const auto done = r.query.find("done"); done != r.query.end())
        for (const char* known : {"opted_out_done", "opted_in_done", "marked_read"})
            if (done->second == known) model["notice"] = text(v.in, known);
    co_return render_page(c, v, r, "subject", std::move(model));
}

asio::awaitable<io::http_response> post_read(context& c, visitor v, io::http_request r) {
    const auto campaign = r.params.at("campaign");
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto changed = co_await mark_read(c, v.who.name, campaign);
    if (!changed) co_return page_of_failure(c, v, r, changed.error());
    co_return redirect(page_of(subject->subject.type) + "?done=marked_read");
}

asio::awaitable<io::http_response> post_opt_out(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto found = v.form.find("do");
    const bool out = found != v.form.end() && found->second == "out";
    if (!out && (found == v.form.end() || found->second != "in")) co_return error_page(c, v, r, 400, "");
    const auto done = co_await record_consent(c, v.who, out ? consent_kind::opt_out : consent_kind::opt_in,
                                              subject->subject.id);
    if (!done) co_return page_of_failure(c, v, r, done.error());
    co_return redirect(page_of(subject->subject.type) +
                       (out ? "?done=opted_out_done" : "?done=opted_in_done"));
}

} // namespace zhida::portal
