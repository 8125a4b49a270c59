// One account of the simulated platform, the official account or a mini-program: its tokens, quotas,
// followers and grants, and what it answers. Knows no network.
#pragma once

#include "common/io/http_server.hpp"
#include "services/simulator/call_counts.hpp"
#include "services/simulator/faults.hpp"
#include "services/simulator/message_log.hpp"
#include "services/simulator/wechat_audience.hpp"
#include "services/simulator/wechat_send_rules.hpp"
#include "services/simulator/wechat_tokens.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace zhida::simulator {

struct wechat_account_options {
    std::string name = "wechat"; // or "miniprogram"
    std::string appid, secret;
    wechat_templates templates;
    std::int64_t daily_quota = 100'000;         // messages a day of each API; more get 45009
    std::map<std::string, std::int64_t> quotas; // of an API by itself: template, subscribe, miniprogram
    std::int64_t per_minute = 0;                // calls of each API; more get 45011; 0: any
    std::int64_t token_seconds = 7200;
    milliseconds token_overlap{300'000};
    std::set<std::string> ip_allow_list; // who may fetch tokens; none: anybody
    bool everybody_follows = true;       // see wechat_audience
    bool everybody_granted = true;
    // Events are pushed where both are set: to callback_base/gateways/NAME/events.
    std::string callback_base, callback_token;
    std::string callback_aes_key; // empty: in clear
    milliseconds event_delay{50}; // from a message to what is told of it
    milliseconds push_timeout{5'000};
    milliseconds push_pause{200}; // before it is tried again
};

struct wechat_account_stats {
    std::int64_t token_calls = 0, tokens_issued = 0, sends = 0, accepted = 0, duplicates = 0;
    std::map<std::int64_t, std::int64_t> errors; // errcode: how often
};
json to_json(const wechat_account_stats& s);

// The log outlives it.
class wechat_account {
  public:
    // next_msgid: counts for all accounts of the platform.
    wechat_account(wechat_account_options options, message_log& log, std::int64_t& next_msgid);

    struct taken {
        std::int64_t msgid = 0;
        wechat_send message;
    };
    struct answer {
        io::http_response response;
        std::optional<taken> message; // one that was taken now, not a repeated one
    };
    io::http_response error(std::int64_t errcode, const std::string& errmsg, int status = 200);
    io::http_response stable_token(const json& body, const std::string& remote, wall_time now);
    io::http_response classic_token(const std::string& secret, const std::string& remote, wall_time now);
    // What is wrong with the token, with nothing where it is good.
    std::optional<io::http_response> token_fault(const std::string& token, wall_time now);
    bool knows(const std::string& token, wall_time now) const {
        return tokens_.check(token, now) != wechat_tokens::standing::unknown;
    }
    // With a token that is good.
    answer send(wechat_api api, json body, const fault_rule& fault, wall_time now);
    io::http_response create_qrcode(const json& body, wall_time now);
    io::http_response clear_quota(const json& body, wall_time now);
    io::http_response get_quota(const json& body, wall_time now);

    void rotate_token(wall_time now);
    void set_overlap(milliseconds overlap) { options.token_overlap = tokens_.overlap = overlap; }
    // Of a scene of create_qrcode(): its ticket, nothing where nobody made it or it has expired.
    struct scene {
        std::string ticket, url;
        std::optional<wall_time> until; // none: for ever
    };
    const scene* find_scene(const std::string& name) const;
    // The scene whose code says this; else what was given.
    std::string scene_at(const std::string& url) const;
    std::string original_id() const; // "gh_...": ToUserName of events

    wechat_account_options options;
    wechat_audience audience;
    wechat_account_stats counters;

  private:
    void restore();
    bool may_fetch(const std::string& remote) const;
    io::http_response not_allowed(const std::string& remote);
    io::http_response issued(const wechat_tokens::issued& t);
    std::int64_t quota_of(const std::string& api) const;

    message_log& log_;
    std::int64_t& next_msgid_;
    wechat_tokens tokens_;
    struct earlier {
        std::int64_t msgid;
        wall_time at;
    };
    // By openid, LF, client_msg_id. No hash table: where it grows to many, everybody waits for it.
    std::map<std::string, earlier> seen_;
    day_counts sent_;     // by API
    window_counts calls_; // likewise
    std::map<std::string, scene> scenes_;
    std::int32_t cleared_month_ = -1;
    int cleared_ = 0;
};

} // namespace zhida::simulator
