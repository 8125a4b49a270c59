#include "common/io/redis_connection.hpp"

#include "common/io/spawn.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>

namespace zhida::io {

namespace {

using asio::experimental::awaitable_operators::operator&&;
using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

// What may wait for Redis at once; more is a caller that does not wait for answers.
constexpr std::size_t max_pending_commands = 100'000;
constexpr std::size_t max_pending_bytes = std::size_t{256} << 20;

// hiredis moves the rest of its buffer after every KB it has parsed, so pieces must not be large.
constexpr std::size_t read_piece = 64 << 10;
// Small calls are copied together into one write of about this size; a larger call is written from its place.
constexpr std::size_t write_block = 256 << 10;

constexpr milliseconds first_backoff{50}, longest_backoff{1000};

} // namespace

void redis_session::close(failure why) {
    if (!open) return;
    open = false;
    lost = std::move(why);
    boost::system::error_code ignored; // a socket that is gone anyway
    socket.close(ignored);
    resolver.cancel();
    wake.cancel();
    deadline.cancel();
}

redis::impl::impl(asio::any_io_executor e, redis_options o)
    : executor(std::move(e)), options(std::move(o)), backoff_(executor), random_(std::random_device{}()) {
    auto parsed = parse_redis_url(options.url);
    if (parsed)
        address = std::move(*parsed);
    else
        bad_url_ = parsed.error();
}

failure redis::impl::unreachable(const std::string& what) const {
    return {errc::unavailable, what, where(), "check that Redis runs there and that redis.url is right"};
}

asio::awaitable<result<std::vector<redis_reply>>>
redis::impl::submit(std::shared_ptr<impl> self, std::vector<redis_args> commands, milliseconds timeout) {
    if (self->closed_) co_return failure{errc::cancelled, "the connection was closed", self->where(), ""};
    if (self->bad_url_) co_return *self->bad_url_;
    if (commands.empty()) co_return std::vector<redis_reply>();

    auto call = std::make_shared<redis_call>(self->executor);
    call->commands = commands.size();
    for (const auto& command : commands) append_command(call->wire, command);
    commands = {};
    call->bytes = call->wire.size();
    if (self->pending_commands_ + call->commands > max_pending_commands ||
        self->pending_bytes_ + call->bytes > max_pending_bytes)
        co_return failure{errc::exhausted,
                          std::to_string(self->pending_commands_) + " commands and " +
                              std::to_string(self->pending_bytes_) +
                              " bytes wait for Redis already: there is no room for " +
                              std::to_string(call->commands) + " commands of " + std::to_string(call->bytes) +
                              " bytes",
                          self->where(), "send less at once and wait for the answers"};
    call->wake.expires_after(timeout);
    self->enqueue(call);
    // Cancelled by finish(); an error without `done` is the caller's own cancellation.
    const auto [error] = co_await call->wake.async_wait(tuple);
    if (!call->done) {
        if (!error) co_return self->expired(*call, timeout);
        failure stopped{errc::cancelled, "the caller stopped waiting", self->where(), ""};
        if (!call->taken) self->finish(*call, stopped);
        co_return stopped;
    }
    if (call->failed) co_return std::move(*call->failed);
    co_return std::move(call->replies);
}

void redis::impl::enqueue(const std::shared_ptr<redis_call>& call) {
    pending_commands_ += call->commands;
    pending_bytes_ += call->bytes;
    queue_.push_back(call);
    if (!running_) {
        running_ = true;
        spawn(executor, run(shared_from_this()));
    } else if (session_) {
        session_->wake.cancel();
    }
}

void redis::impl::finish(redis_call& call, std::optional<failure> why) {
    if (call.done) return;
    call.done = true;
    call.failed = std::move(why);
    pending_commands_ -= call.commands;
    pending_bytes_ -= call.bytes;
    call.wake.cancel();
}

// The deadline of a call passed. What was written stays in flight, so that its late answer is not taken for
// another's; only a connection that is silent altogether is given up.
failure redis::impl::expired(redis_call& call, milliseconds timeout) {
    const auto waited = std::to_string(timeout.count()) + " ms";
    if (!call.taken) {
        auto why = unreachable("not connected within " + waited + ": nothing was sent");
        finish(call, why);
        return why;
    }
    failure why{errc::timeout, "no answer within " + waited + ": whether it was done is unknown", where(),
                "look at Redis' load and slow log, or raise redis.timeout_ms"};
    if (session_ && session_->open && steady::now() - session_->last_read >= options.timeout)
        session_->close(why);
    return why;
}

void redis::impl::fail_queue(const failure& why) {
    for (const auto& call : std::exchange(queue_, {})) finish(*call, why);
}

void redis::impl::back_off() {
    const auto longest = std::min(longest_backoff, first_backoff * (1U << std::min(failures_, 5U)));
    ++failures_;
    // From half of it to all of it, so that many processes do not come back at the same moment.
    const auto half = longest.count() / 2;
    next_attempt_ =
        steady::now() + milliseconds(half + std::uniform_int_distribution<long>(0, half)(random_));
}

// Lives while there is work or a connection. A call that comes while Redis is away waits for the next attempt
// (at most a second away) and fails with it.
asio::awaitable<void> redis::impl::run(std::shared_ptr<impl> self) {
    while (!self->closed_ && !self->queue_.empty()) {
        if (self->failures_ > 0) {
            self->backoff_.expires_at(self->next_attempt_);
            co_await self->backoff_.async_wait(tuple);
            if (self->closed_) break;
        }
        auto s = std::make_shared<redis_session>(self->executor);
        self->session_ = s;
        const auto opened = co_await open(self, s);
        if (!opened) {
            self->session_.reset();
            self->back_off();
            self->fail_queue(opened.error());
            continue;
        }
        co_await (read_loop(self, s) && write_loop(self, s));
        self->end_session(*s);
    }
    self->running_ = false;
}

asio::awaitable<void> redis::impl::give_up_opening(std::shared_ptr<impl> self,
                                                   std::shared_ptr<redis_session> s) {
    const auto [error] = co_await s->deadline.async_wait(tuple);
    if (!error)
        s->close(self->unreachable("could not connect within " +
                                   std::to_string(self->options.timeout.count()) + " ms"));
}

asio::awaitable<result<void>> redis::impl::open(std::shared_ptr<impl> self,
                                                std::shared_ptr<redis_session> s) {
    s->deadline.expires_after(self->options.timeout);
    spawn(self->executor, give_up_opening(self, s));
    const auto [not_found, endpoints] =
        co_await s->resolver.async_resolve(self->address.host, self->address.port, tuple);
    if (not_found) s->close(self->unreachable("the host name cannot be resolved: " + not_found.message()));
    if (!s->open) co_return *s->lost;
    const auto [refused, endpoint] = co_await asio::async_connect(s->socket, endpoints, tuple);
    if (refused) s->close(self->unreachable("cannot connect: " + refused.message()));
    if (!s->open) co_return *s->lost;
    boost::system::error_code ignored; // both are improvements, not needs
    s->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    s->socket.set_option(asio::socket_base::keep_alive(true), ignored);
    s->last_read = steady::now();
    if (const auto in = co_await sign_in(self, s); !in) {
        s->close(in.error());
        co_return *s->lost;
    }
    s->deadline.cancel();
    co_return result<void>();
}

asio::awaitable<result<void>> redis::impl::sign_in(std::shared_ptr<impl> self,
                                                   std::shared_ptr<redis_session> s) {
    const auto& a = self->address;
    std::string wire;
    std::vector<std::string> names;
    if (!a.password.empty()) {
        append_command(wire, a.user.empty() ? redis_args{"AUTH", a.password}
                                            : redis_args{"AUTH", a.user, a.password});
        names.push_back("AUTH");
    }
    if (a.db != 0) {
        append_command(wire, {"SELECT", std::to_string(a.db)});
        names.push_back("SELECT");
    }
    if (names.empty()) co_return result<void>();
    const auto [unsent, sent] = co_await asio::async_write(s->socket, asio::buffer(wire), tuple);
    if (unsent) co_return self->unreachable("lost while signing in: " + unsent.message());
    std::string piece(4096, '\0');
    for (const auto& name : names) {
        for (;;) {
            auto reply = s->replies.next();
            if (!reply) co_return self->unreachable(reply.error().what);
            if (*reply) {
                if ((*reply)->type == redis_reply::kind::error)
                    co_return failure{errc::refused, name + " was refused: " + (*reply)->text, self->where(),
                                      "check user, password and database in redis.url"};
                break;
            }
            const auto [lost, got] = co_await s->socket.async_read_some(asio::buffer(piece), tuple);
            if (lost) co_return self->unreachable("lost while signing in: " + lost.message());
            s->replies.feed(std::string_view(piece.data(), got));
        }
    }
    co_return result<void>();
}

asio::awaitable<void> redis::impl::write_loop(std::shared_ptr<impl> self, std::shared_ptr<redis_session> s) {
    std::string block;
    std::vector<std::shared_ptr<redis_call>> batch; // keeps their bytes while they are written
    while (s->open) {
        block.clear();
        batch.clear();
        asio::const_buffer bytes;
        while (!self->queue_.empty() && block.size() < write_block) {
            auto call = self->queue_.front();
            const bool large = call->wire.size() >= write_block / 4;
            if (!call->done && large && !block.empty()) break; // goes alone, next
            self->queue_.pop_front();
            if (call->done) continue; // given up by its caller
            call->taken = true;
            call->begin = s->queued;
            s->queued += call->wire.size();
            s->in_flight.push_back(call);
            batch.push_back(call);
            if (large) {
                bytes = asio::buffer(call->wire);
                break;
            }
            block += call->wire;
            call->wire = {};
        }
        if (batch.empty()) {
            s->wake.expires_at(steady::time_point::max());
            co_await s->wake.async_wait(tuple);
            continue;
        }
        if (!block.empty()) bytes = asio::buffer(block);
        const auto [error, count] = co_await asio::async_write(s->socket, bytes, tuple);
        s->written += count;
        for (const auto& call : batch) call->wire = {};
        if (error) s->close(self->unreachable("the connection was lost: " + error.message()));
    }
}

asio::awaitable<void> redis::impl::read_loop(std::shared_ptr<impl> self, std::shared_ptr<redis_session> s) {
    std::string piece(read_piece, '\0');
    while (s->open) {
        const auto [error, count] = co_await s->socket.async_read_some(asio::buffer(piece), tuple);
        if (error) {
            s->close(self->unreachable("the connection was lost: " + error.message()));
            break;
        }
        s->last_read = steady::now();
        s->replies.feed(std::string_view(piece.data(), count));
        if (!self->take_replies(*s)) break;
    }
}

bool redis::impl::take_replies(redis_session& s) {
    for (;;) {
        auto reply = s.replies.next();
        if (!reply || (*reply && s.in_flight.empty())) {
            auto why =
                reply ? failure{errc::invalid, "an answer that nobody asked for", "", ""} : reply.error();
            why.where = where();
            // Only the call whose answer it was learns of it by this name.
            if (!s.in_flight.empty()) finish(*s.in_flight.front(), why);
            s.close(std::move(why));
            return false;
        }
        if (!*reply) return true;
        s.answered = true;
        failures_ = 0;
        const auto call = s.in_flight.front();
        if (call->replies.empty()) call->replies.reserve(call->commands);
        call->replies.push_back(std::move(**reply));
        if (call->replies.size() < call->commands) continue;
        s.in_flight.pop_front();
        finish(*call, std::nullopt);
    }
}

void redis::impl::end_session(redis_session& s) {
    const auto why = s.lost ? s.lost->what : std::string("the connection was closed");
    for (const auto& call : s.in_flight) {
        if (closed_)
            finish(*call, failure{errc::cancelled, "the connection was closed", where(), ""});
        else if (call->begin >= s.written)
            finish(*call, unreachable(why + "; nothing was sent"));
        else
            finish(*call, failure{errc::timeout, why + "; whether it was done is unknown", where(),
                                  "look at Redis' log"});
    }
    s.in_flight.clear();
    session_.reset();
    if (!s.answered) back_off();
}

void redis::impl::close() {
    if (closed_) return;
    closed_ = true;
    const failure why{errc::cancelled, "the connection was closed", where(), ""};
    fail_queue(why);
    backoff_.cancel();
    if (session_) session_->close(why);
}

} // namespace zhida::io
