#include "services/simulator/wechat_account.hpp"

#include "common/base/crypto.hpp"
#include "common/base/log.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

constexpr milliseconds dedupe_for{600'000}, a_minute{60'000};
constexpr std::int64_t longest_scene = 64, longest_expiry_s = 2'592'000;
constexpr int clears_a_month = 10;

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

std::string text_of(const json& body, const char* name) {
    const auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : "";
}

} // namespace

json to_json(const wechat_account_stats& s) {
    json errors = json::object();
    for (const auto& [code, count] : s.errors) errors[std::to_string(code)] = count;
    return {{"token_calls", s.token_calls}, {"tokens_issued", s.tokens_issued}, {"sends", s.sends},
            {"accepted", s.accepted},       {"duplicates", s.duplicates},       {"errors", errors}};
}

wechat_account::wechat_account(wechat_account_options o, message_log& log, std::int64_t& next_msgid)
    : options(std::move(o)), log_(log), next_msgid_(next_msgid), tokens_(options.token_seconds, new_token) {
    tokens_.overlap = options.token_overlap;
    audience.everybody_follows = options.everybody_follows;
    audience.everybody_granted = options.everybody_granted;
    restore();
}

// The platform does not forget what it took when our simulator is restarted.
void wechat_account::restore() {
    for (const auto& m : log_.all()) {
        if (m.channel != "wechat" || m.more.value("account", "wechat") != options.name) continue;
        const std::int64_t msgid = std::strtoll(m.id.c_str(), nullptr, 10);
        next_msgid_ = std::max(next_msgid_, msgid + 1);
        if (const auto client = m.more.value("client_msg_id", ""); !client.empty())
            seen_[m.to + "\n" + client] = {msgid, wall_time(milliseconds(m.time_ms))};
    }
}

io::http_response wechat_account::error(std::int64_t errcode, const std::string& errmsg, int status) {
    ++counters.errors[errcode];
    return reply({{"errcode", errcode}, {"errmsg", errmsg + " rid: " + crypto::hex(crypto::random_bytes(6))}},
                 status);
}

bool wechat_account::may_fetch(const std::string& remote) const {
    return options.ip_allow_list.empty() || options.ip_allow_list.contains(remote);
}

io::http_response wechat_account::not_allowed(const std::string& remote) {
    return error(40164, "invalid ip " + remote + " ipv6 ::ffff:" + remote + ", not in whitelist");
}

io::http_response wechat_account::issued(const wechat_tokens::issued& t) {
    counters.tokens_issued = tokens_.made();
    return reply({{"access_token", t.token}, {"expires_in", t.expires_in}});
}

io::http_response wechat_account::stable_token(const json& body, const std::string& remote, wall_time now) {
    ++counters.token_calls;
    if (text_of(body, "secret") != options.secret) return error(40125, "invalid appsecret");
    if (!may_fetch(remote)) return not_allowed(remote);
    const auto forced = body.find("force_refresh");
    return issued(tokens_.get(now, forced != body.end() && forced->is_boolean() && forced->get<bool>()));
}

io::http_response wechat_account::classic_token(const std::string& secret, const std::string& remote,
                                                wall_time now) {
    ++counters.token_calls;
    if (secret != options.secret) return error(40125, "invalid appsecret");
    if (!may_fetch(remote)) return not_allowed(remote);
    const auto token = tokens_.fresh(now);
    if (!token) return error(45009, "reach max api daily quota limit");
    return issued(*token);
}

std::optional<io::http_response> wechat_account::token_fault(const std::string& token, wall_time now) {
    if (token.empty()) return error(41001, "access_token missing");
    switch (tokens_.check(token, now)) {
    case wechat_tokens::standing::unknown:
        if (!plausible_token(token)) return error(40014, "invalid access_token");
        return error(40001, "invalid credential, access_token is invalid or not latest");
    case wechat_tokens::standing::expired:
        return error(42001, "access_token expired");
    case wechat_tokens::standing::valid:
        break;
    }
    return std::nullopt;
}

std::int64_t wechat_account::quota_of(const std::string& api) const {
    const auto own = options.quotas.find(api);
    return own == options.quotas.end() ? options.daily_quota : own->second;
}

wechat_account::answer wechat_account::send(wechat_api api, json body, const fault_rule& fault,
                                            wall_time now) {
    const std::string name = name_of(api);
    if (fault.errcode && *fault.errcode != 0) return {error(*fault.errcode, "as a fault rule asks"), {}};
    taken t;
    if (const auto no = read_wechat_send(api, options.templates, body, t.message); no.errcode != 0)
        return {error(no.errcode, no.errmsg), {}};
    const auto& m = t.message;
    const auto key = m.client_msg_id.empty() ? "" : m.touser + "\n" + m.client_msg_id;
    if (!key.empty())
        if (const auto found = seen_.find(key); found != seen_.end() && now < found->second.at + dedupe_for) {
            ++counters.duplicates;
            return {reply({{"errcode", 0}, {"errmsg", "ok"}, {"msgid", found->second.msgid}}), {}};
        }
    if (options.per_minute > 0) {
        if (calls_.count(name, a_minute, now) >= options.per_minute)
            return {error(45011, "api minute-quota reach limit, must slower, retry next minute"), {}};
        calls_.add(name, now);
    }
    if (sent_.today(name, now) >= quota_of(name))
        return {error(45009, "reach max api daily quota limit"), {}};
    if (api == wechat_api::template_send && !audience.follows(m.touser))
        return {error(43004, "require subscribe"), {}};
    if (audience.refuses(m.touser, m.template_id) ||
        (api != wechat_api::template_send && !audience.granted(m.touser, m.template_id)))
        return {error(43101, "user refuse to accept the msg"), {}};
    t.msgid = next_msgid_++;
    message record;
    record.time_ms = now.time_since_epoch().count();
    record.channel = "wechat";
    record.to = m.touser;
    record.id = std::to_string(t.msgid);
    record.more = {{"account", options.name}, {"api", name}, {"template_id", m.template_id}};
    record.more["data"] = std::move(body["data"]);
    if (api == wechat_api::template_send) {
        record.more["url"] = m.url;
        record.more["client_msg_id"] = m.client_msg_id;
    } else {
        record.more["page"] = m.page;
    }
    if (api == wechat_api::subscribe_send) {
        record.more["miniprogram_state"] = m.state;
        record.more["lang"] = m.lang;
    }
    if (const auto kept = log_.add(std::move(record)); !kept) {
        log::error("wechat_simulator_record_failed", {{"what", kept.error().text()}});
        return {error(-1, "system error"), {}};
    }
    sent_.add(name, now);
    ++counters.accepted;
    if (api != wechat_api::template_send) audience.spend(m.touser, m.template_id);
    if (!key.empty()) seen_[key] = {t.msgid, now};
    return {reply({{"errcode", 0}, {"errmsg", "ok"}, {"msgid", t.msgid}}), std::move(t)};
}

io::http_response wechat_account::create_qrcode(const json& body, wall_time now) {
    std::vector<failure> errors;
    json_reader in(body, "", errors);
    const auto action = in.text("action_name", false).value_or("");
    if (action != "QR_STR_SCENE" && action != "QR_LIMIT_STR_SCENE")
        return error(40052, "invalid action name");
    const auto* info = in.object("action_info", false);
    const auto inner = info ? info->find("scene") : json::const_iterator();
    const auto name = info && inner != info->end() && inner->is_object() ? text_of(*inner, "scene_str") : "";
    if (name.empty() || name.size() > longest_scene) return error(40053, "invalid action info");
    const auto seconds = in.integer("expire_seconds", false, 1, longest_expiry_s);
    if (!errors.empty()) return error(40035, "invalid parameter: expire_seconds");
    scene s{"gQ" + crypto::hex(crypto::random_bytes(40)),
            "http://weixin.qq.com/q/02" + crypto::hex(crypto::random_bytes(16)), std::nullopt};
    json out = {{"ticket", s.ticket}, {"url", s.url}};
    if (action == "QR_STR_SCENE") {
        const auto expiry = seconds.value_or(60); // the platform's own default
        s.until = now + std::chrono::seconds(expiry);
        out["expire_seconds"] = expiry;
    }
    scenes_[name] = std::move(s);
    return reply(out);
}

io::http_response wechat_account::clear_quota(const json& body, wall_time now) {
    if (text_of(body, "appid") != options.appid) return error(40013, "invalid appid");
    const auto month = std::stoi(format_date(shanghai_day(now)).substr(5, 2));
    if (month != cleared_month_) {
        cleared_month_ = month;
        cleared_ = 0;
    }
    if (cleared_ >= clears_a_month)
        return error(48006, "forbid to clear quota because of reaching the limit");
    ++cleared_;
    sent_.clear();
    return reply({{"errcode", 0}, {"errmsg", "ok"}});
}

io::http_response wechat_account::get_quota(const json& body, wall_time now) {
    const auto path = text_of(body, "cgi_path");
    for (const auto api : {wechat_api::template_send, wechat_api::bizsend, wechat_api::subscribe_send})
        if (path == path_of(api)) {
            const auto limit = quota_of(name_of(api)), used = sent_.today(name_of(api), now);
            return reply({{"errcode", 0},
                          {"errmsg", "ok"},
                          {"quota",
                           {{"daily_limit", limit},
                            {"used", used},
                            {"remain", std::max<std::int64_t>(0, limit - used)}}},
                          {"rate_limit", {{"call_count", options.per_minute}, {"refresh_second", 60}}}});
        }
    return error(76021, "cgi_path not found, please check");
}

void wechat_account::rotate_token(wall_time now) {
    tokens_.rotate(now);
}

const wechat_account::scene* wechat_account::find_scene(const std::string& name) const {
    const auto found = scenes_.find(name);
    return found == scenes_.end() ? nullptr : &found->second;
}

std::string wechat_account::scene_at(const std::string& url) const {
    const auto found =
        std::find_if(scenes_.begin(), scenes_.end(), [&](const auto& s) { return s.second.url == url; });
    return found == scenes_.end() ? url : found->first;
}

std::string wechat_account::original_id() const {
    return "gh_" + crypto::sha256_hex(options.appid).substr(0, 12);
}

} // namespace zhida::simulator
