#include "services/simulator/wechat_simulator.hpp"

#include "services/gateways/wake_up.hpp"
#include "services/simulator/schedule.hpp"
#include "services/simulator/wechat_event_xml.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <random>

namespace zhida::simulator {

using namespace asio::experimental::awaitable_operators;

namespace {

std::string query(const io::http_request& r, const char* name) {
    const auto found = r.query.find(name);
    return found == r.query.end() ? "" : found->second;
}

wechat_push_options push_options(const wechat_account& a) {
    wechat_push_options o;
    o.path = "/gateways/" + a.options.name + "/events";
    o.account = a.original_id();
    o.receive_id = a.options.appid;
    o.token = a.options.callback_token;
    o.aes_key = a.options.callback_aes_key;
    o.timeout = a.options.push_timeout;
    o.pause = a.options.push_pause;
    return o;
}

asio::awaitable<io::http_response> at_once(io::http_response r) {
    co_return r;
}

struct member {
    member(asio::any_io_executor executor, const clock& time, wechat_account_options options,
           message_log& log, std::int64_t& next_msgid)
        : account(std::move(options), log, next_msgid), push(executor, time, push_options(account)) {
        push.set_base(account.options.callback_base);
    }
    wechat_account account;
    wechat_push push;
};

} // namespace

struct wechat_simulator::impl : std::enable_shared_from_this<wechat_simulator::impl> {
    impl(asio::any_io_executor ex, const clock& c, std::vector<wechat_account_options> all, message_log& l,
         fault_table& f)
        : executor(ex), time(c), faults(f), later(ex, c), random(std::random_device{}()) {
        for (auto& o : all) members.push_back(std::make_unique<member>(ex, c, std::move(o), l, next_msgid));
    }

    asio::any_io_executor executor;
    const clock& time;
    fault_table& faults;
    std::int64_t next_msgid = 1'700'000'000'000'000'000; // beyond what a double holds exactly
    std::vector<std::unique_ptr<member>> members;        // at least one
    schedule later;
    std::mt19937 random;
    bool stopping = false;

    member& official() { return *members.front(); }
    member* named(std::string_view name) {
        for (auto& m : members)
            if (m->account.options.name == name) return m.get();
        return nullptr;
    }
    wechat_account* by_appid(const std::string& appid) {
        for (auto& m : members)
            if (m->account.options.appid == appid) return &m->account;
        return nullptr;
    }
    wechat_account* by_token(const std::string& token) {
        for (auto& m : members)
            if (m->account.knows(token, time.now())) return &m->account;
        return nullptr;
    }
    // The account whose API this is; the mini-program may be missing.
    member* owner(wechat_api api) {
        if (api != wechat_api::subscribe_send) return &official();
        return members.size() > 1 ? members[1].get() : nullptr;
    }
    std::optional<io::http_response> token_fault(wechat_account* owner, const std::string& token);
    io::http_response stable_token(const io::http_request& r);
    io::http_response classic_token(const io::http_request& r);
    using call = io::http_response (wechat_account::*)(const json&, wall_time);
    io::http_response ask(const io::http_request& r, bool official_only, call what);
    // Ends early when the simulator stops, so that the server need not wait for it.
    static asio::awaitable<void> nap(std::shared_ptr<impl> self, milliseconds duration);
    static asio::awaitable<io::http_response> send(std::shared_ptr<impl> self, wechat_api api,
                                                   io::http_request r);
    static std::string told_of(const member& m, wechat_api api, const wechat_account::taken& t,
                               const std::string& status, wall_time now);
    void tell_later(member& m, wechat_api api, wechat_account::taken t, const fault_rule& fault);
    static asio::awaitable<void> run(std::shared_ptr<impl> self);
    static asio::awaitable<void> run_pushes(std::shared_ptr<impl> self, std::size_t from);
};

std::optional<io::http_response> wechat_simulator::impl::token_fault(wechat_account* owner,
                                                                     const std::string& token) {
    auto* of_token = by_token(token);
    if (of_token && of_token != owner) return of_token->error(48001, "api unauthorized");
    return (owner ? owner : &official().account)->token_fault(token, time.now());
}

io::http_response wechat_simulator::impl::stable_token(const io::http_request& r) {
    auto& first = official().account;
    const auto body = parse_json(r.body);
    std::vector<failure> errors;
    if (!body || !body->is_object()) return first.error(47001, "data format error");
    json_reader in(*body, "", errors);
    if (in.text("grant_type", false).value_or("") != "client_credential")
        return first.error(40002, "invalid grant_type");
    auto* of = by_appid(in.text("appid", false).value_or(""));
    if (of) return of->stable_token(*body, r.remote, time.now());
    ++first.counters.token_calls;
    return first.error(40013, "invalid appid");
}

io::http_response wechat_simulator::impl::classic_token(const io::http_request& r) {
    auto& first = official().account;
    if (query(r, "grant_type") != "client_credential") return first.error(40002, "invalid grant_type");
    auto* of = by_appid(query(r, "appid"));
    if (of) return of->classic_token(query(r, "secret"), r.remote, time.now());
    ++first.counters.token_calls;
    return first.error(40013, "invalid appid");
}

io::http_response wechat_simulator::impl::ask(const io::http_request& r, bool official_only, call what) {
    const auto token = query(r, "access_token");
    auto* of_token = by_token(token);
    auto* of = official_only || !of_token ? &official().account : of_token;
    if (auto no = token_fault(of, token)) return std::move(*no);
    const auto body = parse_json(r.body);
    if (!body || !body->is_object()) return of->error(47001, "data format error");
    return (of->*what)(*body, time.now());
}

asio::awaitable<void> wechat_simulator::impl::nap(std::shared_ptr<impl> self, milliseconds duration) {
    gateways::wake_up nobody(self->executor);
    const auto until = self->time.steady_now() + duration;
    while (!self->stopping && self->time.steady_now() < until)
        co_await nobody.wait_at_most(self->time, std::min(milliseconds(50), until - self->time.steady_now()));
}

std::string wechat_simulator::impl::told_of(const member& m, wechat_api api, const wechat_account::taken& t,
                                            const std::string& status, wall_time now) {
    const wechat_parties p{m.account.original_id(), t.message.touser, now};
    return api == wechat_api::template_send
               ? template_finish_xml(p, t.msgid, status)
               : subscription_sent_xml(p, t.message.template_id, t.msgid, status);
}

void wechat_simulator::impl::tell_later(member& m, wechat_api api, wechat_account::taken t,
                                        const fault_rule& fault) {
    const auto delay =
        fault.event_delay_ms ? milliseconds(*fault.event_delay_ms) : m.account.options.event_delay;
    const int copies = fault.event == "duplicate" ? 2 : 1;
    // `later` belongs to *this, and so do the members.
    later.after(delay, [this, &m, api, copies, t = std::move(t), status = fault.event_status] {
        const auto xml = told_of(m, api, t, status, time.now());
        for (int i = 0; i < copies; ++i) m.push.put(t.message.touser, xml);
    });
}

asio::awaitable<io::http_response> wechat_simulator::impl::send(std::shared_ptr<impl> self, wechat_api api,
                                                                io::http_request r) {
    auto* m = self->owner(api);
    auto& account = m ? m->account : self->official().account;
    ++account.counters.sends;
    const auto token = query(r, "access_token");
    auto body = parse_json(r.body);
    if (!body || !body->is_object()) co_return account.error(47001, "data format error");
    // The platform takes \u escapes literally, and nobody reads such messages.
    if (r.body.find("\\u") != std::string::npos) co_return account.error(40033, "invalid charset");
    std::vector<failure> errors;
    const auto touser = json_reader(*body, "", errors).text("touser", false).value_or("");
    const auto fault =
        self->faults.take(
                        "wechat", touser, [](const fault_rule&) { return true; }, account.options.name)
            .value_or(fault_rule{});
    std::int64_t delay = fault.delay_ms;
    if (fault.jitter_ms > 0)
        delay += static_cast<std::int64_t>(self->random() % static_cast<std::uint64_t>(fault.jitter_ms + 1));
    if (delay > 0) co_await nap(self, milliseconds(delay));
    if (fault.http_status) co_return account.error(-1, "system error", static_cast<int>(*fault.http_status));
    if (auto no = self->token_fault(m ? &m->account : nullptr, token)) co_return std::move(*no);
    if (!m) co_return account.error(48001, "api unauthorized");
    auto answer = account.send(api, std::move(*body), fault, self->time.now());
    if (answer.message && m->push.wanted()) {
        if (fault.event == "early")
            co_await m->push.deliver(touser,
                                     told_of(*m, api, *answer.message, fault.event_status, self->time.now()));
        else if (fault.event != "none")
            self->tell_later(*m, api, std::move(*answer.message), fault);
    }
    // Longer than any client waits: it is taken, and the answer is lost.
    if (fault.drop_response) co_await nap(self, milliseconds(600'000));
    co_return std::move(answer.response);
}

asio::awaitable<void> wechat_simulator::impl::run_pushes(std::shared_ptr<impl> self, std::size_t from) {
    if (from + 1 == self->members.size())
        co_await self->members[from]->push.run();
    else
        co_await (self->members[from]->push.run() && run_pushes(self, from + 1));
}

asio::awaitable<void> wechat_simulator::impl::run(std::shared_ptr<impl> self) {
    co_await (self->later.run() && run_pushes(self, 0));
}

wechat_simulator::wechat_simulator(asio::any_io_executor executor, const clock& time,
                                   std::vector<wechat_account_options> accounts, message_log& log,
                                   fault_table& faults)
    : impl_(std::make_shared<impl>(executor, time, std::move(accounts), log, faults)) {}
wechat_simulator::~wechat_simulator() = default;

result<void> wechat_simulator::check() const {
    for (const auto& m : impl_->members)
        if (const auto good = m->push.check(); !good) {
            auto why = good.error();
            why.where = m->account.options.name + ".callback_aes_key";
            return why;
        }
    return {};
}

void wechat_simulator::add_routes(io::http_router& router) {
    const auto now = [&](const char* verb, const char* path, auto what) {
        router.add(verb, path,
                   [self = impl_, what](io::http_request r) { return at_once(what(*self, std::move(r))); });
    };
    now("GET", "/cgi-bin/token", [](impl& self, io::http_request r) { return self.classic_token(r); });
    now("POST", "/cgi-bin/stable_token", [](impl& self, io::http_request r) { return self.stable_token(r); });
    now("POST", "/cgi-bin/qrcode/create",
        [](impl& self, io::http_request r) { return self.ask(r, true, &wechat_account::create_qrcode); });
    now("POST", "/cgi-bin/clear_quota",
        [](impl& self, io::http_request r) { return self.ask(r, false, &wechat_account::clear_quota); });
    now("POST", "/cgi-bin/openapi/quota/get",
        [](impl& self, io::http_request r) { return self.ask(r, false, &wechat_account::get_quota); });
    for (const auto api : {wechat_api::template_send, wechat_api::bizsend, wechat_api::subscribe_send})
        router.add("POST", path_of(api),
                   [self = impl_, api](io::http_request r) { return impl::send(self, api, std::move(r)); });
}

asio::awaitable<void> wechat_simulator::run() {
    return impl::run(impl_);
}
void wechat_simulator::stop() {
    impl_->stopping = true;
    impl_->later.stop();
    for (auto& m : impl_->members) m->push.stop();
}
void wechat_simulator::rotate_token() {
    for (auto& m : impl_->members) m->account.rotate_token(impl_->time.now());
}
void wechat_simulator::set_daily_quota(std::int64_t messages) {
    impl_->official().account.options.daily_quota = messages;
}
void wechat_simulator::set_callback_base(const std::string& base) {
    for (auto& m : impl_->members) m->push.set_base(base);
}
wechat_account_stats wechat_simulator::stats() const {
    return impl_->official().account.counters;
}
json wechat_simulator::all_stats() const {
    json out = json::object();
    for (const auto& m : impl_->members) {
        auto one = to_json(m->account.counters);
        one["events"] = to_json(m->push.stats());
        out[m->account.options.name] = std::move(one);
    }
    return out;
}
wechat_account* wechat_simulator::account(std::string_view name) noexcept {
    auto* m = impl_->named(name);
    return m ? &m->account : nullptr;
}
wechat_push* wechat_simulator::push(std::string_view name) noexcept {
    auto* m = impl_->named(name);
    return m ? &m->push : nullptr;
}
const clock& wechat_simulator::time() const noexcept {
    return impl_->time;
}
std::int64_t wechat_simulator::new_msgid() {
    return impl_->next_msgid++;
}

} // namespace zhida::simulator
