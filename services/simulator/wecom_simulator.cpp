#include "services/simulator/wecom_simulator.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"
#include "services/gateways/wake_up.hpp"
#include "services/simulator/call_counts.hpp"
#include "services/simulator/wechat_tokens.hpp"
#include "services/simulator/wecom_message.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

constexpr milliseconds a_minute{60'000}, an_hour{3'600'000};
const std::string day_key = "day";

std::string new_token() {
    return "simcom_" + crypto::hex(crypto::random_bytes(96));
}

io::http_response reply(const json& body, int status = 200) {
    io::http_response r;
    r.status = status;
    r.content_type = "application/json; charset=UTF-8";
    r.body = to_text(body);
    return r;
}

std::string query(const io::http_request& r, const char* name) {
    const auto found = r.query.find(name);
    return found == r.query.end() ? "" : found->second;
}

asio::awaitable<io::http_response> at_once(io::http_response r) {
    co_return r;
}

} // namespace

std::set<std::string> robot_keys(const std::string& robots) {
    std::set<std::string> out;
    for (std::size_t at = 0; at < robots.size();) {
        const auto end = std::min(robots.find(',', at), robots.size());
        auto one = robots.substr(at, end - at);
        at = end + 1;
        if (const auto equals = one.find('='); equals != std::string::npos) one.erase(0, equals + 1);
        const auto first = one.find_first_not_of(' ');
        if (first != std::string::npos) out.insert(one.substr(first, one.find_last_not_of(' ') - first + 1));
    }
    return out;
}

std::string robot_name(const std::string& key) {
    return "robot" + crypto::sha256_hex(key).substr(0, 8);
}

json to_json(const wecom_simulator_stats& s) {
    json errors = json::object();
    for (const auto& [code, count] : s.errors) errors[std::to_string(code)] = count;
    return {{"token_calls", s.token_calls},
            {"tokens_issued", s.tokens_issued},
            {"sends", s.sends},
            {"accepted", s.accepted},
            {"dropped", s.dropped},
            {"duplicates", s.duplicates},
            {"robot_sends", s.robot_sends},
            {"robot_accepted", s.robot_accepted},
            {"errors", errors}};
}

struct wecom_simulator::impl : std::enable_shared_from_this<wecom_simulator::impl> {
    impl(asio::any_io_executor ex, const clock& c, wecom_simulator_options o, message_log& l, fault_table& f)
        : executor(ex), time(c), options(std::move(o)), log(l), faults(f),
          tokens(options.token_seconds, new_token) {}

    asio::any_io_executor executor;
    const clock& time;
    wecom_simulator_options options;
    message_log& log;
    fault_table& faults;
    wechat_tokens tokens; // of which WeCom has the stable line
    wecom_simulator_stats counters;
    window_counts minutes, hours, robot_minutes; // by member, by key
    day_counts day;
    std::map<std::string, wall_time> had; // member, LF, digest of the content: when it came last
    std::int64_t next_id = 1;
    bool stopping = false;

    io::http_response error(std::int64_t errcode, const std::string& errmsg, int status = 200) {
        ++counters.errors[errcode];
        return reply({{"errcode", errcode},
                      {"errmsg", errmsg + ", hint: [" + crypto::hex(crypto::random_bytes(8)) + "]"}},
                     status);
    }
    bool exists(const std::string& member) const {
        return !options.missing.contains(member) &&
               (options.missing_prefix.empty() || !member.starts_with(options.missing_prefix));
    }
    bool enough(const std::string& member, wall_time now) {
        return minutes.count(member, a_minute, now) >= options.member_per_minute ||
               hours.count(member, an_hour, now) >= options.member_per_hour;
    }
    bool repeated(const std::string& member, const wecom_message& m, const std::string& digest,
                  wall_time now);
    io::http_response get_token(const io::http_request& r);
    std::optional<io::http_response> token_fault(const std::string& token);
    fault_rule fault(const std::vector<std::string>& members);
    io::http_response take(const wecom_message& m);
    io::http_response take_from_robot(const std::string& key, const wecom_message& m);
    bool record(message m);
    static asio::awaitable<void> nap(std::shared_ptr<impl> self, milliseconds duration);
    static asio::awaitable<io::http_response> send(std::shared_ptr<impl> self, io::http_request r);
    static asio::awaitable<io::http_response> webhook(std::shared_ptr<impl> self, io::http_request r);
};

io::http_response wecom_simulator::impl::get_token(const io::http_request& r) {
    ++counters.token_calls;
    if (query(r, "corpid") != options.corpid) return error(40013, "invalid corpid");
    if (query(r, "corpsecret") != options.secret) return error(40001, "invalid credential");
    const auto issued = tokens.get(time.now(), false);
    counters.tokens_issued = tokens.made();
    return reply({{"errcode", 0},
                  {"errmsg", "ok"},
                  {"access_token", issued.token},
                  {"expires_in", issued.expires_in}});
}

std::optional<io::http_response> wecom_simulator::impl::token_fault(const std::string& token) {
    if (token.empty()) return error(41001, "access_token missing");
    switch (tokens.check(token, time.now())) {
    case wechat_tokens::standing::unknown:
        return error(40014, "invalid access_token");
    case wechat_tokens::standing::expired:
        return error(42001, "access_token expired");
    case wechat_tokens::standing::valid:
        break;
    }
    return std::nullopt;
}

fault_rule wecom_simulator::impl::fault(const std::vector<std::string>& members) {
    for (const auto& m : members)
        if (auto found = faults.take("wechat", m, [](const fault_rule&) { return true; }, "wecom"))
            return *found;
    return {};
}

bool wecom_simulator::impl::record(message m) {
    const auto kept = log.add(std::move(m));
    if (!kept) log::error("wecom_simulator_record_failed", {{"what", kept.error().text()}});
    return kept.has_value();
}

bool wecom_simulator::impl::repeated(const std::string& member, const wecom_message& m,
                                     const std::string& digest, wall_time now) {
    if (!m.check_duplicate) return false;
    auto& last = had[member + "\n" + digest];
    const bool again = last != wall_time{} && now < last + std::chrono::seconds(m.duplicate_s);
    if (!again) last = now;
    return again;
}

io::http_response wecom_simulator::impl::take(const wecom_message& m) {
    const auto now = time.now();
    std::vector<std::string> there;
    std::string invalid;
    for (const auto& member : m.members)
        if (exists(member))
            there.push_back(member);
        else
            invalid += (invalid.empty() ? "" : "|") + lower_case(member);
    if (there.empty()) return error(81013, "user & party & tag all invalid");
    const auto sends = static_cast<std::int64_t>(there.size());
    if (options.daily_quota > 0 && day.today(day_key, now) + sends > options.daily_quota)
        return error(45009, "api freq out of limit");
    day.add(day_key, now, sends);
    const auto id = "simcom" + std::to_string(next_id++) + "_" + crypto::hex(crypto::random_bytes(8));
    const auto digest = crypto::sha256_hex(m.msgtype + to_text(m.content));
    for (const auto& member : there) {
        if (repeated(member, m, digest, now)) {
            ++counters.duplicates;
            continue;
        }
        if (enough(member, now)) {
            ++counters.dropped;
            continue;
        }
        minutes.add(member, now);
        hours.add(member, now);
        message one{
            now.time_since_epoch().count(),
            "wechat",
            member,
            id,
            {{"account", "wecom"}, {"api", "message"}, {"msgtype", m.msgtype}, {m.msgtype, m.content}}};
        if (!record(std::move(one))) return error(-1, "system busy");
        ++counters.accepted;
    }
    return reply({{"errcode", 0},
                  {"errmsg", "ok"},
                  {"invaliduser", invalid},
                  {"invalidparty", ""},
                  {"invalidtag", ""},
                  {"unlicenseduser", ""},
                  {"msgid", id}});
}

io::http_response wecom_simulator::impl::take_from_robot(const std::string& key, const wecom_message& m) {
    const auto now = time.now();
    if (robot_minutes.count(key, a_minute, now) >= options.robot_per_minute)
        return error(45009, "api freq out of limit");
    robot_minutes.add(key, now);
    message one{now.time_since_epoch().count(),
                "robot",
                robot_name(key),
                "robot" + std::to_string(next_id++),
                {{"account", "wecom"}, {"api", "webhook"}, {"msgtype", m.msgtype}, {m.msgtype, m.content}}};
    if (!record(std::move(one))) return error(-1, "system busy");
    ++counters.robot_accepted;
    return reply({{"errcode", 0}, {"errmsg", "ok"}});
}

asio::awaitable<void> wecom_simulator::impl::nap(std::shared_ptr<impl> self, milliseconds duration) {
    gateways::wake_up nobody(self->executor);
    const auto until = self->time.steady_now() + duration;
    while (!self->stopping && self->time.steady_now() < until)
        co_await nobody.wait_at_most(self->time, std::min(milliseconds(50), until - self->time.steady_now()));
}

asio::awaitable<io::http_response> wecom_simulator::impl::send(std::shared_ptr<impl> self,
                                                               io::http_request r) {
    ++self->counters.sends;
    const auto body = parse_json(r.body);
    if (!body || !body->is_object()) co_return self->error(47001, "data format error");
    if (auto no = self->token_fault(query(r, "access_token"))) co_return std::move(*no);
    wecom_message m;
    const auto no = read_application_message(*body, self->options.agentid, m);
    const auto fault = self->fault(m.members);
    co_await nap(self, milliseconds(fault.delay_ms));
    if (fault.http_status) co_return self->error(-1, "system busy", static_cast<int>(*fault.http_status));
    if (fault.errcode && *fault.errcode != 0) co_return self->error(*fault.errcode, "as a fault rule asks");
    if (no.errcode != 0) co_return self->error(no.errcode, no.errmsg);
    auto answer = self->take(m);
    // Longer than any client waits: it is taken, and the answer is lost.
    if (fault.drop_response) co_await nap(self, milliseconds(600'000));
    co_return answer;
}

asio::awaitable<io::http_response> wecom_simulator::impl::webhook(std::shared_ptr<impl> self,
                                                                  io::http_request r) {
    ++self->counters.robot_sends;
    const auto key = query(r, "key");
    if (!self->options.robots.contains(key)) co_return self->error(93000, "invalid webhook url");
    const auto body = parse_json(r.body);
    if (!body || !body->is_object()) co_return self->error(47001, "data format error");
    const auto fault = self->fault({robot_name(key)});
    co_await nap(self, milliseconds(fault.delay_ms));
    if (fault.http_status) co_return self->error(-1, "system busy", static_cast<int>(*fault.http_status));
    if (fault.errcode && *fault.errcode != 0) co_return self->error(*fault.errcode, "as a fault rule asks");
    wecom_message m;
    if (const auto no = read_robot_message(*body, m); no.errcode != 0)
        co_return self->error(no.errcode, no.errmsg);
    auto answer = self->take_from_robot(key, m);
    if (fault.drop_response) co_await nap(self, milliseconds(600'000));
    co_return answer;
}

wecom_simulator::wecom_simulator(asio::any_io_executor executor, const clock& time,
                                 wecom_simulator_options options, message_log& log, fault_table& faults)
    : impl_(std::make_shared<impl>(executor, time, std::move(options), log, faults)) {}
wecom_simulator::~wecom_simulator() = default;

void wecom_simulator::add_routes(io::http_router& router) {
    router.add("GET", "/cgi-bin/gettoken",
               [self = impl_](io::http_request r) { return at_once(self->get_token(r)); });
    router.add("POST", "/cgi-bin/message/send",
               [self = impl_](io::http_request r) { return impl::send(self, std::move(r)); });
    router.add("POST", "/cgi-bin/webhook/send",
               [self = impl_](io::http_request r) { return impl::webhook(self, std::move(r)); });
}

void wecom_simulator::configure(json_reader in) {
    in.only({"account", "do", "missing", "member_per_minute", "member_per_hour", "daily_quota",
             "robot_per_minute"});
    auto o = impl_->options;
    const auto number = [&in](const char* name, std::int64_t& out) {
        if (const auto v = in.integer(name, false, 0, INT32_MAX)) out = *v;
    };
    number("member_per_minute", o.member_per_minute);
    number("member_per_hour", o.member_per_hour);
    number("daily_quota", o.daily_quota);
    number("robot_per_minute", o.robot_per_minute);
    if (const auto* missing = in.array("missing", false)) {
        o.missing.clear();
        for (const auto& member : *missing)
            if (member.is_string())
                o.missing.insert(member.get<std::string>());
            else
                in.error_at("missing", "may hold ids of members only");
    }
    const auto verb = in.text("do", false).value_or("");
    if (in.has("do") && verb != "rotate_token") in.error_at("do", "may only be rotate_token");
    if (!in.errors().empty()) return;
    impl_->options = std::move(o);
    if (verb == "rotate_token") rotate_token();
}

void wecom_simulator::stop() {
    impl_->stopping = true;
}
void wecom_simulator::rotate_token() {
    impl_->tokens.rotate(impl_->time.now());
}
wecom_simulator_stats wecom_simulator::stats() const {
    return impl_->counters;
}

} // namespace zhida::simulator
