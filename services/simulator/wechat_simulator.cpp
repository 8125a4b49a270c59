#include "services/simulator/wechat_simulator.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "common/io/timer.hpp"
#include "services/gateways/wechat_fields.hpp"
#include "services/simulator/wechat_tokens.hpp"

#include <random>

namespace zhida::simulator {

namespace asio = boost::asio;

namespace {

constexpr milliseconds dedupe_for{600'000};

std::string new_token() { // real ones have 136 to 512 characters
    return "sim_" + crypto::hex(crypto::random_bytes(96));
}

io::http_response reply(const json& body, int status = 200) {
    io::http_response r;
    r.status = status;
    r.content_type = "application/json; encoding=utf-8"; // as the platform writes it
    r.body = to_text(body);
    return r;
}

} // namespace

struct wechat_simulator::impl : std::enable_shared_from_this<wechat_simulator::impl> {
    impl(const clock& c, wechat_simulator_options o, message_log& l, fault_table& f)
        : time(c), options(std::move(o)), log(l), faults(f), tokens(options.token_seconds, new_token),
          random(std::random_device{}()) {
        restore();
    }

    const clock& time;
    wechat_simulator_options options;
    message_log& log;
    fault_table& faults;
    wechat_tokens tokens;
    std::mt19937 random;
    wechat_simulator_stats counters;
    struct taken {
        std::int64_t msgid;
        wall_time at;
    };
    std::map<std::string, taken> seen;                   // openid, LF, client_msg_id
    std::int64_t next_msgid = 1'700'000'000'000'000'000; // beyond what a double holds exactly
    std::int32_t quota_day = 0;
    std::int64_t sent_today = 0;
    bool stopping = false;

    void restore();
    io::http_response error(std::int64_t errcode, std::string errmsg, int status = 200);
    io::http_response stable_token(const io::http_request& r);
    // Ends early when the simulator stops, so that the server need not wait for it.
    static asio::awaitable<void> nap(std::shared_ptr<impl> self, milliseconds duration);
    static asio::awaitable<io::http_response> send(std::shared_ptr<impl> self, io::http_request r);
    io::http_response take(const std::string& token, const json& body, const fault_rule& fault);
    std::string body_fault(const json& body, std::int64_t& errcode) const;
};

// The platform does not forget what it took when our simulator is restarted.
void wechat_simulator::impl::restore() {
    for (const auto& m : log.all()) {
        if (m.channel != "wechat") continue;
        const std::int64_t msgid = std::strtoll(m.id.c_str(), nullptr, 10);
        next_msgid = std::max(next_msgid, msgid + 1);
        if (const auto client = m.more.value("client_msg_id", ""); !client.empty())
            seen[m.to + "\n" + client] = {msgid, wall_time(milliseconds(m.time_ms))};
    }
}

io::http_response wechat_simulator::impl::error(std::int64_t errcode, std::string errmsg, int status) {
    ++counters.errors[errcode];
    return reply({{"errcode", errcode},
                  {"errmsg", std::move(errmsg) + " rid: " + crypto::hex(crypto::random_bytes(6))}},
                 status);
}

io::http_response wechat_simulator::impl::stable_token(const io::http_request& r) {
    ++counters.token_calls;
    const auto body = parse_json(r.body);
    if (!body || !body->is_object()) return error(47001, "data format error");
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    if (in.text("grant_type", false).value_or("") != "client_credential")
        return error(40002, "invalid grant_type");
    if (in.text("appid", false).value_or("") != options.appid) return error(40013, "invalid appid");
    if (in.text("secret", false).value_or("") != options.secret) return error(40125, "invalid appsecret");
    const auto issued = tokens.get(time.now(), in.boolean("force_refresh", false).value_or(false));
    counters.tokens_issued = tokens.made();
    return reply({{"access_token", issued.token}, {"expires_in", issued.expires_in}});
}

std::string wechat_simulator::impl::body_fault(const json& body, std::int64_t& errcode) const {
    std::vector<failure> errors;
    json_reader in(body, "", errors);
    errcode = 40003;
    if (const auto touser = in.text("touser", false); !touser || touser->empty()) return "invalid openid";
    errcode = 40037;
    const auto template_id = in.text("template_id", false).value_or("");
    if (template_id.empty() || (!options.template_id.empty() && template_id != options.template_id))
        return "invalid template_id";
    errcode = 47003;
    const auto* data = in.object("data", false);
    if (!data) return "argument invalid! data is empty";
    for (const auto& [key, value] : data->items()) {
        const auto* v = value.is_object() && value.contains("value") ? &value.at("value") : nullptr;
        if (!v || !v->is_string() || !gateways::wechat_field_fault(key, v->get<std::string>()).empty())
            return "argument invalid! data." + key + ".value invalid";
    }
    return "";
}

asio::awaitable<void> wechat_simulator::impl::nap(std::shared_ptr<impl> self, milliseconds duration) {
    const auto until = self->time.steady_now() + duration;
    while (!self->stopping && self->time.steady_now() < until)
        co_await io::sleep_for(self->time, std::min(milliseconds(50), until - self->time.steady_now()));
}

asio::awaitable<io::http_response> wechat_simulator::impl::send(std::shared_ptr<impl> self,
                                                                io::http_request r) {
    ++self->counters.sends;
    const auto token = r.query.contains("access_token") ? r.query.at("access_token") : std::string();
    const auto body = parse_json(r.body);
    if (!body || !body->is_object()) co_return self->error(47001, "data format error");
    // The platform takes \u escapes literally, and nobody reads such messages.
    if (r.body.find("\\u") != std::string::npos) co_return self->error(40033, "invalid charset");
    std::vector<failure> errors;
    const auto touser = json_reader(*body, "", errors).text("touser", false).value_or("");
    const auto fault =
        self->faults.take("wechat", touser, [](const fault_rule&) { return true; }).value_or(fault_rule{});
    std::int64_t delay = fault.delay_ms;
    if (fault.jitter_ms > 0)
        delay += static_cast<std::int64_t>(self->random() % static_cast<std::uint64_t>(fault.jitter_ms + 1));
    co_await nap(self, milliseconds(delay));
    auto answer = self->take(token, *body, fault);
    // Longer than any client waits: it is taken, and the answer is lost.
    if (fault.drop_response) co_await nap(self, milliseconds(600'000));
    co_return answer;
}

io::http_response wechat_simulator::impl::take(const std::string& token, const json& body,
                                               const fault_rule& fault) {
    const auto now = time.now();
    if (fault.http_status) return error(-1, "system error", static_cast<int>(*fault.http_status));
    if (token.empty()) return error(41001, "access_token missing");
    switch (tokens.check(token, now)) {
    case wechat_tokens::standing::unknown:
        return error(40001, "invalid credential, access_token is invalid or not latest");
    case wechat_tokens::standing::expired:
        return error(42001, "access_token expired");
    case wechat_tokens::standing::valid:
        break;
    }
    if (fault.errcode && *fault.errcode != 0) return error(*fault.errcode, "as a fault rule asks");
    std::int64_t errcode = 0;
    if (const auto why = body_fault(body, errcode); !why.empty()) return error(errcode, why);
    std::vector<failure> errors;
    json_reader in(body, "", errors);
    message m;
    m.time_ms = now.time_since_epoch().count();
    m.channel = "wechat";
    m.to = in.text("touser", true).value_or("");
    const auto client = in.text("client_msg_id", false).value_or("");
    const auto key = m.to + "\n" + client;
    if (!client.empty())
        if (const auto found = seen.find(key); found != seen.end() && now < found->second.at + dedupe_for) {
            ++counters.duplicates;
            return reply({{"errcode", 0}, {"errmsg", "ok"}, {"msgid", found->second.msgid}});
        }
    if (const auto day = shanghai_day(now); day != quota_day) {
        quota_day = day;
        sent_today = 0;
    }
    if (sent_today >= options.daily_quota) return error(45009, "reach max api daily quota limit");
    const auto msgid = next_msgid++;
    m.id = std::to_string(msgid);
    m.more = {{"data", body.at("data")},
              {"template_id", in.text("template_id", false).value_or("")},
              {"url", in.text("url", false).value_or("")},
              {"client_msg_id", client}};
    if (const auto kept = log.add(std::move(m)); !kept) {
        log::error("wechat_simulator_record_failed", {{"what", kept.error().text()}});
        return error(-1, "system error");
    }
    ++sent_today;
    ++counters.accepted;
    if (!client.empty()) seen[key] = {msgid, now};
    return reply({{"errcode", 0}, {"errmsg", "ok"}, {"msgid", msgid}});
}

json to_json(const wechat_simulator_stats& s) {
    json errors = json::object();
    for (const auto& [code, count] : s.errors) errors[std::to_string(code)] = count;
    return {{"token_calls", s.token_calls}, {"tokens_issued", s.tokens_issued}, {"sends", s.sends},
            {"accepted", s.accepted},       {"duplicates", s.duplicates},       {"errors", errors}};
}

namespace {

asio::awaitable<io::http_response> at_once(io::http_response r) {
    co_return r;
}

} // namespace

wechat_simulator::wechat_simulator(const clock& time, wechat_simulator_options options, message_log& log,
                                   fault_table& faults)
    : impl_(std::make_shared<impl>(time, std::move(options), log, faults)) {}
wechat_simulator::~wechat_simulator() = default;

void wechat_simulator::add_routes(io::http_router& router) {
    router.add("POST", "/cgi-bin/stable_token",
               [self = impl_](io::http_request r) { return at_once(self->stable_token(r)); });
    router.add("POST", "/cgi-bin/message/template/send",
               [self = impl_](io::http_request r) { return impl::send(self, std::move(r)); });
}

void wechat_simulator::rotate_token() {
    impl_->tokens.rotate(impl_->time.now());
}
void wechat_simulator::set_daily_quota(std::int64_t messages) {
    impl_->options.daily_quota = messages;
}
void wechat_simulator::stop() {
    impl_->stopping = true;
}
wechat_simulator_stats wechat_simulator::stats() const {
    return impl_->counters;
}

} // namespace zhida::simulator
