#include "services/gateways/wechat_token.hpp"

#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "services/gateways/wake_up.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <list>

namespace zhida::gateways {

namespace {
constexpr milliseconds renewed_before{240'000};
constexpr milliseconds last_second{1'000};       // a token may end on its way to the platform
constexpr milliseconds between_renewals{10'000}; // that fail
constexpr milliseconds look_again{50};           // whether the process whose turn it is has it
} // namespace

wechat_token fetched_token(std::string value, wall_time now, milliseconds lives) {
    return {std::move(value), now + lives, now + lives - std::min(renewed_before, lives / 2)};
}

struct wechat_token_cache::impl : std::enable_shared_from_this<wechat_token_cache::impl> {
    impl(asio::any_io_executor ex, const clock& c, wechat_token_store s, fetcher f)
        : executor(std::move(ex)), time(c), shared(std::move(s)), fetch(std::move(f)) {}

    asio::any_io_executor executor;
    const clock& time;
    wechat_token_store shared;
    fetcher fetch;
    wechat_token current;
    wall_time renewed_at{}; // when a renewal was begun
    // One fetch, and those who wait for it: whatever begins after it is none of theirs.
    struct flight {
        bool landed = false;
        std::optional<failure> failed;
        std::list<std::shared_ptr<wake_up>> waiters;
    };
    std::shared_ptr<flight> under_way; // null: none is

    bool usable(const wechat_token& t, const std::string& failed) const {
        return !t.value.empty() && t.value != failed && time.now() + last_second < t.expires;
    }
    bool fresh(const wechat_token& t, const std::string& failed) const {
        return usable(t, failed) && time.now() < t.renew;
    }
    static asio::awaitable<result<void>> refresh(std::shared_ptr<impl> self, std::string failed);
    static asio::awaitable<result<void>> refresh_among_processes(std::shared_ptr<impl> self,
                                                                 std::string failed);
    static asio::awaitable<bool> found_shared(std::shared_ptr<impl> self, std::string failed);
    static asio::awaitable<void> renew(std::shared_ptr<impl> self) {
        (void)co_await refresh(self, ""); // whoever calls next tries again
    }

    // However the fetch ends, those who wait for it go on.
    struct landing {
        std::shared_ptr<impl> self;
        std::shared_ptr<flight> of = std::make_shared<flight>();
        explicit landing(std::shared_ptr<impl> s) : self(std::move(s)) { self->under_way = of; }
        ~landing() {
            self->under_way = nullptr;
            of->landed = true;
            for (const auto& w : of->waiters) w->notify();
        }
    };
};

asio::awaitable<bool> wechat_token_cache::impl::found_shared(std::shared_ptr<impl> self, std::string failed) {
    if (!self->shared.load) co_return false;
    auto t = co_await self->shared.load();
    if (!t || !self->fresh(*t, failed)) co_return false;
    self->current = std::move(*t);
    co_return true;
}

asio::awaitable<result<void>> wechat_token_cache::impl::refresh_among_processes(std::shared_ptr<impl> self,
                                                                                std::string failed) {
    // Another process may have renewed it already, or is about to.
    for (;;) {
        if (co_await found_shared(self, failed)) co_return result<void>();
        if (!self->shared.take_turn || co_await self->shared.take_turn()) break;
        co_await io::sleep_for(self->time, look_again);
    }
    result<void> done;
    if (!co_await found_shared(self, failed)) { // in between
        if (auto fetched = co_await self->fetch()) {
            self->current = std::move(*fetched);
            if (self->shared.store && !co_await self->shared.store(self->current))
                log::warn("wechat_token_not_shared", {{"what", "other processes will fetch it themselves"}});
        } else {
            done = fetched.error();
        }
    }
    if (self->shared.end_turn) co_await self->shared.end_turn();
    co_return done;
}

asio::awaitable<result<void>> wechat_token_cache::impl::refresh(std::shared_ptr<impl> self,
                                                                std::string failed) {
    const landing now(self);
    self->renewed_at = self->time.now();
    auto done = co_await refresh_among_processes(self, std::move(failed));
    if (!done) now.of->failed = done.error();
    co_return done;
}

wechat_token_cache::wechat_token_cache(asio::any_io_executor executor, const clock& time,
                                       wechat_token_store shared, fetcher fetch)
    : impl_(std::make_shared<impl>(std::move(executor), time, std::move(shared), std::move(fetch))) {}
wechat_token_cache::~wechat_token_cache() = default;

asio::awaitable<result<std::string>> wechat_token_cache::get(std::string failed) {
    const auto self = impl_;
    if (self->usable(self->current, failed)) {
        const auto now = self->time.now();
        if (now >= self->current.renew && !self->under_way && now >= self->renewed_at + between_renewals)
            asio::co_spawn(self->executor, impl::renew(self), asio::detached);
        co_return self->current.value;
    }
    if (const auto other = self->under_way) {
        const auto mine = std::make_shared<wake_up>(self->executor);
        other->waiters.push_back(mine);
        while (!other->landed) co_await mine->wait();
        if (other->failed) co_return *other->failed;
    } else if (const auto done = co_await impl::refresh(self, failed); !done) {
        co_return done.error();
    }
    if (self->current.value.empty())
        co_return failure{errc::unavailable, "no token could be fetched", "wechat", ""};
    // The platform may say the same token again; whether it is good the next call tells.
    co_return self->current.value;
}

} // namespace zhida::gateways
