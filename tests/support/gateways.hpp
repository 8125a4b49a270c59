// The simulated gateways and the clients to them in one test, on one loop.
#pragma once

#include "services/gateways/cmpp_client.hpp"
#include "services/gateways/smpp_client.hpp"
#include "services/gateways/wechat_client.hpp"
#include "services/simulator/simulator.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/detached.hpp>

#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>

namespace zhida::tests {

inline std::string nth_phone(int n) {
    auto digits = std::to_string(n);
    return "138" + std::string(8 - digits.size(), '0') + digits;
}

struct simulated {
    loop on;
    system_clock time;
    simulator_config settings;
    sms_config sms;
    wechat_config wechat, miniprogram = wechat_config::of_miniprogram();
    wecom_config wecom;
    gateways::own_codes codes; // of the clients
    std::unique_ptr<simulator::simulator> sim;
    bool sim_ended = false;

    simulated() {
        settings.cmpp_port = settings.wechat_port = 0;
        sms.secret = "888888";
        sms.response_timeout_s = 5;
        wechat.appid = "wx0123456789abcdef";
        wechat.secret = "0123456789abcdef0123456789abcdef";
        wechat.template_id = "TEMPLATE-1";
        wechat.timeout_ms = 1000;
    }
    // `prepare` may change the simulator's own options.
    void start(std::function<void(simulator::simulator&)> prepare = nullptr) {
        sim = std::make_unique<simulator::simulator>(on.executor(), time, settings, sms, wechat, miniprogram,
                                                     wecom);
        if (prepare) prepare(*sim);
        const auto bound = sim->listen();
        if (!bound) throw std::runtime_error(bound.error().text());
        sms.port = sms.protocol == "smpp" ? sim->smpp_port() : sim->cmpp_port();
        wechat.base_url = "http://127.0.0.1:" + std::to_string(sim->wechat_port());
        miniprogram.base_url = wecom.base_url = wechat.base_url;
        sim_ended = false;
        asio::co_spawn(on.context(), sim->run(), [this](std::exception_ptr e) {
            sim_ended = true;
            if (e) std::rethrow_exception(e);
        });
    }
    void stop() {
        if (!sim) return;
        sim->stop();
        wait_until([this] { return sim_ended; });
        sim.reset();
    }
    void rules(const char* text) {
        const auto errors = sim->faults().apply(parse_json(text).value());
        if (!errors.empty()) throw std::runtime_error(errors.front().text());
    }
    bool wait_until(std::function<bool()> holds, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (!holds()) {
            if (std::chrono::steady_clock::now() >= until) return false;
            on.run_for(std::chrono::milliseconds(2));
        }
        return true;
    }
};

// A client of the protocol that is set, with the receipts it got.
struct sms_client {
    simulated& all;
    std::vector<gateways::receipt> receipts;
    std::vector<gateways::inbound_sms> inbound;
    bool keep = true;                  // false: nothing can be made durable now
    std::chrono::milliseconds slow{0}; // until receipts are durable
    std::unique_ptr<gateways::wire_client> made;
    gateways::wire_client& client;
    bool ended = false;

    template <class Client>
    std::unique_ptr<gateways::wire_client> make(const clock& time) {
        return std::make_unique<Client>(
            all.on.executor(), time, all.sms, [this](auto some) { return take(this, std::move(some)); },
            [this](auto some) { return take_inbound(this, std::move(some)); }, all.codes);
    }
    explicit sms_client(simulated& s) : sms_client(s, s.time) {}
    // On a clock of its own: the simulators' goes on by itself.
    sms_client(simulated& s, const clock& time)
        : all(s), made(s.sms.protocol == "smpp" ? make<gateways::smpp_client>(time)
                                                : make<gateways::cmpp_client>(time)),
          client(*made) {
        asio::co_spawn(s.on.context(), client.run(), [this](std::exception_ptr e) {
            ended = true;
            if (e) std::rethrow_exception(e);
        });
    }
    ~sms_client() { stop(std::chrono::milliseconds(500)); }
    bool stop(milliseconds drain) {
        if (!ended) client.stop(drain);
        return all.wait_until([this] { return ended; });
    }
    static asio::awaitable<bool> take(sms_client* self, std::vector<gateways::receipt> some) {
        if (self->slow.count() > 0) co_await pause_for(self->slow);
        if (self->keep) std::move(some.begin(), some.end(), std::back_inserter(self->receipts));
        co_return self->keep;
    }
    static asio::awaitable<bool> take_inbound(sms_client* self, std::vector<gateways::inbound_sms> some) {
        if (self->keep) std::move(some.begin(), some.end(), std::back_inserter(self->inbound));
        co_return self->keep;
    }
    bool connected() {
        return all.wait_until([this] { return client.status().state == "connected"; });
    }
    gateways::send_result send(std::string phone, std::string text = "【直达演示】你好") {
        return all.on.run(one(this, std::move(phone), std::move(text)));
    }
    static asio::awaitable<gateways::send_result> one(sms_client* self, std::string phone, std::string text) {
        std::vector<gateways::sms_copy> copies;
        copies.push_back({std::move(phone),
                          std::make_shared<const gateways::sms_body>(gateways::plain_body(std::move(text)))});
        co_return std::move((co_await self->client.send_all(std::move(copies))).front());
    }
    static asio::awaitable<void> into(sms_client* self, std::string phone, std::string text,
                                      std::map<std::string, gateways::send_result>* out) {
        auto r = co_await one(self, phone, std::move(text));
        out->insert_or_assign(phone, std::move(r));
    }
    // All at once; results by phone.
    std::map<std::string, gateways::send_result> send_many(int from, int count, const std::string& text) {
        std::map<std::string, gateways::send_result> out;
        for (int i = from; i < from + count; ++i)
            asio::co_spawn(all.on.context(), into(this, nth_phone(i), text, &out), asio::detached);
        if (!all.wait_until([&] { return out.size() == static_cast<std::size_t>(count); }))
            throw std::runtime_error("not every send has ended");
        return out;
    }
};

} // namespace zhida::tests
