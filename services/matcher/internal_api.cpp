// The internal service: what portals ask a matcher of the shards that it owns. Only they may, who have the
// contact key as we do. A new question is one line in internal_routes() and a handler in a file of its own.
//   POST /internal/v1/audience                 whom a condition would find: services/preview_messages.hpp
//   GET  /internal/v1/shards                   which shards are owned, and how far each has come
//   GET  /internal/v1/subjects/{id}/checkup    checkup_api.cpp
#include "services/matcher/matcher.hpp"

#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "services/matcher/address.hpp"

namespace zhida::matcher {

namespace {

constexpr auto registered_for = milliseconds(4000), registered_every = milliseconds(1000);

io::http_response json_answer(const json& body) {
    io::http_response out;
    out.content_type = "application/json; charset=utf-8";
    out.body = to_text(body);
    return out;
}

} // namespace

io::http_router matcher::internal_routes() {
    io::http_router router;
    const auto add = [&](const char* verb, const char* path, internal_handler matcher::* handler) {
        // The server ends before the matcher does.
        router.add(verb, path,
                   [this, handler](io::http_request r) { return guarded(handler, std::move(r)); });
    };
    add("POST", "/internal/v1/audience", &matcher::answer_audience);
    add("GET", "/internal/v1/shards", &matcher::answer_shards);
    add("GET", "/internal/v1/subjects/{id}/checkup", &matcher::answer_checkup);
    return router;
}

asio::awaitable<io::http_response> matcher::guarded(internal_handler matcher::* handler, io::http_request r) {
    if (!auth_.right(r.header("authorization"), r.method, r.path, r.query, r.body, clock_.now())) {
        auto out =
            io::problem(401, "/problems/unauthenticated", "Not signed in",
                        "another installation's contact key, a clock that is more than a minute off, or "
                        "no matcher's business");
        out.headers.emplace_back("WWW-Authenticate", "Zhida-HMAC realm=\"zhida internal\"");
        co_return out;
    }
    co_return co_await (this->*handler)(std::move(r));
}

asio::awaitable<io::http_response> matcher::answer_shards(io::http_request) {
    json shards = json::array();
    for (const auto& [number, s] : shards_)
        shards.push_back({{"shard", number},
                          {"in_step", in_step(s)},
                          {"profile_offset", s.read},
                          {"policy_offset", s.policy_offset},
                          {"day", s.day}});
    co_return json_answer({{"instance", instance_}, {"shards", std::move(shards)}});
}

asio::awaitable<void> matcher::keep_registered() {
    auto next = clock_.steady_now();
    while (!stopping_) {
        if (clock_.steady_now() >= next) {
            next = clock_.steady_now() + registered_every;
            co_await register_shards(false);
        }
        co_await io::sleep_for(clock_, milliseconds(250)); // how soon a stop is seen
    }
    const auto removed = co_await registry_.remove(instance_);
    if (!removed) log::warn("registration not removed", {{"why", removed.error().text()}});
}

asio::awaitable<void> matcher::register_shards(bool changed) {
    if (stopping_) co_return;
    if (changed) shards_since_ms_ = clock_.now().time_since_epoch().count();
    store::matcher_registration about{
        instance_, registered_url(config_.matcher, server_->port()), shards_since_ms_, {}};
    about.shards.reserve(shards_.size());
    for (const auto& [number, s] : shards_) about.shards.push_back(number);
    // Said again in a second: nobody waits for one of them.
    const auto put = co_await registry_.put(std::move(about), registered_for);
    if (!put) log::warn("matcher not registered", {{"why", put.error().text()}});
}

} // namespace zhida::matcher
