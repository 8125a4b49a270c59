// The decisions of a CMPP client as plain machines: when to dial again, how much may be under way, how fast,
// when to ask whether the peer lives. Time is passed in. Pure.
#pragma once

#include "services/gateways/cmpp_results.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace zhida::gateways::cmpp {

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

// Requests without an answer on one connection.
template <class Request>
class request_window {
  public:
    explicit request_window(std::size_t size) : size_(size) {}

    bool full() const noexcept { return slots_.size() >= size_; }
    std::size_t in_flight() const noexcept { return slots_.size(); }
    void open(std::uint32_t Sequence_Id, Request request, steady_time deadline) {
        slots_.insert_or_assign(Sequence_Id, slot{std::move(request), deadline});
    }
    // Nothing: no such request, or its time was over.
    std::optional<Request> close(std::uint32_t Sequence_Id) {
        const auto found = slots_.find(Sequence_Id);
        if (found == slots_.end()) return std::nullopt;
        std::optional<Request> request(std::move(found->second.request));
        slots_.erase(found);
        return request;
    }
    std::vector<Request> take_expired(steady_time now) {
        std::vector<Request> late;
        for (auto s = slots_.begin(); s != slots_.end();) {
            if (s->second.deadline > now) {
                ++s;
                continue;
            }
            late.push_back(std::move(s->second.request));
            s = slots_.erase(s);
        }
        return late;
    }
    // When the next slot's time is over; `none` where nothing is under way.
    steady_time next_deadline(steady_time none) const noexcept {
        for (const auto& [sequence, s] : slots_) none = std::min(none, s.deadline);
        return none;
    }
    std::vector<Request> take_all() {
        std::vector<Request> all;
        all.reserve(slots_.size());
        for (auto& [sequence, s] : slots_) all.push_back(std::move(s.request));
        slots_.clear();
        return all;
    }

  private:
    struct slot {
        Request request;
        steady_time deadline;
    };
    std::size_t size_;
    std::map<std::uint32_t, slot> slots_;
};

// Flow control said by the gateway (Result 8): all connections pause, longer each time it says so again.
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
    part_rate(std::int64_t per_second, steady_time start);
    milliseconds wait(steady_time now);
    void used(steady_time now);

  private:
    std::size_t limit_;
    steady_time start_;
    std::deque<steady_time> sent_;
};

// ACTIVE_TEST: asked when the peer was silent for `idle`, again every `answer_within`, given up after three.
class keepalive {
  public:
    static constexpr int tries = 3;
    enum class action { none, ask, give_up };
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

} // namespace zhida::gateways::cmpp
