#include "services/gateways/wechat_client.hpp"

#include "common/base/log.hpp"
#include "common/io/http_client.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/wechat_codes.hpp"

#include <map>

namespace zhida::gateways {

namespace {

constexpr milliseconds credentials_pause{300'000}; // then one may try whether somebody has mended it
constexpr milliseconds usual_pause{5'000};

milliseconds until_midnight(wall_time now) { // in Shanghai: quotas are counted by its days
    const wall_time next{std::chrono::days(shanghai_day(now) + 1)};
    return next - std::chrono::hours(8) - now;
}

send_result not_sent(send_outcome outcome, std::string code, std::string detail, milliseconds after) {
    send_result r;
    r.outcome = outcome;
    r.code = std::move(code);
    r.detail = std::move(detail);
    r.retry_after = after;
    return r;
}

std::string code_text(std::int64_t errcode) {
    return "wechat:" + std::to_string(errcode);
}

// An answer of the platform: {"errcode":0,"errmsg":"ok","msgid":...}; errcode is absent in answers with a
// token.
struct answer {
    std::int64_t errcode = 0;
    std::string errmsg;
    json body;
};
result<answer> read_answer(const io::http_reply& reply) {
    auto body = parse_json(reply.body);
    if (!body || !body->is_object())
        return failure{errc::invalid,
                       "HTTP " + std::to_string(reply.status) + " with a body that is no JSON object", "",
                       "a proxy in between may have answered"};
    answer a;
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    a.errcode = in.integer("errcode", false, INT32_MIN, INT32_MAX).value_or(0);
    a.errmsg = in.text("errmsg", false).value_or("");
    if (!errors.empty()) return errors.front();
    a.body = std::move(*body);
    return ok(std::move(a));
}

} // namespace

result<std::string> wechat_body(const wechat_message& m, const std::string& default_template_id) {
    json data = json::object();
    for (const auto& [key, value] : m.data) {
        auto fitted = fit_wechat_field(key, value);
        if (!fitted) return fitted.error();
        data[key] = {{"value", std::move(*fitted)}};
    }
    json body = {{"touser", m.openid},
                 {"template_id", m.template_id.empty() ? default_template_id : m.template_id},
                 {"data", std::move(data)}};
    if (!m.url.empty()) body["url"] = m.url;
    if (!m.client_msg_id.empty()) body["client_msg_id"] = m.client_msg_id;
    return to_text(body);
}

struct wechat_client::impl : std::enable_shared_from_this<wechat_client::impl> {
    impl(asio::any_io_executor ex, const clock& c, wechat_config s, wechat_token_store shared)
        : time(c), settings(std::move(s)), http(ex, options_of(settings)),
          tokens(ex, c, std::move(shared), [this] { return fetch_token(this); }) {
        since = time.now();
    }
    static io::http_client_options options_of(const wechat_config& s) {
        io::http_client_options o;
        o.base_url = s.base_url;
        o.connections = static_cast<std::size_t>(s.connections);
        o.timeout = std::chrono::milliseconds(s.timeout_ms);
        return o;
    }

    const clock& time;
    wechat_config settings;
    io::http_client http;
    wechat_token_cache tokens;
    channel_stop stop;
    gateway_status counters;
    std::string state = "connecting", last_error;
    wall_time since{};
    std::map<std::string, wall_time> alarmed;

    // The cache is a member, so its calls end before *self does.
    static asio::awaitable<result<wechat_token>> fetch_token(impl* self);
    static asio::awaitable<send_result> send(std::shared_ptr<impl> self, wechat_message m);
    send_result react(const answer& a);
    send_result token_failed(const failure& why);
    void enter(const char* new_state, std::string why);
    void alarm(const std::string& code, const std::string& what);
    void count(const send_result& r);
};

void wechat_client::impl::enter(const char* new_state, std::string why) {
    last_error = std::move(why);
    if (state == new_state) return;
    state = new_state;
    since = time.now();
    log::info("wechat_state", {{"state", state}, {"detail", last_error}});
}

void wechat_client::impl::alarm(const std::string& code, const std::string& what) {
    auto& last = alarmed[code];
    if (last != wall_time{} && time.now() < last + milliseconds(60'000)) return;
    last = time.now();
    log::error("wechat_refused", {{"code", code}, {"what", what}});
}

asio::awaitable<result<wechat_token>> wechat_client::impl::fetch_token(impl* self) {
    const json body = {{"grant_type", "client_credential"},
                       {"appid", self->settings.appid},
                       {"secret", self->settings.secret},
                       {"force_refresh", false}};
    // Asking again is harmless: the same token comes back.
    const auto reply = co_await self->http.request(
        "POST", "/cgi-bin/stable_token", {{"content-type", "application/json"}}, to_text(body), true);
    if (!reply) co_return reply.error();
    const auto where = self->settings.base_url + "/cgi-bin/stable_token";
    if (reply->status != 200)
        co_return failure{errc::unavailable, "HTTP " + std::to_string(reply->status), where, ""};
    const auto a = read_answer(*reply);
    if (!a) co_return failure{errc::unavailable, a.error().what, where, a.error().fix};
    if (a->errcode != 0) {
        const auto& reaction = wechat_reaction_to(a->errcode);
        const auto code = code_text(a->errcode);
        if (reaction.outcome == send_outcome::retry)
            co_return failure{errc::unavailable, code + " " + a->errmsg, where, ""};
        // Whatever else keeps us from a token keeps every message: a stop, not one recipient's fault.
        self->stop.stop(self->time.now(),
                        reaction.then == wechat_reaction::next::stop_quota ? until_midnight(self->time.now())
                                                                           : credentials_pause,
                        code, a->errmsg);
        self->alarm(code, a->errmsg);
        co_return failure{errc::refused, code + " " + a->errmsg, where, reaction.text};
    }
    std::vector<failure> errors;
    json_reader in(a->body, "", errors);
    wechat_token t;
    t.value = in.text("access_token", true, 4096).value_or("");
    t.expires = self->time.now() + milliseconds(1000 * in.integer("expires_in", true, 1, 86'400).value_or(0));
    if (!errors.empty()) co_return failure{errc::unavailable, errors.front().text(), where, ""};
    co_return t;
}

send_result wechat_client::impl::token_failed(const failure& why) {
    if (stop.stopped(time.now())) {
        enter("stopped", why.text());
        return not_sent(send_outcome::stopped, stop.code(), why.text(), stop.remaining(time.now()));
    }
    enter("down", why.text());
    // No message has left: also after a time-out the token alone is in doubt.
    return not_sent(send_outcome::retry, "local:no_token", why.text(), usual_pause);
}

send_result wechat_client::impl::react(const answer& a) {
    const auto& reaction = wechat_reaction_to(a.errcode);
    send_result r;
    r.outcome = reaction.outcome;
    r.code = code_text(a.errcode);
    r.detail = a.errcode == 0 ? "" : std::string(reaction.words) + ": " + a.errmsg;
    r.recipient_fault = reaction.recipient_fault;
    r.retry_after = milliseconds(reaction.retry_after_ms);
    if (reaction.outcome == send_outcome::accepted && a.body.contains("msgid")) {
        const auto& msgid = a.body.at("msgid");
        r.message_ids = {msgid.is_string() ? msgid.get<std::string>() : to_text(msgid)};
    }
    if (reaction.alarm) alarm(r.code, a.errmsg);
    const auto now = time.now();
    if (reaction.then == wechat_reaction::next::stop_credentials)
        stop.stop(now, credentials_pause, r.code, r.detail);
    if (reaction.then == wechat_reaction::next::stop_quota)
        stop.stop(now, until_midnight(now), r.code, r.detail);
    if (stop.stopped(now)) {
        enter("stopped", r.code + " " + r.detail);
        if (r.outcome == send_outcome::stopped) r.retry_after = stop.remaining(now);
    } else {
        enter("connected", r.outcome == send_outcome::retry ? r.code + " " + r.detail : "");
    }
    return r;
}

asio::awaitable<send_result> wechat_client::impl::send(std::shared_ptr<impl> self, wechat_message m) {
    const auto body = wechat_body(m, self->settings.template_id);
    if (!body) {
        auto r = not_sent(send_outcome::rejected, "local:content", body.error().text(), {});
        r.recipient_fault = "content";
        co_return r;
    }
    std::string failed;
    for (int attempt = 0;; ++attempt) {
        const auto token = co_await self->tokens.get(failed);
        if (!token) co_return self->token_failed(token.error());
        // With its client_msg_id the message may be sent twice and is taken once.
        const auto reply = co_await self->http.request(
            "POST", "/cgi-bin/message/template/send?access_token=" + *token,
            {{"content-type", "application/json; charset=utf-8"}}, *body, !m.client_msg_id.empty());
        if (!reply) {
            const auto& why = reply.error();
            self->enter("down", why.text());
            if (why.code == errc::timeout)
                co_return not_sent(send_outcome::unknown, "local:no_answer", why.text(), {});
            co_return not_sent(send_outcome::retry, "local:not_connected", why.text(), usual_pause);
        }
        if (reply->status != 200) {
            auto why = "HTTP " + std::to_string(reply->status);
            self->enter("down", why);
            auto r = not_sent(send_outcome::retry, "http:" + std::to_string(reply->status), std::move(why),
                              reply->status >= 500 ? usual_pause : usual_pause * 6);
            r.in_doubt = reply->status >= 500; // whoever answers for the platform may have passed it on
            co_return r;
        }
        const auto a = read_answer(*reply);
        if (!a) co_return not_sent(send_outcome::unknown, "local:unreadable", a.error().text(), {});
        if (wechat_reaction_to(a->errcode).then == wechat_reaction::next::refresh_token && attempt == 0) {
            failed = *token;
            continue;
        }
        co_return self->react(*a);
    }
}

void wechat_client::impl::count(const send_result& r) {
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

wechat_client::wechat_client(asio::any_io_executor executor, const clock& time, wechat_config settings,
                             wechat_token_store tokens)
    : impl_(std::make_shared<impl>(executor, time, std::move(settings), std::move(tokens))) {}
wechat_client::~wechat_client() = default;

namespace {

struct in_flight_guard {
    std::int64_t& count;
    explicit in_flight_guard(std::int64_t& c) : count(c) { ++count; }
    ~in_flight_guard() { --count; }
};

} // namespace

asio::awaitable<send_result> wechat_client::send(wechat_message message) {
    const auto self = impl_;
    if (const auto now = self->time.now(); self->stop.stopped(now))
        co_return not_sent(send_outcome::stopped, self->stop.code(), self->stop.why(),
                           self->stop.remaining(now));
    const in_flight_guard guard(self->counters.in_flight);
    ++self->counters.sent;
    auto r = co_await impl::send(self, std::move(message));
    self->count(r);
    co_return r;
}

asio::awaitable<void> wechat_client::probe() {
    const auto self = impl_;
    if (const auto token = co_await self->tokens.get())
        self->enter("connected", "");
    else
        self->token_failed(token.error());
}

gateway_status wechat_client::status() const {
    auto s = impl_->counters;
    s.name = "wechat";
    s.protocol = "WeChat";
    s.state = impl_->state;
    s.detail = impl_->last_error;
    // A stop that has ended is not "stopped" any more, though nothing has been sent since.
    if (s.state == "stopped" && !impl_->stop.stopped(impl_->time.now())) s.state = "connecting";
    s.window = impl_->settings.connections;
    s.since_ms = impl_->since.time_since_epoch().count();
    return s;
}

void wechat_client::resume() {
    impl_->stop.resume();
    if (impl_->state == "stopped") impl_->enter("connecting", "");
}

void wechat_client::close() {
    impl_->http.close();
}

} // namespace zhida::gateways
