#include "services/gateways/wecom_client.hpp"

#include "common/base/log.hpp"
#include "common/io/http_client.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/cloud_reaction.hpp"
#include "services/gateways/wecom_answer.hpp"
#include "services/gateways/wecom_codes.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

namespace zhida::gateways {

namespace {

constexpr milliseconds stop_pause{300'000}; // then one may try whether somebody has mended it
constexpr milliseconds usual_pause{5'000};
constexpr milliseconds hour_pause{600'000}; // an hour's limit may end at any time of it
constexpr milliseconds between_alarms{60'000};

send_result not_sent(send_outcome outcome, std::string code, std::string detail, milliseconds after) {
    send_result r;
    r.outcome = outcome;
    r.code = std::move(code);
    r.detail = std::move(detail);
    r.retry_after = after;
    return r;
}

constexpr std::size_t most_codes = 100; // whoever answers for the platform may make them up

std::string code_text(std::int64_t errcode) {
    return "wecom:" + std::to_string(errcode);
}

std::string in_url(const std::string& text) {
    return boost::urls::encode(text, boost::urls::unreserved_chars);
}

struct in_flight_guard {
    std::int64_t& count;
    explicit in_flight_guard(std::int64_t& c) : count(c) { ++count; }
    ~in_flight_guard() { --count; }
};

} // namespace

struct wecom_client::impl : std::enable_shared_from_this<wecom_client::impl> {
    impl(asio::any_io_executor ex, const clock& c, wecom_config s)
        : time(c), settings(std::move(s)), http(std::move(ex), options_of(settings)) {
        since = time.now();
    }
    static io::http_client_options options_of(const wecom_config& s) {
        io::http_client_options o;
        o.base_url = s.base_url;
        o.connections = static_cast<std::size_t>(s.connections);
        o.timeout = std::chrono::milliseconds(s.timeout_ms);
        o.ca_file = s.ca_file;
        return o;
    }

    // The end of one call: an answer, or what becomes of all its recipients without one.
    struct call_end {
        std::optional<wecom_answer> answer;
        send_result without;
    };
    using members = std::vector<std::size_t>; // indexes into the userids of send()

    const clock& time;
    wecom_config settings;
    io::http_client http;
    std::optional<wechat_token_cache> tokens; // always
    channel_stop stop;                        // somebody must act, or the day must end
    channel_stop slow;                        // too fast: a pause, no stop
    gateway_status counters;
    std::string state = "connecting", last_error;
    wall_time since{};
    std::map<std::string, wall_time> alarmed;

    // A renewal may go on while the client is given up, so that it is asked for each time.
    static asio::awaitable<result<wechat_token>> fetch_token(std::weak_ptr<impl> of);
    static asio::awaitable<call_end> call(std::shared_ptr<impl> self, std::string body, steady_time begun);
    static asio::awaitable<std::vector<send_result>> send(std::shared_ptr<impl> self, wecom_text text,
                                                          std::vector<std::string> userids);
    void react(const wecom_answer& a, send_result& r);
    std::vector<send_result> results_of(const wecom_answer& a, const std::vector<std::string>& userids);
    send_result token_failed(const failure& why);
    std::optional<send_result> held_off() const;
    void enter(const char* new_state, std::string why);
    void alarm(const std::string& code, const std::string& what, const std::string& fix);
    void count(const send_result& r);
};

void wecom_client::impl::enter(const char* new_state, std::string why) {
    last_error = std::move(why);
    if (state == new_state) return;
    state = new_state;
    since = time.now();
    log::info("wecom_state", {{"state", state}, {"detail", last_error}});
}

void wecom_client::impl::alarm(const std::string& code, const std::string& what, const std::string& fix) {
    const bool known = alarmed.size() < most_codes || alarmed.contains(code);
    auto& last = alarmed[known ? code : "*"];
    if (last != wall_time{} && time.now() < last + between_alarms) return;
    last = time.now();
    log::error("wecom_refused", {{"code", code}, {"what", what}, {"fix", fix}});
}

// What keeps every message from being sent now.
std::optional<send_result> wecom_client::impl::held_off() const {
    const auto now = time.now();
    if (stop.stopped(now))
        return not_sent(send_outcome::stopped, stop.code(), stop.why(), stop.remaining(now));
    if (slow.stopped(now)) return not_sent(send_outcome::retry, slow.code(), slow.why(), slow.remaining(now));
    return std::nullopt;
}

asio::awaitable<result<wechat_token>> wecom_client::impl::fetch_token(std::weak_ptr<impl> of) {
    const auto self = of.lock();
    if (!self) co_return failure{errc::cancelled, "the application is not used any more", "", ""};
    const std::string path = "/cgi-bin/gettoken"; // all that may be told of the target
    const auto where = self->settings.base_url + path;
    // Asking again is harmless: the same token comes back.
    const auto reply = co_await self->http.request("GET",
                                                   path + "?corpid=" + in_url(self->settings.corpid) +
                                                       "&corpsecret=" + in_url(self->settings.secret),
                                                   {}, "", true);
    if (!reply) co_return reply.error();
    if (reply->status != 200)
        co_return failure{errc::unavailable, "HTTP " + std::to_string(reply->status), where, ""};
    const auto a = read_wecom_answer(*reply, {self->settings.secret});
    if (!a) co_return failure{errc::unavailable, a.error().what, where, a.error().fix};
    if (a->errcode != 0) {
        const auto& reaction = wecom_reaction_to(a->errcode);
        const auto code = code_text(a->errcode);
        const auto what = code + " " + reaction.words + ": " + a->errmsg;
        if (reaction.outcome == send_outcome::retry && reaction.then != wecom_reaction::next::slow_down)
            co_return failure{errc::unavailable, what, where, ""};
        // Whatever else keeps us from a token keeps every message: a stop, not one recipient's fault.
        send_result r;
        self->react(*a, r);
        if (r.outcome == send_outcome::rejected)
            self->stop.stop(self->time.now(), stop_pause, code, reaction.words + (": " + a->errmsg));
        co_return failure{errc::refused, what, where, reaction.text};
    }
    if (a->access_token.empty() || a->expires_in == 0)
        co_return failure{errc::unavailable, "an answer without a token", where, ""};
    co_return fetched_token(a->access_token, self->time.now(), milliseconds(1000 * a->expires_in));
}

send_result wecom_client::impl::token_failed(const failure& why) {
    if (auto off = held_off()) {
        enter(stop.stopped(time.now()) ? "stopped" : "connected", off->code + " " + off->detail);
        return std::move(*off);
    }
    enter("down", why.text());
    // No message has left: also after a time-out the token alone is in doubt.
    return not_sent(send_outcome::retry, "local:no_token", why.text(), usual_pause);
}

// What the code asks of us; `r` gets what every recipient of the call gets.
void wecom_client::impl::react(const wecom_answer& a, send_result& r) {
    using next = wecom_reaction::next;
    const auto& reaction = wecom_reaction_to(a.errcode);
    const auto now = time.now();
    r.outcome = reaction.outcome;
    r.code = code_text(a.errcode);
    r.detail = a.errcode == 0 ? "" : std::string(reaction.words) + ": " + a.errmsg;
    r.recipient_fault = reaction.recipient_fault;
    r.retry_after = milliseconds(reaction.retry_after_ms);
    if (reaction.alarm) alarm(r.code, a.errmsg, reaction.text);
    if (reaction.then == next::stop) stop.stop(now, stop_pause, r.code, r.detail);
    if (reaction.then == next::slow_down) {
        switch (wecom_limit_of(a.errmsg)) {
        case wecom_limit::minute:
            slow.stop(now, r.retry_after, r.code, r.detail);
            break;
        case wecom_limit::hour:
            slow.stop(now, hour_pause, r.code, r.detail);
            break;
        case wecom_limit::day:
            stop.stop(now, until_shanghai_midnight(now), r.code, r.detail);
            r.outcome = send_outcome::stopped;
            break;
        }
        r.retry_after = std::max({r.retry_after, slow.remaining(now), stop.remaining(now)});
    }
    if (stop.stopped(now)) {
        enter("stopped", r.code + " " + r.detail);
        if (r.outcome == send_outcome::stopped) r.retry_after = stop.remaining(now);
    } else {
        enter("connected", r.outcome == send_outcome::retry ? r.code + " " + r.detail : "");
    }
}

std::vector<send_result> wecom_client::impl::results_of(const wecom_answer& a,
                                                        const std::vector<std::string>& userids) {
    send_result common;
    react(a, common);
    if (common.outcome == send_outcome::accepted) {
        common.delivered = true;
        if (!a.msgid.empty()) common.message_ids = {a.msgid};
    }
    std::vector<send_result> out(userids.size(), common);
    if (common.outcome != send_outcome::accepted) return out;
    const auto refuse = [](send_result& r, const char* code, const char* why) {
        r = not_sent(send_outcome::rejected, code, why, {});
        r.recipient_fault = "not_following";
    };
    for (std::size_t i = 0; i < userids.size(); ++i) {
        const auto id = folded_userid(userids[i]);
        if (a.invalid.contains(id))
            refuse(out[i], "wecom:invaliduser", "不是成员，或不在应用可见范围");
        else if (a.unlicensed.contains(id))
            refuse(out[i], "wecom:unlicenseduser", "没有接口许可");
    }
    return out;
}

asio::awaitable<wecom_client::impl::call_end> wecom_client::impl::call(std::shared_ptr<impl> self,
                                                                       std::string body, steady_time begun) {
    std::string failed;
    for (int attempt = 0;; ++attempt) {
        const auto token = co_await self->tokens->get(failed);
        if (!token) co_return call_end{std::nullopt, self->token_failed(token.error())};
        if (self->time.steady_now() > begun + milliseconds(self->settings.timeout_ms))
            co_return call_end{std::nullopt, not_sent(send_outcome::retry, "local:late",
                                                      "no time left to begin with it", usual_pause)};
        // The platform drops a repetition of the same text, so that it may be sent twice.
        const auto reply =
            co_await self->http.request("POST", "/cgi-bin/message/send?access_token=" + in_url(*token),
                                        {{"content-type", "application/json; charset=utf-8"}}, body, true);
        if (!reply) {
            const auto& why = reply.error();
            self->enter("down", why.text());
            const bool sent = why.code == errc::timeout;
            co_return call_end{
                std::nullopt,
                sent ? not_sent(send_outcome::unknown, "local:no_answer", why.text(), {})
                     : not_sent(send_outcome::retry, "local:not_connected", why.text(), usual_pause)};
        }
        if (reply->status != 200) {
            auto why = "HTTP " + std::to_string(reply->status);
            self->enter("down", why);
            auto r = not_sent(send_outcome::retry, "http:" + std::to_string(reply->status), std::move(why),
                              reply->status >= 500 ? usual_pause : usual_pause * 6);
            r.in_doubt = reply->status >= 500; // whoever answers for the platform may have passed it on
            co_return call_end{std::nullopt, std::move(r)};
        }
        auto a = read_wecom_answer(*reply, {*token, self->settings.secret});
        if (!a)
            co_return call_end{std::nullopt,
                               not_sent(send_outcome::unknown, "local:unreadable", a.error().text(), {})};
        if (wecom_reaction_to(a->errcode).then == wecom_reaction::next::refresh_token && attempt == 0) {
            failed = *token;
            continue;
        }
        co_return call_end{std::move(*a), {}};
    }
}

asio::awaitable<std::vector<send_result>>
wecom_client::impl::send(std::shared_ptr<impl> self, wecom_text text, std::vector<std::string> userids) {
    const auto begun = self->time.steady_now();
    std::vector<send_result> results(userids.size());
    std::deque<members> calls;
    for (std::size_t i = 0; i < userids.size(); ++i) {
        if (!valid_userid(userids[i])) {
            results[i] = not_sent(send_outcome::rejected, "local:userid", "不是企业微信 userid", {});
            results[i].recipient_fault = "bad_number";
            continue;
        }
        if (calls.empty() || calls.back().size() == most_wecom_recipients) calls.emplace_back();
        calls.back().push_back(i);
    }
    for (; !calls.empty(); calls.pop_front()) {
        const auto of = calls.front();
        const auto give = [&](const send_result& r) {
            for (const auto i : of) results[i] = r;
        };
        if (const auto off = self->held_off()) {
            give(*off);
            continue;
        }
        std::vector<std::string> to;
        for (const auto i : of) to.push_back(userids[i]);
        const auto end = co_await call(self, wecom_body(text, to, self->settings.agentid), begun);
        if (!end.answer) {
            give(end.without);
            continue;
        }
        // One is at fault and nobody is told which: both halves, until it stands alone.
        if (of.size() > 1 && wecom_reaction_to(end.answer->errcode).then == wecom_reaction::next::split) {
            const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
            calls.emplace_back(of.begin(), middle);
            calls.emplace_back(middle, of.end());
            continue;
        }
        auto answered = self->results_of(*end.answer, to);
        for (std::size_t k = 0; k < of.size(); ++k) results[of[k]] = std::move(answered[k]);
    }
    co_return results;
}

void wecom_client::impl::count(const send_result& r) {
    if (r.outcome != send_outcome::accepted && !r.code.empty()) {
        const bool known = counters.codes.size() < most_codes || counters.codes.contains(r.code);
        ++counters.codes[known ? r.code : "wecom:*"];
    }
    switch (r.outcome) {
    case send_outcome::accepted:
        ++counters.accepted;
        break;
    case send_outcome::rejected:
        ++counters.rejected;
        break;
    case send_outcome::unknown:
        ++counters.unknown;
        break;
    case send_outcome::retry:
    case send_outcome::stopped:
        ++counters.retried;
        break;
    }
}

wecom_client::wecom_client(asio::any_io_executor executor, const clock& time, wecom_config settings,
                           wechat_token_store tokens)
    : impl_(std::make_shared<impl>(executor, time, std::move(settings))) {
    impl_->tokens.emplace(executor, time, std::move(tokens),
                          [of = std::weak_ptr(impl_)] { return impl::fetch_token(of); });
}
wecom_client::~wecom_client() {
    close();
}

asio::awaitable<std::vector<send_result>> wecom_client::send(wecom_text text,
                                                             std::vector<std::string> userids) {
    const auto self = impl_;
    if (const auto off = self->held_off()) co_return std::vector<send_result>(userids.size(), *off);
    const in_flight_guard guard(self->counters.in_flight);
    self->counters.sent += static_cast<std::int64_t>(userids.size());
    auto all = co_await impl::send(self, std::move(text), std::move(userids));
    for (const auto& r : all) self->count(r);
    co_return all;
}

asio::awaitable<void> wecom_client::probe() {
    const auto self = impl_;
    if (const auto token = co_await self->tokens->get())
        self->enter("connected", "");
    else
        (void)self->token_failed(token.error());
}

milliseconds wecom_client::stopped_for() const {
    return impl_->stop.remaining(impl_->time.now());
}

gateway_status wecom_client::status() const {
    auto s = impl_->counters;
    s.name = "wecom";
    s.protocol = "WeCom";
    s.state = impl_->state;
    s.detail = impl_->last_error;
    // A stop that has ended is not "stopped" any more, though nothing has been sent since.
    if (s.state == "stopped" && !impl_->stop.stopped(impl_->time.now())) s.state = "connecting";
    s.window = impl_->settings.connections;
    s.since_ms = impl_->since.time_since_epoch().count();
    return s;
}

void wecom_client::resume() {
    impl_->stop.resume();
    impl_->slow.resume();
    if (impl_->state == "stopped") impl_->enter("connecting", "");
}

void wecom_client::close() {
    impl_->http.close();
}

} // namespace zhida::gateways
