// One aggregate, its defaults in its declaration. Sources in rising order: these defaults, a TOML file, the
// environment (ZHIDA_SECTION__KEY), --set section.key=value. All errors are reported together, each with its
// path.
#pragma once

#include "common/base/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zhida {

struct node_config {
    std::string data_dir = "data";
    std::string config_dir; // empty: found beside the program or in its source tree
    std::int64_t shards = 64;
    std::string
        contact_key_file; // empty: ZHIDA_CONTACT_KEY, else <data_dir>/contact.key, made on first start
};
struct log_config {
    std::string level = "info";
    std::string format = "json";
};
struct redis_config {
    std::string url = "redis://127.0.0.1:6379/0"; // redis://[user:password@]host:port/db
    std::int64_t timeout_ms = 5000;
};
struct event_log_config {
    std::string driver = "kafka"; // kafka | redis
    std::string group = "zhida";
};
struct kafka_config {
    std::string brokers = "127.0.0.1:9092";
    std::int64_t replication_factor = 1;
    std::int64_t session_timeout_ms = 10000;     // a process that is silent for so long loses its shards
    std::string security_protocol = "plaintext"; // plaintext | ssl | sasl_plaintext | sasl_ssl
    std::string sasl_mechanism;
    std::string sasl_username;
    std::string sasl_password;
    std::string ssl_ca_file;
};
struct matcher_config {
    std::string host = "127.0.0.1"; // of the internal service
    std::int64_t port = 0;          // 0: any free port
    std::string url;                // under which portals reach it; empty: http://host:port
    std::int64_t snapshot_s = 300;  // between snapshots of what changed; 0: none
};
struct portal_config {
    std::string host = "127.0.0.1";
    std::int64_t port = 8080; // 0: any free port
    std::string public_url;   // empty: http://host:port
    bool demo_sign_in = false;
    std::int64_t max_body_bytes = 1 << 20;
    std::int64_t max_connections = 4096;
    std::int64_t max_connections_per_ip = 1024;
};
struct dispatch_config {
    std::int64_t chunk = 1024; // recipients in one dispatch record
    // Messages a subject gets at most, from all departments together; 0: as many as there are.
    std::int64_t sms_per_day = 3, sms_per_week = 10;
    std::int64_t wechat_per_day = 5, wechat_per_week = 20;
    // Which contact hears of a theme first: THEME=ROLE, comma-separated.
    std::string contact_roles = "就业=人事, 技能=人事, 人才=人事, 纾困/社保=人事, 税务=财务, 金融=财务";
    // No SMS and no WeChat message from .. until (Asia/Shanghai): they are held. The same time twice: none.
    std::string quiet_from = "21:00", quiet_until = "08:00";
    bool resend_emergency = false; // an SMS in doubt of an emergency is sent once more
    bool merge = true;             // what a recipient gets of several campaigns at once is one message
    std::int64_t reconcile_s = 60; // between searches for work that nothing carries
};
struct campaign_config {
    bool approval = true; // by the rules below; false: every campaign is approved by itself
    // A second person approves: an audience larger than this; 0: its size never asks for it.
    std::int64_t approve_above = 5000;
    std::string approve_themes; // beginnings of themes, comma-separated, that always need it
};
struct reminders_config {
    std::string at = "09:00"; // Asia/Shanghai
};
// One account at an SMS gateway.
struct sms_gateway_config {
    std::string name = "sms";      // the key's own part: sms_gateway.NAME
    std::string protocol = "cmpp"; // cmpp | smpp | aliyun | tencent
    std::int64_t weight = 1;      // its part of the messages among several; 0: only where no other takes them
    std::int64_t rate_per_s = 0;  // messages (parts) a second; 0: no limit of ours
    std::int64_t connections = 1; // at once
    std::int64_t response_timeout_s = 60;
    std::string secret;              // CMPP: shared secret; SMPP: password; clouds: secret access key
    std::string src_id = "10690000"; // the number that the recipient sees; clouds choose it themselves
    // CMPP and SMPP
    std::string host = "127.0.0.1";
    std::int64_t port = 7890;
    std::string source_addr = "900001"; // CMPP: SP_Id, six characters; SMPP: system_id
    std::string version = "3.0";        // of CMPP: 2.0 | 3.0
    std::string service_id;             // Service_Id, service_type
    std::int64_t window = 16;
    std::int64_t keepalive_s = 10;
    // SMPP
    std::string system_type;
    std::string long_text = "udh"; // how a text of several parts goes out: udh | payload
    std::string receipt_ids =
        "as_given"; // as_given | decimal_of_hex | hex_of_decimal: receipts and answers differ
    // Clouds
    std::string base_url;                // empty: the vendor's own
    std::string ca_file;                 // empty: the system's authorities
    std::string access_key;              // AccessKeyId, SecretId
    std::string app_id;                  // Tencent's SmsSdkAppId
    std::string region = "ap-guangzhou"; // of Tencent
    std::string callback_secret;         // the last part of the path that the vendor posts receipts to
    std::string callback_from;           // addresses and networks it posts from, comma-separated; empty: any
};
// The channel. Its own members of sms_gateway_config are those of the only gateway, or, where `gateways` has
// some, what they begin with.
struct sms_config : sms_gateway_config {
    bool enabled = true;
    std::string signature = "直达演示";
    std::string verify_hint = "可拨12345核实";
    std::int64_t part_price_li = 45; // 厘, thousandths of a yuan, for previews; 0: no cost is told
    std::int64_t receipt_wait_h = 48;
    std::map<std::string, sms_gateway_config> gateways; // by name
};
// At least one.
std::vector<sms_gateway_config> gateways_of(const sms_config&);
// An account of the WeChat platform that sends to openids: the official account, or a mini-program.
struct wechat_config {
    std::string name = "wechat"; // or "miniprogram": as receipts and pages name it
    bool enabled = true;
    std::string base_url = "https://api.weixin.qq.com";
    std::string ca_file; // empty: the system's authorities
    std::string appid;
    std::string secret;
    std::string token_api = "stable_token"; // or token
    std::string send_by = "template";       // template | subscribe | miniprogram: which message API
    std::string template_id;
    std::string template_fields = "thing1=title, thing2=benefit, thing3=issuer, thing4=deadline";
    bool long_term = true; // subscribe, miniprogram: a grant lasts; else it is good for one message
    std::string page;      // miniprogram: the page that a message opens
    std::string miniprogram_state = "formal";
    std::int64_t daily_quota = 100'000; // of messages, as the platform shows it; 0: not known
    std::int64_t connections = 8;
    std::int64_t timeout_ms = 10000;
    std::string callback_token;
    std::string callback_aes_key; // EncodingAESKey, 43 characters; empty: callbacks in clear text
    std::int64_t receipt_wait_h = 48;

    // Whether a message goes only to who has subscribed to its template.
    bool needs_grant() const noexcept { return send_by != "template"; }
    static wechat_config of_miniprogram() {
        wechat_config c;
        c.name = c.send_by = "miniprogram";
        c.enabled = false;
        c.daily_quota = 10'000'000;
        return c;
    }
};
// An application of WeCom that sends to members, and robots of its groups.
struct wecom_config {
    bool enabled = false;
    std::string base_url = "https://qyapi.weixin.qq.com";
    std::string ca_file; // empty: the system's authorities
    std::string corpid;
    std::string secret;
    std::int64_t agentid = 0;
    std::int64_t member_per_minute = 30;
    std::int64_t member_per_hour = 1000;
    std::int64_t daily_quota = 0; // person-sends: the corporation's accounts times 200; 0: not known
    std::int64_t connections = 4;
    std::int64_t timeout_ms = 10000;
    std::string callback_token;
    std::string callback_aes_key;
    std::string robots; // DEPARTMENT=KEY, comma-separated; department *: the operators
};
struct simulator_config {
    std::int64_t cmpp_port = 7890; // 0: any free port
    std::int64_t smpp_port = 0;
    std::int64_t wechat_port = 7891; // also serves the control and record endpoints
    std::string host = "127.0.0.1";
    std::string record_file;   // JSON lines of every message accepted; empty: memory only
    std::string callback_base; // http://host:port that clouds post to; empty: this process's portal, if any
};

struct config {
    node_config node;
    log_config log;
    redis_config redis;
    event_log_config event_log;
    kafka_config kafka;
    matcher_config matcher;
    portal_config portal;
    dispatch_config dispatch;
    campaign_config campaign;
    reminders_config reminders;
    sms_config sms;
    wechat_config wechat;
    wechat_config miniprogram = wechat_config::of_miniprogram();
    wecom_config wecom;
    simulator_config simulator;

    // By any account of the channel.
    bool sends_wechat() const noexcept { return wechat.enabled || miniprogram.enabled || wecom.enabled; }
    // Whether somebody tells what became of messages that WeChat took.
    bool hears_wechat() const noexcept {
        return (wechat.enabled && !wechat.callback_token.empty()) ||
               (miniprogram.enabled && !miniprogram.callback_token.empty());
    }
};

struct config_sources {
    std::string file;                               // empty: none
    std::map<std::string, std::string> environment; // only ZHIDA_* of it is read
    std::vector<std::string> sets;                  // "section.key=value"
};

struct loaded_config {
    config values;
    std::vector<failure> errors;   // empty: values are good to use
    std::vector<failure> warnings; // variables named ZHIDA_... that nothing reads
};

loaded_config load_config(const config_sources&);

// The commented file with every key and its default: config/zhida.toml is exactly this.
std::string default_config_text();

// node.contact_key_file, or contact.key in the data folder.
std::string contact_key_path(const config&);

// Every key with its value, secrets masked.
std::string describe(const config&);

// The same with its secrets: a file that load_config reads.
std::string config_text(const config&);

} // namespace zhida
