#include "services/gateways/cloud_core.hpp"

#include "common/base/log.hpp"
#include "common/base/utf8.hpp"
#include "common/io/spawn.hpp"
#include "common/io/timer.hpp"

#include <algorithm>
#include <set>

namespace zhida::gateways {

namespace {

constexpr milliseconds until_mended{300'000}; // then one may try whether somebody has acted
constexpr milliseconds usual_pause{5'000};
constexpr std::size_t most_answer_bytes = 1 << 20, most_kinds_of_codes = 100;

bool mainland_mobile(std::string_view phone) {
    return phone.size() == 11 && phone[0] == '1' &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

io::http_client_options options_of(const sms_gateway_config& s, const std::string& base_url,
                                   milliseconds most) {
    io::http_client_options o;
    o.base_url = base_url;
    o.connections = static_cast<std::size_t>(s.connections);
    o.timeout = std::min(milliseconds(s.response_timeout_s * 1000), most);
    o.ca_file = s.ca_file;
    return o;
}

struct counted {
    std::int64_t& count;
    explicit counted(std::int64_t& c) : count(c) { ++count; }
    ~counted() { --count; }
};

} // namespace

send_result cloud_result(send_outcome outcome, std::string code, std::string detail,
                         milliseconds retry_after) {
    send_result r;
    r.outcome = outcome;
    r.code = std::move(code);
    r.detail = std::move(detail);
    r.retry_after = retry_after;
    return r;
}

std::string fit_for_logs(std::string_view said) {
    std::string out;
    std::size_t digits = 0;
    for (const char c : said.substr(0, 300)) {
        const bool digit = c >= '0' && c <= '9';
        digits = digit ? digits + 1 : 0;
        if (digits == 7) {
            out.resize(out.size() - 6);
            out += '#';
        }
        if (digits < 7) out += c;
    }
    out.resize(valid_utf8_prefix(out));
    return out;
}

cloud_core::cloud_core(asio::any_io_executor ex, const clock& c, sms_gateway_config s, cloud_vendor v,
                       cloud_times t, own_codes own)
    : executor(ex), time(c), settings(std::move(s)), vendor(v), times(t), codes(std::move(own)),
      rate(settings.rate_per_s, c.steady_now()), woken(ex),
      base_url_(settings.base_url.empty() ? v.base_url : settings.base_url),
      http_(ex, options_of(settings, base_url_, milliseconds::max())),
      questions_(ex, options_of(settings, base_url_, milliseconds(5000))),
      places_(ex, static_cast<std::size_t>(settings.connections)), turns_(ex), since_(c.now()) {}

void cloud_core::enter(const char* new_state, std::string why) {
    last_error_ = std::move(why);
    if (state_ == new_state) return;
    state_ = new_state;
    since_ = time.now();
    log::info("sms_cloud_state", {{"gateway", settings.name}, {"state", state_}, {"detail", last_error_}});
}

void cloud_core::alarm(const std::string& code, const std::string& what) {
    if (alarmed_.size() >= most_kinds_of_codes && !alarmed_.contains(code)) return;
    auto& last = alarmed_[code];
    if (last != wall_time{} && time.now() < last + milliseconds(60'000)) return;
    last = time.now();
    log::error("sms_cloud_refused", {{"gateway", settings.name}, {"code", code}, {"what", what}});
}

std::optional<send_result> cloud_core::refusal() const {
    if (stopping) return cloud_result(send_outcome::retry, "local:stopping", "stopping", milliseconds(1000));
    if (const auto now = time.now(); stop.stopped(now))
        return cloud_result(send_outcome::stopped, stop.code(), stop.why(), stop.remaining(now));
    return std::nullopt;
}

void cloud_core::start(const std::shared_ptr<cloud_submission>& all) {
    cloud_indices good;
    for (std::size_t i = 0; i < all->messages.size(); ++i) {
        auto& m = all->messages[i];
        m.phone = plain_phone(m.phone);
        const auto id = m.body->template_ids.find(vendor.key);
        if (!mainland_mobile(m.phone)) {
            auto r = cloud_result(send_outcome::rejected, "local:bad_number", "not a mainland mobile number");
            r.recipient_fault = "bad_number";
            all->settle(i, std::move(r));
        } else if (!m.body->parts) {
            auto r = cloud_result(send_outcome::rejected, "local:content", m.body->parts.error().text());
            r.recipient_fault = "content";
            all->settle(i, std::move(r));
        } else if (id == m.body->template_ids.end() || id->second.empty()) {
            // Nothing is wrong with the recipient, nor with the account: somebody has to name the template.
            all->settle(i, cloud_result(send_outcome::stopped, "local:no_template",
                                        std::string("no template id of ") + vendor.protocol +
                                            " is set for this text: ids of its template in sms_content.json",
                                        until_mended));
        } else {
            good.push_back(i);
        }
    }
    for (const auto i : good) waiting += all->parts(i);
    for (auto& request : plan(*all, good)) {
        ++running;
        io::spawn(executor, run_request(shared_from_this(), all, std::move(request)));
    }
}

std::vector<cloud_indices> cloud_core::grouped(const cloud_submission& all, const cloud_indices& which,
                                               const std::function<std::string(const sms_body&)>& key,
                                               const std::function<std::size_t(const sms_body&)>& most) {
    struct request {
        cloud_indices which;
        std::set<std::string_view> phones;
    };
    struct text {
        std::size_t most;
        std::vector<request> requests;
        std::size_t first_with_room = 0;
    };
    std::map<const sms_body*, std::string> keys; // bodies are shared: each is looked at once
    std::map<std::string, text> texts;
    for (const auto i : which) {
        const auto& body = all.body(i);
        auto& k = keys[&body];
        if (k.empty()) k = key(body);
        auto& t = texts.try_emplace(k, text{most(body), {}, 0}).first->second;
        const auto& phone = all.messages[i].phone;
        auto n = t.first_with_room;
        while (n < t.requests.size() &&
               (t.requests[n].which.size() >= t.most || t.requests[n].phones.contains(phone)))
            ++n;
        if (n == t.requests.size()) t.requests.emplace_back();
        t.requests[n].which.push_back(i);
        t.requests[n].phones.insert(phone);
        while (t.first_with_room < t.requests.size() && t.requests[t.first_with_room].which.size() >= t.most)
            ++t.first_with_room;
    }
    std::vector<cloud_indices> out;
    for (auto& [k, t] : texts)
        for (auto& r : t.requests) out.push_back(std::move(r.which));
    return out;
}

asio::awaitable<void> cloud_core::run_request(std::shared_ptr<cloud_core> self,
                                              std::shared_ptr<cloud_submission> all, cloud_indices which) {
    while (!which.empty()) {
        slot place = co_await self->places_.lock();
        const auto n = co_await self->take_turn(all, which);
        if (n == 0) {
            const auto r = self->no_turn();
            for (const auto i : which) {
                self->waiting -= all->parts(i);
                all->settle(i, r);
            }
            break;
        }
        cloud_indices now(which.begin(), which.begin() + static_cast<std::ptrdiff_t>(n));
        which.erase(which.begin(), which.begin() + static_cast<std::ptrdiff_t>(n));
        for (const auto i : now) self->waiting -= all->parts(i);
        self->counters.sent += static_cast<std::int64_t>(n);
        co_await self->send(all, std::move(now), std::move(place));
    }
    --self->running;
    self->woken.notify();
}

asio::awaitable<std::size_t> cloud_core::take_turn(std::shared_ptr<cloud_submission> all,
                                                   cloud_indices which) {
    const auto turn = co_await turns_.lock(); // one after another, so that nobody is overtaken for ever
    for (;;) {
        const auto now = time.steady_now();
        if (refusal() || now >= all->give_up_at) co_return 0;
        const auto wait = std::max(flow.wait(now), rate.wait(now, all->parts(which.front())));
        if (wait.count() <= 0) break;
        co_await io::sleep_for(time, std::min({wait, all->give_up_at - now, milliseconds(200)}));
    }
    const auto now = time.steady_now();
    const auto fits = [&](std::size_t parts) {
        return rate.limit() == wire::part_rate::no_limit ||
               (static_cast<std::int64_t>(parts) <= rate.limit() && rate.wait(now, parts).count() == 0);
    };
    std::size_t n = 1, parts = all->parts(which.front());
    for (; n < which.size() && fits(parts + all->parts(which[n])); ++n) parts += all->parts(which[n]);
    rate.used(now, parts);
    co_return n;
}

send_result cloud_core::no_turn() const {
    if (auto r = refusal()) return std::move(*r);
    return cloud_result(send_outcome::retry, "local:full", "too many messages wait already",
                        milliseconds(1000));
}

asio::awaitable<cloud_reply> cloud_core::ask(cloud_call call, bool question) {
    const counted under_way(counters.in_flight);
    auto got =
        co_await (question ? questions_ : http_)
            .request("POST", std::move(call.target), std::move(call.headers), std::move(call.body), question);
    cloud_reply out;
    if (got) {
        out.is = cloud_reply::kind::answered;
        out.status = got->status;
        out.body = std::move(got->body);
        co_return out;
    }
    out.is = got.error().code == errc::timeout ? cloud_reply::kind::no_answer : cloud_reply::kind::not_sent;
    out.why = got.error().text();
    enter("down", out.why);
    co_return out;
}

send_result cloud_core::without_answer(const cloud_reply& reply, const std::string& why_unreadable) {
    if (reply.is == cloud_reply::kind::not_sent)
        return cloud_result(send_outcome::retry, "local:not_connected", reply.why, usual_pause);
    if (reply.is == cloud_reply::kind::no_answer)
        return cloud_result(send_outcome::unknown, "local:no_answer", reply.why);
    auto why = "HTTP " + std::to_string(reply.status) + ": " + fit_for_logs(why_unreadable);
    enter("down", why);
    const auto code = reply.status != 200                     ? "http:" + std::to_string(reply.status)
                      : reply.body.size() > most_answer_bytes ? std::string("local:oversized")
                                                              : std::string("local:unreadable");
    alarm(code, why);
    // Who answers for the vendor may have passed it on; but one who says no has not.
    if (reply.status >= 300 && reply.status < 500)
        return cloud_result(send_outcome::retry, code, std::move(why), usual_pause * 6);
    return cloud_result(send_outcome::unknown, code, std::move(why));
}

send_result cloud_core::react(const cloud_reaction& r, const std::string& code, const std::string& said) {
    const auto now = time.now();
    send_result out;
    out.outcome = r.outcome;
    out.code = std::string(vendor.key) + ":" + code;
    if (r.outcome != send_outcome::accepted)
        out.detail = r.words + (said.empty() ? std::string() : ": " + fit_for_logs(said));
    out.recipient_fault = r.recipient_fault;
    out.retry_after = wait_of(r.when, said, now);
    if (r.alarm) alarm(out.code, out.detail);
    switch (r.channel) {
    case cloud_reaction::pause::none:
        if (r.outcome == send_outcome::accepted) flow.accepted(time.steady_now());
        break;
    case cloud_reaction::pause::slow_channel:
        flow.refused(time.steady_now());
        break;
    case cloud_reaction::pause::until_mended:
        stop.stop(now, until_mended, out.code, out.detail);
        break;
    case cloud_reaction::pause::until_midnight:
        stop.stop(now, until_shanghai_midnight(now), out.code, out.detail);
        break;
    }
    if (r.outcome == send_outcome::stopped) out.retry_after = stop.remaining(now);
    return out;
}

asio::awaitable<void> cloud_core::pause(milliseconds how_long) {
    const auto until = time.steady_now() + how_long;
    for (auto now = time.steady_now(); now < until && !stopping; now = time.steady_now())
        co_await io::sleep_for(time, std::min(until - now, milliseconds(200)));
}

void cloud_core::count(const send_result& r) {
    switch (r.outcome) {
    case send_outcome::accepted:
        ++counters.accepted;
        return;
    case send_outcome::rejected:
        ++counters.rejected;
        break;
    case send_outcome::unknown:
        ++counters.unknown;
        break;
    case send_outcome::retry:
    case send_outcome::stopped: // not taken, and tried again one day
        ++counters.retried;
        break;
    }
    // A server may make codes up: their number has a bound.
    const bool known = counters.codes.contains(r.code) || counters.codes.size() < most_kinds_of_codes;
    ++counters.codes[known ? r.code : std::string(vendor.key) + ":*"];
}

gateway_status cloud_core::status() {
    const bool is_stopped = stop.stopped(time.now());
    if (is_stopped != was_stopped_) since_ = time.now();
    was_stopped_ = is_stopped;
    auto s = counters;
    s.name = settings.name;
    s.protocol = vendor.protocol;
    s.state = is_stopped ? "stopped" : state_;
    s.detail = is_stopped ? stop.code() + " " + stop.why() : last_error_;
    s.rate_per_s = rate.limit();
    s.window = settings.connections;
    // They are opened as requests need them and kept: as many as may be, while the vendor answers.
    s.connections = state_ == "connected" ? settings.connections : 0;
    s.since_ms = since_.time_since_epoch().count();
    return s;
}

void cloud_core::close() {
    http_.close();
    questions_.close();
}

} // namespace zhida::gateways
