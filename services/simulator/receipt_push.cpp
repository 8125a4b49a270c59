#include "services/simulator/receipt_push.hpp"

#include "common/base/log.hpp"
#include "common/io/http_client.hpp"
#include "common/io/spawn.hpp"
#include "services/gateways/wake_up.hpp"

#include <algorithm>
#include <deque>
#include <iterator>

namespace zhida::simulator {

namespace {

constexpr milliseconds answer_within{5000};

bool says_taken(const result<io::http_reply>& reply, const std::string& member) {
    if (!reply || reply->status != 200) return false;
    const auto body = parse_json(reply->body);
    return body && body->is_object() && body->contains(member) && body->at(member) == 0;
}

} // namespace

struct receipt_push::impl : std::enable_shared_from_this<receipt_push::impl> {
    impl(asio::any_io_executor ex, const clock& c, receipt_push_options o)
        : executor(ex), time(c), options(std::move(o)), changed(ex), ended(ex) {}

    asio::any_io_executor executor;
    const clock& time;
    receipt_push_options options;
    gateways::wake_up changed, ended;
    std::deque<json> waiting, held;
    std::shared_ptr<io::http_client> client; // null: nobody wants receipts
    std::size_t running = 0;                 // requests, with their pauses
    bool stopping = false;
    receipt_push_stats counters;

    void put(json receipt) {
        if (!client) return;
        waiting.push_back(std::move(receipt));
        changed.notify();
    }
    void release() {
        for (auto& r : std::exchange(held, {})) put(std::move(r));
    }
    static asio::awaitable<void> pause(std::shared_ptr<impl> self, milliseconds duration);
    static asio::awaitable<void> deliver(std::shared_ptr<impl> self, json batch);
    static asio::awaitable<void> run(std::shared_ptr<impl> self);
};

// Ends early when it is told to stop.
asio::awaitable<void> receipt_push::impl::pause(std::shared_ptr<impl> self, milliseconds duration) {
    gateways::wake_up nobody(self->executor);
    const auto until = self->time.steady_now() + duration;
    while (!self->stopping && self->time.steady_now() < until)
        co_await nobody.wait_at_most(self->time, std::min(milliseconds(50), until - self->time.steady_now()));
}

asio::awaitable<void> receipt_push::impl::deliver(std::shared_ptr<impl> self, json batch) {
    const auto count = self->options.alone ? std::int64_t{1} : static_cast<std::int64_t>(batch.size());
    for (std::size_t attempt = 0; !self->stopping; ++attempt) {
        const auto client = self->client; // another address may be set meanwhile
        if (!client) break;
        ++self->counters.requests;
        const auto reply = co_await client->request(
            "POST", self->options.path, {{"content-type", "application/json;charset=UTF-8"}}, to_text(batch));
        if (says_taken(reply, self->options.taken)) {
            self->counters.taken += count;
            self->release();
            break;
        }
        ++self->counters.refused;
        if (attempt == self->options.again.size()) {
            self->counters.given_up += count;
            log::warn("simulator_receipts_given_up", {{"path", self->options.path}, {"receipts", count}});
            break;
        }
        co_await pause(self, self->options.again[attempt]);
    }
    --self->running;
    self->ended.notify();
}

asio::awaitable<void> receipt_push::impl::run(std::shared_ptr<impl> self) {
    while (!self->stopping) {
        if (self->waiting.empty()) {
            co_await self->changed.wait();
            continue;
        }
        co_await pause(self, self->options.gather);
        json batch = json::array();
        const std::size_t most = self->options.alone ? 1 : self->options.batch;
        while (!self->waiting.empty() && batch.size() < most) {
            batch.push_back(std::move(self->waiting.front()));
            self->waiting.pop_front();
        }
        if (self->options.alone) batch = json(std::move(batch.front()));
        ++self->running;
        io::spawn(self->executor, deliver(self, std::move(batch)));
    }
    while (self->running > 0) co_await self->ended.wait();
}

json to_json(const receipt_push_stats& s) {
    return {{"requests", s.requests},
            {"refused", s.refused},
            {"taken", s.taken},
            {"given_up", s.given_up},
            {"waiting", s.waiting}};
}

receipt_push::receipt_push(asio::any_io_executor executor, const clock& time, receipt_push_options options)
    : impl_(std::make_shared<impl>(executor, time, std::move(options))) {}
receipt_push::~receipt_push() = default;

void receipt_push::set_base(const std::string& base) {
    impl_->client = nullptr;
    if (base.empty() || impl_->options.path.empty()) return;
    io::http_client_options o;
    o.base_url = base;
    o.timeout = answer_within;
    impl_->client = std::make_shared<io::http_client>(impl_->executor, o);
}
void receipt_push::put(json receipt) {
    impl_->put(std::move(receipt));
}
void receipt_push::hold(json receipt) {
    impl_->held.push_back(std::move(receipt));
}
void receipt_push::release() {
    impl_->release();
}
bool receipt_push::wanted() const noexcept {
    return impl_->client != nullptr;
}
bool receipt_push::idle() const noexcept {
    return impl_->waiting.empty() && impl_->running == 0;
}
asio::awaitable<void> receipt_push::run() {
    return impl::run(impl_);
}
void receipt_push::stop() {
    impl_->stopping = true;
    if (impl_->client) impl_->client->close();
    impl_->changed.notify();
}
receipt_push_stats receipt_push::stats() const {
    auto s = impl_->counters;
    s.waiting = static_cast<std::int64_t>(impl_->waiting.size() + impl_->held.size());
    return s;
}

} // namespace zhida::simulator
