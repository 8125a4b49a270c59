// zhida simulate: the CMPP and SMPP gateways, the WeChat platform and the SMS clouds of development and
// tests.
#include "services/commands.hpp"

#include "common/io/spawn.hpp"
#include "services/simulator/simulator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <cstdio>

namespace zhida::commands {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> run_and_release(std::shared_ptr<simulator::simulator> s,
                                      std::shared_ptr<asio::signal_set> signals) {
    co_await s->run();
    signals->cancel();
}

asio::awaitable<void> stop_on_signal(std::shared_ptr<simulator::simulator> s,
                                     std::shared_ptr<asio::signal_set> signals) {
    boost::system::error_code ec;
    co_await signals->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) s->stop();
}

} // namespace

int simulate(const options& o) {
    asio::io_context context(1);
    const system_clock time;
    const auto s = std::make_shared<simulator::simulator>(context.get_executor(), time, o.settings.simulator,
                                                          o.settings.sms, o.settings.wechat,
                                                          o.settings.miniprogram, o.settings.wecom);
    if (const auto bound = s->listen(); !bound) {
        std::fprintf(stderr, "zhida simulate: %s\n", bound.error().text().c_str());
        return 1;
    }
    const auto signals = std::make_shared<asio::signal_set>(context, SIGINT, SIGTERM);
    io::spawn(context.get_executor(), run_and_release(s, signals));
    io::spawn(context.get_executor(), stop_on_signal(s, signals));
    const auto* host = o.settings.simulator.host.c_str();
    std::printf("ready cmpp=%s:%d wechat=http://%s:%d smpp=%s:%d aliyun=http://%s:%d tencent=http://%s:%d\n",
                host, s->cmpp_port(), host, s->wechat_port(), host, s->smpp_port(), host, s->wechat_port(),
                host, s->wechat_port());
    std::fflush(stdout);
    context.run();
    return 0;
}

} // namespace zhida::commands
