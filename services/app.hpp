// One process: the roles it runs, each a thread with an io_context of its own. They share nothing but what
// never changes, the metrics' registry, the event log and Redis.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/crypto.hpp"
#include "common/base/metrics.hpp"
#include "common/model/policy.hpp"
#include "common/model/sms_content.hpp"
#include "common/model/workdays.hpp"
#include "matching/catalogue.hpp"
#include "services/gateways/code_table.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace zhida {

struct app_roles {
    bool matcher = true, dispatcher = true, scheduler = true, portal = true, simulator = false;
    std::vector<channel> channels{channel::web, channel::sms, channel::wechat};
};

class app {
  public:
    // Reads catalogue and key; throws failure_error where they are not good.
    app(config c, app_roles roles);
    ~app();
    // Starts the roles and serves until a signal or stop(). `when_up` is a coroutine's start, run in the main
    // thread once the topics are there and every role has started; what it throws ends the app. Returns the
    // exit code.
    int run(std::function<boost::asio::awaitable<void>(app&)> when_up);
    void stop();

    const config& settings() const noexcept { return config_; }
    const matching::catalogue& catalogue() const noexcept { return catalogue_; }
    const crypto::sealer& sealer() const noexcept { return sealer_; }
    const zhida::clock& clock() const noexcept { return clock_; }
    boost::asio::any_io_executor executor() { return main_.get_executor(); }
    bool stopping() const noexcept { return stopping_; }
    // http://host:port of the pages; empty without a portal.
    std::string address() const;

  private:
    struct role_thread;
    boost::asio::awaitable<void> start(std::function<boost::asio::awaitable<void>(app&)> when_up);
    boost::asio::awaitable<void> watch_signals();
    void run_new_threads();
    template <class Role, class... Arguments>
    Role& launch(const char* name, Arguments&&... arguments);

    config config_;
    app_roles roles_;
    matching::catalogue catalogue_;
    sms_content sms_content_;
    gateways::code_table sms_codes_;
    workdays workdays_;
    crypto::sealer sealer_;
    system_clock clock_;
    metrics meters_;
    boost::asio::io_context main_{1};
    std::vector<std::unique_ptr<role_thread>>
        threads_; // in the order of starting; stopped in the reverse order
    std::string address_;
    bool stopping_ = false;
    int exit_code_ = 0;
};

} // namespace zhida
