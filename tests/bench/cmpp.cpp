// SUBMITs a second over one CMPP connection to a sink on the same machine (client and sink have a thread
// each):
//   cmpp_w16_per_s, cmpp_w128_per_s   with a window of 16 and of 128
// and what a gateway that takes connections and answers nothing costs the one beside it, window 128:
//   black_hole_alone_per_s            over the good gateway alone
//   black_hole_beside_per_s           over both, the other one as heavy; what it swallowed is not counted
//   black_hole_ratio                  the second over the first: 1 where it costs nothing
// Argument: messages (1000000).
#include "common/base/log.hpp"
#include "services/gateways/cmpp_client.hpp"
#include "services/gateways/sms_router.hpp"
#include "tests/bench/support/cmpp_sink.hpp"
#include "tests/bench/support/measure.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace zhida;
using bench::print;

const std::string secret = "simulated";

struct progress {
    std::size_t next = 0, total = 0, accepted = 0, streams = 0;
    bool over = false; // enough is accepted: who still waits is not waited for
};

std::string phone_of(std::size_t n) {
    const auto digits = std::to_string(n);
    return "138" + std::string(8 - digits.size(), '0') + digits;
}

asio::awaitable<void> stream(gateways::sms_router* to, std::shared_ptr<const gateways::sms_body> body,
                             progress* p) {
    while (p->accepted < p->total && !p->over) {
        auto place = co_await to->admit();
        std::vector<gateways::sms_copy> copies;
        copies.reserve(place.room);
        for (std::size_t i = 0; i < place.room; ++i) copies.push_back({phone_of(p->next++), body});
        for (const auto& r : co_await to->send_all(std::move(copies), std::move(place)))
            if (r.outcome == gateways::send_outcome::accepted) ++p->accepted;
    }
    --p->streams;
}

template <class Condition>
void run_until(asio::io_context& io, Condition holds) {
    while (!holds()) io.run_one();
}

sms_gateway_config gateway(const std::string& name, const bench::cmpp_sink& sink, std::int64_t window) {
    sms_gateway_config g;
    g.name = name;
    g.secret = secret;
    g.port = sink.port();
    g.window = window;
    return g;
}

double rate_over(std::vector<sms_gateway_config> gateways_there, std::size_t total) {
    asio::io_context io(1);
    system_clock time;
    gateways::sms_router router(
        io.get_executor(), time, gateways_there,
        [](std::vector<gateways::receipt>) -> asio::awaitable<bool> { co_return true; },
        [](std::vector<gateways::inbound_sms>) -> asio::awaitable<bool> { co_return true; },
        [&](const sms_gateway_config& g, auto receipts, auto inbound) {
            return std::make_unique<gateways::cmpp_client>(io.get_executor(), time, g, std::move(receipts),
                                                           std::move(inbound));
        });
    bool ended = false;
    asio::co_spawn(io, router.run(), [&](std::exception_ptr) { ended = true; });
    run_until(io, [&] {
        for (const auto& s : router.statuses())
            if (s.state != "connected") return false;
        return true;
    });
    const auto body = std::make_shared<const gateways::sms_body>(gateways::plain_body(
        "【直达演示】合成数据：按现有数据，您可关注“企业事项”，补贴，2026-12-31截止。拒收请回复R"));
    progress p{0, total, 0, router.batches(), false};
    const auto began = time.steady_now();
    for (std::size_t i = 0; i < router.batches(); ++i)
        asio::co_spawn(io, stream(&router, body, &p), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    run_until(io, [&] { return p.accepted >= total; });
    const auto took = std::chrono::duration<double>(time.steady_now() - began).count();
    p.over = true;
    router.stop(milliseconds(200));
    run_until(io, [&] { return ended && p.streams == 0; });
    return static_cast<double>(p.accepted) / took;
}

} // namespace

int main(int argc, char** argv) try {
    const auto total = static_cast<std::size_t>(argc > 1 ? std::atoll(argv[1]) : 1'000'000);
    log::start(log::level::error, "text");
    for (const std::int64_t window : {16, 128}) {
        bench::cmpp_sink sink({.secret = secret, .expected = total});
        print("cmpp_w" + std::to_string(window) + "_per_s", rate_over({gateway("sms", sink, window)}, total),
              "1/s");
    }
    double alone = 0;
    {
        bench::cmpp_sink sink({.secret = secret, .expected = total});
        alone = rate_over({gateway("good", sink, 128)}, total);
    }
    bench::cmpp_sink sink({.secret = secret, .expected = total}), hole({.secret = secret, .answers = false});
    const auto beside = rate_over({gateway("good", sink, 128), gateway("hole", hole, 128)}, total);
    print("black_hole_alone_per_s", alone, "1/s");
    print("black_hole_beside_per_s", beside, "1/s");
    print("black_hole_ratio", beside / alone, "");
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
