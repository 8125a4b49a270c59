// What the sessions of one CMPP account share: settings, pace, stop, counters. One thread.
#pragma once

#include "common/base/config.hpp"
#include "services/gateways/channel_stop.hpp"
#include "services/gateways/cmpp_codec.hpp"
#include "services/gateways/cmpp_outgoing.hpp"
#include "services/gateways/cmpp_policies.hpp"
#include "services/gateways/wake_up.hpp"

#include <map>
#include <random>

namespace zhida::gateways::cmpp {

struct channel {
    channel(asio::any_io_executor ex, const clock& c, sms_config s, receipt_sink to)
        : executor(ex), time(c), settings(std::move(s)), sink(std::move(to)),
          layout(settings.version == "2.0" ? version::v20 : version::v30),
          rate(settings.rate_per_s, c.steady_now()), random(std::random_device{}()) {}

    asio::any_io_executor executor;
    const clock& time;
    sms_config settings;
    receipt_sink sink;
    version layout;
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
        auto& last = last_line_[subject];
        const auto now = time.now();
        if (last != wall_time{} && now < last + milliseconds(60000)) return false;
        last = now;
        return true;
    }

  private:
    std::map<std::string, wall_time> last_line_;
};

// A message and the coroutine that waits for it.
struct outgoing {
    outgoing(asio::any_io_executor ex, sms_message m, std::vector<sms_part> p, steady_time until)
        : message(std::move(m)), parts(std::move(p)), results(parts.size()), done(ex), give_up_at(until) {}
    sms_message message;
    std::vector<sms_part> parts;
    part_results results;
    wake_up done;
    steady_time give_up_at;  // no part taken by then: the caller tries again later
    std::size_t written = 0; // parts under way or taken
    bool counted = false;

    void settle(std::size_t part, send_result r) {
        results.settle(part, std::move(r));
        if (results.settled()) done.notify();
    }
};

struct part_job {
    std::shared_ptr<outgoing> message;
    std::size_t index = 0;
    int refusals = 0; // by flow control
};

} // namespace zhida::gateways::cmpp
