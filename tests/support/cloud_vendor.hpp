// A cloud's SMS service as a script: it answers as it is told to, and remembers what it was asked.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/config.hpp"
#include "common/base/json.hpp"
#include "common/io/http_decode.hpp"
#include "common/io/http_server.hpp"
#include "services/gateways/sms_gateway.hpp"
#include "tests/support/loop.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

namespace zhida::tests {

// Real time, but for the day: whatever depends on it finds the same noon in every run.
class noon_clock final : public clock {
  public:
    wall_time now() const noexcept override { return noon_ + (steady_now() - start_); }
    steady_time steady_now() const noexcept override { return real_.steady_now(); }

  private:
    system_clock real_;
    wall_time noon_{milliseconds(1'795'406'400'000)}; // 2026-11-23 12:00 in Shanghai
    steady_time start_ = real_.steady_now();
};

class cloud_vendor {
  public:
    using answer = std::function<asio::awaitable<io::http_response>(const io::http_request&)>;

    loop on;
    noon_clock time;
    sms_gateway_config settings;
    std::vector<io::http_request> asked;
    std::map<std::string, std::set<std::string>> taken; // Aliyun: OutIds by number
    std::int64_t messages = 0;                          // taken in all
    std::vector<answer> script;                         // the next answers; then `otherwise`
    answer otherwise;
    int under_way = 0, most_under_way = 0;

    cloud_vendor() {
        settings.access_key = "testid";
        settings.secret = "testsecret";
        settings.app_id = "1400006666";
        settings.connections = 4;
        settings.response_timeout_s = 5;
        start();
    }
    ~cloud_vendor() { stop(); }
    cloud_vendor(const cloud_vendor&) = delete;
    cloud_vendor& operator=(const cloud_vendor&) = delete;

    void start() {
        io::http_router routes;
        routes.add("POST", "/", [this](io::http_request r) { return serve(this, std::move(r)); });
        io::http_server_options o;
        o.port = port_;
        server_ = std::make_unique<io::http_server>(on.executor(), o, std::move(routes));
        if (const auto bound = server_->listen(); !bound) throw std::runtime_error(bound.error().text());
        port_ = server_->port();
        settings.base_url = "http://127.0.0.1:" + std::to_string(port_);
        ended_ = false;
        asio::co_spawn(on.context(), server_->run(), [this](std::exception_ptr e) {
            ended_ = true;
            if (e) std::rethrow_exception(e);
        });
    }
    void stop() {
        if (!server_) return;
        server_->stop(milliseconds(0));
        wait_until([this] { return ended_; });
        server_.reset();
    }
    bool wait_until(std::function<bool()> holds, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto until = std::chrono::steady_clock::now() + limit;
        while (!holds()) {
            if (std::chrono::steady_clock::now() >= until) return false;
            on.run_for(std::chrono::milliseconds(2));
        }
        return true;
    }
    std::size_t count(const std::string& action) const {
        std::size_t n = 0;
        for (const auto& r : asked) n += action_of(r) == action;
        return n;
    }
    static std::string action_of(const io::http_request& r) {
        const auto aliyun = r.header("x-acs-action");
        return aliyun.empty() ? r.header("x-tc-action") : aliyun;
    }

    static answer text(int status, std::string body) {
        return [=](const io::http_request&) { return just(status, body); };
    }
    static answer aliyun_code(std::string code, std::string message = "", int status = 200) {
        return text(status, to_text({{"Code", code}, {"Message", message}, {"RequestId", "1"}}));
    }
    // Takes it, and the client, who waits a second, does not hear of it.
    answer taken_in_silence() {
        return [this](const io::http_request& r) { return late(otherwise(r)); };
    }
    static answer silence() {
        return [](const io::http_request&) { return late(just(200, "{}")); };
    }

    // Aliyun as it should be.
    void be_aliyun() {
        otherwise = [this](const io::http_request& r) { return just(200, aliyun(r)); };
    }
    std::string aliyun(const io::http_request& r) {
        const auto action = action_of(r);
        if (action == "QuerySendDetails") {
            json list = json::array();
            for (const auto& id : taken[r.query.at("PhoneNumber")])
                list.push_back({{"OutId", id}, {"SendStatus", 1}});
            return to_text({{"Code", "OK"},
                            {"TotalCount", list.size()},
                            {"SmsSendDetailDTOs", {{"SmsSendDetailDTO", list}}}});
        }
        const auto out_id = action == "SendSms" ? r.query.at("OutId") : form(r).at("OutId");
        for (const auto& phone : phones(r)) {
            taken[phone].insert(out_id);
            ++messages;
        }
        return to_text({{"Code", "OK"}, {"BizId", "900" + std::to_string(asked.size()) + "^0"}});
    }
    static std::map<std::string, std::string> form(const io::http_request& r) {
        return io::decode_form(r.body).value();
    }
    // Of a request to either vendor, as it writes them.
    static std::vector<std::string> phones(const io::http_request& r) {
        const auto action = r.header("x-acs-action");
        if (action.empty()) return parse_json(r.body)->at("PhoneNumberSet").get<std::vector<std::string>>();
        if (action == "SendBatchSms")
            return parse_json(form(r).at("PhoneNumberJson"))->get<std::vector<std::string>>();
        std::vector<std::string> out;
        const auto& all = r.query.at("PhoneNumbers");
        for (std::size_t at = 0; at < all.size(); at += 12) out.push_back(all.substr(at, 11));
        return out;
    }

    // Tencent as it should be; numbers with a code of their own get that.
    std::map<std::string, std::string> codes; // by "+86..."
    json statuses = json::array();            // for PullSmsSendStatus
    void be_tencent() {
        otherwise = [this](const io::http_request& r) { return just(200, tencent(r)); };
    }
    std::string tencent(const io::http_request& r) {
        json out = json::object();
        if (action_of(r) == "PullSmsSendStatus") {
            out["PullSmsSendStatusSet"] = std::exchange(statuses, json::array());
        } else {
            out["SendStatusSet"] = json::array();
            for (const auto& phone : phones(r)) {
                const auto found = codes.find(phone);
                const auto code = found == codes.end() ? "Ok" : found->second;
                messages += code == "Ok";
                out["SendStatusSet"].push_back({{"SerialNo", code == "Ok" ? "5000:" + phone.substr(3) : ""},
                                                {"PhoneNumber", phone},
                                                {"Code", code},
                                                {"Message", "as told"}});
            }
        }
        return to_text({{"Response", out}});
    }

    static asio::awaitable<io::http_response> just(int status, std::string body) {
        io::http_response r;
        r.status = status;
        r.content_type = "application/json";
        r.body = std::move(body);
        co_return r;
    }

  private:
    static asio::awaitable<io::http_response> late(asio::awaitable<io::http_response> then) {
        auto r = co_await std::move(then);
        co_await pause_for(std::chrono::seconds(2));
        co_return r;
    }
    static asio::awaitable<io::http_response> serve(cloud_vendor* self, io::http_request r) {
        self->asked.push_back(r);
        self->most_under_way = std::max(self->most_under_way, ++self->under_way);
        auto how = self->otherwise;
        if (!self->script.empty()) {
            how = self->script.front();
            self->script.erase(self->script.begin());
        }
        auto out = co_await how(r);
        --self->under_way;
        co_return out;
    }

    std::unique_ptr<io::http_server> server_;
    std::uint16_t port_ = 0;
    bool ended_ = true;
};

} // namespace zhida::tests
