#include "services/gateways/wechat_client.hpp"

#include "common/base/log.hpp"
#include "common/io/http_client.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/wechat_answer.hpp"
#include "services/gateways/wechat_codes.hpp"

#include <algorithm>
#include <utility>

namespace zhida::gateways {

namespace {

constexpr milliseconds credentials_pause{300'000}; // then one may try whether somebody has mended it
constexpr milliseconds usual_pause{5'000};
constexpr std::size_t most_codes = 100; // whoever answers for the platform may make them up

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

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

// What the platform said, with the id by which its support finds the call.
std::string words_of(const wechat_answer& a) {
    return a.rid.empty() || a.errmsg.find(a.rid) != std::string::npos ? a.errmsg
                                                                      : a.errmsg + " rid: " + a.rid;
}

} // namespace

const char* message_api(const wechat_config& a) noexcept {
    if (a.send_by == "miniprogram") return "/cgi-bin/message/subscribe/send";
    return a.send_by == "subscribe" ? "/cgi-bin/message/subscribe/bizsend" : "/cgi-bin/message/template/send";
}

bool drops_repetitions(const wechat_config& a) noexcept {
    return a.send_by == "template";
}

result<std::string> wechat_body(const wechat_message& m, const wechat_config& account) {
    json data = json::object();
    for (const auto& [key, value] : m.data) {
        auto fitted = fit_wechat_field(key, value);
        if (!fitted) return fitted.error();
        data[key] = {{"value", std::move(*fitted)}};
    }
    json body = {{"touser", m.openid},
                 {"template_id", m.template_id.empty() ? account.template_id : m.template_id},
                 {"data", std::move(data)}};
    if (!m.url.empty()) body[drops_repetitions(account) ? "url" : "page"] = m.url;
    if (account.send_by == "miniprogram") {
        body["miniprogram_state"] = account.miniprogram_state;
        body["lang"] = "zh_CN";
    }
    if (drops_repetitions(account) && !m.client_msg_id.empty()) body["client_msg_id"] = m.client_msg_id;
    return to_text(body);
}

struct wechat_client::impl : std::enable_shared_from_this<wechat_client::impl> {
    impl(asio::any_io_executor ex, const clock& c, wechat_config s)
        : time(c), settings(std::move(s)), http(std::move(ex), options_of(settings)) {
        since = time.now();
    }
    static io::http_client_options options_of(const wechat_config& s) {
        io::http_client_options o;
        o.base_url = s.base_url;
        o.connections = static_cast<std::size_t>(s.connections);
        o.timeout = std::chrono::milliseconds(s.timeout_ms);
        o.ca_file = s.ca_file;
        return o;
    }

    const clock& time;
    wechat_config settings;
    io::http_client http;
    std::optional<wechat_token_cache> tokens;    // always
    channel_stop stop;                           // of the account
    std::map<std::string, channel_stop> used_up; // of an API, for the day
    std::map<std::string, std::int64_t> calls;
    gateway_status counters;
    std::string state = "connecting", last_error;
    wall_time since{};
    std::map<std::string, wall_time> alarmed;

    // A renewal may go on while the client is given up, so that it is asked for each time.
    static asio::awaitable<result<wechat_token>> fetch_token(std::weak_ptr<impl> of);
    static asio::awaitable<result<io::http_reply>> ask_for_token(std::shared_ptr<impl> self);
    static asio::awaitable<send_result> send(std::shared_ptr<impl> self, wechat_message m);
    // Whoever answers may repeat what was asked.
    void hide_secrets(wechat_answer& a, const std::string& token) const {
        for (const auto* secret : {&settings.secret, &token})
            for (auto at = std::string::npos;
                 !secret->empty() && (at = a.errmsg.find(*secret)) != std::string::npos;)
                a.errmsg.replace(at, secret->size(), "***");
    }
    send_result react(const wechat_answer& a, const std::string& api);
    send_result token_failed(const failure& why);
    send_result not_answered(const failure& why, bool repeatable);
    void enter(const char* new_state, std::string why);
    void alarm(const std::string& code, const std::string& what, const char* fix);
    void count(const send_result& r);
    const channel_stop* stopped(const std::string& api) const;
};

void wechat_client::impl::enter(const char* new_state, std::string why) {
    last_error = std::move(why);
    if (state == new_state) return;
    state = new_state;
    since = time.now();
    log::info("wechat_state", {{"account", settings.name}, {"state", state}, {"detail", last_error}});
}

// Once a minute of each code, and of all that nobody knows together.
void wechat_client::impl::alarm(const std::string& code, const std::string& what, const char* fix) {
    const bool known = alarmed.size() < most_codes || alarmed.contains(code);
    auto& last = alarmed[known ? code : "*"];
    if (last != wall_time{} && time.now() < last + milliseconds(60'000)) return;
    last = time.now();
    log::error("wechat_refused", {{"account", settings.name}, {"code", code}, {"what", what}, {"fix", fix}});
}

const channel_stop* wechat_client::impl::stopped(const std::string& api) const {
    const auto now = time.now();
    if (stop.stopped(now)) return &stop;
    const auto found = used_up.find(api);
    return found != used_up.end() && found->second.stopped(now) ? &found->second : nullptr;
}

asio::awaitable<result<io::http_reply>> wechat_client::impl::ask_for_token(std::shared_ptr<impl> self) {
    const auto& s = self->settings;
    ++self->calls["/cgi-bin/" + s.token_api];
    // Asking again is harmless: stable_token says the same one, and of the other the last is good.
    if (s.token_api == "token")
        co_return co_await self->http.request(
            "GET",
            "/cgi-bin/token?grant_type=client_credential&appid=" + percent_encoded(s.appid) +
                "&secret=" + percent_encoded(s.secret),
            {}, "", true);
    const json body = {{"grant_type", "client_credential"},
                       {"appid", s.appid},
                       {"secret", s.secret},
                       {"force_refresh", false}};
    co_return co_await self->http.request("POST", "/cgi-bin/stable_token",
                                          {{"content-type", "application/json"}}, to_text(body), true);
}

asio::awaitable<result<wechat_token>> wechat_client::impl::fetch_token(std::weak_ptr<impl> of) {
    const auto self = of.lock();
    if (!self) co_return failure{errc::cancelled, "the account is not used any more", "", ""};
    const auto where = self->settings.base_url + "/cgi-bin/" + self->settings.token_api;
    const auto reply = co_await ask_for_token(self);
    if (!reply) co_return reply.error();
    if (reply->status != 200)
        co_return failure{errc::unavailable, "HTTP " + std::to_string(reply->status), where, ""};
    auto a = read_wechat_answer(reply->body);
    if (!a) co_return failure{errc::unavailable, a.error().text(), where, a.error().fix};
    self->hide_secrets(*a, "");
    if (a->errcode == 0) {
        auto token = read_token_answer(*a, self->time.now());
        if (!token) co_return failure{errc::unavailable, token.error().text(), where, ""};
        co_return token;
    }
    const auto& reaction = wechat_reaction_to(a->errcode);
    const auto code = code_text(a->errcode);
    using next = wechat_reaction::next;
    // 40001 says here that the secret is wrong.
    if (reaction.outcome == send_outcome::retry && reaction.then != next::refresh_token)
        co_return failure{errc::unavailable, code + " " + words_of(*a), where, ""};
    const char* fix =
        reaction.then == next::refresh_token ? "check the secret of the account" : reaction.text;
    // Whatever else keeps us from a token keeps every message: a stop, not one recipient's fault.
    const auto now = self->time.now();
    self->stop.stop(now, reaction.then == next::stop_quota ? until_midnight(now) : credentials_pause, code,
                    words_of(*a) + " (" + fix + ")");
    self->alarm(code, words_of(*a), fix);
    co_return failure{errc::refused, code + " " + words_of(*a), where, fix};
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

send_result wechat_client::impl::react(const wechat_answer& a, const std::string& api) {
    const auto& reaction = wechat_reaction_to(a.errcode);
    send_result r;
    r.outcome = reaction.outcome;
    r.code = code_text(a.errcode);
    r.detail = a.errcode == 0 ? "" : std::string(reaction.words) + ": " + words_of(a);
    r.recipient_fault = reaction.recipient_fault;
    r.retry_after = milliseconds(reaction.retry_after_ms);
    if (reaction.outcome == send_outcome::accepted && !a.msgid.empty())
        r.message_ids = {scoped_message_id(settings.name, a.msgid)};
    // Subscription notices may come without one: then nothing that is told later can be matched to it.
    r.delivered = reaction.outcome == send_outcome::accepted && settings.needs_grant() && a.msgid.empty();
    if (reaction.alarm) alarm(r.code, words_of(a), reaction.text);
    const auto now = time.now();
    using next = wechat_reaction::next;
    if (reaction.then == next::stop_credentials)
        stop.stop(now, credentials_pause, r.code, r.detail + " (" + reaction.text + ")");
    if (reaction.then == next::next_day) r.retry_after = std::max(r.retry_after, until_midnight(now));
    if (reaction.then == next::stop_quota) used_up[api].stop(now, until_midnight(now), r.code, r.detail);
    if (const auto* at = stopped(api)) {
        enter("stopped", at->code() + " " + at->why());
        if (r.outcome == send_outcome::stopped) r.retry_after = at->remaining(now);
    } else {
        enter("connected", r.outcome == send_outcome::retry ? r.code + " " + r.detail : "");
    }
    return r;
}

send_result wechat_client::impl::not_answered(const failure& why, bool repeatable) {
    enter("down", why.text());
    if (why.code != errc::timeout)
        return not_sent(send_outcome::retry, "local:not_connected", why.text(), usual_pause);
    if (!repeatable) return not_sent(send_outcome::unknown, "local:no_answer", why.text(), {});
    // It may have been taken: the same client_msg_id again, as long as that is known.
    auto r = not_sent(send_outcome::retry, "local:no_answer", why.text(), usual_pause);
    r.in_doubt = true;
    return r;
}

asio::awaitable<send_result> wechat_client::impl::send(std::shared_ptr<impl> self, wechat_message m) {
    const auto body = wechat_body(m, self->settings);
    if (!body) {
        auto r = not_sent(send_outcome::rejected, "local:content", body.error().text(), {});
        r.recipient_fault = "content";
        co_return r;
    }
    const std::string api = message_api(self->settings);
    const auto begun = self->time.steady_now();
    const bool repeatable = drops_repetitions(self->settings) && !m.client_msg_id.empty();
    std::string failed;
    for (int attempt = 0;; ++attempt) {
        const auto token = co_await self->tokens->get(failed);
        if (!token) co_return self->token_failed(token.error());
        // A repetition must not leave after the platform has forgotten the first.
        if (self->time.steady_now() > begun + milliseconds(self->settings.timeout_ms))
            co_return not_sent(send_outcome::retry, "local:late", "no time left to begin with it",
                               usual_pause);
        ++self->calls[api];
        const auto reply = co_await self->http.request(
            "POST", api + "?access_token=" + percent_encoded(*token),
            {{"content-type", "application/json; charset=utf-8"}}, *body, repeatable);
        if (!reply) co_return self->not_answered(reply.error(), repeatable);
        if (reply->status != 200) {
            auto why = "HTTP " + std::to_string(reply->status);
            self->enter("down", why);
            auto r = not_sent(send_outcome::retry, "http:" + std::to_string(reply->status), std::move(why),
                              reply->status >= 500 ? usual_pause : usual_pause * 6);
            r.in_doubt = reply->status >= 500; // whoever answers for the platform may have passed it on
            co_return r;
        }
        auto a = read_wechat_answer(reply->body);
        if (a) self->hide_secrets(*a, *token);
        if (!a) {
            auto r = not_sent(repeatable ? send_outcome::retry : send_outcome::unknown, "local:unreadable",
                              a.error().text(), usual_pause);
            r.in_doubt = true;
            co_return r;
        }
        if (wechat_reaction_to(a->errcode).then == wechat_reaction::next::refresh_token && attempt == 0) {
            failed = *token;
            continue;
        }
        co_return self->react(*a, api);
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
    if (r.code.empty() || r.code == code_text(0)) return;
    const bool known = counters.codes.size() < most_codes || counters.codes.contains(r.code);
    ++counters.codes[known ? r.code : "wechat:*"];
}

wechat_client::wechat_client(asio::any_io_executor executor, const clock& time, wechat_config settings,
                             wechat_token_store tokens)
    : impl_(std::make_shared<impl>(executor, time, std::move(settings))) {
    impl_->tokens.emplace(executor, time, std::move(tokens),
                          [of = std::weak_ptr(impl_)] { return impl::fetch_token(of); });
}
wechat_client::~wechat_client() {
    close();
}

namespace {

struct in_flight_guard {
    std::int64_t& count;
    explicit in_flight_guard(std::int64_t& c) : count(c) { ++count; }
    ~in_flight_guard() { --count; }
};

} // namespace

asio::awaitable<send_result> wechat_client::send(wechat_message message) {
    const auto self = impl_;
    if (const auto* at = self->stopped(message_api(self->settings)))
        co_return not_sent(send_outcome::stopped, at->code(), at->why(), at->remaining(self->time.now()));
    const in_flight_guard guard(self->counters.in_flight);
    ++self->counters.sent;
    auto r = co_await impl::send(self, std::move(message));
    self->count(r);
    co_return r;
}

asio::awaitable<result<wechat_scene_code>> wechat_client::scene_code(std::string scene,
                                                                     std::chrono::seconds lives) {
    const auto self = impl_;
    const std::string api = "/cgi-bin/qrcode/create";
    const json body = {{"expire_seconds", lives.count()},
                       {"action_name", "QR_STR_SCENE"},
                       {"action_info", {{"scene", {{"scene_str", std::move(scene)}}}}}};
    if (const auto* at = self->stopped(api)) co_return failure{errc::refused, at->code(), api, at->why()};
    std::string failed;
    for (int attempt = 0;; ++attempt) {
        const auto token = co_await self->tokens->get(failed);
        if (!token) co_return token.error();
        ++self->calls[api];
        const auto reply =
            co_await self->http.request("POST", api + "?access_token=" + percent_encoded(*token),
                                        {{"content-type", "application/json; charset=utf-8"}}, to_text(body),
                                        true); // a second code does no harm
        if (!reply) co_return reply.error();
        if (reply->status != 200)
            co_return failure{errc::unavailable, "HTTP " + std::to_string(reply->status), api, ""};
        const auto a = read_wechat_answer(reply->body);
        if (!a) co_return failure{errc::unavailable, a.error().text(), api, ""};
        const auto& reaction = wechat_reaction_to(a->errcode);
        if (reaction.then == wechat_reaction::next::refresh_token && attempt == 0) {
            failed = *token;
            continue;
        }
        if (reaction.then == wechat_reaction::next::stop_quota)
            self->used_up[api].stop(self->time.now(), until_midnight(self->time.now()), code_text(a->errcode),
                                    reaction.text);
        if (a->errcode != 0)
            co_return failure{errc::refused, code_text(a->errcode) + " " + words_of(*a), api, reaction.text};
        std::vector<failure> errors;
        json_reader in(a->body, "", errors);
        wechat_scene_code code;
        code.url = in.text("url", true, 512).value_or("");
        code.lives =
            std::chrono::seconds(in.integer("expire_seconds", false, 1, 2'592'000).value_or(lives.count()));
        if (!errors.empty()) co_return failure{errc::unavailable, errors.front().text(), api, ""};
        co_return code;
    }
}

asio::awaitable<void> wechat_client::probe() {
    const auto self = impl_;
    if (const auto token = co_await self->tokens->get())
        self->enter("connected", "");
    else
        self->token_failed(token.error());
}

std::map<std::string, std::int64_t> wechat_client::take_calls() {
    return std::exchange(impl_->calls, {});
}

gateway_status wechat_client::status() const {
    auto s = impl_->counters;
    s.name = impl_->settings.name;
    s.protocol = "WeChat";
    s.state = impl_->state;
    s.detail = impl_->last_error;
    // A stop that has ended is not "stopped" any more, though nothing has been sent since.
    if (s.state == "stopped" && !impl_->stopped(message_api(impl_->settings))) s.state = "connecting";
    s.window = impl_->settings.connections;
    s.since_ms = impl_->since.time_since_epoch().count();
    return s;
}

milliseconds wechat_client::used_up_for() const {
    const auto found = impl_->used_up.find(message_api(impl_->settings));
    const auto now = impl_->time.now();
    return std::max(impl_->stop.remaining(now),
                    found == impl_->used_up.end() ? milliseconds(0) : found->second.remaining(now));
}

void wechat_client::heard() {
    ++impl_->counters.receipts;
}

void wechat_client::resume() {
    impl_->stop.resume();
    impl_->used_up.clear();
    if (impl_->state == "stopped") impl_->enter("connecting", "");
}

void wechat_client::close() {
    impl_->http.close();
}

} // namespace zhida::gateways
