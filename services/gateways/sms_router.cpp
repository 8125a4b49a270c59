#include "services/gateways/sms_router.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"

#include <algorithm>
#include <utility>

namespace zhida::gateways {

namespace {

constexpr milliseconds decision_stands{1000}, look_again{100}, another_soon{1000};

std::vector<std::int64_t> weights_of(const std::vector<sms_gateway_config>& all) {
    std::vector<std::int64_t> weights;
    for (const auto& g : all) weights.push_back(g.weight);
    return weights;
}

bool cloud(const sms_gateway_config& g) {
    return g.protocol == "aliyun" || g.protocol == "tencent";
}

// Another gateway may take it, and this one surely did not.
bool for_another(const send_result& r) {
    if (r.in_doubt) return false;
    switch (r.outcome) {
    case send_outcome::stopped:
        return true;
    case send_outcome::retry: // but not what the vendor defers for this one recipient
        return r.code.starts_with("local:") || r.retry_after <= milliseconds(60'000);
    case send_outcome::rejected:                  // a ported number is served by another network's gateway
        if (!r.message_ids.empty()) return false; // parts of it were taken
        return r.reroute || (r.recipient_fault == "bad_number" && !r.code.starts_with("local:"));
    case send_outcome::accepted:
    case send_outcome::unknown:
        return false;
    }
    return false;
}

} // namespace

struct sms_router::route {
    sms_gateway_config settings;
    std::unique_ptr<sms_gateway> gateway;
    class circuit circuit;
    std::size_t batches = 0;  // under way
    std::size_t promised = 0; // messages that were admitted and are not with the gateway
    std::size_t parts = 1;    // of a message, as they were last
    std::int64_t pushed = 0;  // receipts that came past its client
    std::int64_t rate = 0;    // parts a second that are ours; 0: no limit, or nothing is ours
    bool told_open = false, ended = false;
    std::string why; // the failure that opened the circuit
    wall_time since{};
};

sms_router::sms_router(asio::any_io_executor executor, const clock& time,
                       std::vector<sms_gateway_config> settings, receipt_sink receipts, inbound_sink inbound,
                       const factory& make)
    : executor_(executor), time_(time), receipts_(std::move(receipts)), choice_(weights_of(settings)) {
    for (auto& g : settings) {
        const auto i = routes_.size();
        auto r = std::make_unique<route>();
        r->settings = std::move(g);
        r->rate = r->settings.rate_per_s;
        r->gateway = make(
            r->settings, [this, i](std::vector<receipt> some) { return pass_on(i, std::move(some)); },
            inbound);
        routes_.push_back(std::move(r));
    }
}
sms_router::~sms_router() = default;

asio::awaitable<void> sms_router::run() {
    const auto ended = std::make_shared<wake_up>(executor_);
    const auto left = std::make_shared<std::size_t>(routes_.size());
    const auto keep_up = [](route* r, std::shared_ptr<wake_up> told,
                            std::shared_ptr<std::size_t> running) -> asio::awaitable<void> {
        co_await r->gateway->run();
        if (--*running == 0) told->notify();
    };
    for (const auto& r : routes_) io::spawn(executor_, keep_up(r.get(), ended, left));
    while (*left > 0) co_await ended->wait();
}

void sms_router::stop(milliseconds drain) {
    for (const auto& r : routes_) r->gateway->stop(drain);
}

void sms_router::share(std::size_t mine, std::size_t of) {
    for (const auto& r : routes_) {
        r->rate = r->settings.rate_per_s;
        if (r->rate > 0 && of > 0)
            r->rate = std::max<std::int64_t>(mine == 0 ? 0 : 1, r->rate * static_cast<std::int64_t>(mine) /
                                                                    static_cast<std::int64_t>(of));
        r->gateway->share(mine, of);
    }
}

bool sms_router::takes(const route& r) const {
    return r.gateway->ready() && r.circuit.ready(time_.steady_now());
}

// Those with a place for a batch that would go at once.
std::vector<bool> sms_router::usable(std::optional<std::size_t> but) const {
    std::vector<bool> out;
    for (const auto& r : routes_) out.push_back(r->batches < batches_at_once && takes(*r) && room_at(*r) > 0);
    if (but) out[*but] = false;
    return out;
}

bool sms_router::ready() const {
    return std::any_of(routes_.begin(), routes_.end(), [&](const auto& r) { return takes(*r); });
}

// All batches together are a window, and a quarter of a second of the rate: what is claimed cannot be called
// back.
std::size_t sms_router::batch_of(const route& r) const {
    const auto at_once = static_cast<std::int64_t>(batches_at_once);
    const auto window = cloud(r.settings) ? 1024 * at_once : r.settings.window * r.settings.connections;
    const auto paced =
        r.settings.rate_per_s > 0 ? std::clamp<std::int64_t>(r.rate / 4 / at_once, 1, 1024) : 1024;
    return static_cast<std::size_t>(std::clamp<std::int64_t>(window / at_once, 1, paced));
}

// How many messages its rate lets go now, if they are as long as the last ones.
std::size_t sms_router::room_at(const route& r) const {
    const auto free = r.gateway->free().parts;
    const auto messages = free / r.parts;
    // A text longer than the whole rate goes when all of it is free.
    if (messages == 0 && r.promised == 0 && free > 0 && static_cast<std::int64_t>(free) >= r.rate) return 1;
    return messages - std::min(messages, r.promised);
}

// Until one whose rate is used up has some again.
milliseconds sms_router::until_room() const {
    auto soonest = look_again;
    for (const auto& r : routes_)
        if (takes(*r))
            if (const auto wait = r->gateway->free().wait; wait.count() > 0)
                soonest = std::min(soonest, wait);
    return soonest;
}

sms_router::place sms_router::place_at(std::size_t i, std::size_t room) {
    auto& r = *routes_[i];
    ++r.batches;
    r.promised += room;
    return {room, {new holding{i, room}, [this](const holding* h) {
                       auto& of = *routes_[h->gateway];
                       --of.batches;
                       of.promised -= h->promised;
                       if (h->promised > 0) of.circuit.give_back(); // none of them was sent
                       delete h;
                       if (waiting_.empty()) return;
                       waiting_.front()->notify();
                       waiting_.pop_front();
                   }}};
}

sms_router::place sms_router::try_admit() {
    const auto now = time_.steady_now();
    const auto i = choice_.pick(usable(), now);
    if (!i) return {};
    auto& r = *routes_[*i];
    const auto room = r.circuit.grant(std::min(batch_of(r), room_at(r)), now);
    return room == 0 ? place() : place_at(*i, room);
}

asio::awaitable<sms_router::place> sms_router::admit() {
    for (;;) {
        auto at = try_admit();
        if (at.room > 0 || !ready()) co_return at;
        const auto woken = std::make_shared<wake_up>(executor_);
        waiting_.push_back(woken);
        co_await woken->wait_at_most(time_, until_room()); // one that takes nothing now may again
        std::erase(waiting_, woken);
    }
}

asio::awaitable<std::vector<send_result>> sms_router::send_over(std::size_t i,
                                                                std::vector<sms_copy> messages) {
    std::size_t parts = 0;
    for (const auto& m : messages) parts += m.body->parts ? m.body->parts->size() : 1;
    choice_.charge(i, parts, time_.steady_now());
    auto& r = *routes_[i];
    r.parts = (parts + messages.size() - 1) / messages.size();
    auto results = co_await r.gateway->send_all(std::move(messages));
    const auto now = time_.steady_now();
    for (auto& result : results) {
        hear(i, result);
        for (auto& id : result.message_ids) {
            id = scoped_message_id(r.settings.name, id);
            if (!id.empty()) choice_.receipts(i).sent(id, now);
        }
    }
    co_return results;
}

asio::awaitable<std::vector<send_result>> sms_router::send_all(std::vector<sms_copy> messages, place at) {
    if (!at.held) {
        send_result nowhere;
        nowhere.outcome = send_outcome::retry;
        nowhere.code = "local:not_connected";
        nowhere.retry_after = milliseconds(1000);
        co_return std::vector<send_result>(messages.size(), nowhere);
    }
    const auto first = at.held->gateway;
    // From here on the gateway itself knows of them.
    routes_[first]->promised -= std::exchange(at.held->promised, 0);
    const auto began = time_.steady_now();
    if (routes_.size() == 1) co_return co_await send_over(first, std::move(messages));
    auto results = co_await send_over(first, messages);
    std::vector<std::size_t> again;
    std::vector<sms_copy> copies;
    for (std::size_t k = 0; k < results.size(); ++k)
        if (for_another(results[k])) {
            again.push_back(k);
            copies.push_back(std::move(messages[k]));
        }
    if (again.empty()) co_return results;
    auto others = usable(first);
    for (std::size_t i = 0; i < routes_.size(); ++i) // one that is being tried gets one message, not these
        if (routes_[i]->circuit.at(time_.steady_now()) != circuit::state::closed) others[i] = false;
    const auto second = time_.steady_now() - began <= decision_stands
                            ? choice_.pick(others, time_.steady_now())
                            : std::nullopt;
    if (second) {
        at.held.reset(); // this gateway has answered: the other one must not hold its place
        const auto there = place_at(*second, 0);
        auto more = co_await send_over(*second, std::move(copies));
        for (std::size_t k = 0; k < again.size(); ++k) {
            auto& was = results[again[k]];
            // Both refuse the number: that it is no number is what remains.
            if (was.outcome == send_outcome::rejected && more[k].outcome == send_outcome::rejected &&
                was.recipient_fault == "bad_number")
                continue;
            was = std::move(more[k]);
        }
    }
    // The account is stopped, not the channel: another gateway takes it a moment later.
    if (ready())
        for (const auto k : again)
            if (results[k].outcome == send_outcome::stopped) {
                results[k].outcome = send_outcome::retry;
                results[k].retry_after = another_soon;
            }
    co_return results;
}

asio::awaitable<send_result> sms_router::send_by(std::string gateway, sms_copy message) {
    std::vector<bool> up;
    for (const auto& r : routes_) up.push_back(takes(*r));
    auto to = choice_.pick(up, time_.steady_now());
    for (std::size_t i = 0; i < routes_.size(); ++i)
        if (routes_[i]->settings.name == gateway && up[i]) to = i;
    if (!to) {
        send_result nowhere;
        nowhere.outcome = send_outcome::retry;
        nowhere.code = "local:not_connected";
        co_return nowhere;
    }
    std::vector<sms_copy> one;
    one.push_back(std::move(message));
    auto results = co_await send_over(*to, one);
    if (for_another(results.front())) {
        up[*to] = false;
        if (const auto second = choice_.pick(up, time_.steady_now()))
            results = co_await send_over(*second, std::move(one));
    }
    co_return std::move(results.front());
}

asio::awaitable<bool> sms_router::pass_on(std::size_t i, std::vector<receipt> receipts) {
    const auto now = time_.steady_now();
    for (auto& r : receipts) {
        r.message_id = scoped_message_id(routes_[i]->settings.name, r.message_id);
        choice_.receipts(i).heard(r.message_id, now);
        r.gateway = "sms"; // under which the ids of all are kept
    }
    co_return co_await receipts_(std::move(receipts));
}

void sms_router::heard(std::string_view message_id) {
    std::size_t length = 0;
    std::optional<std::size_t> of; // the longest, as the ids of "sms" have nothing before them
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        const auto scope = message_id_scope(routes_[i]->settings.name);
        if (!message_id.starts_with(scope) || (of && scope.size() < length)) continue;
        of = i;
        length = scope.size();
    }
    if (!of) return;
    ++routes_[*of]->pushed;
    choice_.receipts(*of).heard(message_id, time_.steady_now());
}

void sms_router::hear(std::size_t i, const send_result& result) {
    auto& r = *routes_[i];
    const auto now = time_.steady_now();
    const auto sign = sign_of(result);
    if (sign != service_sign::nothing) choice_.answered(i, sign == service_sign::ails, now);
    r.circuit.hear(sign, now, std::uniform_real_distribution<>(0, 1)(random_));
    const bool open = r.circuit.at(now) != circuit::state::closed;
    if (open == r.told_open) return;
    r.told_open = open;
    r.since = time_.now();
    r.why =
        open ? result.code + (result.code.empty() || result.detail.empty() ? "" : " ") + result.detail : "";
    if (open)
        log::warn("gateway_circuit_open", {{"gateway", r.settings.name},
                                           {"why", r.why},
                                           {"next_try_ms", r.circuit.remaining(now).count()}});
    else
        log::info("gateway_circuit_closed", {{"gateway", r.settings.name}});
}

std::vector<gateway_status> sms_router::statuses() const {
    std::vector<gateway_status> all;
    const auto now = time_.steady_now();
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        const auto& r = *routes_[i];
        auto s = r.gateway->status();
        s.weight = r.settings.weight;
        s.receipts += r.pushed;
        s.health = choice_.health(i, now);
        if (const auto typical = choice_.receipts(i).typical(now)) s.receipt_ms = typical->count();
        const auto state = r.circuit.at(now);
        if (state != circuit::state::closed) {
            s.circuit = state == circuit::state::open ? "open" : "half_open";
            if (s.state != "stopped") {
                s.state = "circuit_open";
                s.detail = r.why;
                s.since_ms = r.since.time_since_epoch().count();
            }
        }
        all.push_back(std::move(s));
    }
    return all;
}

} // namespace zhida::gateways
