#include "services/portal/portal.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"
#include "common/io/timer.hpp"
#include "common/model/topics.hpp"
#include "services/portal/live_feed.hpp"
#include "services/portal/routes.hpp"
#include "services/token_share.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

namespace zhida::portal {

struct portal::impl : std::enable_shared_from_this<impl> {
    impl(asio::any_io_executor ex, portal_parts p) : executor(ex), parts(std::move(p)), ended(ex) {
        ended.expires_at(std::chrono::steady_clock::time_point::max());
    }

    asio::any_io_executor executor;
    portal_parts parts;
    std::unique_ptr<context> shared;
    std::unique_ptr<io::http_server> server;
    std::unique_ptr<io::log_consumer> deliveries, buried;
    asio::steady_timer ended; // cancelled when a background task has ended
    int background = 0;
    bool stopping = false;

    io::http_server_options options();
    void note(const std::string& route, const std::string& verb, int status, std::chrono::microseconds took);
    static asio::awaitable<void> one_of(std::shared_ptr<impl> self, asio::awaitable<void> work);
    asio::awaitable<void> run();
    void stop();
};

io::http_server_options portal::impl::options() {
    io::http_server_options out;
    const auto& p = parts.settings.portal;
    out.host = p.host;
    out.port = static_cast<std::uint16_t>(p.port);
    out.max_body_bytes = static_cast<std::size_t>(p.max_body_bytes);
    out.max_connections = static_cast<std::size_t>(p.max_connections);
    out.max_connections_per_ip = static_cast<std::size_t>(p.max_connections_per_ip);
    out.on_error = [c = shared.get()](int status, std::string detail, const io::http_request* r) {
        return error_answer(*c, status, std::move(detail), r);
    };
    out.on_done = [this](const std::string& route, const std::string& verb, int status,
                         std::chrono::microseconds took) { note(route, verb, status, took); };
    auto& dropped = parts.meters.counter("zhida_http_streams_dropped_total",
                                         "Live streams ended because their reader was too slow.");
    out.on_stream_dropped = [&dropped] { dropped.Increment(); };
    return out;
}

void portal::impl::note(const std::string& route, const std::string& verb, int status,
                        std::chrono::microseconds took) {
    // What matched no route has no name of its own: paths and verbs of strangers would be labels without end.
    const auto name = route.empty() ? std::string("none") : route;
    const auto method = route.empty() ? std::string("none") : verb;
    parts.meters
        .counter("zhida_http_requests_total", "HTTP requests by route, verb and status.",
                 {{"route", name}, {"method", method}, {"status", std::to_string(status)}})
        .Increment();
    if (route.ends_with("/live")) return; // lasts as long as its reader likes
    parts.meters
        .histogram("zhida_http_request_seconds", "Time from the whole request to the whole answer.",
                   {{"route", name}}, {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5})
        .Observe(static_cast<double>(took.count()) / 1e6);
}

asio::awaitable<void> portal::impl::one_of(std::shared_ptr<impl> self, asio::awaitable<void> work) {
    co_await std::move(work);
    --self->background;
    self->ended.cancel();
}

asio::awaitable<void> portal::impl::run() {
    const auto self = shared_from_this();
    auto& c = *shared;
    deliveries = c.log->broadcast({topics::delivery}, /*from_start*/ false);
    buried = c.log->broadcast({topics::dead_letter}, /*from_start*/ true);
    background = 3;
    io::spawn(executor, one_of(self, follow_deliveries(c, *deliveries)));
    io::spawn(executor, one_of(self, c.buried.follow(c.time, *c.log, *buried)));
    io::spawn(executor, one_of(self, tell_progress(c, stopping)));

    co_await server->run();

    co_await deliveries->close();
    co_await buried->close();
    while (background > 0) {
        boost::system::error_code woken;
        co_await ended.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    c.shard_owners.close();
    co_await c.log->close();
    if (c.wechat) c.wechat->close();
    c.redis.close();
    while (c.callbacks_under_way > 0) // given up, and now without log and Redis
        co_await io::sleep_for(c.time, milliseconds(10));
}

void portal::impl::stop() {
    if (stopping) return;
    stopping = true;
    shared->live.close();
    server->stop();
}

portal::portal(asio::any_io_executor executor, portal_parts parts)
    : impl_(std::make_shared<impl>(std::move(executor), std::move(parts))) {}

portal::~portal() = default;

result<void> portal::start() {
    auto files = load_portal_files(impl_->parts.config_dir, impl_->parts.settings.sms);
    if (!files) return files.error();
    if (auto doors = gateways::callback_doors::of(impl_->parts.settings.sms); !doors) return doors.error();
    if (auto doors = wechat_doors_of(impl_->parts.settings); !doors) return doors.error();
    if (impl_->parts.settings.portal.demo_sign_in)
        log::warn("portal_demo_sign_in", {{"note", "anybody may choose any role; never in production"}});
    impl_->shared = std::make_unique<context>(impl_->executor, impl_->parts, std::move(*files));
    if (const auto& account = impl_->parts.settings.wechat; account.enabled && !account.appid.empty())
        impl_->shared->wechat = std::make_unique<gateways::wechat_client>(
            impl_->executor, impl_->parts.time, account,
            share_token(impl_->shared->redis, impl_->parts.sealer, impl_->parts.time, account.appid,
                        milliseconds(account.timeout_ms + 5000)));
    impl_->server =
        std::make_unique<io::http_server>(impl_->executor, impl_->options(), make_router(*impl_->shared));
    return impl_->server->listen();
}

std::uint16_t portal::port() const noexcept {
    return impl_->server->port();
}

asio::awaitable<void> portal::run() {
    return impl_->run();
}

void portal::stop() {
    impl_->stop();
}

} // namespace zhida::portal
