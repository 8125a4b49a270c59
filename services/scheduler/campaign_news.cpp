#include "services/scheduler/campaign_news.hpp"

#include "common/base/log.hpp"
#include "common/io/redis.hpp"
#include "common/io/spawn.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/gateway_states.hpp"
#include "common/store/keys.hpp"
#include "services/gateways/wake_up.hpp"
#include "services/gateways/wecom_robot.hpp"
#include "services/portal/gateway_sum.hpp"
#include "services/scheduler/news_text.hpp"

#include <prometheus/counter.h>

#include <map>
#include <utility>

namespace zhida::scheduler {

namespace {

constexpr std::chrono::seconds remembered = std::chrono::hours(7 * 24);
constexpr milliseconds between_looks{5000};

std::vector<std::string> gateways_in(const config& c) {
    std::vector<std::string> names;
    if (c.sms.enabled)
        for (const auto& g : gateways_of(c.sms)) names.push_back(g.name);
    if (c.wechat.enabled) names.push_back(c.wechat.name);
    if (c.miniprogram.enabled) names.push_back(c.miniprogram.name);
    if (c.wecom.enabled) names.push_back("wecom");
    return names;
}

void add(metrics& m, const char* outcome, std::size_t news) {
    m.counter("zhida_robot_messages_total", "News for robots of WeCom groups, by how they ended",
              {{"outcome", outcome}})
        .Increment(static_cast<double>(news));
}

bool bad(const std::string& state) noexcept {
    return state == "stopped" || state == "circuit_open";
}

} // namespace

struct campaign_news::impl : std::enable_shared_from_this<campaign_news::impl> {
    impl(asio::any_io_executor ex, const config& c, const clock& t, metrics& m,
         const std::map<std::string, std::string>& keys)
        : executor(ex), time(t), meters(m), names(gateways_in(c)),
          redis(ex, {c.redis.url, milliseconds(c.redis.timeout_ms)}),
          campaigns(redis, static_cast<int>(c.node.shards)), states(redis), wake(ex) {
        for (const auto& [department, key] : keys)
            robots.emplace(department,
                           std::make_unique<gateways::wecom_robot>(
                               ex, t, c.wecom, department, key,
                               [&m](const char* outcome, std::size_t news) { add(m, outcome, news); }));
    }

    asio::any_io_executor executor;
    const clock& time;
    metrics& meters;
    std::vector<std::string> names;
    io::redis redis;
    store::campaigns campaigns;
    store::gateway_states states;
    std::map<std::string, std::unique_ptr<gateways::wecom_robot>> robots;
    gateways::wake_up wake;
    bool is_active = false, watching = false, closed = false;
    std::map<std::string, bool> was_bad; // by gateway, since this scheduler is active

    gateways::wecom_robot* robot(const std::string& department) {
        const auto found = robots.find(department);
        return found == robots.end() ? nullptr : found->second.get();
    }
    void failed(const char* what, const std::string& why) {
        add(meters, "failed", 1);
        log::warn("news_not_told", {{"what", what}, {"why", why}});
    }
    void tell(const campaign& c, bool begins);
    asio::awaitable<result<bool>> first_time(std::string what);
    static asio::awaitable<void> tell_now(std::shared_ptr<impl> self, campaign c, bool begins);
    static asio::awaitable<void> watch(std::shared_ptr<impl> self);
    asio::awaitable<result<void>> look(std::string name);
};

// False: somebody has told it.
asio::awaitable<result<bool>> campaign_news::impl::first_time(std::string what) {
    auto set = co_await redis.command(
        {"SET", store::keys::news_told(what), "1", "NX", "EX", std::to_string(remembered.count())});
    if (!set) co_return set.error();
    co_return !set->is_nil();
}

void campaign_news::impl::tell(const campaign& c, bool begins) {
    if (closed || c.kind == "test" || !robot(c.issuer)) return;
    io::spawn(executor, tell_now(shared_from_this(), c, begins));
}

asio::awaitable<void> campaign_news::impl::tell_now(std::shared_ptr<impl> self, campaign c, bool begins) {
    const char* what = begins ? "begun" : "finished";
    try {
        const auto progress = co_await self->campaigns.progress_of({c});
        if (self->closed) co_return;
        if (!progress || progress->empty()) {
            self->failed(what, progress ? "the campaign is not there" : progress.error().text());
            co_return;
        }
        const auto& p = progress->front();
        if (c.reminder && p.audience == 0) co_return; // most days a reminder finds nobody
        const auto first = co_await self->first_time("campaign:" + c.id + ":" + what);
        if (self->closed) co_return;
        if (!first) self->failed(what, first.error().text());
        if (!first || !*first) co_return;
        const auto now = self->time.now();
        self->robot(c.issuer)->say(begins ? begin_news(c, p.channels, now) : finish_news(c, p.channels, now));
    } catch (const std::exception& e) { // a bug here must not stop the scheduler
        self->failed(what, e.what());
    }
}

asio::awaitable<result<void>> campaign_news::impl::look(std::string name) {
    const auto said = co_await states.get(name);
    if (!said) co_return said.error();
    if (said->empty()) co_return result<void>{}; // nobody speaks to it now
    const auto sum = portal::gateway_of_processes(*said);
    const auto state = sum.value("state", std::string());
    const bool is_bad = bad(state);
    if (!is_bad && state != "connected") co_return result<void>{};
    const auto was = was_bad.find(name);
    if (was != was_bad.end() && was->second == is_bad) co_return result<void>{};
    const auto what = "gateway:" + name;
    if (is_bad) {
        const auto first = co_await first_time(what);
        if (!first) co_return first.error();
        if (*first)
            robot(gateways::operators_robot)
                ->say(gateway_news(name, state, sum.value("detail", std::string()), time.now()));
    } else {
        const auto told = co_await redis.command({"DEL", store::keys::news_told(what)});
        if (!told) co_return told.error();
        if (told->integer == 1) robot(gateways::operators_robot)->say(gateway_well_news(name, time.now()));
    }
    was_bad[name] = is_bad;
    co_return result<void>{};
}

asio::awaitable<void> campaign_news::impl::watch(std::shared_ptr<impl> self) {
    while (!self->closed) {
        if (self->is_active) {
            try {
                for (const auto& name : self->names)
                    if (const auto looked = co_await self->look(name); !looked)
                        log::debug("gateways are looked at again in a moment",
                                   {{"why", looked.error().text()}});
            } catch (const std::exception& e) { // as above
                self->failed("gateway", e.what());
            }
        }
        if (!self->closed) co_await self->wake.wait_at_most(self->time, between_looks);
    }
    self->watching = false;
}

campaign_news::campaign_news(asio::any_io_executor executor, const config& c, const clock& time,
                             metrics& meters) {
    const auto keys = gateways::parse_robots(c.wecom.robots);
    if (!keys) {
        log::warn("no robot is told anything", {{"why", keys.error().text()}});
        return;
    }
    if (!keys->empty()) impl_ = std::make_shared<impl>(executor, c, time, meters, *keys);
}

campaign_news::~campaign_news() {
    stop();
}

void campaign_news::began(const campaign& c) {
    if (impl_) impl_->tell(c, true);
}

void campaign_news::finished(const campaign& c) {
    if (impl_) impl_->tell(c, false);
}

void campaign_news::active(bool now) {
    if (!impl_ || impl_->closed) return;
    if (now && !impl_->is_active) impl_->was_bad.clear();
    impl_->is_active = now;
    if (!now || !impl_->robot(gateways::operators_robot)) return;
    if (!std::exchange(impl_->watching, true)) io::spawn(impl_->executor, impl::watch(impl_));
}

void campaign_news::stop() {
    if (!impl_ || std::exchange(impl_->closed, true)) return;
    for (const auto& [department, robot] : impl_->robots) robot->close();
    impl_->redis.close();
    impl_->wake.notify();
}

} // namespace zhida::scheduler
