// What the sessions of one account share: settings, pace, stop, counters. One thread.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/outgoing.hpp"
#include "services/gateways/protocol.hpp"
#include "services/gateways/session_policies.hpp"
#include "services/gateways/wake_up.hpp"

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>

namespace zhida::gateways::wire {

struct channel {
    channel(asio::any_io_executor ex, const clock& c, sms_gateway_config s,
            std::unique_ptr<const protocol> language, receipt_sink to, inbound_sink in)
        : executor(ex), time(c), settings(std::move(s)), sink(std::move(to)), inbound(std::move(in)),
          speaks(std::move(language)), flaw(speaks->flaw()), written_back(settings.name),
          rate(settings.rate_per_s, c.steady_now()), random(std::random_device{}()) {}

    asio::any_io_executor executor;
    const clock& time;
    sms_gateway_config settings;
    receipt_sink sink;
    inbound_sink inbound;
    std::unique_ptr<const protocol> speaks;
    std::optional<failure> flaw; // of our settings: no message can be written
    inbound_parts written_back;  // texts of which parts are missing
    throttle flow;
    part_rate rate;
    channel_stop stop;
    std::mt19937 random;
    bool stopping = false;
    steady_time stop_by{};
    gateway_status counters; // only its counters

    milliseconds response_timeout() const { return milliseconds(settings.response_timeout_s * 1000); }
    // True the first time in a minute for this subject, so that a flood of errors is one line a minute.
    bool worth_a_line(const std::string& subject) {
        if (last_line_.size() >= most_codes && !last_line_.contains(subject)) return false;
        auto& last = last_line_[subject];
        const auto now = time.now();
        if (last != wall_time{} && now < last + milliseconds(60000)) return false;
        last = now;
        return true;
    }

    void count_code(const std::string& code) {
        // A gateway that makes up codes shall not fill our memory.
        const bool known = counters.codes.size() < most_codes || counters.codes.contains(code);
        ++counters.codes[known ? code : std::string(speaks->code_prefix()) + ":*"];
    }

  private:
    static constexpr std::size_t most_codes = 100;
    std::map<std::string, wall_time> last_line_;
};

// Messages that are sent in one call, and the coroutine that waits for all of them.
struct submission {
    submission(asio::any_io_executor ex, std::vector<sms_copy> copies, steady_time until)
        : messages(copies.size()), results(copies.size()), left(copies.size()), done(ex), give_up_at(until) {
        for (std::size_t i = 0; i < copies.size(); ++i) messages[i].copy = std::move(copies[i]);
    }
    struct message {
        sms_copy copy;
        std::unique_ptr<part_results> parts; // of several; one part's result is the message's
        std::uint32_t written = 0;           // requests under way or taken
        std::uint16_t requests = 1;          // one a part, or one for the whole text
        std::uint8_t udh_ref = 0;
        bool counted = false, enqueued = false;

        std::size_t part_count() const noexcept { return copy.body->parts->size(); }
    };
    std::vector<message> messages;
    std::vector<send_result> results; // in the same order
    std::size_t left;                 // messages without a result
    wake_up done;
    steady_time give_up_at; // no part taken by then: the caller tries again later

    // Of a request, once.
    void settle(std::size_t which, std::size_t part, send_result r) {
        if (const auto& parts = messages[which].parts) {
            parts->settle(part, std::move(r));
            if (!parts->settled()) return;
            r = parts->combined();
        }
        results[which] = std::move(r);
        if (--left == 0) done.notify();
    }
};

// One request: a part, or a whole text.
struct part_job {
    std::shared_ptr<submission> of;
    std::uint32_t which = 0; // of its messages
    std::uint16_t part = 0;
    std::uint16_t refusals = 0; // by flow control

    submission::message& message() const { return of->messages[which]; }
    std::span<const sms_part> content() const {
        const auto& m = message();
        const std::span<const sms_part> all(*m.copy.body->parts);
        return m.requests == 1 ? all : all.subspan(part, 1);
    }
    void settle(send_result r) const { of->settle(which, part, std::move(r)); }
};

} // namespace zhida::gateways::wire
