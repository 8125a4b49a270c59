#include "services/portal/wechat_events.hpp"

#include "common/base/log.hpp"
#include "services/dead_letter.hpp"
#include "services/portal/patience.hpp"
#include "services/portal/problems.hpp"
#include "services/receipt_intake.hpp"

#include <prometheus/counter.h>

#include <algorithm>

namespace zhida::portal {

namespace {

void count(context& c, const std::string& account, const char* outcome) {
    c.parts.meters
        .counter("zhida_callbacks_total", "Pushes of gateways by what became of them.",
                 {{"gateway", account}, {"kind", "events"}, {"outcome", outcome}})
        .Increment();
}

const gateways::wechat_door* door_of(const context& c, const io::http_request& r) {
    const auto name = r.params.at("name");
    const auto at = std::find_if(c.wechat_doors.begin(), c.wechat_doors.end(),
                                 [&](const auto& d) { return d.name() == name; });
    return at == c.wechat_doors.end() ? nullptr : &*at;
}

gateways::wechat_query query_of(const io::http_request& r) {
    const auto said = [&](const char* name) {
        const auto found = r.query.find(name);
        return found == r.query.end() ? std::string() : found->second;
    };
    return {said("signature"), said("msg_signature"), said("timestamp"),
            said("nonce"),     said("echostr"),       said("encrypt_type")};
}

io::http_response answer(int status, std::string body, const char* type = "text/plain; charset=utf-8") {
    io::http_response out;
    out.status = status;
    out.content_type = type;
    out.body = std::move(body);
    return out;
}

// Anybody may post here: one line a minute.
io::http_response refuse(context& c, const std::string& account, const failure& why) {
    count(c, account, "refused");
    const auto now = c.time.steady_now();
    if (now >= c.next_refusal_line) {
        c.next_refusal_line = now + std::chrono::minutes(1);
        log::warn("wechat_event_refused", {{"account", account}, {"why", why.what}, {"fix", why.fix}});
    }
    return answer(gateways::wechat_refused_status, gateways::wechat_refused_body);
}

// From the platform, and not to be understood: telling it again helps nobody. What people wrote stays out of
// it.
asio::awaitable<bool> bury_event(context& c, std::string account, failure why, std::size_t bytes) {
    const auto now = c.time.now();
    io::log_record record;
    record.topic = "gateway." + account + ".events"; // of no topic: it cannot be replayed
    record.offset = record.timestamp_ms = now.time_since_epoch().count();
    record.value = std::to_string(bytes) + " bytes";
    const auto kept = co_await bury(*c.log, std::move(record), {why}, "portal", to_rfc3339(now));
    co_return kept.has_value();
}

asio::awaitable<result<std::string>> take(context& c, std::string account, gateways::wechat_event event,
                                          const bool& given_up) {
    receipt_intake receipts(c.executor, *c.log, c.messages, c.time, static_cast<int>(c.settings.node.shards),
                            given_up);
    co_return co_await c.wechat_events.accept(std::move(account), std::move(event), receipts);
}

} // namespace

asio::awaitable<io::http_response> get_wechat_events(context& c, visitor, io::http_request r) {
    const auto* door = door_of(c, r);
    if (!door) co_return io::problem(404, "/problems/not-found", "Not found", "没有这个地址");
    const auto echo = door->verify(query_of(r), c.time.now());
    if (!echo) co_return refuse(c, door->name(), echo.error());
    count(c, door->name(), "verified");
    co_return answer(200, *echo);
}

asio::awaitable<io::http_response> post_wechat_events(context& c, visitor, io::http_request r) {
    const auto* door = door_of(c, r);
    if (!door) co_return io::problem(404, "/problems/not-found", "Not found", "没有这个地址");
    const auto name = door->name();
    if (c.callbacks_under_way >= most_callbacks) {
        count(c, name, "busy");
        co_return answer(503, "busy");
    }
    const auto event = door->open(query_of(r), r.body, c.time.now());
    if (!event && event.error().code != errc::invalid) co_return refuse(c, name, event.error());
    if (!event) {
        log::warn("wechat_event_unreadable", {{"account", name}, {"why", event.error().text()}});
        const auto buried =
            co_await in_time<bool>(c, [&c, name, why = event.error(), bytes = r.body.size()](const bool&) {
                return bury_event(c, name, why, bytes);
            });
        const bool kept = buried.value_or(false);
        count(c, name, kept ? "unreadable" : "not_kept");
        co_return kept ? answer(200, gateways::wechat_kept) : answer(503, "not kept");
    }
    const auto whole = std::make_shared<gateways::wechat_event>(*event);
    const auto said = co_await in_time<result<std::string>>(
        c, [&c, name, whole](const bool& given_up) { return take(c, name, *whole, given_up); });
    if (!said || !*said) {
        if (said) log::warn("wechat_event_not_kept", {{"account", name}, {"why", said->error().text()}});
        count(c, name, "not_kept");
        co_return answer(503, "not kept");
    }
    count(c, name, "taken");
    // A mini-program may answer with nothing else: anything more is shown to people as a failure.
    if ((*said)->empty() || name == "miniprogram") co_return answer(200, gateways::wechat_kept);
    co_return answer(200, door->answer(*event, **said, c.time.now()), "text/xml; charset=utf-8");
}

} // namespace zhida::portal
