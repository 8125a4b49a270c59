// Template messages to the simulated WeChat platform on this machine: client and simulator have a thread
// each. All sent as fast as they go, 64 at once over as many connections kept alive; the median of three
// runs, each with a simulator of its own:
//   wechat_per_s          by wechat_client under TLS
//   wechat_client_us, wechat_simulator_us  processor time a message of each thread
//   wechat_plain_per_s    the same in clear
//   wechat_bare_per_s     the same requests, made before, under TLS by a loop that writes and reads, without
//                         deadlines, token or log: about what the simulator lets through
//   wechat_ratio_to_bare  the first over that
// And at wechat_delay_at_per_s, coming in at random (exponential gaps, the same for both). That is 10,000, or
// a third of wechat_per_s where that is less: one at a time they cost more than 64 at once, and this
// machine's limit for them is about half of wechat_per_s.
//   wechat_p99_ms, wechat_bare_p99_ms, wechat_p99_ratio_to_bare
//                         from when a message was due until its result
//   wechat_added_p99_ms   wechat_p99_ms less the shortest time in which the simulator answered any message:
//                         at most what our side adds, for TLS, the loopback and waiting for the simulator's
//                         one thread are in it
// Argument: messages a run (100000).
#include "common/base/log.hpp"
#include "services/gateways/wechat_client.hpp"
#include "services/simulator/simulator.hpp"
#include "tests/bench/support/measure.hpp"
#include "tests/support/certificate.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <pthread.h>
#include <random>
#include <thread>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace zhida;
using bench::own_cpu_s;
using bench::print;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t at_once = 64;

double seconds_since(clock_type::time_point then) {
    return std::chrono::duration<double>(clock_type::now() - then).count();
}

void rethrow(std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
}

template <class Condition>
void run_until(asio::io_context& io, Condition holds) {
    io.restart(); // it stops where nothing is left to do
    while (!holds())
        if (io.run_one() == 0) throw std::runtime_error("nothing is left to wait for");
}

// The simulator with its server, in a thread of its own until finish().
class platform {
  public:
    explicit platform(const tests::certificate* certificate) : io_(1) {
        account_.appid = "wx0123456789abcdef";
        account_.secret = "0123456789abcdef0123456789abcdef";
        account_.template_id = "TEMPLATE-1";
        account_.connections = at_once;
        simulator_config settings;
        settings.cmpp_port = settings.smpp_port = settings.wechat_port = 0;
        sim_.emplace(io_.get_executor(), time_, settings, sms_config{}, account_, wechat_config{},
                     wecom_config{});
        sim_->wechat_options().daily_quota = sim_->wechat_options().per_minute = 1'000'000'000;
        sim_->http_options().on_done = [this](const auto&, const auto&, int, std::chrono::microseconds took) {
            shortest_ = std::min(shortest_, took);
        };
        if (certificate) {
            sim_->http_options().certificate_file = account_.ca_file = certificate->file();
            sim_->http_options().key_file = certificate->key();
        }
        sim_->listen().value();
        account_.base_url =
            (certificate ? "https://localhost:" : "http://localhost:") + std::to_string(sim_->wechat_port());
        asio::co_spawn(io_, sim_->run(), rethrow);
        thread_ = std::thread([this] { io_.run(); });
        ::pthread_setname_np(thread_.native_handle(), "simulator");
    }
    ~platform() {
        if (thread_.joinable()) finish(0);
    }
    const wechat_config& account() const { return account_; }
    std::uint16_t port() const { return sim_->wechat_port(); }
    // The shortest time that any request took, from its head to the end of its answer, in milliseconds.
    double finish(std::int64_t expected) {
        asio::post(io_, [this] { sim_->stop(); });
        thread_.join();
        const auto stats = sim_->wechat().stats();
        if (expected > 0 && (stats.accepted != expected || stats.duplicates > 0 || !stats.errors.empty()))
            throw std::runtime_error("the simulator did not get each message once");
        return static_cast<double>(shortest_.count()) / 1000;
    }

  private:
    asio::io_context io_;
    system_clock time_;
    wechat_config account_;
    std::optional<simulator::simulator> sim_;
    std::chrono::microseconds shortest_{std::chrono::hours(1)};
    std::thread thread_;
};

gateways::wechat_message nth_message(std::size_t n) {
    const auto number = std::to_string(n);
    gateways::wechat_message m;
    m.openid = "oBench-" + std::string(21 - number.size(), '0') + number;
    m.client_msg_id = "bench-campaign-" + number;
    m.url = "https://zhida.example/notices/" + number;
    m.data = {{"thing1", "高新技术企业认定补贴申报"},
              {"thing2", "最高可获30万元补贴"},
              {"thing3", "市科学技术局"},
              {"thing4", "2026-12-31截止"}};
    return m;
}

// ---- who sends

struct ours {
    system_clock time;
    gateways::wechat_client client;

    ours(asio::io_context& io, const platform& to, std::size_t /*messages*/)
        : client(io.get_executor(), time, to.account(), {}) {}
    asio::awaitable<bool> send(std::size_t n) {
        co_return (co_await client.send(nth_message(n))).outcome == gateways::send_outcome::accepted;
    }
};

class bare {
  public:
    bare(asio::io_context& io, const platform& to, std::size_t messages)
        : executor_(io.get_executor()), context_(asio::ssl::context::tls_client), to_(to),
          turn_(executor_, clock_type::time_point::max()) {
        context_.load_verify_file(to.account().ca_file);
        context_.set_verify_mode(asio::ssl::verify_peer);
        json token;
        asio::co_spawn(io, ask_for_token(), [&](std::exception_ptr thrown, json got) {
            rethrow(thrown);
            token = std::move(got);
        });
        run_until(io, [&] { return !token.is_null(); });
        const auto target =
            "/cgi-bin/message/template/send?access_token=" + token.at("access_token").get<std::string>();
        requests_.reserve(messages);
        for (std::size_t n = 0; n < messages; ++n)
            requests_.push_back(post(target, gateways::wechat_body(nth_message(n), to.account()).value()));
    }
    asio::awaitable<bool> send(std::size_t n) {
        auto c = co_await free_connection();
        const auto answer = co_await exchange(*c, requests_[n]);
        give_back(std::move(c));
        co_return answer.find("\"errcode\":0") != std::string::npos;
    }

  private:
    struct connection {
        connection(asio::any_io_executor executor, asio::ssl::context& context) : tls(executor, context) {}
        asio::ssl::stream<tcp::socket> tls;
        boost::beast::flat_buffer buffer;
    };

    static std::string post(const std::string& target, const std::string& body) {
        return "POST " + target +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\n"
               "Content-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    static asio::awaitable<std::string> exchange(connection& c, const std::string& request) {
        co_await asio::async_write(c.tls, asio::buffer(request), asio::use_awaitable);
        http::response<http::string_body> answer;
        co_await http::async_read(c.tls, c.buffer, answer, asio::use_awaitable);
        co_return std::move(answer.body());
    }
    asio::awaitable<std::unique_ptr<connection>> dial() {
        auto c = std::make_unique<connection>(executor_, context_);
        co_await c->tls.next_layer().async_connect({asio::ip::address_v4::loopback(), to_.port()},
                                                   asio::use_awaitable);
        c->tls.next_layer().set_option(tcp::no_delay(true));
        co_await c->tls.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
        co_return c;
    }
    // Of at most as many as wechat_client has.
    asio::awaitable<std::unique_ptr<connection>> free_connection() {
        if (free_.empty() && opened_ < at_once) {
            ++opened_;
            co_return co_await dial();
        }
        boost::system::error_code woken;
        while (free_.empty()) co_await turn_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        auto c = std::move(free_.back());
        free_.pop_back();
        co_return c;
    }
    void give_back(std::unique_ptr<connection> c) {
        free_.push_back(std::move(c));
        turn_.cancel_one();
    }
    asio::awaitable<json> ask_for_token() {
        auto c = co_await free_connection();
        const json body = {{"grant_type", "client_credential"},
                           {"appid", to_.account().appid},
                           {"secret", to_.account().secret}};
        const auto request = post("/cgi-bin/stable_token", to_text(body));
        auto answer = parse_json(co_await exchange(*c, request)).value();
        give_back(std::move(c));
        co_return answer;
    }

    asio::any_io_executor executor_;
    asio::ssl::context context_;
    const platform& to_;
    std::vector<std::string> requests_;
    std::vector<std::unique_ptr<connection>> free_;
    std::size_t opened_ = 0;
    asio::steady_timer turn_; // of who waits for one
};

// ---- how they are sent

struct progress {
    std::size_t next, end, under_way;
};

void expect(bool accepted) {
    if (!accepted) throw std::runtime_error("a message was not accepted");
}

template <class Sender>
asio::awaitable<void> keep_sending(Sender* by, progress* p) {
    while (p->next < p->end) expect(co_await by->send(p->next++));
    --p->under_way;
}

template <class Sender>
void send_all(asio::io_context& io, Sender& by, std::size_t from, std::size_t to) {
    progress p{from, to, at_once};
    for (std::size_t i = 0; i < at_once; ++i) asio::co_spawn(io, keep_sending(&by, &p), rethrow);
    run_until(io, [&] { return p.under_way == 0; });
}

template <class Sender>
asio::awaitable<void> send_one(Sender* by, std::size_t n, clock_type::time_point due,
                               std::vector<double>* took) {
    expect(co_await by->send(n));
    took->push_back(seconds_since(due));
}

template <class Sender>
asio::awaitable<void> send_at_random(asio::io_context* io, Sender* by, std::size_t from, std::size_t to,
                                     double per_s, std::vector<double>* took) {
    std::mt19937_64 random(1);
    std::exponential_distribution<double> gap(per_s);
    asio::steady_timer timer(*io);
    for (auto due = clock_type::now(); from < to; ++from) {
        due += std::chrono::nanoseconds(std::llround(gap(random) * 1e9));
        timer.expires_at(due);
        co_await timer.async_wait(asio::use_awaitable);
        asio::co_spawn(*io, send_one(by, from, due, took), rethrow);
    }
}

// ---- what is measured

double median(std::array<double, 3> of) {
    std::sort(of.begin(), of.end());
    return of[1];
}

struct rates {
    std::array<double, 3> per_s, client_us, simulator_us;
};

template <class Sender>
void measure_rate(const tests::certificate* certificate, std::size_t messages, std::size_t run, rates& into) {
    asio::io_context io(1);
    platform to(certificate);
    const auto warm = messages / 10, all = warm + messages;
    Sender by(io, to, all);
    send_all(io, by, 0, warm);
    const auto cpu = own_cpu_s(), simulator_cpu = bench::thread_cpu_s("simulator");
    const auto began = clock_type::now();
    send_all(io, by, warm, all);
    const auto n = static_cast<double>(messages);
    into.per_s[run] = n / seconds_since(began);
    into.client_us[run] = (own_cpu_s() - cpu) * 1e6 / n;
    into.simulator_us[run] = (bench::thread_cpu_s("simulator") - simulator_cpu) * 1e6 / n;
    to.finish(static_cast<std::int64_t>(all));
}

struct delays {
    std::array<double, 3> p99_ms, added_ms;
};

template <class Sender>
void measure_delay(const tests::certificate& certificate, std::size_t messages, double per_s, std::size_t run,
                   delays& into) {
    asio::io_context io(1);
    platform to(&certificate);
    const auto warm = messages / 10, all = warm + messages;
    Sender by(io, to, all);
    send_all(io, by, 0, warm);
    std::vector<double> took;
    took.reserve(messages);
    asio::co_spawn(io, send_at_random(&io, &by, warm, all, per_s, &took), rethrow);
    run_until(io, [&] { return took.size() == messages; });
    const auto shortest_ms = to.finish(static_cast<std::int64_t>(all));
    std::sort(took.begin(), took.end());
    into.p99_ms[run] = took[(took.size() * 99 + 99) / 100 - 1] * 1000;
    into.added_ms[run] = into.p99_ms[run] - shortest_ms;
}

} // namespace

int main(int argc, char** argv) try {
    const auto messages =
        static_cast<std::size_t>(argc > 1 ? std::max(1000LL, std::atoll(argv[1])) : 100'000);
    log::start(log::level::error, "text");
    const tests::certificate certificate;

    rates tls{}, plain{}, peer{};
    for (std::size_t run = 0; run < 3; ++run) {
        measure_rate<ours>(&certificate, messages, run, tls);
        measure_rate<bare>(&certificate, messages, run, peer);
        measure_rate<ours>(nullptr, messages, run, plain);
    }
    print("wechat_per_s", median(tls.per_s), "1/s");
    print("wechat_client_us", median(tls.client_us), "us");
    print("wechat_simulator_us", median(tls.simulator_us), "us");
    print("wechat_plain_per_s", median(plain.per_s), "1/s");
    print("wechat_bare_per_s", median(peer.per_s), "1/s");
    print("wechat_ratio_to_bare", median(tls.per_s) / median(peer.per_s), "");

    const auto delay_at = std::min(10'000.0, median(tls.per_s) / 3);
    print("wechat_delay_at_per_s", delay_at, "1/s");
    delays own{}, of_peer{};
    for (std::size_t run = 0; run < 3; ++run) {
        measure_delay<ours>(certificate, messages / 2, delay_at, run, own);
        measure_delay<bare>(certificate, messages / 2, delay_at, run, of_peer);
    }
    print("wechat_p99_ms", median(own.p99_ms), "ms");
    print("wechat_bare_p99_ms", median(of_peer.p99_ms), "ms");
    print("wechat_p99_ratio_to_bare", median(own.p99_ms) / median(of_peer.p99_ms), "");
    print("wechat_added_p99_ms", median(own.added_ms), "ms");
    return 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
