// The decisions of a client of an SMS gateway as plain machines: when to dial again, how much may be under
// way, how fast, when to ask whether the peer lives. Time is passed in. Pure.
#pragma once

#include "common/base/clock.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace zhida::gateways::wire {

// Why a session ended or could not begin.
enum class session_end {
    network,       // not reachable, or the connection broke
    login_refused, // for a cause that nothing changes until somebody acts: password, address, version
    login_failed,  // for another one; or no answer to the login
    terminated,    // the gateway ended it
    silent,        // no answer to our keepalive, or too many requests without an answer
    garbled,       // bytes that are not the protocol
    stopped,       // we were told to
};

// The numbers of requests: they follow each other and begin again at the first.
struct sequence_range {
    std::uint32_t first = 0, last = 0xFFFFFFFF;
};

// Delays between dials: 1 s doubling to 60 s, each spread over its upper half; a refused login waits the
// longest delay at once (a quick second try only locks the account). A session that stood for a minute makes
// the next failure the first again.
class reconnect_policy {
  public:
    static constexpr milliseconds shortest{1000}, longest{60000}, proven{60000};
    // `uniform` in [0, 1); `stood`: how long the session was logged in.
    milliseconds next_delay(session_end why, milliseconds stood, double uniform) noexcept;
    int failures() const noexcept { return failures_; }

  private:
    int failures_ = 0;
};

// Requests without an answer on one connection: a table of twice the window's size, where each number has one
// place. Numbers follow each other, so a place is taken only while an old request waits long for its answer;
// the next request then passes over that number.
template <class Request>
class request_window {
  public:
    explicit request_window(std::size_t size, sequence_range numbers = {})
        : size_(size), numbers_(numbers), slots_(std::bit_ceil(size * 2)) {}

    bool full() const noexcept { return open_ >= size_; }
    std::size_t in_flight() const noexcept { return open_; }
    // The first number from here on whose place is free.
    std::uint32_t next_free(std::uint32_t sequence) const noexcept {
        for (;; ++sequence) {
            if (sequence < numbers_.first || sequence > numbers_.last) sequence = numbers_.first;
            if (!slots_[place(sequence)].request) return sequence;
        }
    }
    // Where it is not full, under a number of next_free().
    void open(std::uint32_t sequence, Request request, steady_time deadline) {
        slots_[place(sequence)] = {std::move(request), deadline, sequence};
        ++open_;
    }
    // Nothing: no such request, or its time was over.
    std::optional<Request> close(std::uint32_t sequence) {
        auto& s = slots_[place(sequence)];
        if (!s.request || s.sequence != sequence) return std::nullopt;
        --open_;
        return std::exchange(s.request, std::nullopt);
    }
    // In no order. It looks at every slot: for once a second, not for every answer.
    std::vector<Request> take_expired(steady_time now) {
        std::vector<Request> late;
        for (const auto& s : slots_)
            if (s.request && s.deadline <= now) late.push_back(std::move(*close(s.sequence)));
        return late;
    }
    // When the next slot's time is over; `none` where nothing is under way.
    steady_time next_deadline(steady_time none) const noexcept {
        for (const auto& s : slots_)
            if (s.request) none = std::min(none, s.deadline);
        return none;
    }
    std::vector<Request> take_all() { return take_expired(steady_time::max()); }

  private:
    struct slot {
        std::optional<Request> request;
        steady_time deadline{};
        std::uint32_t sequence = 0;
    };
    std::size_t place(std::uint32_t sequence) const noexcept { return sequence & (slots_.size() - 1); }

    std::size_t size_, open_ = 0;
    sequence_range numbers_;
    std::vector<slot> slots_;
};

// Flow control said by the gateway (CMPP Result 8, SMPP ESME_RTHROTTLED): all connections pause, longer each
// time it says so again.
class throttle {
  public:
    static constexpr milliseconds shortest{200}, longest{5000};
    void refused(steady_time now) noexcept;
    void accepted(steady_time now) noexcept;
    milliseconds wait(steady_time now) const noexcept {
        return until_ > now ? until_ - now : milliseconds(0);
    }

  private:
    steady_time until_{};
    milliseconds pause_{0};
};

// At most `per_second` parts in any second whatever, counted exactly; 0: no limit. Nothing in the first
// second, because a process before this one may have used it up.
class part_rate {
  public:
    // A second, and what messages may catch up with one another on their way: the gateway counts as they
    // arrive, and a burst of a window a second after the last would be in the same second there.
    static constexpr milliseconds counted_over{1010};
    part_rate(std::int64_t per_second, steady_time start);
    // Until so many parts may go at once. More than a second's may where a whole second was free for them.
    milliseconds wait(steady_time now, std::size_t parts = 1);
    void used(steady_time now, std::size_t parts = 1);
    // How many may go at once.
    std::size_t free(steady_time now);
    // Of several processes that share the account this one has so many shards: it takes that much of the
    // rate, one part a second at the least. More than before from a second later on, as they were another's.
    void share(std::size_t mine, std::size_t of, steady_time now) noexcept;
    static constexpr std::int64_t no_limit = 0, nothing = -1;
    // Parts a second now, or one of those: `nothing` where no shard is ours.
    std::int64_t limit() const noexcept {
        return whole_ == 0 ? no_limit : limit_ == 0 ? nothing : static_cast<std::int64_t>(limit_);
    }

  private:
    struct burst {
        steady_time at;
        std::size_t parts;
    };
    const std::size_t whole_;
    std::size_t limit_, next_limit_, in_last_second_ = 0;
    steady_time start_, next_from_{};
    std::deque<burst> sent_; // of the last second: one a millisecond at most
};

// CMPP_ACTIVE_TEST, enquire_link: asked when the peer was silent for `idle`, again every `answer_within`,
// given up after three.
class keepalive {
  public:
    static constexpr int tries = 3;
    // Of a session to a gateway, from keepalive_s alone: an answer to a submit may take its minute, whether
    // the peer is there at all must be known before (CMPP's own C = 3 min, T = 60 s finds it in six minutes).
    struct timing {
        explicit constexpr timing(std::int64_t keepalive_s)
            : idle(keepalive_s * 1000),
              answer_within(std::clamp(idle / 2, milliseconds(1000), milliseconds(5000))),
              unacknowledged(2 * idle) {}
        constexpr milliseconds noticed_within() const { return idle + tries * answer_within; }
        milliseconds idle, answer_within;
        milliseconds unacknowledged; // TCP_USER_TIMEOUT
    };
    enum class action { none, ask, give_up };
    keepalive(timing t, steady_time now) : keepalive(t.idle, t.answer_within, now) {}
    keepalive(milliseconds idle, milliseconds answer_within, steady_time now)
        : idle_(idle), answer_within_(answer_within), heard_(now) {}

    void heard(steady_time now) noexcept {
        heard_ = now;
        asked_ = 0;
    }
    action due(steady_time now) noexcept;
    // When due() has something to say next.
    steady_time next() const noexcept;

  private:
    milliseconds idle_, answer_within_;
    steady_time heard_, last_asked_{};
    int asked_ = 0;
};

} // namespace zhida::gateways::wire
