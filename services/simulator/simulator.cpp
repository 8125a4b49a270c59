#include "services/simulator/simulator.hpp"

#include "services/simulator/bad_pdu.hpp"
#include "services/simulator/wechat_control.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <charconv>

namespace zhida::simulator {

using namespace asio::experimental::awaitable_operators;

namespace {

io::http_response as_json(const json& body, int status = 200) {
    io::http_response r;
    r.status = status;
    r.content_type = "application/json";
    r.body = to_text(body);
    return r;
}

io::http_response wrong(const std::vector<failure>& errors) {
    std::string all;
    for (const auto& e : errors) all += (all.empty() ? "" : "; ") + e.text();
    return io::problem(400, "/problems/fault-rule-invalid", "Not understood", all);
}

// 0: that of [sms], so that who changes the options' changes it for all of the same.
std::int64_t own_window(const sms_gateway_config& g, const sms_config& sms) {
    return g.window == sms.window ? 0 : g.window;
}

wechat_account_options account_of(const wechat_config& c, const simulator_config& settings) {
    wechat_account_options o;
    o.name = c.name;
    o.appid = c.appid;
    o.secret = c.secret;
    if (!c.template_id.empty())
        (c.send_by == "template" ? o.templates.messages : o.templates.subscriptions).insert(c.template_id);
    // Nobody can have taps in store that were never made.
    o.everybody_granted = c.long_term;
    o.callback_base = settings.callback_base;
    o.callback_token = c.callback_token;
    o.callback_aes_key = c.callback_aes_key;
    return o;
}

asio::awaitable<io::http_response> at_once(io::http_response r) {
    co_return r;
}

std::string query(const io::http_request& r, const char* name) {
    const auto found = r.query.find(name);
    return found == r.query.end() ? "" : found->second;
}

} // namespace

struct simulator::impl {
    impl(asio::any_io_executor ex, const clock& c, simulator_config s, const sms_config& sms,
         const wechat_config& official, const wechat_config& miniprogram, const wecom_config& work)
        : executor(ex), time(c), settings(std::move(s)) {
        cmpp_options.host = settings.host;
        cmpp_options.port = static_cast<std::uint16_t>(settings.cmpp_port);
        for (const auto& g : gateways_of(sms))
            if (g.protocol == "cmpp")
                cmpp_options.accounts.push_back(
                    {g.source_addr, g.secret, g.src_id, "", g.name, own_window(g, sms)});
        cmpp_options.window = sms.window;
        for (const auto& g : gateways_of(sms))
            cmpp_options.max_connections = std::max(cmpp_options.max_connections, g.connections);
        smpp_options.host = settings.host;
        smpp_options.port = static_cast<std::uint16_t>(settings.smpp_port);
        for (const auto& g : gateways_of(sms))
            if (g.protocol == "smpp")
                smpp_options.accounts.push_back(
                    {g.source_addr, g.secret, g.src_id, g.name, own_window(g, sms)});
        // [sms] too where it speaks CMPP; an account that has its system_id goes before it.
        smpp_options.accounts.push_back({sms.source_addr, sms.secret, sms.src_id, "sms"});
        smpp_options.window = cmpp_options.window;
        smpp_options.max_connections = cmpp_options.max_connections;
        if (!settings.record_file.empty())
            cmpp_options.acks_file = smpp_options.acks_file = settings.record_file + ".reported";
        wechat_options = account_of(official, settings);
        miniprogram_options = account_of(miniprogram, settings);
        wecom_options.corpid = work.corpid;
        wecom_options.secret = work.secret;
        wecom_options.agentid = work.agentid;
        wecom_options.robots = robot_keys(work.robots);
        wecom_options.member_per_minute = work.member_per_minute;
        wecom_options.member_per_hour = work.member_per_hour;
        wecom_options.daily_quota = work.daily_quota;
        http_options.host = settings.host;
        http_options.port = static_cast<std::uint16_t>(settings.wechat_port);
        http_options.max_header_bytes = 64 << 10; // Aliyun's SDK writes up to 1,000 numbers into the query
        aliyun_options.accounts = cloud_accounts(sms, "aliyun");
        tencent_options.accounts = cloud_accounts(sms, "tencent");
        aliyun_options.callback_base = tencent_options.callback_base = settings.callback_base;
    }

    asio::any_io_executor executor;
    const clock& time;
    simulator_config settings;
    cmpp_simulator_options cmpp_options;
    smpp_simulator_options smpp_options;
    wechat_account_options wechat_options, miniprogram_options;
    wecom_simulator_options wecom_options;
    io::http_server_options http_options;
    cloud_options aliyun_options, tencent_options;
    message_log log;
    fault_table faults;
    std::unique_ptr<cmpp_simulator> cmpp;
    std::unique_ptr<smpp_simulator> smpp;
    std::unique_ptr<wechat_simulator> wechat;
    std::unique_ptr<wecom_simulator> wecom;
    std::unique_ptr<aliyun_simulator> aliyun;
    std::unique_ptr<tencent_simulator> tencent;
    std::unique_ptr<io::http_server> server;

    result<void> listen();
    void add_control(io::http_router& router);
    io::http_response get_messages(const io::http_request& r) const;
    io::http_response get_stats() const;
    io::http_response post_faults(const io::http_request& r);
    void refuse_what_smpp_lacks(json_reader rule) const;
    io::http_response post_clouds(const io::http_request& r);
    asio::awaitable<io::http_response> post_wechat(io::http_request r);
    io::http_response post_inbound(const io::http_request& r);
    io::http_response delete_messages();
    void set_callback_base(const std::string& base) {
        for (auto* cloud : {&aliyun->service(), &tencent->service()}) cloud->set_callback_base(base);
        wechat->set_callback_base(base);
    }
};

result<void> simulator::impl::listen() {
    if (const auto opened = log.open(settings.record_file); !opened) return opened;
    cmpp = std::make_unique<cmpp_simulator>(executor, time, cmpp_options, log, faults);
    smpp = std::make_unique<smpp_simulator>(executor, time, smpp_options, log, faults);
    std::vector<wechat_account_options> accounts{wechat_options};
    if (!miniprogram_options.appid.empty()) accounts.push_back(miniprogram_options);
    wechat = std::make_unique<wechat_simulator>(executor, time, std::move(accounts), log, faults);
    if (const auto good = wechat->check(); !good) return good;
    wecom = std::make_unique<wecom_simulator>(executor, time, wecom_options, log, faults);
    aliyun = std::make_unique<aliyun_simulator>(executor, time, aliyun_options, log, faults);
    tencent = std::make_unique<tencent_simulator>(executor, time, tencent_options, log, faults);
    io::http_router router;
    wechat->add_routes(router);
    wecom->add_routes(router);
    router.add("POST", "/", [this](io::http_request r) {
        if (aliyun_simulator::meant(r)) return aliyun->serve(std::move(r));
        if (tencent_simulator::meant(r)) return tencent->serve(std::move(r));
        return at_once(io::problem(404, "", "Not found", "neither x-acs-action nor x-tc-action is there"));
    });
    add_control(router);
    server = std::make_unique<io::http_server>(executor, http_options, std::move(router));
    if (const auto bound = cmpp->listen(); !bound) return bound;
    if (const auto bound = smpp->listen(); !bound) return bound;
    return server->listen();
}

// The handlers live as long as the server, which is a member of *this.
void simulator::impl::add_control(io::http_router& router) {
    router.add("GET", "/sim/messages", [this](io::http_request r) { return at_once(get_messages(r)); });
    router.add("DELETE", "/sim/messages", [this](io::http_request) { return at_once(delete_messages()); });
    router.add("GET", "/sim/stats", [this](io::http_request) { return at_once(get_stats()); });
    router.add("GET", "/sim/faults", [this](io::http_request) { return at_once(as_json(faults.to_json())); });
    router.add("POST", "/sim/faults", [this](io::http_request r) { return at_once(post_faults(r)); });
    router.add("POST", "/sim/clouds", [this](io::http_request r) { return at_once(post_clouds(r)); });
    router.add("POST", "/sim/wechat", [this](io::http_request r) { return post_wechat(std::move(r)); });
    router.add("POST", "/sim/inbound", [this](io::http_request r) { return at_once(post_inbound(r)); });
}

io::http_response simulator::impl::get_messages(const io::http_request& r) const {
    message_filter f;
    f.channel = query(r, "channel");
    f.to = query(r, "phone").empty() ? query(r, "openid") : query(r, "phone");
    const auto since = query(r, "since");
    const auto parsed = std::from_chars(since.data(), since.data() + since.size(), f.since_ms);
    if (!since.empty() && (parsed.ec != std::errc() || parsed.ptr != since.data() + since.size()))
        return wrong({{errc::invalid, "must be milliseconds since 1970", "since", ""}});
    auto found = log.find(f);
    if (query(r, "assembled") == "1") found = assembled(found);
    json list = json::array();
    for (const auto& m : found) list.push_back(to_json(m));
    return as_json(list);
}

io::http_response simulator::impl::get_stats() const {
    json out = {{"messages", log.all().size()},       {"sms", to_json(cmpp->stats())},
                {"smpp", to_json(smpp->stats())},     {"wecom", to_json(wecom->stats())},
                {"aliyun", to_json(aliyun->stats())}, {"tencent", to_json(tencent->stats())}};
    out.update(wechat->all_stats());
    return as_json(out);
}

// A rule that names an account of SMPP alone, with what only CMPP has: it would do nothing.
void simulator::impl::refuse_what_smpp_lacks(json_reader rule) const {
    const auto says = [&](const char* member) {
        const auto found = rule.value().find(member);
        return found != rule.value().end() && found->is_string() ? found->get<std::string>() : "";
    };
    if (!rule.value().is_object()) return; // refused elsewhere
    const auto to = says("to"), gateway = says("gateway");
    const auto named = [&](const std::string& id, const std::string& name) {
        return (!to.empty() && to == id) || (!gateway.empty() && gateway == name);
    };
    if (std::none_of(smpp_options.accounts.begin(), smpp_options.accounts.end(),
                     [&](const auto& a) { return named(a.system_id, a.name); }) ||
        std::any_of(cmpp_options.accounts.begin(), cmpp_options.accounts.end(),
                    [&](const auto& a) { return named(a.source_addr, a.name); }))
        return;
    for (const char* member : {"bad_authenticator", "blank_authenticator", "only_version"})
        if (rule.has(member)) rule.error_at(member, "is of CMPP, and this account speaks SMPP");
    if (says("active_test") == "bare")
        rule.error_at("active_test", "may only be none: SMPP's enquire_link_resp has nothing to leave out");
    const auto report = says("report");
    for (const char* of_others :
         {"other_layout", "short_tail", "after_next", "elsewhere", "conflicting", "out_of_order"})
        if (report == of_others) rule.error_at("report", "SMPP's receipts have no such form");
}

io::http_response simulator::impl::post_faults(const io::http_request& r) {
    const auto body = parse_json(r.body);
    if (!body) return wrong({body.error()});
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    if (in.is_object())
        in.only({"replace", "rules", "do", "wechat_daily_quota", "cmpp_window", "cmpp_connections"});
    const auto quota = in.integer("wechat_daily_quota", false, 0, INT64_MAX);
    const auto window = in.integer("cmpp_window", false, 0, INT64_MAX);
    const auto connections = in.integer("cmpp_connections", false, 0, INT64_MAX);
    std::vector<std::string> actions;
    if (const auto* list = in.array("do", false))
        for (const auto& action : *list) {
            actions.push_back(action.is_string() ? action.get<std::string>() : "");
            if (actions.back() != "rotate_token" && actions.back() != "terminate" &&
                actions.back() != "disconnect" && actions.back() != "active_test" &&
                bad_cmpp_pdu(actions.back(), 1).empty())
                in.error_at("do", std::string("may hold rotate_token, terminate, disconnect, active_test, ") +
                                      bad_pdu_names);
        }
    if (const auto* rules = in.array("rules", false))
        for (std::size_t i = 0; i < rules->size(); ++i)
            refuse_what_smpp_lacks(json_reader(rules->at(i), "/rules/" + std::to_string(i), errors));
    if (!errors.empty()) return wrong(errors);
    if (errors = faults.apply(*body); !errors.empty()) return wrong(errors);
    if (quota) wechat->set_daily_quota(*quota);
    cmpp->limit(window, connections);
    for (const auto& action : actions) {
        if (action == "rotate_token") wechat->rotate_token(), wecom->rotate_token();
        if (action == "terminate") cmpp->terminate_all(), smpp->unbind_all();
        if (action == "disconnect") cmpp->disconnect_all(), smpp->disconnect_all();
        if (action == "active_test") cmpp->ask_all(), smpp->ask_all();
        if (!bad_cmpp_pdu(action, 1).empty()) cmpp->send_bad(action), smpp->send_bad(action);
    }
    return as_json(faults.to_json());
}

io::http_response simulator::impl::post_clouds(const io::http_request& r) {
    const auto body = parse_json(r.body);
    if (!body) return wrong({body.error()});
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    if (in.is_object()) in.only({"callback_base", "aliyun", "tencent"});
    const auto base = in.text("callback_base", false);
    if (base && !base->empty() && !base->starts_with("http://") && !base->starts_with("https://"))
        in.error_at("callback_base", "must be http://host:port or https://host");
    if (!errors.empty()) return wrong(errors);
    for (cloud_service* cloud : {&aliyun->service(), &tencent->service()}) {
        const char* name = cloud == &aliyun->service() ? "aliyun" : "tencent";
        if (in.object(name, false)) cloud->configure(in[name]);
    }
    if (!errors.empty()) return wrong(errors);
    if (base) set_callback_base(*base);
    return as_json(json::object());
}

asio::awaitable<io::http_response> simulator::impl::post_wechat(io::http_request r) {
    const auto body = parse_json(r.body);
    if (!body || !body->is_object() || !body->contains("account") || body->at("account") != "wecom")
        co_return co_await steer_wechat(wechat.get(), std::move(r));
    std::vector<failure> errors;
    wecom->configure(json_reader(*body, "", errors));
    co_return errors.empty() ? as_json(json::object()) : wrong(errors);
}

io::http_response simulator::impl::post_inbound(const io::http_request& r) {
    const auto body = parse_json(r.body);
    if (!body) return wrong({body.error()});
    std::vector<failure> errors;
    json_reader in(*body, "", errors);
    if (in.is_object())
        in.only({"phone", "text", "protocol", "to", "account", "formats", "ref", "wide_ref", "order"});
    inbound_message m;
    m.phone = in.text("phone", true).value_or("");
    m.text = in.text("text", true).value_or("");
    m.to = in.text("to", false, 21).value_or("");
    m.account = in.text("account", false).value_or("");
    m.ref = in.integer("ref", false, 0, 65535);
    m.wide_ref = in.boolean("wide_ref", false).value_or(false);
    if (const auto* list = in.array("formats", false, 255))
        for (const auto& f : *list) m.formats.push_back(f.is_string() ? f.get<std::string>() : "");
    if (const auto* list = in.array("order", false, 1000))
        for (const auto& n : *list) m.order.push_back(n.is_number_integer() ? n.get<std::int64_t>() : 0);
    const auto protocol = in.text("protocol", false).value_or("cmpp");
    if (protocol != "cmpp" && protocol != "smpp" && protocol != "aliyun" && protocol != "tencent")
        in.error_at("protocol", "must be cmpp, smpp, aliyun or tencent");
    if (protocol != "cmpp")
        for (const char* name : {"formats", "ref", "wide_ref", "order"})
            if (body->contains(name)) in.error_at(name, "is of a text's parts, which only cmpp has");
    if (!errors.empty()) return wrong(errors);
    const auto sent = protocol == "smpp"      ? smpp->write_back(m)
                      : protocol == "aliyun"  ? aliyun->write_back(m)
                      : protocol == "tencent" ? tencent->write_back(m)
                                              : cmpp->write_back(m);
    return sent ? as_json(json::object()) : wrong({sent.error()});
}

io::http_response simulator::impl::delete_messages() {
    if (const auto cleared = log.clear(); !cleared)
        return io::problem(500, "/problems/record-file", "The record file", cleared.error().text());
    return as_json(json::array());
}

simulator::simulator(asio::any_io_executor executor, const clock& time, simulator_config settings,
                     sms_config sms, wechat_config wechat, wechat_config miniprogram, wecom_config wecom)
    : impl_(std::make_shared<impl>(executor, time, std::move(settings), sms, wechat, miniprogram, wecom)) {}
simulator::~simulator() = default;

result<void> simulator::listen() {
    return impl_->listen();
}
std::uint16_t simulator::cmpp_port() const noexcept {
    return impl_->cmpp->port();
}
std::uint16_t simulator::smpp_port() const noexcept {
    return impl_->smpp->port();
}
std::uint16_t simulator::wechat_port() const noexcept {
    return impl_->server->port();
}
void simulator::set_callback_base(const std::string& base) {
    impl_->set_callback_base(base);
}
asio::awaitable<void> simulator::run() {
    const auto self = impl_;
    co_await (self->cmpp->run() && self->smpp->run() && self->server->run() && self->wechat->run() &&
              self->aliyun->run() && self->tencent->run());
}
void simulator::stop() {
    impl_->cmpp->stop();
    impl_->smpp->stop();
    impl_->wechat->stop();
    impl_->wecom->stop();
    impl_->aliyun->stop();
    impl_->tencent->stop();
    impl_->server->stop();
}
message_log& simulator::messages() noexcept {
    return impl_->log;
}
fault_table& simulator::faults() noexcept {
    return impl_->faults;
}
cmpp_simulator& simulator::cmpp() noexcept {
    return *impl_->cmpp;
}
smpp_simulator& simulator::smpp() noexcept {
    return *impl_->smpp;
}
wechat_simulator& simulator::wechat() noexcept {
    return *impl_->wechat;
}
wecom_simulator& simulator::wecom() noexcept {
    return *impl_->wecom;
}
aliyun_simulator& simulator::aliyun() noexcept {
    return *impl_->aliyun;
}
tencent_simulator& simulator::tencent() noexcept {
    return *impl_->tencent;
}
cmpp_simulator_options& simulator::cmpp_options() noexcept {
    return impl_->cmpp_options;
}
smpp_simulator_options& simulator::smpp_options() noexcept {
    return impl_->smpp_options;
}
wechat_account_options& simulator::wechat_options() noexcept {
    return impl_->wechat_options;
}
wechat_account_options& simulator::miniprogram_options() noexcept {
    return impl_->miniprogram_options;
}
wecom_simulator_options& simulator::wecom_options() noexcept {
    return impl_->wecom_options;
}
io::http_server_options& simulator::http_options() noexcept {
    return impl_->http_options;
}
cloud_options& simulator::aliyun_options() noexcept {
    return impl_->aliyun_options;
}
cloud_options& simulator::tencent_options() noexcept {
    return impl_->tencent_options;
}

} // namespace zhida::simulator
