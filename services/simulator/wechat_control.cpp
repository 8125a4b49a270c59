#include "services/simulator/wechat_control.hpp"

#include "common/base/json.hpp"
#include "services/simulator/wechat_event_xml.hpp"
#include "services/simulator/wechat_simulator.hpp"

#include <algorithm>
#include <array>

namespace zhida::simulator {

namespace {

io::http_response as_json(const json& body) {
    io::http_response r;
    r.content_type = "application/json";
    r.body = to_text(body);
    return r;
}

io::http_response wrong(const std::vector<failure>& errors) {
    std::string all;
    for (const auto& e : errors) all += (all.empty() ? "" : "; ") + e.text();
    return io::problem(400, "/problems/fault-rule-invalid", "Not understood", all);
}

constexpr std::string_view popup = "popup", settings_page = "settings";
constexpr std::size_t longest_scene = 64;

struct action {
    std::string verb, openid, scene, template_id, text, where;
    std::int64_t count = 1;
    bool long_term = false, wait = false;
    std::vector<std::pair<std::string, std::string>> choices; // of menu_popup: template; accept | reject
};

struct settings {
    std::optional<std::string> callback_base;
    std::optional<std::set<std::string>> ip_allow_list;
    std::map<std::string, std::int64_t> quotas;
    std::optional<std::int64_t> per_minute, token_overlap_s, event_delay_ms;
    std::optional<bool> everybody_follows, everybody_granted;
};

settings read_settings(json_reader& in) {
    settings s;
    s.callback_base = in.text("callback_base", false);
    if (s.callback_base && !s.callback_base->empty() && !s.callback_base->starts_with("http://") &&
        !s.callback_base->starts_with("https://"))
        in.error_at("callback_base", "must be http://host:port or https://host");
    if (const auto* list = in.array("ip_allow_list", false)) {
        s.ip_allow_list.emplace();
        for (const auto& ip : *list)
            if (ip.is_string())
                s.ip_allow_list->insert(ip.get<std::string>());
            else
                in.error_at("ip_allow_list", "may hold addresses only");
    }
    if (const auto* quotas = in.object("quotas", false)) {
        json_reader each(*quotas, in.at("quotas"), in.errors());
        each.only({"template", "subscribe", "miniprogram"});
        for (const auto& [api, unused] : quotas->items())
            s.quotas[api] = each.integer(api, true, 0, INT64_MAX).value_or(0);
    }
    s.per_minute = in.integer("per_minute", false, 0, INT32_MAX);
    s.token_overlap_s = in.integer("token_overlap_s", false, 0, 7200);
    s.event_delay_ms = in.integer("event_delay_ms", false, 0, 86'400'000);
    s.everybody_follows = in.boolean("everybody_follows", false);
    s.everybody_granted = in.boolean("everybody_granted", false);
    return s;
}

void apply(settings& s, wechat_account& a, wechat_push& push) {
    if (s.callback_base) push.set_base(*s.callback_base);
    if (s.ip_allow_list) a.options.ip_allow_list = std::move(*s.ip_allow_list);
    for (const auto& [api, quota] : s.quotas) a.options.quotas[api] = quota;
    if (s.per_minute) a.options.per_minute = *s.per_minute;
    if (s.token_overlap_s) a.set_overlap(std::chrono::seconds(*s.token_overlap_s));
    if (s.event_delay_ms) a.options.event_delay = milliseconds(*s.event_delay_ms);
    if (s.everybody_follows) a.audience.everybody_follows = *s.everybody_follows;
    if (s.everybody_granted) a.audience.everybody_granted = *s.everybody_granted;
}

constexpr std::array<std::string_view, 9> verbs = {"follow", "unfollow",   "scan",   "accept",      "reject",
                                                   "text",   "menu_popup", "verify", "rotate_token"};

bool official_only(const std::string& verb) {
    return verb == "follow" || verb == "unfollow" || verb == "scan";
}
bool of_somebody(const std::string& verb) {
    return verb != "verify" && verb != "rotate_token";
}

// A member that the action does nothing with is refused: it was meant for another.
void refuse_idle_members(json_reader& in, const std::string& verb) {
    const auto only_of = [&](const char* name, std::initializer_list<std::string_view> used_by) {
        if (in.has(name) && std::find(used_by.begin(), used_by.end(), verb) == used_by.end())
            in.error_at(name, verb.empty() ? "says nothing without \"do\"" : "says nothing to " + verb);
    };
    if (in.has("openid") && !of_somebody(verb)) only_of("openid", {});
    if (in.has("openid") && verb.empty()) only_of("openid", {});
    only_of("scene", {"follow", "scan"});
    only_of("template_id", {"accept", "reject"});
    only_of("templates", {"menu_popup"});
    only_of("count", {"accept"});
    only_of("long_term", {"accept", "menu_popup"});
    only_of("by", {"accept", "reject"});
    only_of("text", {"text"});
    only_of("wait", {"follow", "unfollow", "scan", "accept", "reject", "text", "menu_popup", "verify"});
}

action read_action(json_reader& in, const std::string& account) {
    action a;
    a.verb = in.text("do", false).value_or("");
    if (in.has("do") && std::find(verbs.begin(), verbs.end(), a.verb) == verbs.end()) {
        in.error_at("do", "must be follow, unfollow, scan, accept, reject, text, menu_popup, verify or "
                          "rotate_token");
        return a;
    }
    refuse_idle_members(in, a.verb);
    if (a.verb.empty()) return a;
    if (account != "wechat" && official_only(a.verb)) in.error_at("do", "a mini-program has no followers");
    a.openid = in.text("openid", of_somebody(a.verb), 128).value_or("");
    if (in.has("openid") && a.openid.empty()) in.error_at("openid", "must not be empty");
    a.scene = in.text("scene", a.verb == "scan", longest_scene).value_or("");
    a.template_id = in.text("template_id", a.verb == "accept" || a.verb == "reject").value_or("");
    a.count = in.integer("count", false, 1, 1'000'000).value_or(1);
    a.long_term = in.boolean("long_term", false).value_or(false);
    a.text = in.text("text", a.verb == "text").value_or("");
    a.wait = in.boolean("wait", false).value_or(false);
    a.where = in.text("by", false).value_or(std::string(a.verb == "accept" ? popup : settings_page));
    if (a.where != popup && a.where != settings_page) in.error_at("by", "must be popup or settings");
    if (const auto* choices = in.object("templates", a.verb == "menu_popup")) {
        json_reader each(*choices, in.at("templates"), in.errors());
        for (const auto& [id, unused] : choices->items()) {
            const auto choice = each.text(id, true).value_or("accept");
            if (choice != "accept" && choice != "reject") each.error_at(id, "must be accept or reject");
            a.choices.emplace_back(id, choice);
        }
    }
    return a;
}

// Changes the state and says what is told of it, empty where nothing is.
std::string act(wechat_simulator& platform, wechat_account& account, const action& a) {
    const auto now = platform.time().now();
    const wechat_parties p{account.original_id(), a.openid, now};
    const auto* made = a.scene.empty() ? nullptr : account.find_scene(a.scene);
    const std::string ticket = made ? made->ticket : "";
    auto& audience = account.audience;
    const auto choose = [&](const std::string& id, const std::string& choice) {
        if (choice == "accept")
            audience.accept(a.openid, id, a.count, a.long_term);
        else
            audience.reject(a.openid, id);
    };
    if (a.verb == "follow" || (a.verb == "scan" && !audience.follows(a.openid))) {
        audience.set_follows(a.openid, true);
        return event_xml(p, "subscribe", a.scene.empty() ? "" : "qrscene_" + a.scene, ticket);
    }
    if (a.verb == "scan") return event_xml(p, "SCAN", a.scene, ticket);
    if (a.verb == "unfollow") {
        audience.set_follows(a.openid, false);
        return event_xml(p, "unsubscribe");
    }
    if (a.verb == "accept" || a.verb == "reject") {
        choose(a.template_id, a.verb);
        return subscription_choice_xml(
            p, a.where == popup ? "subscribe_msg_popup_event" : "subscribe_msg_change_event",
            {{a.template_id, a.verb}});
    }
    if (a.verb == "menu_popup") {
        for (const auto& [id, choice] : a.choices) choose(id, choice);
        return subscription_choice_xml(p, "subscribe_msg_popup_event", a.choices);
    }
    return text_xml(p, a.text, platform.new_msgid());
}

json told(const wechat_push_outcome& o) {
    json out = {{"taken", o.taken}, {"tries", o.tries}, {"status", o.status}, {"body", o.body}};
    if (!o.fault.empty()) out["fault"] = o.fault;
    return out;
}

} // namespace

asio::awaitable<io::http_response> steer_wechat(wechat_simulator* platform, io::http_request r) {
    const auto body = parse_json(r.body);
    if (!body) co_return wrong({body.error()});
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    if (!in.is_object()) co_return wrong(errors);
    in.only({"account", "do", "openid", "scene", "template_id", "templates", "count", "long_term", "by",
             "text", "wait", "callback_base", "ip_allow_list", "quotas", "per_minute", "token_overlap_s",
             "event_delay_ms", "everybody_follows", "everybody_granted"});
    const auto name = in.text("account", false).value_or("wechat");
    auto* account = platform->account(name);
    auto* push = platform->push(name);
    if (!account) in.error_at("account", "must be wechat, or miniprogram where the settings have one");
    auto wanted = read_settings(in);
    auto a = read_action(in, name);
    if (account && !a.scene.empty()) a.scene = account->scene_at(a.scene);
    if (account && !a.scene.empty())
        if (const auto* made = account->find_scene(a.scene);
            made && made->until && *made->until <= platform->time().now())
            in.error_at("scene", "the QR code has expired");
    if (!errors.empty()) co_return wrong(errors);
    apply(wanted, *account, *push);
    if (a.verb.empty()) co_return as_json(json::object());
    if (a.verb == "rotate_token") {
        account->rotate_token(platform->time().now());
        co_return as_json(json::object());
    }
    if (a.verb == "verify") {
        const auto outcome = co_await push->verify();
        co_return as_json(told(outcome));
    }
    auto xml = act(*platform, *account, a);
    if (a.wait) {
        const auto outcome = co_await push->deliver(a.openid, std::move(xml));
        co_return as_json(told(outcome));
    }
    push->put(a.openid, std::move(xml));
    co_return as_json(json::object());
}

} // namespace zhida::simulator
