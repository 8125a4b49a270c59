#include "services/portal/matchers.hpp"

#include "common/io/mutex.hpp"
#include "common/io/spawn.hpp"
#include "common/store/matchers.hpp"
#include "services/internal_auth.hpp"

#include <algorithm>
#include <map>

namespace zhida::portal {

namespace {

// Older than `fresh`, it is read again while the old one still serves; older than `stale`, it is waited for.
constexpr auto fresh = milliseconds(1000), stale = milliseconds(3000);

std::vector<matchers::owner> owners_in(const std::vector<store::matcher_registration>& registered,
                                       int shards) {
    std::map<int, const store::matcher_registration*> of_shard;
    for (const auto& r : registered)
        for (const int shard : r.shards) {
            if (shard < 0 || shard >= shards) continue;
            auto& has = of_shard[shard];
            // One that died a moment ago still names what it owned.
            if (!has || has->since_ms < r.since_ms) has = &r;
        }
    std::map<std::string, matchers::owner> by_url;
    for (const auto& [shard, r] : of_shard) {
        auto& o = by_url[r->url];
        o.url = r->url;
        o.shards.push_back(shard);
    }
    std::vector<matchers::owner> out;
    out.reserve(by_url.size());
    for (auto& [url, o] : by_url) out.push_back(std::move(o));
    return out;
}

} // namespace

struct matchers::impl : std::enable_shared_from_this<impl> {
    impl(asio::any_io_executor ex, io::redis& redis, const crypto::sealer& sealer, const clock& c, int n)
        : executor(ex), registry(redis, c, registration_key(sealer)), auth(sealer), time(c), shards(n),
          turn(ex) {}

    asio::any_io_executor executor;
    store::matchers registry;
    internal_auth auth;
    const clock& time;
    int shards;
    io::mutex turn; // who comes while it is read waits for that reading
    owners_list kept;
    steady_time read_at{};
    bool refreshing = false;
    std::map<std::string, std::shared_ptr<io::http_client>> clients; // by url

    milliseconds age() const { return time.steady_now() - read_at; }
    static asio::awaitable<result<owners_list>> read(std::shared_ptr<impl> self);
    static asio::awaitable<void> refresh(std::shared_ptr<impl> self);
};

asio::awaitable<result<matchers::owners_list>> matchers::impl::read(std::shared_ptr<impl> self) {
    const auto mine = co_await self->turn.lock();
    if (self->kept && self->age() < fresh) co_return self->kept;
    auto registered = co_await self->registry.list();
    if (!registered) co_return registered.error();
    self->kept = std::make_shared<const std::vector<matchers::owner>>(owners_in(*registered, self->shards));
    self->read_at = self->time.steady_now();
    // Who asks one that is gone keeps its client.
    std::erase_if(self->clients, [&](const auto& one) {
        return std::none_of(self->kept->begin(), self->kept->end(),
                            [&](const owner& o) { return o.url == one.first; });
    });
    co_return self->kept;
}

asio::awaitable<void> matchers::impl::refresh(std::shared_ptr<impl> self) {
    static_cast<void>(co_await read(self)); // failing, it gets stale, and who waits then hears of it
    self->refreshing = false;
}

matchers::matchers(asio::any_io_executor executor, io::redis& redis, const crypto::sealer& sealer,
                   const clock& time, int shards)
    : impl_(std::make_shared<impl>(std::move(executor), redis, sealer, time, shards)) {}

matchers::~matchers() {
    close();
}

int matchers::shards() const noexcept {
    return impl_->shards;
}

void matchers::close() {
    for (const auto& [url, client] : impl_->clients) client->close();
}

asio::awaitable<result<matchers::owners_list>> matchers::owners() {
    const auto self = impl_;
    if (!self->kept || self->age() >= stale) co_return co_await impl::read(self);
    if (self->age() >= fresh && !self->refreshing) {
        self->refreshing = true;
        io::spawn(self->executor, impl::refresh(self));
    }
    co_return self->kept;
}

asio::awaitable<result<std::string>> matchers::owner_of(int shard) {
    const auto all = co_await owners();
    if (!all) co_return all.error();
    for (const auto& o : **all)
        if (std::binary_search(o.shards.begin(), o.shards.end(), shard)) co_return o.url;
    co_return failure{errc::unavailable, "no matcher owns it at the moment", "shard " + std::to_string(shard),
                      "is a matcher running? It may be starting"};
}

asio::awaitable<result<io::http_reply>> matchers::ask(std::string url, std::string verb, std::string path,
                                                      std::string body) {
    const auto self = impl_;
    auto& known = self->clients[url];
    if (!known) {
        io::http_client_options options;
        options.base_url = url;
        options.timeout = patience;
        known = std::make_shared<io::http_client>(self->executor, std::move(options));
    }
    const auto client = known;
    std::vector<std::pair<std::string, std::string>> headers{
        {"Authorization", self->auth.header(verb, path, body, self->time.now())}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    co_return co_await client->request(std::move(verb), std::move(path), std::move(headers), std::move(body),
                                       /*repeatable*/ true);
}

} // namespace zhida::portal
