#include "services/gateways/cloud_client.hpp"

#include "common/io/spawn.hpp"
#include "services/gateways/cloud_core.hpp"

#include <algorithm>

namespace zhida::gateways {

namespace {

asio::awaitable<void> attend(std::shared_ptr<cloud_core> core) {
    co_await core->attend();
    --core->running;
    core->woken.notify();
}

} // namespace

cloud_client::cloud_client(std::shared_ptr<cloud_core> core) : core_(std::move(core)) {}
cloud_client::~cloud_client() {
    core_->close();
}

asio::awaitable<void> cloud_client::run() {
    const auto core = core_;
    ++core->running;
    io::spawn(core->executor, attend(core));
    while (!core->stopping) co_await core->woken.wait();
    for (auto now = core->time.steady_now(); core->running > 0 && now < core->stop_by;
         now = core->time.steady_now())
        co_await core->woken.wait_at_most(core->time, core->stop_by - now);
    core->close(); // what is under way still is in doubt
    while (core->running > 0) co_await core->woken.wait();
}

void cloud_client::stop(milliseconds drain) {
    core_->stopping = true;
    core_->stop_by = core_->time.steady_now() + drain;
    core_->woken.notify();
}

asio::awaitable<std::vector<send_result>> cloud_client::send_all(std::vector<sms_copy> messages) {
    const auto core = core_;
    if (messages.empty()) co_return std::vector<send_result>();
    if (const auto refused = core->refusal()) co_return std::vector<send_result>(messages.size(), *refused);
    const auto all = std::make_shared<cloud_submission>(
        core->executor, std::move(messages),
        core->time.steady_now() + milliseconds(core->settings.response_timeout_s * 1000));
    core->start(all);
    while (all->left > 0) co_await all->done.wait();
    for (const auto& r : all->results) core->count(r);
    co_return std::move(all->results);
}

gateway_status cloud_client::status() const {
    return core_->status();
}

bool cloud_client::ready() const {
    return !core_->stopping && !core_->stop.stopped(core_->time.now());
}

headroom cloud_client::free() const {
    const auto now = core_->time.steady_now();
    const auto wait = std::max(core_->flow.wait(now), core_->rate.wait(now));
    if (wait.count() > 0) return {0, wait};
    const auto parts = core_->rate.free(now);
    return {parts - std::min(parts, core_->waiting), milliseconds(0)};
}

void cloud_client::share(std::size_t mine, std::size_t of) {
    core_->rate.share(mine, of, core_->time.steady_now());
}

void cloud_client::resume() {
    core_->stop.resume();
}

} // namespace zhida::gateways
