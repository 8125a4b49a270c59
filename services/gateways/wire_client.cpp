#include "services/gateways/wire_client.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"
#include "services/gateways/session.hpp"
#include "services/gateways/udh_refs.hpp"

#include <algorithm>

namespace zhida::gateways {

using namespace wire;

namespace {

// One connection and who dials it.
struct line {
    explicit line(asio::any_io_executor ex) : wake(ex) {}
    std::unique_ptr<session> now;
    reconnect_policy policy;
    wake_up wake;
    bool refused = false; // the last login was
    steady_time next_dial{};
};

send_result refused_here(send_outcome outcome, std::string code, std::string detail,
                         milliseconds after = {}) {
    send_result r;
    r.outcome = outcome;
    r.code = std::move(code);
    r.detail = std::move(detail);
    r.retry_after = after;
    return r;
}

bool dialable(std::string_view phone) {
    return phone.size() >= 5 && phone.size() <= 20 &&
           std::all_of(phone.begin(), phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

} // namespace

struct wire_client::impl : std::enable_shared_from_this<wire_client::impl> {
    impl(asio::any_io_executor ex, const clock& time, sms_gateway_config settings,
         std::unique_ptr<const protocol> speaks, receipt_sink sink, inbound_sink inbound)
        : ch(std::make_shared<channel>(ex, time, std::move(settings), std::move(speaks), std::move(sink),
                                       std::move(inbound))),
          all_ended(ex), refs(ch->random()) {
        for (std::int64_t i = 0; i < ch->settings.connections; ++i)
            lines.push_back(std::make_unique<line>(ex));
        since = time.now();
    }

    std::shared_ptr<channel> ch;
    std::vector<std::unique_ptr<line>> lines;
    std::size_t dialling = 0; // lines whose coroutine runs
    wake_up all_ended;
    udh_refs refs;
    std::string state = "connecting", last_error;
    wall_time since{};

    static asio::awaitable<void> keep_up(std::shared_ptr<impl> self, std::size_t index);
    static asio::awaitable<void> keep_confirmed(std::shared_ptr<impl> self);
    void look_at_state();
    void count(send_outcome o);
    std::optional<send_result> refusal() const;
    void enqueue(const std::shared_ptr<submission>& all, std::uint32_t which);
    session* least_loaded();
    milliseconds until_dial() const;
    send_result no_session() const;
};

void wire_client::impl::look_at_state() {
    std::string now = "down";
    const auto any = [&](auto holds) { return std::any_of(lines.begin(), lines.end(), holds); };
    if (ch->stop.stopped(ch->time.now()) || any([](const auto& l) { return l->refused; }))
        now = "stopped";
    else if (ch->stopping)
        now = "down";
    else if (any([](const auto& l) { return l->policy.failures() == 0; }))
        now = "connecting";
    const bool up = any([](const auto& l) { return l->now && l->now->logged_in(); });
    if (up && !ch->stop.stopped(ch->time.now())) now = "connected";
    if (now == state) return;
    state = now;
    since = ch->time.now();
    log::info("sms_state", {{"gateway", ch->settings.name}, {"state", state}, {"detail", last_error}});
}

asio::awaitable<void> wire_client::impl::keep_up(std::shared_ptr<impl> self, std::size_t index) {
    auto& l = *self->lines[index];
    const std::weak_ptr<impl> weak = self;
    while (!self->ch->stopping) {
        l.now = std::make_unique<session>(self->ch, [weak, index] {
            const auto me = weak.lock();
            if (!me) return;
            me->lines[index]->refused = false;
            me->last_error.clear();
            if (const auto& stop = me->ch->stop; stop.stopped(me->ch->time.now()))
                me->last_error = stop.code() + " " + stop.why();
            me->look_at_state();
        });
        const auto ended = co_await l.now->run();
        l.now.reset();
        if (self->ch->stopping) break;
        const double uniform = std::uniform_real_distribution<>(0, 1)(self->ch->random);
        const auto delay = l.policy.next_delay(ended.why, ended.stood, uniform);
        l.refused = ended.why == session_end::login_refused;
        l.next_dial = self->ch->time.steady_now() + delay;
        self->last_error = ended.detail;
        log::warn(
            "sms_session_ended",
            {{"gateway", self->ch->settings.name}, {"what", ended.detail}, {"next_try_ms", delay.count()}});
        self->look_at_state();
        co_await l.wake.wait_at_most(self->ch->time, delay);
    }
    self->look_at_state();
    if (--self->dialling == 0) self->all_ended.notify();
}

// The gateway will not repeat parts of long texts that were confirmed before the rest came.
asio::awaitable<void> wire_client::impl::keep_confirmed(std::shared_ptr<impl> self) {
    std::vector<inbound_sms> texts;
    for (auto& t : self->ch->written_back.confirmed()) texts.push_back(std::move(t.text));
    if (texts.empty()) co_return;
    const auto count = texts.size();
    bool kept = false;
    try {
        kept = co_await self->ch->inbound(std::move(texts));
    } catch (const std::exception& e) {
        self->last_error = e.what();
    }
    if (kept)
        self->ch->counters.inbound += static_cast<std::int64_t>(count);
    else
        log::error("sms_inbound_lost", {{"gateway", self->ch->settings.name}, {"texts", count}});
}

session* wire_client::impl::least_loaded() {
    session* best = nullptr;
    for (const auto& l : lines)
        if (l->now && l->now->logged_in() && (!best || l->now->load() < best->load())) best = l->now.get();
    return best;
}

milliseconds wire_client::impl::until_dial() const {
    auto soonest = reconnect_policy::longest;
    for (const auto& l : lines) soonest = std::min(soonest, l->next_dial - ch->time.steady_now());
    return std::max(soonest, milliseconds(500));
}

send_result wire_client::impl::no_session() const {
    const bool refused = std::all_of(lines.begin(), lines.end(), [](const auto& l) { return l->refused; });
    return refused_here(refused ? send_outcome::stopped : send_outcome::retry,
                        refused ? "local:login_refused" : "local:not_connected",
                        last_error.empty() ? "not connected" : last_error, until_dial());
}

void wire_client::impl::count(send_outcome o) {
    switch (o) {
    case send_outcome::accepted:
        ++ch->counters.accepted;
        break;
    case send_outcome::unknown:
        ++ch->counters.unknown;
        break;
    case send_outcome::retry:
    case send_outcome::stopped: // not taken, and tried again one day
        ++ch->counters.retried;
        break;
    case send_outcome::rejected:
        ++ch->counters.rejected;
        break;
    }
}

wire_client::wire_client(asio::any_io_executor executor, const clock& time, sms_gateway_config settings,
                         std::unique_ptr<const protocol> speaks, receipt_sink sink, inbound_sink inbound)
    : impl_(std::make_shared<impl>(executor, time, std::move(settings), std::move(speaks), std::move(sink),
                                   std::move(inbound))) {}
wire_client::~wire_client() = default;

asio::awaitable<void> wire_client::run() {
    const auto self = impl_;
    for (std::size_t i = 0; i < self->lines.size(); ++i) {
        ++self->dialling;
        io::spawn(self->ch->executor, impl::keep_up(self, i));
    }
    while (self->dialling > 0) co_await self->all_ended.wait();
    co_await impl::keep_confirmed(self);
}

void wire_client::stop(milliseconds drain) {
    impl_->ch->stopping = true;
    impl_->ch->stop_by = impl_->ch->time.steady_now() + drain;
    for (const auto& l : impl_->lines) {
        l->wake.notify();
        if (l->now) l->now->stop();
    }
}

std::optional<send_result> wire_client::impl::refusal() const {
    if (ch->stopping)
        return refused_here(send_outcome::retry, "local:stopping", "stopping", milliseconds(1000));
    if (const auto now = ch->time.now(); ch->stop.stopped(now))
        return refused_here(send_outcome::stopped, ch->stop.code(), ch->stop.why(), ch->stop.remaining(now));
    return std::nullopt;
}

// What is not enqueued has its result at once.
void wire_client::impl::enqueue(const std::shared_ptr<submission>& all, std::uint32_t which) {
    auto& m = all->messages[which];
    const auto reject = [&](const char* fault, std::string why) {
        auto r = refused_here(send_outcome::rejected, std::string("local:") + fault, std::move(why));
        r.recipient_fault = fault;
        count(r.outcome);
        all->settle(which, 0, std::move(r));
    };
    m.copy.phone = plain_phone(m.copy.phone);
    if (!dialable(m.copy.phone)) return reject("bad_number", "not a phone number");
    if (!m.copy.body->parts) return reject("content", m.copy.body->parts.error().text());
    session* s = least_loaded();
    if (!s) return all->settle(which, 0, no_session());
    if (!s->has_room(m.part_count()))
        return all->settle(which, 0,
                           refused_here(send_outcome::retry, "local:full", "too many messages wait already",
                                        milliseconds(1000)));
    if (m.part_count() > 1 && !ch->speaks->whole_texts()) {
        m.requests = static_cast<std::uint16_t>(m.part_count());
        m.udh_ref = refs.next(m.copy.phone);
        m.parts = std::make_unique<part_results>(m.part_count());
    }
    m.enqueued = true;
    s->enqueue(all, which);
}

asio::awaitable<std::vector<send_result>> wire_client::send_all(std::vector<sms_copy> messages) {
    const auto self = impl_;
    if (messages.empty()) co_return std::vector<send_result>();
    if (auto refused = self->refusal()) co_return std::vector<send_result>(messages.size(), *refused);
    auto& ch = *self->ch;
    const auto all = std::make_shared<submission>(ch.executor, std::move(messages),
                                                  ch.time.steady_now() + ch.response_timeout());
    for (std::uint32_t i = 0; i < all->messages.size(); ++i) self->enqueue(all, i);
    while (all->left > 0) co_await all->done.wait();
    for (std::size_t i = 0; i < all->results.size(); ++i)
        if (all->messages[i].enqueued) self->count(all->results[i].outcome);
    co_return std::move(all->results);
}

gateway_status wire_client::status() const {
    auto& self = *impl_;
    self.look_at_state();
    auto s = self.ch->counters;
    s.name = self.ch->settings.name;
    s.protocol = self.ch->speaks->title();
    s.state = self.state;
    s.detail = self.last_error;
    if (const auto& stop = self.ch->stop; stop.stopped(self.ch->time.now()))
        s.detail = stop.code() + " " + stop.why();
    for (const auto& l : self.lines) {
        if (!l->now) continue;
        s.in_flight += static_cast<std::int64_t>(l->now->in_flight());
        if (l->now->logged_in()) ++s.connections;
    }
    s.rate_per_s = self.ch->rate.limit();
    s.window = self.ch->settings.window * self.ch->settings.connections;
    s.since_ms = self.since.time_since_epoch().count();
    return s;
}

bool wire_client::ready() const {
    const auto& self = *impl_;
    return !self.ch->stop.stopped(self.ch->time.now()) &&
           std::any_of(self.lines.begin(), self.lines.end(),
                       [](const auto& l) { return l->now && l->now->logged_in(); });
}

headroom wire_client::free() const {
    const auto& self = *impl_;
    const auto now = self.ch->time.steady_now();
    const auto wait = std::max(self.ch->flow.wait(now), self.ch->rate.wait(now));
    if (wait.count() > 0) return {0, wait};
    const auto parts = self.ch->rate.free(now);
    std::size_t waiting = 0;
    for (const auto& l : self.lines)
        if (l->now) waiting += l->now->waiting();
    return {parts - std::min(parts, waiting), milliseconds(0)};
}

void wire_client::share(std::size_t mine, std::size_t of) {
    impl_->ch->rate.share(mine, of, impl_->ch->time.steady_now());
}

void wire_client::resume() {
    impl_->ch->stop.resume();
    for (const auto& l : impl_->lines) l->wake.notify();
    impl_->look_at_state();
}

} // namespace zhida::gateways
