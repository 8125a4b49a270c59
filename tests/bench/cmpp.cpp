// SUBMITs a second over loopback, client and simulated gateway in one thread: cmpp_w16_per_s,
// cmpp_w128_per_s.
#include "tests/support/gateways.hpp"

#include "common/base/log.hpp"

#include <cstdio>

namespace {

namespace asio = boost::asio;
using namespace zhida;

asio::awaitable<void> stream(tests::sms_client* c, int from, int count, int* done) {
    for (int i = from; i < from + count; ++i) {
        const auto r = co_await tests::sms_client::one(c, tests::nth_phone(i),
                                                       "【直达演示】您有一份政策礼包，可拨12345核实");
        if (r.outcome != gateways::send_outcome::accepted) throw std::runtime_error(r.detail);
    }
    *done += count;
}

void measure(int window, const char* name) {
    constexpr int senders = 256, each = 400, total = senders * each;
    tests::simulated all;
    all.sms.window = window;
    all.start([](auto& s) { s.cmpp_options().report_delay = milliseconds(1); });
    {
        tests::sms_client c(all);
        if (!c.connected()) throw std::runtime_error("not connected");
        int done = 0;
        const auto began = std::chrono::steady_clock::now();
        for (int i = 0; i < senders; ++i)
            asio::co_spawn(all.on.context(), stream(&c, i * each, each, &done), asio::detached);
        if (!all.wait_until([&] { return done == total; }, std::chrono::minutes(5)))
            throw std::runtime_error("not all were sent");
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        std::printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"1/s\"}\n", name, total / took.count());
        std::fflush(stdout);
    }
    all.stop();
}

} // namespace

int main() {
    log::start(log::level::error, "text");
    measure(16, "cmpp_w16_per_s");
    measure(128, "cmpp_w128_per_s");
    return 0;
}
