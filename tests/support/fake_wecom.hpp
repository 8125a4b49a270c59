// WeCom as far as a client sees it, on the test's own loop: answers are what the test says.
#pragma once

#include "common/base/json.hpp"
#include "common/io/http_server.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/co_spawn.hpp>

#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace zhida::tests {

struct fake_wecom {
    struct call {
        json body;
        std::string token; // or the robot's key
    };
    loop& on;
    std::unique_ptr<io::http_server> server;
    bool ended = false;

    std::string corpid = "ww0123456789abcdef", secret = "APPLICATION-SECRET_0123", token = "TOKEN1";
    int tokens_given = 0, token_calls = 0;
    std::vector<call> sent, robots;
    std::set<std::string> invalid; // folded, as the platform answers
    std::function<json(const json& body)> answer;
    std::function<json(const json& body)> robot_answer;
    int http_status = 200;
    std::chrono::milliseconds slow{0};

    explicit fake_wecom(loop& l) : on(l) {
        io::http_router router;
        router.add("GET", "/cgi-bin/gettoken", [this](io::http_request r) { return get_token(this, r); });
        router.add("POST", "/cgi-bin/message/send", [this](io::http_request r) { return send(this, r); });
        router.add("POST", "/cgi-bin/webhook/send", [this](io::http_request r) { return robot(this, r); });
        server =
            std::make_unique<io::http_server>(l.executor(), io::http_server_options{}, std::move(router));
        if (const auto bound = server->listen(); !bound) throw std::runtime_error(bound.error().text());
        asio::co_spawn(l.context(), server->run(), [this](std::exception_ptr) { ended = true; });
    }
    ~fake_wecom() {
        server->stop(std::chrono::milliseconds(100));
        for (int i = 0; i < 1000 && !ended; ++i) on.run_for(std::chrono::milliseconds(2));
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
    std::vector<std::string> members_of(std::size_t n) const {
        std::vector<std::string> out;
        const auto joined = sent.at(n).body.at("touser").get<std::string>();
        for (std::size_t at = 0; at <= joined.size();) {
            const auto end = std::min(joined.find('|', at), joined.size());
            out.push_back(joined.substr(at, end - at));
            at = end + 1;
        }
        return out;
    }
    static json ok(json more = json::object()) {
        more["errcode"] = 0;
        more["errmsg"] = "ok";
        return more;
    }
    static json error(int code, std::string what = "error") {
        return {{"errcode", code}, {"errmsg", std::move(what)}};
    }

  private:
    io::http_response reply(const json& body) const {
        io::http_response out;
        out.status = http_status;
        out.content_type = "application/json; charset=UTF-8";
        out.body = to_text(body);
        return out;
    }
    static asio::awaitable<io::http_response> get_token(fake_wecom* self, io::http_request r) {
        ++self->token_calls;
        if (r.query["corpid"] != self->corpid) co_return self->reply(error(40013, "invalid corpid"));
        if (r.query["corpsecret"] != self->secret)
            co_return self->reply(error(40001, "invalid credential " + r.query["corpsecret"]));
        ++self->tokens_given;
        co_return self->reply(ok({{"access_token", self->token}, {"expires_in", 7200}}));
    }
    static asio::awaitable<io::http_response> send(fake_wecom* self, io::http_request r) {
        if (self->slow.count() > 0) co_await pause_for(self->slow);
        if (r.query["access_token"] != self->token)
            co_return self->reply(error(40014, "invalid access_token"));
        self->sent.push_back({parse_json(r.body).value(), r.query["access_token"]});
        if (self->answer)
            if (auto a = self->answer(self->sent.back().body); !a.is_null()) co_return self->reply(a);
        auto a = ok({{"msgid", "M" + std::to_string(self->sent.size())}});
        std::string invalid;
        const auto members = self->members_of(self->sent.size() - 1);
        std::size_t bad = 0;
        for (auto m : members) {
            for (auto& c : m) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            if (!self->invalid.contains(m)) continue;
            invalid += (invalid.empty() ? "" : "|") + m;
            ++bad;
        }
        if (bad == members.size()) co_return self->reply(error(81013, "user & party & tag all invalid"));
        if (bad > 0) a["invaliduser"] = invalid;
        co_return self->reply(a);
    }
    static asio::awaitable<io::http_response> robot(fake_wecom* self, io::http_request r) {
        if (self->slow.count() > 0) co_await pause_for(self->slow);
        self->robots.push_back({parse_json(r.body).value(), r.query["key"]});
        co_return self->reply(self->robot_answer ? self->robot_answer(self->robots.back().body) : ok());
    }
};

} // namespace zhida::tests
