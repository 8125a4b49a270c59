// 政策体检: what a subject is eligible for, may be, and misses by one condition.
#include "services/portal/checkup.hpp"
#include "services/portal/pages.hpp"
#include "services/portal/views.hpp"

namespace zhida::portal {

asio::awaitable<io::http_response> page_checkup(context& c, visitor v, io::http_request r) {
    const auto subject = co_await c.profiles.get(v.who.name);
    if (!subject && subject.error().code == errc::not_found) co_return redirect("/?unknown");
    if (!subject) co_return page_of_failure(c, v, r, subject.error());
    const auto found = co_await checkup_of(c, *subject);
    if (!found) {
        auto out = error_page(c, v, r, 503, text(v.in, "checkup_unavailable"));
        out.headers.emplace_back("Retry-After", "2");
        co_return out;
    }
    auto model = checkup_view(*found, v.in);
    model["title"] = text(v.in, "checkup_title");
    model["subject_name"] = subject->subject.name.empty() ? subject->subject.id : subject->subject.name;
    model["subject_id"] = subject->subject.id;
    co_return render_page(c, v, r, "checkup", std::move(model));
}

} // namespace zhida::portal
