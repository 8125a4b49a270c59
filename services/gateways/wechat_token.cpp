#include "services/gateways/wechat_token.hpp"

#include "services/gateways/wake_up.hpp"

#include "common/base/log.hpp"

#include <list>

namespace zhida::gateways {

namespace {
constexpr milliseconds margin{60'000};
}

struct wechat_token_cache::impl : std::enable_shared_from_this<wechat_token_cache::impl> {
    impl(asio::any_io_executor ex, const clock& c, wechat_token_store s, fetcher f)
        : executor(ex), time(c), shared(std::move(s)), fetch(std::move(f)) {}

    asio::any_io_executor executor;
    const clock& time;
    wechat_token_store shared;
    fetcher fetch;
    wechat_token current;
    bool refreshing = false;
    std::list<std::shared_ptr<wake_up>> waiters;
    std::optional<failure> last_failure; // of the fetch that waiters waited for

    bool usable(const wechat_token& t, const std::string& failed) const {
        return !t.value.empty() && t.value != failed && time.now() + margin < t.expires;
    }
    static asio::awaitable<result<void>> refresh(std::shared_ptr<impl> self, std::string failed);

    // However the fetch ends, those who wait for it go on.
    struct flight {
        std::shared_ptr<impl> self;
        explicit flight(std::shared_ptr<impl> s) : self(std::move(s)) { self->refreshing = true; }
        ~flight() {
            self->refreshing = false;
            for (const auto& w : self->waiters) w->notify();
            self->waiters.clear();
        }
    };
};

asio::awaitable<result<void>> wechat_token_cache::impl::refresh(std::shared_ptr<impl> self,
                                                                std::string failed) {
    const flight now(self);
    self->last_failure.reset();
    if (self->shared.load) {
        // Another process may have renewed it already.
        if (auto t = co_await self->shared.load(); t && self->usable(*t, failed)) {
            self->current = std::move(*t);
            co_return result<void>();
        }
    }
    auto fetched = co_await self->fetch();
    if (!fetched) {
        self->last_failure = fetched.error();
        co_return fetched.error();
    }
    self->current = std::move(*fetched);
    if (self->shared.store && !co_await self->shared.store(self->current))
        log::warn("wechat_token_not_shared", {{"what", "other processes will fetch it themselves"}});
    co_return result<void>();
}

wechat_token_cache::wechat_token_cache(asio::any_io_executor executor, const clock& time,
                                       wechat_token_store shared, fetcher fetch)
    : impl_(std::make_shared<impl>(executor, time, std::move(shared), std::move(fetch))) {}
wechat_token_cache::~wechat_token_cache() = default;

asio::awaitable<result<std::string>> wechat_token_cache::get(std::string failed) {
    const auto self = impl_;
    if (self->usable(self->current, failed)) co_return self->current.value;
    if (self->refreshing) {
        const auto mine = std::make_shared<wake_up>(self->executor);
        self->waiters.push_back(mine);
        while (self->refreshing) co_await mine->wait();
        if (self->last_failure) co_return *self->last_failure;
    } else if (const auto done = co_await impl::refresh(self, failed); !done) {
        co_return done.error();
    }
    if (self->current.value.empty())
        co_return failure{errc::unavailable, "no token could be fetched", "wechat", ""};
    // The platform may say the same token again; whether it is good the next call tells.
    co_return self->current.value;
}

} // namespace zhida::gateways
