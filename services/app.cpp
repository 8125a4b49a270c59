#include "services/app.hpp"

#include "common/base/config_folder.hpp"
#include "common/base/log.hpp"
#include "common/io/event_log.hpp"
#include "common/store/key_check.hpp"
#include "services/calendar.hpp"
#include "services/dispatcher/dispatcher.hpp"
#include "services/matcher/address.hpp"
#include "services/matcher/matcher.hpp"
#include "services/persist.hpp"
#include "services/portal/portal.hpp"
#include "services/publishing.hpp"
#include "services/scheduler/scheduler.hpp"
#include "services/simulator/simulator.hpp"
#include "services/sms_contents.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdlib>
#include <pthread.h>
#include <thread>

namespace zhida {

namespace asio = boost::asio;

namespace {

// How long a role may take to finish what it has under way before the process goes without it.
constexpr auto patience = milliseconds(15000);

// Ends its coroutines before the role they belong to goes, and the role before the sockets' services go.
class role_context : public asio::io_context {
  public:
    role_context() : asio::io_context(1) {}
    using asio::execution_context::shutdown;
};

} // namespace

struct app::role_thread {
    std::string name;
    role_context context;
    std::shared_ptr<void> role;
    std::function<void()> stop; // runs in the role's thread
    std::thread thread;
    bool ended = false; // set in the main thread

    ~role_thread() {
        if (thread.joinable()) thread.join();
        context.shutdown();
        role.reset();
    }
};

app::app(config c, app_roles roles)
    : config_(std::move(c)), roles_(std::move(roles)),
      catalogue_(matching::catalogue::load(config_folder(config_) + "/catalogue").value()),
      sms_content_(load_sms_content(config_folder(config_), config_.sms).value()),
      sms_codes_(load_sms_codes(config_folder(config_), config_.sms).value()),
      workdays_(load_workdays(config_folder(config_) + "/calendar/holidays.json").value()),
      sealer_(crypto::load_sealer(contact_key_path(config_), true).value()) {}

app::~app() = default;

std::string app::address() const {
    return address_;
}

template <class Role, class... Arguments>
Role& app::launch(const char* name, Arguments&&... arguments) {
    auto t = std::make_unique<role_thread>();
    auto role = std::make_shared<Role>(t->context.get_executor(), std::forward<Arguments>(arguments)...);
    auto& started = *role;
    auto* of = t.get();
    t->name = name;
    t->role = role;
    t->stop = [role_of = role.get()] { role_of->stop(); };
    asio::co_spawn(t->context, role->run(), [this, of](std::exception_ptr thrown) {
        std::string why;
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            why = e.what();
        }
        of->context.stop();
        asio::post(main_, [this, of, why] {
            of->ended = true;
            if (!why.empty()) log::error("role failed", {{"role", of->name}, {"why", why}});
            if (!why.empty() || !stopping_) {
                exit_code_ = 1;
                stop();
            }
        });
    });
    threads_.push_back(std::move(t));
    return started;
}

int app::run(std::function<asio::awaitable<void>(app&)> when_up) {
    asio::co_spawn(main_, watch_signals(), asio::detached);
    asio::co_spawn(main_, start(std::move(when_up)), [this](std::exception_ptr thrown) {
        if (!thrown) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            log::error("start failed", {{"why", e.what()}});
            exit_code_ = 1;
            stop();
        }
    });
    main_.run();
    threads_.clear(); // joins
    return exit_code_;
}

asio::awaitable<void> app::watch_signals() {
    asio::signal_set signals(main_, SIGINT, SIGTERM);
    co_await signals.async_wait(asio::use_awaitable);
    log::info("stopping", {{"hint", "a second signal stops at once"}});
    stop();
    co_await signals.async_wait(asio::use_awaitable);
    std::_Exit(1);
}

void app::stop() {
    if (stopping_) return;
    stopping_ = true;
    asio::co_spawn(
        main_,
        [](app& self) -> asio::awaitable<void> {
            // Later roles use what earlier ones offer, so they go first, one after another.
            const auto deadline = self.clock_.steady_now() + patience;
            for (auto t = self.threads_.rbegin(); t != self.threads_.rend(); ++t) {
                if (!(*t)->thread.joinable()) continue; // never ran
                asio::post((*t)->context, (*t)->stop);
                while (!(*t)->ended && self.clock_.steady_now() < deadline)
                    co_await io::sleep_for(self.clock_, milliseconds(5));
                if (!(*t)->ended) {
                    log::error("role did not stop in time", {{"role", (*t)->name}});
                    std::_Exit(1);
                }
            }
            self.main_.stop();
        }(*this),
        asio::detached);
}

void app::run_new_threads() {
    for (auto& t : threads_) {
        if (t->thread.joinable()) continue;
        t->thread = std::thread([context = &t->context] { context->run(); });
        // What `top -H` shows of it, at most 15 bytes.
        ::pthread_setname_np(t->thread.native_handle(), t->name.c_str());
    }
}

asio::awaitable<void> app::start(std::function<asio::awaitable<void>(app&)> when_up) {
    const auto& c = config_;
    simulator::simulator* clouds = nullptr; // in this process
    if (roles_.simulator) {
        auto& simulators = launch<simulator::simulator>("simulator", clock_, c.simulator, c.sms, c.wechat,
                                                        c.miniprogram, c.wecom);
        simulators.listen().value();
        const auto web = "http://" + c.simulator.host + ":" + std::to_string(simulators.wechat_port());
        const auto meet = [&](sms_gateway_config& g) {
            g.host = c.simulator.host;
            g.port = g.protocol == "smpp" ? simulators.smpp_port() : simulators.cmpp_port();
            g.base_url = web;
        };
        meet(config_.sms);
        for (auto& [name, gateway] : config_.sms.gateways) meet(gateway);
        config_.wechat.base_url = config_.miniprogram.base_url = config_.wecom.base_url = web;
        clouds = &simulators;
    }
    if (roles_.portal) {
        portal::portal_parts parts{c, catalogue_, clock_, sealer_, meters_, config_folder(c)};
        auto& pages = launch<portal::portal>("portal", std::move(parts));
        pages.start().value();
        const auto port = pages.port();
        address_ = c.portal.public_url.empty() ? "http://" + c.portal.host + ":" + std::to_string(port)
                                               : c.portal.public_url;
        if (clouds && c.simulator.callback_base.empty())
            clouds->set_callback_base("http://" + c.portal.host + ":" + std::to_string(port));
    }
    run_new_threads();

    auto log = io::make_event_log(main_.get_executor(), c);
    auto made = co_await persist(clock_, stopping_, "creating topics", [&] {
        return log->ensure(
            all_topics(static_cast<std::int32_t>(c.node.shards), c.event_log.driver == "redis"));
    });
    co_await log->close();
    if (stopping_) co_return;
    made.value();
    io::redis redis(main_.get_executor(), {c.redis.url, milliseconds(c.redis.timeout_ms)});
    auto claimed = co_await persist(clock_, stopping_, "checking the contact key",
                                    [&] { return store::claim_key(redis, sealer_); });
    redis.close();
    if (stopping_) co_return;
    claimed.value();

    if (roles_.matcher) {
        if (!roles_.portal && matcher::only_on_this_host(c.matcher))
            log::warn(
                "portals on other hosts cannot ask this matcher",
                {{"host", c.matcher.host},
                 {"fix", "set matcher.host to an address of this host that portals reach, or matcher.url"}});
        launch<matcher::matcher>("matcher", c, catalogue_, clock_, sealer_, meters_).listen().value();
    }
    if (roles_.dispatcher)
        launch<dispatcher::dispatcher>("dispatcher", c, sms_content_, clock_, sealer_, meters_,
                                       roles_.channels, sms_codes_);
    if (roles_.scheduler)
        launch<scheduler::scheduler>("scheduler", c, catalogue_, workdays_, clock_, meters_);
    run_new_threads();
    if (when_up) co_await when_up(*this);
}

} // namespace zhida
