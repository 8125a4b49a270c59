#include "services/simulator/cloud_service.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"

#include <algorithm>

namespace zhida::simulator {

namespace {

// A push that ends, with the counter of those that run.
asio::awaitable<void> run_push(receipt_push push, std::size_t* running, gateways::wake_up* ended) {
    co_await push.run();
    --*running;
    ended->notify();
}

} // namespace

std::vector<cloud_account> cloud_accounts(const sms_config& sms, std::string_view protocol) {
    std::vector<cloud_account> out;
    for (const auto& g : gateways_of(sms))
        if (g.protocol == protocol)
            out.push_back({g.name, {g.access_key, g.secret}, g.app_id, g.callback_secret});
    return out;
}

cloud_service::cloud_service(asio::any_io_executor executor, const clock& c, cloud_options o, message_log& l,
                             fault_table& faults, const std::string& taken, bool replies_alone)
    : time(c), options(std::move(o)), log(l), executor_(executor), faults_(faults), later_(executor, c),
      ended_(executor), random_(std::random_device{}()) {
    for (const auto& a : options.accounts) {
        receipt_push_options p;
        if (!a.callback_secret.empty()) p.path = "/gateways/" + a.name + "/receipts/" + a.callback_secret;
        p.taken = taken;
        p.batch = options.push_batch;
        p.again = options.push_again;
        pushes_.emplace(a.name, receipt_push(executor, c, p));
        if (!a.callback_secret.empty()) p.path = "/gateways/" + a.name + "/replies/" + a.callback_secret;
        p.alone = replies_alone;
        replies_.emplace(a.name, receipt_push(executor, c, std::move(p)));
    }
    set_callback_base(options.callback_base);
}

asio::awaitable<void> cloud_service::run() {
    for (auto* all : {&pushes_, &replies_})
        for (auto& [name, push] : *all) {
            ++pushing_;
            io::spawn(executor_, run_push(push, &pushing_, &ended_));
        }
    co_await later_.run();
    while (pushing_ > 0) co_await ended_.wait();
}

void cloud_service::stop() {
    stopping_ = true;
    later_.stop();
    for (auto* all : {&pushes_, &replies_})
        for (auto& [name, push] : *all) push.stop();
}

void cloud_service::configure(json_reader in) {
    if (!in.is_object()) return;
    in.only({"templates", "signatures", "requests_per_s", "per_moment", "per_hour", "per_day",
             "report_delay_ms"});
    auto o = options;
    const auto number = [&in](const char* name, std::int64_t& out) {
        if (const auto v = in.integer(name, false, 0, 1'000'000'000)) out = *v;
    };
    number("requests_per_s", o.requests_per_s);
    number("per_moment", o.limits.per_moment);
    number("per_hour", o.limits.per_hour);
    number("per_day", o.limits.per_day);
    if (const auto v = in.integer("report_delay_ms", false, 0, 86'400'000)) o.report_delay = milliseconds(*v);
    if (const auto* templates = in.object("templates", false)) {
        o.templates.clear();
        json_reader texts(*templates, in.at("templates"), in.errors());
        for (const auto& [id, unused] : templates->items())
            o.templates[id] = texts.text(id, true).value_or("");
    }
    if (const auto* signatures = in.array("signatures", false)) {
        o.signatures.clear();
        for (const auto& s : *signatures)
            if (s.is_string())
                o.signatures.insert(s.get<std::string>());
            else
                in.error_at("signatures", "may hold texts only");
    }
    if (in.errors().empty()) options = std::move(o);
}

void cloud_service::set_callback_base(const std::string& base) {
    options.callback_base = base;
    for (auto* all : {&pushes_, &replies_})
        for (auto& [name, push] : *all) push.set_base(base);
}

std::vector<access_key> cloud_service::keys() const {
    std::vector<access_key> out;
    out.reserve(options.accounts.size());
    for (const auto& a : options.accounts) out.push_back(a.key);
    return out;
}

const cloud_account& cloud_service::account(const std::string& key_id) const {
    return *std::find_if(options.accounts.begin(), options.accounts.end(),
                         [&key_id](const cloud_account& a) { return a.key.id == key_id; });
}

fault_rule cloud_service::fault(const cloud_account& a, const std::string& phone) {
    const auto of_a_request = [](const fault_rule& r) {
        return !r.result && !r.login_status && !r.bad_authenticator && !r.black_hole &&
               r.disconnect_after == 0;
    };
    return faults_.take("sms", phone, of_a_request, a.name).value_or(fault_rule{});
}

asio::awaitable<void> cloud_service::answer_late(const std::vector<fault_rule>& faults) {
    std::int64_t longest = 0;
    for (const auto& f : faults) longest = std::max(longest, f.delay_ms + spread(f.jitter_ms));
    co_await nap(milliseconds(longest));
}

asio::awaitable<void> cloud_service::nap(milliseconds duration) {
    gateways::wake_up nobody(executor_);
    const auto until = time.steady_now() + duration;
    while (!stopping_ && time.steady_now() < until)
        co_await nobody.wait_at_most(time, std::min(milliseconds(50), until - time.steady_now()));
}

void cloud_service::report(const cloud_account& a, const fault_rule& f,
                           std::function<json(bool success)> make) {
    auto* push = &pushes_.at(a.name);
    // A conflicting one tells of success first.
    const bool success = f.report == "conflicting" || (f.err_code.empty() && f.stat == "DELIVRD");
    const auto delay = f.report == "early"
                           ? milliseconds(0)
                           : milliseconds(f.report_delay_ms.value_or(options.report_delay.count()) +
                                          spread(f.report_jitter_ms));
    if (f.report == "none") { // the push is lost, not what the cloud itself knows
        later_.after(delay, [make, success] { make(success); });
        return;
    }
    if (f.report == "out_of_order") {
        later_.after(delay, [push, make, success] { push->hold(make(success)); });
        later_.after(delay + options.hold, [push] { push->release(); });
        return;
    }
    later_.after(delay, [push, make, success] { push->put(make(success)); });
    // Far enough from the first that it goes into a request of its own.
    const auto second = 2 * delay + milliseconds(200);
    if (f.report == "duplicate") later_.after(second, [push, make, success] { push->put(make(success)); });
    if (f.report == "conflicting") later_.after(second, [push, make, success] { push->put(make(!success)); });
}

result<void> cloud_service::reply(const inbound_message& m, json push) {
    if (!mainland_phone(m.phone)) return failure{errc::invalid, "is no number", "phone", "eleven digits"};
    for (const auto& a : options.accounts) {
        auto& to = replies_.at(a.name);
        if ((!m.account.empty() && m.account != a.name) || !to.wanted()) continue;
        to.put(std::move(push));
        return {};
    }
    return failure{errc::invalid, "no gateway of this cloud wants to hear it", "account",
                   "give it a callback_secret, and callback_base to the simulator"};
}

asio::awaitable<void> cloud_service::after_early_receipts(const cloud_account& a) {
    const auto& push = pushes_.at(a.name);
    const auto until = time.steady_now() + options.hold;
    while (!stopping_ && !push.idle() && time.steady_now() < until) co_await nap(milliseconds(5));
}

result<void> cloud_service::record(message m) {
    const auto kept = log.add(std::move(m));
    if (!kept) log::error("cloud_simulator_record_failed", {{"what", kept.error().text()}});
    return kept;
}

cloud_stats cloud_service::stats() const {
    auto s = counters;
    for (const auto& [name, push] : pushes_) s.receipts[name] = push.stats();
    for (const auto& [name, push] : replies_) s.replies[name] = push.stats();
    return s;
}

json to_json(const cloud_stats& s) {
    json refused = json::object(), receipts = json::object(), replies = json::object();
    for (const auto& [code, count] : s.refused) refused[code] = count;
    for (const auto& [name, r] : s.receipts) receipts[name] = to_json(r);
    for (const auto& [name, r] : s.replies) replies[name] = to_json(r);
    return {{"requests", s.requests},
            {"accepted", s.accepted},
            {"refused", refused},
            {"receipts", receipts},
            {"replies", replies}};
}

} // namespace zhida::simulator
