#include "services/gateways/session.hpp"

#include "common/base/log.hpp"
#include "common/io/spawn.hpp"
#include "common/io/timer.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <type_traits>

namespace zhida::gateways::wire {

using tcp = asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t most_waiting = 16384;     // parts; more go back to their senders
constexpr std::size_t most_control = 128 << 10; // bytes of answers that wait to be written
constexpr std::size_t most_reports = 1024;      // being made durable at once; then we stop reading
constexpr std::size_t reports_at_once = 256;    // handed over in one call
constexpr std::size_t batch_bytes = 64 << 10;   // written at once
constexpr int most_refusals = 30;               // by flow control, for one part
constexpr int most_timeouts = 3;                // one after another, then the connection is given up
constexpr milliseconds connect_timeout{10000};
constexpr milliseconds channel_pause{300000}; // after a refusal that only somebody can mend

auto into(error_code& ec) {
    return asio::redirect_error(asio::use_awaitable, ec);
}

send_result not_taken(std::string detail, milliseconds after) {
    send_result r;
    r.outcome = send_outcome::retry;
    r.detail = std::move(detail);
    r.retry_after = after;
    return r;
}
send_result nobody_confirmed(std::string detail) {
    send_result r;
    r.outcome = send_outcome::unknown;
    r.detail = std::move(detail);
    return r;
}

// What to do about it, with the keys of this gateway's own section.
std::string in_section(std::string words, const std::string& gateway) {
    constexpr std::string_view all = "sms.";
    if (gateway == "sms") return words;
    const auto own = "sms_gateway." + gateway + ".";
    for (auto at = words.find(all); at != std::string::npos; at = words.find(all, at + own.size()))
        words.replace(at, all.size(), own);
    return words;
}

} // namespace

struct session::impl final : confirmer, std::enable_shared_from_this<session::impl> {
    impl(std::shared_ptr<channel> c, std::function<void()> f)
        : ch(std::move(c)), changed(std::move(f)), socket(ch->executor), write_wake(ch->executor),
          tick_wake(ch->executor), room_wake(ch->executor), stop_wake(ch->executor),
          window(static_cast<std::size_t>(ch->settings.window), ch->speaks->sequences()),
          sequence(static_cast<std::uint32_t>(ch->random()) & ch->speaks->sequences().last),
          splitter(ch->speaks->splitter()) {}

    std::shared_ptr<channel> ch;
    std::function<void()> changed;
    tcp::socket socket;
    wake_up write_wake, tick_wake, room_wake, stop_wake;
    request_window<part_job> window;
    std::uint32_t sequence; // of the next request; starts anywhere, so that sessions do not repeat each other
    std::string control;    // frames that need no slot
    std::string written;    // being written
    std::deque<part_job> waiting;
    length_splitter splitter;
    event happened; // the frame that is being read
    std::unique_ptr<keepalive> alive;
    std::vector<receipt> heard; // read, and not handed over yet
    std::vector<origin> heard_in;
    std::vector<inbound_sms> outs; // what people wrote back, likewise
    std::vector<delivery> outs_in; // of all their parts
    std::size_t reports = 0;       // heard, or being made durable
    int timeouts = 0;
    bool up = false, ending = false, goodbye_sent = false;
    steady_time up_since{};
    session_result ended{session_end::network, "", milliseconds(0)};

    steady_time now() const { return ch->time.steady_now(); }
    std::string where() const { return ch->settings.host + ":" + std::to_string(ch->settings.port); }

    void end(session_end why, std::string detail) {
        if (ending) return;
        ending = true;
        ended.why = why;
        ended.detail = std::move(detail);
        write_wake.notify();
        tick_wake.notify();
        room_wake.notify();
    }
    std::uint32_t next_sequence() {
        sequence = window.next_free(sequence);
        return sequence++;
    }
    // What was appended to `control` shall be written.
    void put() {
        // A gateway that asks and does not read the answers would fill our memory.
        if (control.size() >= most_control)
            return end(session_end::garbled, where() + ": the gateway does not read our answers");
        write_wake.notify();
    }
    const pdu_names& names() const noexcept { return ch->speaks->names(); }
    std::string code_of(std::uint32_t code) const {
        return std::string(ch->speaks->code_prefix()) + ":" + std::to_string(code);
    }

    asio::awaitable<void> establish();
    asio::awaitable<void> login();
    asio::awaitable<void> read_all();
    asio::awaitable<void> write_all();
    asio::awaitable<void> keep_time();
    void tune();
    milliseconds collect();
    void handle(event& e);
    void handle_submit_answer(event& e);
    void keep(std::vector<inbound_parts::whole> texts);
    void look_after_parts();
    void hand_over();
    template <class Sink, class What, class From>
    static asio::awaitable<void> take(std::shared_ptr<impl> self, const Sink& sink, std::vector<What> what,
                                      std::vector<From> from, std::int64_t& counter);
    // Where the connection has ended the gateway sends it again: to hear it twice changes nothing.
    void confirm(const origin& from) override {
        if (ending) return;
        ch->speaks->confirm(control, from);
        put();
    }
    static void confirm(const delivery& d) {
        if (const auto by = d.by.lock()) by->confirm(d.at);
    }
    void refused_by_flow(part_job job, std::string code, milliseconds wait);
    void give_back(const send_result& as, bool all);
    void expire();
    void maybe_log_out();
    void settle_all();
};

// ---- beginning

asio::awaitable<void> session::impl::establish() {
    error_code ec;
    tcp::resolver resolver(ch->executor);
    const auto found =
        co_await resolver.async_resolve(ch->settings.host, std::to_string(ch->settings.port), into(ec));
    if (!ec) co_await asio::async_connect(socket, found, into(ec));
    if (ec) {
        end(session_end::network, where() + ": cannot connect: " + ec.message());
        co_return;
    }
    tune();
    co_await login();
}

void session::impl::tune() {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    // A peer that is gone without a word is noticed by the kernel when it acknowledges nothing we write.
    const keepalive::timing times(ch->settings.keepalive_s);
    const unsigned timeout = static_cast<unsigned>(times.unacknowledged.count());
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

asio::awaitable<void> session::impl::login() {
    const auto request = ch->speaks->login(next_sequence(), ch->time.now());
    if (!request) {
        end(session_end::login_refused, request.error().text());
        co_return;
    }
    error_code ec;
    co_await asio::async_write(socket, asio::buffer(request->frame), into(ec));
    std::array<char, 512> bytes{};
    result<std::string_view> answer = std::string_view();
    while (!ec && answer && answer->empty()) {
        const auto count = co_await socket.async_read_some(asio::buffer(bytes), into(ec));
        splitter.feed({bytes.data(), count});
        answer = splitter.next();
    }
    if (ec) {
        end(session_end::login_failed, where() + ": connection lost during the login: " + ec.message());
        co_return;
    }
    const auto said =
        answer ? ch->speaks->read_login(*answer, request->proof) : result<login_answer>(answer.error());
    if (!said) {
        end(session_end::garbled, where() + ": answer to " + names().login + ": " + said.error().text());
        co_return;
    }
    if (!said->accepted) {
        end(said->why, where() + ": login refused, " + in_section(said->words, ch->settings.name));
        co_return;
    }
    if (!said->proved && ch->worth_a_line("unproved"))
        log::warn(
            "sms_gateway_unproved",
            {{"where", where()},
             {"what", "its answer does not match the shared secret; many gateways compute it otherwise: "
                      "nothing is to be done as long as messages are taken"}});
    up = true;
    up_since = now();
    alive = std::make_unique<keepalive>(keepalive::timing(ch->settings.keepalive_s), now());
}

// ---- reading

asio::awaitable<void> session::impl::read_all() {
    std::vector<char> bytes(batch_bytes);
    while (!ending) {
        const auto read_at = ch->time.now();
        for (;;) {
            const auto frame = splitter.next();
            if (!frame) end(session_end::garbled, where() + ": " + frame.error().text());
            if (ending || frame->empty()) break;
            ch->speaks->read(*frame, read_at, happened);
            handle(happened);
            if (heard.size() >= reports_at_once || outs.size() >= reports_at_once) hand_over();
            while (reports >= most_reports && !ending) co_await room_wake.wait();
        }
        hand_over(); // also what came before the end
        if (ending) co_return;
        error_code ec;
        const auto count = co_await socket.async_read_some(asio::buffer(bytes), into(ec));
        if (ec) {
            end(goodbye_sent ? session_end::stopped : session_end::network,
                where() + ": connection lost: " + ec.message());
            co_return;
        }
        splitter.feed({bytes.data(), count});
        alive->heard(now());
    }
}

void session::impl::handle(event& e) {
    if (e.what == event::kind::submit_answered) return handle_submit_answer(e);
    if (!e.reply.empty()) {
        control += e.reply;
        e.reply.clear();
        put();
    }
    switch (e.what) {
    case event::kind::report:
        ++reports;
        heard.push_back(std::move(e.heard));
        heard_in.push_back(e.from);
        break;
    case event::kind::inbound:
        keep(ch->written_back.add(std::move(e.wrote), {weak_from_this(), e.from}, ch->time.now(), now()));
        break;
    case event::kind::ended:
        return end(session_end::terminated,
                   where() + ": the gateway ended the session (" + names().end + ")");
    case event::kind::logged_out:
        return end(session_end::stopped, "logged out");
    case event::kind::passed_over:
        if (ch->worth_a_line("passed_over"))
            log::warn("sms_pdu_passed_over", {{"where", where()}, {"what", e.complaint}});
        break;
    case event::kind::submit_answered:
    case event::kind::nothing:
        break;
    }
}

void session::impl::handle_submit_answer(event& e) {
    auto job = window.close(e.sequence);
    if (!job) {
        // Answered twice, or after its time: the sender has been told "unknown".
        ++ch->counters.orphans;
        return;
    }
    timeouts = 0;
    write_wake.notify();
    const auto& reaction = *e.reaction;
    if (reaction.outcome == send_outcome::accepted) ch->flow.accepted(now());
    if (reaction.outcome != send_outcome::accepted) ch->count_code(code_of(e.code));
    if (reaction.outcome == send_outcome::retry) --job->message().written;
    if (reaction.slow_channel) {
        ch->flow.refused(now());
        return refused_by_flow(std::move(*job), code_of(e.code), ch->flow.wait(now()));
    }
    send_result out;
    out.outcome = reaction.outcome;
    out.code = code_of(e.code);
    out.detail = reaction.words;
    out.recipient_fault = reaction.recipient_fault;
    out.reroute = reaction.reroute;
    if (reaction.outcome == send_outcome::accepted) out.message_ids.push_back(std::move(e.message_id));
    if (reaction.outcome == send_outcome::retry) out.retry_after = milliseconds(1000);
    if (reaction.outcome == send_outcome::stopped) {
        ch->stop.stop(ch->time.now(), channel_pause, out.code, reaction.words);
        out.retry_after = channel_pause;
        give_back(out, true);
        changed();
    }
    if (reaction.alarm && ch->worth_a_line(out.code))
        log::error("sms_submit_refused", {{"where", where()}, {"code", out.code}, {"what", reaction.text}});
    job->settle(std::move(out));
    maybe_log_out();
}

void session::impl::refused_by_flow(part_job job, std::string code, milliseconds wait) {
    ++ch->counters.retried;
    if (++job.refusals >= most_refusals || ch->stopping) {
        auto r = not_taken("flow control", std::max(wait, milliseconds(1000)));
        r.code = std::move(code);
        job.settle(std::move(r));
        return maybe_log_out();
    }
    waiting.push_front(std::move(job));
}

void session::impl::keep(std::vector<inbound_parts::whole> texts) {
    for (auto& t : texts) {
        ++reports;
        outs.push_back(std::move(t.text));
        std::move(t.from.begin(), t.from.end(), std::back_inserter(outs_in));
    }
}

// Whatever session brought them: one that is up looks after all.
void session::impl::look_after_parts() {
    if (ch->written_back.empty()) return;
    keep(ch->written_back.overdue(now()));
    for (const auto& d : ch->written_back.unconfirmed(now())) confirm(d);
    hand_over();
}

void session::impl::hand_over() {
    const auto self = shared_from_this();
    if (!heard.empty())
        io::spawn(ch->executor, take(self, ch->sink, std::exchange(heard, {}), std::exchange(heard_in, {}),
                                     ch->counters.receipts));
    if (!outs.empty())
        io::spawn(ch->executor, take(self, ch->inbound, std::exchange(outs, {}), std::exchange(outs_in, {}),
                                     ch->counters.inbound));
}

// `sink` and `counter` are of the channel, which `self` keeps.
template <class Sink, class What, class From>
asio::awaitable<void> session::impl::take(std::shared_ptr<impl> self, const Sink& sink,
                                          std::vector<What> what, std::vector<From> from,
                                          std::int64_t& counter) {
    bool kept = false;
    const auto count = what.size();
    // Parts that were confirmed before the rest came are not repeated by anybody: then we must not give up.
    bool only_ours = false;
    if constexpr (std::is_same_v<From, delivery>)
        only_ours = std::any_of(from.begin(), from.end(), [](const delivery& d) { return d.by.expired(); });
    for (int tries = only_ours ? 30 : 1; tries > 0 && !kept; --tries) {
        try {
            kept = co_await sink(tries > 1 ? what : std::move(what));
        } catch (const std::exception& e) {
            log::error("sms_deliver_failed", {{"what", e.what()}});
        }
        if (!kept && tries > 1) co_await io::sleep_for(self->ch->time, milliseconds(1000));
    }
    if (!kept && only_ours)
        log::error("sms_inbound_lost", {{"gateway", self->ch->settings.name}, {"texts", count}});
    self->reports -= count;
    self->room_wake.notify();
    if (kept) {
        counter += static_cast<std::int64_t>(count);
        for (const auto& f : from) self->confirm(f);
    }
    self->maybe_log_out();
}

// ---- writing

// Fills `written` with the next frames. How long the next request must wait, where one waits for the rate.
milliseconds session::impl::collect() {
    written.clear();
    written.swap(control);
    const auto at = now();
    while (!waiting.empty() && !window.full() && written.size() < batch_bytes) {
        const auto content = waiting.front().content();
        const auto pause = std::max(ch->flow.wait(at), ch->rate.wait(at, content.size()));
        if (pause.count() > 0) return pause;
        auto job = std::move(waiting.front());
        waiting.pop_front();
        if (ch->flaw) { // our own settings do not fit the protocol
            send_result r;
            r.outcome = send_outcome::rejected;
            r.code = std::string(ch->speaks->code_prefix()) + ":encode";
            r.detail = ch->flaw->text();
            job.settle(std::move(r));
            continue;
        }
        auto& m = job.message();
        sequence = window.next_free(sequence);
        ch->speaks->submit(written, sequence, content, m.udh_ref, m.copy.phone, m.copy.body->extension);
        ch->rate.used(at, content.size());
        if (!m.counted) ++ch->counters.sent;
        m.counted = true;
        ++m.written;
        window.open(sequence++, std::move(job), at + ch->response_timeout());
    }
    return milliseconds(0);
}

asio::awaitable<void> session::impl::write_all() {
    for (;;) {
        const auto pause = collect();
        if (!written.empty()) {
            error_code ec;
            co_await asio::async_write(socket, asio::buffer(written), into(ec));
            if (ec) {
                end(session_end::network, where() + ": connection lost: " + ec.message());
                co_return;
            }
            continue;
        }
        if (ending) co_return; // after its last words
        if (pause.count() > 0)
            co_await write_wake.wait_at_most(ch->time, pause);
        else
            co_await write_wake.wait();
    }
}

// ---- time

asio::awaitable<void> session::impl::keep_time() {
    while (!ending) {
        expire();
        look_after_parts();
        // The peer is not silent where it is we who do not read, for what is being made durable.
        if (reports >= most_reports) alive->heard(now());
        switch (alive->due(now())) {
        case keepalive::action::none:
            break;
        case keepalive::action::ask:
            ch->speaks->keepalive(control, next_sequence());
            put();
            break;
        case keepalive::action::give_up:
            end(session_end::silent, where() + ": no answer to " + names().keepalive);
            break;
        }
        if (timeouts >= most_timeouts)
            end(session_end::silent,
                where() + ": " + std::to_string(timeouts) + " requests without an answer");
        if (ch->stopping && now() >= ch->stop_by)
            end(session_end::stopped, "stopped before all was answered");
        if (ending) co_return;
        // A slot that is opened meanwhile lasts longer than this nap: its time-out is a second at least.
        auto nap = window.next_deadline(std::min(now() + milliseconds(1000), alive->next())) - now();
        if (ch->stopping) nap = std::min(nap, ch->stop_by - now());
        co_await tick_wake.wait_at_most(ch->time, std::max(nap, milliseconds(5)));
    }
}

void session::impl::expire() {
    for (auto& job : window.take_expired(now())) {
        ++timeouts;
        job.settle(nobody_confirmed(std::string("no ") + names().submit_answer + " in " +
                                    std::to_string(ch->settings.response_timeout_s) + " s"));
        write_wake.notify();
    }
    if (!waiting.empty() && waiting.front().of->give_up_at <= now())
        give_back(not_taken("not written in time: the gateway or the rate is too slow", milliseconds(1000)),
                  false);
    maybe_log_out();
}

// Messages of which nothing was taken go back to their senders; `all`, or those whose time is over.
void session::impl::give_back(const send_result& as, bool all) {
    std::deque<part_job> kept;
    for (auto& job : waiting) {
        if (job.message().written == 0 && (all || job.of->give_up_at <= now()))
            job.settle(as);
        else
            kept.push_back(std::move(job));
    }
    waiting = std::move(kept);
}

void session::impl::maybe_log_out() {
    if (!ch->stopping || !up || goodbye_sent || ending) return;
    if (window.in_flight() + waiting.size() + reports > 0) return;
    goodbye_sent = true;
    ch->speaks->end(control, next_sequence());
    put();
}

void session::impl::settle_all() {
    for (auto& job : window.take_all())
        job.settle(nobody_confirmed("connection lost before the answer: " + ended.detail));
    for (auto& job : waiting)
        job.settle(not_taken("connection lost before it was written", milliseconds(1000)));
    waiting.clear();
}

// ---- outside

session::session(std::shared_ptr<channel> c, std::function<void()> changed)
    : impl_(std::make_shared<impl>(std::move(c), std::move(changed))) {}
session::~session() = default;

namespace {

// Whatever way run() is left, nobody waits for ever.
template <class Impl>
struct closer {
    std::shared_ptr<Impl> s;
    ~closer() {
        s->end(session_end::stopped, "stopped");
        s->up = false;
        error_code ignored;
        s->socket.close(ignored);
        s->settle_all();
    }
};

} // namespace

asio::awaitable<session_result> session::run() {
    const auto s = impl_;
    const closer<impl> at_end{s};
    co_await (s->establish() || s->stop_wake.wait() ||
              io::sleep_for(s->ch->time, connect_timeout + s->ch->response_timeout()));
    if (!s->up && !s->ending)
        s->end(s->ch->stopping ? session_end::stopped : session_end::login_failed,
               s->where() + ": no answer to the connection or to " + s->names().login);
    if (s->ending) co_return s->ended;
    s->changed();
    if (s->ch->stopping) s->maybe_log_out();
    co_await (s->read_all() || s->keep_time() || s->write_all());
    if (s->ended.why == session_end::terminated && !s->control.empty()) {
        // The writer may have been cut off before it said goodbye: one try, the socket's buffer is ours.
        error_code ignored;
        s->socket.non_blocking(true, ignored);
        s->socket.write_some(asio::buffer(s->control), ignored);
    }
    s->ended.stood = s->now() - s->up_since;
    co_return s->ended;
}

bool session::logged_in() const noexcept {
    return impl_->up && !impl_->ending;
}
std::size_t session::load() const noexcept {
    return impl_->waiting.size() + impl_->window.in_flight();
}
std::size_t session::in_flight() const noexcept {
    return impl_->window.in_flight();
}
std::size_t session::waiting() const noexcept {
    return impl_->waiting.size();
}

bool session::has_room(std::size_t parts) const noexcept {
    return impl_->waiting.size() + parts <= most_waiting;
}

void session::enqueue(const std::shared_ptr<submission>& all, std::uint32_t which) {
    const std::size_t requests = all->messages[which].requests;
    for (std::size_t i = 0; i < requests; ++i)
        impl_->waiting.push_back({all, which, static_cast<std::uint16_t>(i), 0});
    impl_->write_wake.notify();
}

void session::stop() {
    impl_->give_back(not_taken("stopping", milliseconds(1000)), true);
    impl_->stop_wake.notify();
    impl_->tick_wake.notify();
    impl_->maybe_log_out();
}

} // namespace zhida::gateways::wire
