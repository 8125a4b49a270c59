#include "common/io/spawn.hpp"
#include "services/portal/api.hpp"
#include "services/portal/checkup.hpp"
#include "services/portal/live_feed.hpp"
#include "services/portal/problems.hpp"
#include "services/portal/subject_acts.hpp"

namespace zhida::portal {

namespace {

// What arrived between the state that was told and the listener's place in the hub.
asio::awaitable<void> catch_up(context& c, std::shared_ptr<live_hub::subject_listener> l) {
    const auto entries = co_await c.inbox.of(l->shard, l->ordinal);
    const auto subject = co_await c.profiles.get(l->id);
    if (!entries || !subject) co_return; // the reader will connect again and read its state
    for (const auto& e : *entries) {
        if (!l->announced.insert(e.campaign).second) continue;
        const auto package = co_await package_of(c, *subject, e.campaign);
        if (package) l->stream.send(sse_event("package", *package));
    }
}

} // namespace

asio::awaitable<io::http_response> api_get_packages(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto packages = co_await packages_of(c, *subject);
    if (!packages) co_return of_failure(packages.error());
    const auto opted_out = co_await c.consents.opted_out(subject->shard, subject->subject.id);
    if (!opted_out) co_return of_failure(opted_out.error());
    std::size_t unread = 0;
    for (const auto& p : *packages) unread += p.at("read").get<bool>() ? 0 : 1;
    co_return json_answer({{"subject", subject->subject.id},
                           {"type", to_string(subject->subject.type)},
                           {"name", subject->subject.name},
                           {"opted_out", *opted_out},
                           {"unread", unread},
                           {"items", *packages}});
}

asio::awaitable<io::http_response> api_get_checkup(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto found = co_await checkup_of(c, *subject);
    co_return found ? json_answer(*found) : of_failure(found.error());
}

asio::awaitable<io::http_response> api_read_package(context& c, visitor v, io::http_request r) {
    const auto id = r.params.at("id");
    if (!may_read_for_subject(v.who, id) || !valid_subject_id(id)) co_return not_found("主体 " + id);
    const auto subject = co_await visible_subject(c, v.who, id);
    if (!subject) co_return of_failure(subject.error());
    const auto changed = co_await mark_read(c, id, r.params.at("campaign"));
    if (!changed) co_return of_failure(changed.error());
    co_return json_answer({{"changed", *changed}});
}

asio::awaitable<io::http_response> api_opt_out(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto done = co_await record_consent(c, v.who, consent_kind::opt_out, subject->subject.id);
    if (!done) co_return of_failure(done.error());
    co_return json_answer({{"opted_out", true}});
}

asio::awaitable<io::http_response> api_opt_in(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto done = co_await record_consent(c, v.who, consent_kind::opt_in, subject->subject.id);
    if (!done) co_return of_failure(done.error());
    co_return json_answer({{"opted_out", false}});
}

asio::awaitable<io::http_response> api_subject_live(context& c, visitor v, io::http_request r) {
    const auto subject = co_await visible_subject(c, v.who, r.params.at("id"));
    if (!subject) co_return of_failure(subject.error());
    const auto entries = co_await c.inbox.of(subject->shard, subject->ordinal);
    if (!entries) co_return of_failure(entries.error());
    live_hub::subject_listener listener{
        subject->shard, subject->ordinal, subject->subject.id, io::http_stream(nullptr), {}};
    // What is there already is not news; a page that was drawn before it came sees it by the count.
    std::size_t unread = 0;
    for (const auto& e : *entries) {
        listener.announced.insert(e.campaign);
        unread += e.web.engaged & ledger::engagement::read ? 0 : 1;
    }
    const json state = {{"packages", entries->size()}, {"unread", unread}};
    io::http_response out;
    out.content_type = "text/event-stream; charset=utf-8";
    out.on_stream = [&c, listener, state](io::http_stream stream) mutable {
        stream.send("retry: 3000\n\n" + sse_event("state", state));
        listener.stream = stream;
        io::spawn(c.executor, catch_up(c, c.live.add(std::move(listener))));
    };
    co_return out;
}

asio::awaitable<io::http_response> api_staff_live(context& c, visitor v, io::http_request) {
    io::http_response out;
    out.content_type = "text/event-stream; charset=utf-8";
    out.on_stream = [&c, who = v.who](io::http_stream stream) {
        stream.send("retry: 3000\n\n" + sse_event("state", json::object()));
        c.live.add(live_hub::staff_listener{who, stream});
    };
    co_return out;
}

} // namespace zhida::portal
