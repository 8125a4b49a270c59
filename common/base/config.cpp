#include "common/base/config.hpp"

#include "common/base/clock.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <utility>
#include <variant>

namespace zhida {

namespace {

struct key {
    std::string section, name, help;
    std::variant<std::string*, std::int64_t*, bool*> target;
    std::int64_t low = 0, high = 0;
    std::vector<std::string> choices{};
    bool secret = false;

    std::string path() const { return section + "." + name; }
};

constexpr std::int64_t many = 1'000'000'000;
constexpr std::string_view gateway_section = "sms_gateway.";

// Of [sms], and of every [sms_gateway.NAME].
std::vector<key> keys_of_account(wechat_config& a, const std::string& section) {
    const bool official = section == "wechat";
    std::vector<key> all{
        {section, "enabled", official ? "Use the WeChat official account." : "Use a WeChat mini-program.",
         &a.enabled},
        {section, "base_url", "https://api.weixin.qq.com, or a simulator.", &a.base_url},
        {section, "ca_file", "PEM file of the authority behind base_url; empty: the system's.", &a.ca_file},
        {section, "appid", "", &a.appid},
        {section, "secret", "", &a.secret, 0, 0, {}, true},
        {section,
         "token_api",
         "stable_token; token only where another program of the account insists on that one.",
         &a.token_api,
         0,
         0,
         {"stable_token", "token"}},
    };
    if (official)
        all.push_back({section,
                       "send_by",
                       "template: template messages; subscribe: subscription notices, which need a grant.",
                       &a.send_by,
                       0,
                       0,
                       {"template", "subscribe"}});
    all.push_back({section, "template_id", "Template of the policy notice.", &a.template_id});
    all.push_back(
        {section, "template_fields",
         "The template's fields, and what each says: title, benefit, issuer, deadline (words), date "
         "(of the deadline), kind, or 'words of your own'.",
         &a.template_fields});
    all.push_back({section, "long_term",
                   "Subscriptions: a grant lasts (长期订阅); false: it is good for one message.",
                   &a.long_term});
    if (!official) {
        all.push_back({section, "page", "The page that a message opens.", &a.page});
        all.push_back({section,
                       "miniprogram_state",
                       "formal, trial or developer.",
                       &a.miniprogram_state,
                       0,
                       0,
                       {"formal", "trial", "developer"}});
    }
    all.push_back({section, "daily_quota",
                   "Messages a day, as the platform's console shows it, to be warned before; 0: not known.",
                   &a.daily_quota, 0, 1'000'000'000});
    all.push_back({section, "connections", "Requests under way at once.", &a.connections, 1, 256});
    all.push_back({section, "timeout_ms", "Milliseconds until a request without an answer is unknown.",
                   &a.timeout_ms, 100, 120000});
    if (official)
        all.push_back(
            {section, "receipt_wait_h",
             "Where events come: hours until a message that WeChat took, and said no more of, is in "
             "doubt (unknown).",
             &a.receipt_wait_h, 1, 72});
    all.push_back({section,
                   "callback_token",
                   "Token of the server configuration; events come to /gateways/" + section +
                       "/events; empty: they cannot.",
                   &a.callback_token,
                   0,
                   0,
                   {},
                   true});
    all.push_back(
        {section,
         "callback_aes_key",
         "EncodingAESKey of the server configuration (安全模式); empty: events in clear text (明文模式).",
         &a.callback_aes_key,
         0,
         0,
         {},
         true});
    return all;
}

std::vector<key> keys_of_wecom(wecom_config& w) {
    const std::string section = "wecom";
    return {
        {section, "enabled", "Use an application of WeCom (企业微信).", &w.enabled},
        {section, "base_url", "https://qyapi.weixin.qq.com, or a simulator.", &w.base_url},
        {section, "ca_file", "PEM file of the authority behind base_url; empty: the system's.", &w.ca_file},
        {section, "corpid", "", &w.corpid},
        {section, "secret", "Secret of the application.", &w.secret, 0, 0, {}, true},
        {section, "agentid", "Number of the application.", &w.agentid, 0, INT32_MAX},
        {section, "member_per_minute",
         "Messages to one member; beyond 30 the platform drops them without a word.", &w.member_per_minute, 1,
         30},
        {section, "member_per_hour", "The same of an hour, beyond 1000.", &w.member_per_hour, 1, 1000},
        {section, "daily_quota",
         "Person-sends a day, the corporation's accounts times 200, to be warned before; 0: not known.",
         &w.daily_quota, 0, 1'000'000'000},
        {section, "connections", "Requests under way at once.", &w.connections, 1, 256},
        {section, "timeout_ms", "Milliseconds until a request without an answer is unknown.", &w.timeout_ms,
         100, 120000},
        {section,
         "callback_token",
         "Token of the application's API; events come to /gateways/wecom/events.",
         &w.callback_token,
         0,
         0,
         {},
         true},
        {section, "callback_aes_key", "EncodingAESKey of the same.", &w.callback_aes_key, 0, 0, {}, true},
        {section,
         "robots",
         "Group robots that tell of campaigns: DEPARTMENT=KEY, comma-separated; the department * is the "
         "operators, who hear of gateways that stop.",
         &w.robots,
         0,
         0,
         {},
         true},
    };
}

std::vector<key> keys_of_gateway(sms_gateway_config& g, const std::string& section) {
    return {
        {section,
         "protocol",
         "cmpp, smpp, aliyun or tencent.",
         &g.protocol,
         0,
         0,
         {"cmpp", "smpp", "aliyun", "tencent"}},
        {section, "weight",
         "Its part of the messages, where there are several gateways; 0: only what no other takes.",
         &g.weight, 0, 1000},
        {section, "host", "CMPP, SMPP: the gateway's address.", &g.host},
        {section, "port", "7890 for long connections of CMPP, often 2775 for SMPP.", &g.port, 1, 65535},
        {section, "source_addr", "CMPP: SP_Id, exactly six characters. SMPP: system_id.", &g.source_addr},
        {section,
         "secret",
         "CMPP: shared secret. SMPP: password. Clouds: the access key's secret.",
         &g.secret,
         0,
         0,
         {},
         true},
        {section, "version", "CMPP 2.0 or 3.0.", &g.version, 0, 0, {"2.0", "3.0"}},
        {section, "service_id",
         "CMPP: Service_Id of the contract, at most ten characters. SMPP: service_type, at most five, mostly "
         "empty.",
         &g.service_id},
        {section, "src_id", "Access code and extension that the recipient sees.", &g.src_id},
        {section, "connections",
         "Connections of each dispatcher (the account's limit divided by their number); clouds: requests "
         "under way at once.",
         &g.connections, 1, 64},
        {section, "window", "CMPP, SMPP: requests without an answer on one connection.", &g.window, 1, 1024},
        {section, "rate_per_s", "Messages (parts) a second; 0: no limit of ours.", &g.rate_per_s, 0, many},
        {section, "keepalive_s", "CMPP, SMPP: seconds of silence until we ask whether the gateway is there.",
         &g.keepalive_s, 1, 30},
        {section, "response_timeout_s", "Seconds until a request without an answer is unknown.",
         &g.response_timeout_s, 1, 600},
        {section, "system_type", "SMPP: as the gateway's operator says.", &g.system_type},
        {section,
         "long_text",
         "SMPP: a text of several parts as parts (udh), or whole (payload).",
         &g.long_text,
         0,
         0,
         {"udh", "payload"}},
        {section,
         "receipt_ids",
         "SMPP: receipts name messages as_given; or in decimal what the answer gave in hexadecimal "
         "(decimal_of_hex), or the other way round (hex_of_decimal).",
         &g.receipt_ids,
         0,
         0,
         {"as_given", "decimal_of_hex", "hex_of_decimal"}},
        {section, "base_url", "Clouds: empty: the vendor's own address; or a proxy, or a simulator.",
         &g.base_url},
        {section, "ca_file", "Clouds: PEM file of the authority behind base_url; empty: the system's.",
         &g.ca_file},
        {section, "access_key", "Clouds: AccessKeyId (Aliyun), SecretId (Tencent).", &g.access_key},
        {section, "app_id", "Tencent: SmsSdkAppId.", &g.app_id},
        {section, "region", "Tencent: the region that is asked.", &g.region},
        {section,
         "callback_secret",
         "Clouds: the vendor posts to /gateways/NAME/receipts/SECRET and .../replies/SECRET; at least 16 "
         "characters; empty: it cannot, and Aliyun's receipts come no other way.",
         &g.callback_secret,
         0,
         0,
         {},
         true},
        {section, "callback_from",
         "Clouds: addresses or networks (a.b.c.d/n) it posts from, comma-separated; empty: any.",
         &g.callback_from},
    };
}

std::vector<key> keys_of(config& c) {
    std::vector<key> all = {
        {"node", "data_dir", "Everything this process keeps on disk.", &c.node.data_dir},
        {"node", "config_dir", "Catalogue, samples and templates; empty: found beside the program.",
         &c.node.config_dir},
        {"node", "shards", "Number of shards, fixed at installation: changing it later needs a rebuild.",
         &c.node.shards, 1, 4096},
        {"node", "contact_key_file",
         "32 random bytes in hex that encrypt contact data; empty: the variable ZHIDA_CONTACT_KEY, else "
         "contact.key in the data folder.",
         &c.node.contact_key_file},
        {"log",
         "level",
         "debug, info, warn or error.",
         &c.log.level,
         0,
         0,
         {"debug", "info", "warn", "error"}},
        {"log", "format", "json (one object a line) or text.", &c.log.format, 0, 0, {"json", "text"}},
        {"redis", "url", "redis://[user:password@]host:port/db", &c.redis.url, 0, 0, {}, true},
        {"redis", "timeout_ms", "Milliseconds until a connection or an answer is given up.",
         &c.redis.timeout_ms, 10, 600000},
        {"event_log",
         "driver",
         "kafka, or redis (Redis Streams: nothing else to install, one process).",
         &c.event_log.driver,
         0,
         0,
         {"kafka", "redis"}},
        {"event_log", "group", "Prefix of the consumer groups.", &c.event_log.group},
        {"kafka", "brokers", "host:port, comma-separated.", &c.kafka.brokers},
        {"kafka", "replication_factor", "Replicas of the topics that zhida creates.",
         &c.kafka.replication_factor, 1, 16},
        {"kafka", "session_timeout_ms",
         "A process that is silent for so long loses its shards; the brokers have limits (6000 .. 1800000).",
         &c.kafka.session_timeout_ms, 1000, 1800000},
        {"kafka",
         "security_protocol",
         "plaintext, ssl, sasl_plaintext or sasl_ssl.",
         &c.kafka.security_protocol,
         0,
         0,
         {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}},
        {"kafka", "sasl_mechanism", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty without SASL.",
         &c.kafka.sasl_mechanism},
        {"kafka", "sasl_username", "", &c.kafka.sasl_username},
        {"kafka", "sasl_password", "", &c.kafka.sasl_password, 0, 0, {}, true},
        {"kafka", "ssl_ca_file", "PEM file of the authority that signed the brokers' certificates.",
         &c.kafka.ssl_ca_file},
        {"matcher", "host", "Address of the internal service that portals ask, for them alone.",
         &c.matcher.host},
        {"matcher", "port", "Its port; 0: any free one.", &c.matcher.port, 0, 65535},
        {"matcher", "url", "Under which portals reach it; empty: http://host:port.", &c.matcher.url},
        {"matcher", "snapshot_s",
         "Seconds between snapshots, from which a restart reads the shards faster than from Redis; 0: none.",
         &c.matcher.snapshot_s, 0, 86400},
        {"portal", "host", "Address to listen on.", &c.portal.host},
        {"portal", "port", "Port of pages, API, health and metrics; 0: any free one.", &c.portal.port, 0,
         65535},
        {"portal", "public_url", "The address that recipients see; empty: http://host:port.",
         &c.portal.public_url},
        {"portal", "demo_sign_in", "Sign in by choosing a role, without a password. Never in production.",
         &c.portal.demo_sign_in},
        {"portal", "max_body_bytes", "Largest request body.", &c.portal.max_body_bytes, 1024, 1 << 30},
        {"portal", "max_connections", "Connections served at once.", &c.portal.max_connections, 1, 1000000},
        {"portal", "max_connections_per_ip", "Connections served at once to one address.",
         &c.portal.max_connections_per_ip, 1, 1000000},
        {"dispatch", "chunk", "Recipients in one dispatch record.", &c.dispatch.chunk, 1, 1024},
        {"dispatch", "sms_per_day",
         "Short messages that a subject gets on one day at most, from all departments together; 0: no limit.",
         &c.dispatch.sms_per_day, 0, 255},
        {"dispatch", "sms_per_week", "The same for a week from Monday to Sunday.", &c.dispatch.sms_per_week,
         0, 255},
        {"dispatch", "wechat_per_day", "WeChat messages on one day at most; 0: no limit.",
         &c.dispatch.wechat_per_day, 0, 255},
        {"dispatch", "wechat_per_week", "The same for a week.", &c.dispatch.wechat_per_week, 0, 255},
        {"dispatch", "contact_roles",
         "Which contact of an enterprise hears of a theme first: THEME=ROLE, comma-separated; the longest "
         "theme "
         "that fits counts.",
         &c.dispatch.contact_roles},
        {"dispatch", "quiet_from",
         "From this time of the day (Asia/Shanghai) SMS and WeChat messages are held; the web page is not.",
         &c.dispatch.quiet_from},
        {"dispatch", "quiet_until", "Until this time; the same as quiet_from: at no time.",
         &c.dispatch.quiet_until},
        {"dispatch", "resend_emergency",
         "Send an SMS of an emergency once more where nobody knows whether the gateway took it.",
         &c.dispatch.resend_emergency},
        {"dispatch", "merge", "What a recipient gets of several campaigns at once goes out as one message.",
         &c.dispatch.merge},
        {"dispatch", "reconcile_s", "Seconds between searches for deliveries that nothing carries any more.",
         &c.dispatch.reconcile_s, 1, 3600},
        {"campaign", "approval",
         "Ask for a second person where the rules below, personal attributes or an emergency do; false: "
         "never.",
         &c.campaign.approval},
        {"campaign", "approve_above",
         "A second person approves what goes to more recipients than this; 0: their number never asks for "
         "it.",
         &c.campaign.approve_above, 0, many},
        {"campaign", "approve_themes",
         "And what has one of these themes: their beginnings, comma-separated, as \"纾困,就业/稳岗\".",
         &c.campaign.approve_themes},
        {"reminders", "at", "Time of the day (Asia/Shanghai) at which reminders are sent.", &c.reminders.at},
        {"sms", "enabled", "Send short messages.", &c.sms.enabled},
        {"sms", "signature",
         "Signature where a department has none of its own, without its brackets; one of sms_content.json.",
         &c.sms.signature},
        {"sms", "verify_hint", "How a recipient can verify the message.", &c.sms.verify_hint},
        {"sms", "part_price_li",
         "Price of one part of an SMS in thousandths of a yuan, for previews; 0: they tell no cost.",
         &c.sms.part_price_li, 0, 100000},
        {"sms", "receipt_wait_h",
         "Hours until a message that a gateway took is in doubt (unknown) for want of a receipt; one that "
         "comes later still counts.",
         &c.sms.receipt_wait_h, 1, 72},
        {"simulator", "host", "Address the simulators listen on.", &c.simulator.host},
        {"simulator", "cmpp_port", "CMPP gateway; 0: any free port.", &c.simulator.cmpp_port, 0, 65535},
        {"simulator", "smpp_port", "SMPP gateway; 0: any free port.", &c.simulator.smpp_port, 0, 65535},
        {"simulator", "wechat_port",
         "WeChat platform and the simulators' control endpoints; 0: any free port.", &c.simulator.wechat_port,
         0, 65535},
        {"simulator", "record_file", "JSON lines of every message accepted; empty: kept in memory.",
         &c.simulator.record_file},
        {"simulator", "callback_base",
         "Where the clouds post receipts and replies to; empty: to the portal of the same process, if any.",
         &c.simulator.callback_base},
    };
    const auto put = [&](std::vector<key> more) { // before the simulator, with which the list ends
        const auto at =
            std::find_if(all.begin(), all.end(), [](const key& k) { return k.section == "simulator"; });
        all.insert(at, more.begin(), more.end());
    };
    put(keys_of_gateway(c.sms, "sms"));
    put(keys_of_account(c.wechat, "wechat"));
    put(keys_of_account(c.miniprogram, "miniprogram"));
    put(keys_of_wecom(c.wecom));
    for (auto& [name, gateway] : c.sms.gateways) {
        auto more = keys_of_gateway(gateway, std::string(gateway_section) + name);
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string variable_of(const key& k) {
    auto section = upper(k.section);
    if (const auto dot = section.find('.'); dot != std::string::npos) section.replace(dot, 1, "__");
    return "ZHIDA_" + section + "__" + upper(k.name);
}

// Levenshtein's: how many characters must be changed, put in or left out.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j)
            diagonal = std::exchange(
                row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1)}));
    }
    return row.back();
}

// One setting of any source. section: "sms", "sms_gateway.mobile".
struct setting {
    std::string section, name, where;
    const toml::node* node = nullptr; // of the file, else `text`
    std::string text;

    bool of_gateway() const { return section.starts_with(gateway_section); }
};

class reader {
  public:
    reader(config& c, std::vector<failure>& errors) : keys_(keys_of(c)), errors_(errors) {}

    const key* find(std::string_view section, std::string_view name) const {
        const auto found = std::find_if(keys_.begin(), keys_.end(),
                                        [&](const key& k) { return k.section == section && k.name == name; });
        return found == keys_.end() ? nullptr : &*found;
    }

    const key* find_variable(const std::string& name) const {
        const auto found =
            std::find_if(keys_.begin(), keys_.end(), [&](const key& k) { return name == variable_of(k); });
        return found == keys_.end() ? nullptr : &*found;
    }

    void set(const setting& s) {
        const auto* k = s.section.empty() ? nullptr : find(s.section, s.name);
        if (!k) return unknown((s.section.empty() ? "" : s.section + ".") + s.name, s.where);
        if (s.node)
            set_node(*k, *s.node, s.where);
        else
            set_text(*k, s.text, s.where);
    }

    void unknown(const std::string& path, const std::string& where) {
        errors_.push_back({errc::invalid, "unknown key " + path, where, nearest(path, &key::path)});
    }
    failure unknown_variable(const std::string& name) const {
        return {errc::invalid, "unknown key " + name, "environment", nearest(name, variable_of)};
    }

    void set_text(const key& k, const std::string& text, const std::string& where) {
        if (const auto* s = std::get_if<std::string*>(&k.target)) return put(k, **s, text, where);
        if (const auto* b = std::get_if<bool*>(&k.target)) {
            if (text == "true" || text == "false") {
                **b = text == "true";
                return;
            }
            return wrong(k, "must be true or false, not '" + text + "'", where);
        }
        std::int64_t number = 0;
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (code != std::errc() || end != text.data() + text.size())
            return wrong(k, "must be a whole number, not '" + text + "'", where);
        put(k, number, where);
    }

    void set_node(const key& k, const toml::node& node, const std::string& line) {
        if (const auto* s = std::get_if<std::string*>(&k.target)) {
            if (const auto v = node.value_exact<std::string>()) return put(k, **s, *v, line);
            return wrong(k, "must be a text in quotes", line);
        }
        if (const auto* b = std::get_if<bool*>(&k.target)) {
            if (const auto v = node.value_exact<bool>()) {
                **b = *v;
                return;
            }
            return wrong(k, "must be true or false", line);
        }
        if (const auto v = node.value_exact<std::int64_t>()) return put(k, *v, line);
        wrong(k, "must be a whole number", line);
    }

  private:
    void put(const key& k, std::string& target, const std::string& text, const std::string& where) {
        if (!k.choices.empty() && std::find(k.choices.begin(), k.choices.end(), text) == k.choices.end()) {
            std::string all;
            for (const auto& choice : k.choices) all += (all.empty() ? "" : ", ") + choice;
            return wrong(k, "must be one of " + all + ", not '" + text + "'", where);
        }
        target = text;
    }
    void put(const key& k, std::int64_t number, const std::string& where) {
        if (number < k.low || number > k.high)
            return wrong(k,
                         "must be from " + std::to_string(k.low) + " to " + std::to_string(k.high) +
                             ", not " + std::to_string(number),
                         where);
        *std::get<std::int64_t*>(k.target) = number;
    }
    void wrong(const key& k, const std::string& what, const std::string& where) {
        errors_.push_back({errc::invalid, k.path() + " " + what, where, k.help});
    }
    // `spelling` of a key: its path or its variable.
    template <class Spelling>
    std::string nearest(const std::string& given, Spelling spelling) const {
        const auto dot = given.find('.');
        std::size_t least = 4; // further away it is a guess
        std::string near;
        for (const auto& k : keys_) {
            const auto said = std::invoke(spelling, k);
            if (dot != std::string::npos && given.substr(dot + 1) == k.name)
                return "did you mean " + said + "?";
            if (const auto away = distance(given, said); away < least) least = away, near = said;
        }
        return near.empty() ? "config/zhida.toml lists every key" : "did you mean " + near + "?";
    }

    std::vector<key> keys_;
    std::vector<failure>& errors_;
};

result<toml::table> parse_file(const std::string& file) {
    std::error_code none;
    if (std::filesystem::is_directory(file, none))
        return failure{errc::io, "is a folder", file, "name the file, as " + file + "/zhida.toml"};
    std::ifstream in_file(file, std::ios::binary);
    if (!in_file)
        return failure{errc::io, std::string("cannot be opened: ") + std::strerror(errno), file,
                       "check the path and who may read it"};
    try {
        return toml::table(toml::parse(in_file, file));
    } catch (const toml::parse_error& e) {
        return failure{errc::invalid, std::string(e.description()),
                       file + ":" + std::to_string(e.source().begin.line),
                       "see config/zhida.toml for the form"};
    }
}

void read_section(const std::string& section, const toml::table& body, const std::string& file,
                  std::vector<setting>& out) {
    for (const auto& [name, node] : body)
        if (const auto* inner = node.as_table(); inner && section + "." == gateway_section)
            read_section(section + "." + std::string(name.str()), *inner, file, out);
        else
            out.push_back({section, std::string(name.str()),
                           file + ":" + std::to_string(node.source().begin.line), &node, ""});
}

// In rising order of their sources.
std::vector<setting> settings_of(const toml::table& parsed, const config_sources& from, const reader& in,
                                 loaded_config& out) {
    std::vector<setting> all;
    for (const auto& [section, body] : parsed)
        if (const auto* table = body.as_table())
            read_section(std::string(section.str()), *table, from.file, all);
        else
            all.push_back({"", std::string(section.str()),
                           from.file + ":" + std::to_string(body.source().begin.line), &body, ""});

    // Variables that are not keys of the configuration: the program's own, those of tests and of builds.
    constexpr std::string_view reserved[] = {"ZHIDA_CONTACT_KEY", "ZHIDA_CONFIG",      "ZHIDA_WRITE_CONFIG",
                                             "ZHIDA_KAFKA_HOME",  "ZHIDA_KAFKA_CACHE",
#ifdef ZHIDA_FAILPOINTS
                                             "ZHIDA_FAILPOINT"
#endif
    };
    for (const auto& [name, text] : from.environment) {
        if (!name.starts_with("ZHIDA_") || name.starts_with("ZHIDA_TEST_")) continue;
        if (std::find(std::begin(reserved), std::end(reserved), name) != std::end(reserved)) continue;
        constexpr std::string_view of_gateways = "ZHIDA_SMS_GATEWAY__";
        const auto last = name.rfind("__");
        if (const auto* k = in.find_variable(name)) {
            all.push_back({k->section, k->name, "environment " + name, nullptr, text});
        } else if (name.starts_with(of_gateways) && last > of_gateways.size()) {
            const auto gateway = name.substr(of_gateways.size(), last - of_gateways.size());
            all.push_back({std::string(gateway_section) + lower(gateway), lower(name.substr(last + 2)),
                           "environment " + name, nullptr, text});
        } else if (name.find("__") != std::string::npos) {
            out.errors.push_back(in.unknown_variable(name));
        } else { // may be another program's: Kubernetes sets ZHIDA_PORT for a service named zhida
            out.warnings.push_back(in.unknown_variable(name));
        }
    }
    for (const auto& set : from.sets) {
        const auto equals = set.find('='), dot = set.rfind('.', equals);
        if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
            out.errors.push_back({errc::invalid, "must have the form section.key=value", "--set " + set, ""});
            continue;
        }
        all.push_back({set.substr(0, dot), set.substr(dot + 1, equals - dot - 1),
                       "--set " + set.substr(0, equals), nullptr, set.substr(equals + 1)});
    }
    return all;
}

// The gateways that are named anywhere: each begins with what [sms] says.
void name_gateways(const std::vector<setting>& all, config& c, std::vector<failure>& errors) {
    for (const auto& s : all) {
        if (!s.of_gateway()) continue;
        const auto name = s.section.substr(gateway_section.size());
        const bool fit = !name.empty() && name.size() <= 20 && name != "wechat" && name != "miniprogram" &&
                         name != "wecom" && std::all_of(name.begin(), name.end(), [](char ch) {
                             return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-';
                         });
        if (!fit) {
            errors.push_back({errc::invalid, "'" + name + "' cannot be a gateway's name", s.where,
                              "1 to 20 of a-z, 0-9 and -; wechat, miniprogram and wecom are taken"});
            continue;
        }
        auto& gateway = c.sms.gateways[name];
        gateway = static_cast<const sms_gateway_config&>(c.sms);
        gateway.name = name;
    }
}

bool is_web_address(std::string_view url) {
    for (const std::string_view scheme : {"https://", "http://"})
        if (url.starts_with(scheme))
            return url.size() > scheme.size() && url[scheme.size()] != '/' && url[scheme.size()] != ':' &&
                   std::all_of(url.begin(), url.end(), [](char c) {
                       return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>';
                   });
    return false;
}

void check_gateway(const sms_gateway_config& g, const std::string& section, std::vector<failure>& errors) {
    const auto wrong = [&](const char* name, const std::string& what, std::string fix) {
        const auto path = section + "." + name;
        errors.push_back({errc::invalid, path + " " + what, path, std::move(fix)});
    };
    if (g.protocol == "cmpp") {
        if (g.source_addr.size() != 6)
            wrong("source_addr", "must have exactly six characters",
                  "clients hash shorter ones differently: ask the gateway's operator for the SP_Id");
        if (g.service_id.size() > 10) wrong("service_id", "has more than ten characters", "");
    } else if (g.protocol == "smpp") {
        if (g.source_addr.size() > 15)
            wrong("source_addr", "has more than 15 characters", "SMPP's system_id");
        if (g.secret.size() > 8) wrong("secret", "has more than eight characters", "SMPP's password");
        if (g.system_type.size() > 12) wrong("system_type", "has more than twelve characters", "");
        if (g.service_id.size() > 5)
            wrong("service_id", "has more than five characters", "SMPP's service_type");
    } else {
        if (!g.base_url.empty() && !is_web_address(g.base_url))
            wrong("base_url", "is not a web address", "write it as https://host or http://host:port");
        if (!g.callback_secret.empty() && g.callback_secret.size() < 16)
            wrong("callback_secret", "has fewer than 16 characters",
                  "it is all that tells the vendor from others");
        if (g.access_key.empty()) wrong("access_key", "is empty", "the vendor's console shows it");
        if (g.protocol == "tencent" && g.app_id.empty())
            wrong("app_id", "is empty", "SmsSdkAppId of the application");
    }
    if (g.src_id.size() > 20) wrong("src_id", "has more than twenty characters", "");
}

void check(const config& c, std::vector<failure>& errors) {
    for (const auto& [name, text] : {std::pair("dispatch.quiet_from", &c.dispatch.quiet_from),
                                     std::pair("dispatch.quiet_until", &c.dispatch.quiet_until),
                                     std::pair("reminders.at", &c.reminders.at)})
        if (std::int32_t minute = 0; !parse_time_of_day(*text, minute))
            errors.push_back({errc::invalid, std::string(name) + " is not a time of the day: '" + *text + "'",
                              name, "write it as 21:00"});
    for (const auto& g : gateways_of(c.sms))
        check_gateway(g, c.sms.gateways.empty() ? "sms" : std::string(gateway_section) + g.name, errors);
    for (const auto& [section, base_url] :
         {std::pair("wechat", &c.wechat.base_url), std::pair("miniprogram", &c.miniprogram.base_url),
          std::pair("wecom", &c.wecom.base_url)})
        if (!is_web_address(*base_url))
            errors.push_back({errc::invalid, std::string(section) + ".base_url is not a web address",
                              std::string(section) + ".base_url",
                              "write it as https://host or http://host:port"});
    for (const auto& [section, token, aes_key] :
         {std::tuple("wechat", &c.wechat.callback_token, &c.wechat.callback_aes_key),
          std::tuple("miniprogram", &c.miniprogram.callback_token, &c.miniprogram.callback_aes_key),
          std::tuple("wecom", &c.wecom.callback_token, &c.wecom.callback_aes_key)}) {
        const bool letters = std::all_of(aes_key->begin(), aes_key->end(), [](char ch) {
            return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        });
        const auto path = std::string(section) + ".callback_aes_key";
        if (!aes_key->empty() && (aes_key->size() != 43 || !letters))
            errors.push_back({errc::invalid, path + " is no EncodingAESKey", path,
                              "43 letters and digits, as the platform's console shows it"});
        if (!aes_key->empty() && token->empty())
            errors.push_back({errc::invalid, path + " is set without a callback_token", path,
                              "set both as in the platform's server configuration"});
    }
    if (!c.portal.public_url.empty() && !is_web_address(c.portal.public_url))
        errors.push_back({errc::invalid, "portal.public_url is not a web address", "portal.public_url",
                          "write it as https://host or http://host:port"});
    if (!c.matcher.url.empty() && !is_web_address(c.matcher.url))
        errors.push_back({errc::invalid, "matcher.url is not a web address", "matcher.url",
                          "write it as http://host:port or https://host"});
    if (!c.simulator.callback_base.empty() && !is_web_address(c.simulator.callback_base))
        errors.push_back({errc::invalid, "simulator.callback_base is not a web address",
                          "simulator.callback_base", "write it as http://host:port or https://host"});
    if (c.matcher.url.empty() &&
        (c.matcher.host == "0.0.0.0" || c.matcher.host == "::" || c.matcher.host == "[::]"))
        errors.push_back(
            {errc::invalid, "matcher.host " + c.matcher.host + " is no address under which portals reach it",
             "matcher.url", "write there how they do, as http://host:port, with that matcher.port"});
    if (c.event_log.driver == "kafka" && c.kafka.brokers.empty())
        errors.push_back({errc::invalid, "kafka.brokers is empty", "kafka.brokers",
                          "name them as host:port, or set event_log.driver to redis"});
    if (!c.redis.url.starts_with("redis://"))
        errors.push_back(
            {errc::invalid, "redis.url must start with redis://", "redis.url", "redis://host:port/db"});
}

std::string in_quotes(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) { // TOML allows them only as \uXXXX
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\u%04X", static_cast<unsigned>(c));
            out += code.data();
        } else {
            out += c;
        }
    }
    return out + "\"";
}

// Of a URL only the password is secret.
std::string masked(const key& k, const std::string& text) {
    if (text.empty()) return text;
    if (k.path() != "redis.url") return "****";
    const auto scheme = text.find("://"), at = text.rfind('@');
    if (scheme == std::string::npos) return "****";
    if (at == std::string::npos) return text;
    const auto colon = text.find(':', scheme + 3);
    return text.substr(0, colon < at ? colon + 1 : scheme + 3) + "****" + text.substr(at);
}

std::string value_text(const key& k) {
    if (const auto* s = std::get_if<std::string*>(&k.target)) return in_quotes(**s);
    if (const auto* b = std::get_if<bool*>(&k.target)) return **b ? "true" : "false";
    return std::to_string(*std::get<std::int64_t*>(k.target));
}

std::string render(config& c, bool comments, bool mask) {
    std::string text, section;
    for (const auto& k : keys_of(c)) {
        if (k.section != section) {
            text += (section.empty() ? "[" : "\n[") + k.section + "]\n";
            section = k.section;
        }
        if (comments && !k.help.empty()) text += "# " + k.help + "\n";
        const auto* s = std::get_if<std::string*>(&k.target);
        text += k.name + " = " + (mask && k.secret && s ? in_quotes(masked(k, **s)) : value_text(k)) + "\n";
    }
    return text;
}

} // namespace

std::vector<sms_gateway_config> gateways_of(const sms_config& c) {
    if (c.gateways.empty()) return {static_cast<const sms_gateway_config&>(c)};
    std::vector<sms_gateway_config> all;
    all.reserve(c.gateways.size());
    for (const auto& [name, gateway] : c.gateways) all.push_back(gateway);
    return all;
}

loaded_config load_config(const config_sources& from) {
    loaded_config out;
    toml::table parsed;
    if (!from.file.empty()) {
        if (auto file = parse_file(from.file))
            parsed = std::move(*file);
        else
            out.errors.push_back(file.error());
    }
    reader in(out.values, out.errors);
    const auto all = settings_of(parsed, from, in, out);
    for (const auto& s : all)
        if (!s.of_gateway()) in.set(s);
    name_gateways(all, out.values, out.errors);
    reader of_gateways(out.values, out.errors);
    for (const auto& s : all)
        if (s.of_gateway() && out.values.sms.gateways.contains(s.section.substr(gateway_section.size())))
            of_gateways.set(s);
    check(out.values, out.errors);
    return out;
}

std::string default_config_text() {
    config defaults;
    return "# Zhida (直达): every key with its default. Any of them can also be set by the environment\n"
           "# (ZHIDA_SECTION__KEY) or on the command line (--set section.key=value), which win over this "
           "file.\n"
           "# [sms] describes the only SMS gateway. Of several each has a section [sms_gateway.NAME]\n"
           "# (ZHIDA_SMS_GATEWAY__NAME__KEY, --set sms_gateway.NAME.key=value) with the same keys from "
           "protocol "
           "on;\n# what it does not say is as in [sms].\n\n" +
           render(defaults, true, false);
}

std::string contact_key_path(const config& c) {
    return c.node.contact_key_file.empty() ? c.node.data_dir + "/contact.key" : c.node.contact_key_file;
}

std::string config_text(const config& c) {
    config copy = c;
    return render(copy, false, false);
}

std::string describe(const config& c) {
    config copy = c;
    return render(copy, false, true);
}

} // namespace zhida
