// Takes what people write back to our numbers, whoever hears it. A word of refusal opts the number out at
// once and is acknowledged once; everything else is for a department to read.
#pragma once

#include "common/base/clock.hpp"
#include "common/model/campaign.hpp"
#include "common/store/acknowledgements.hpp"
#include "common/store/campaigns.hpp"
#include "common/store/feedback.hpp"
#include "services/consent_log.hpp"
#include "services/gateways/gateway.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida {

namespace asio = boost::asio;

enum class inbound_kind : std::uint8_t {
    refusal,  // opt the number out
    feedback, // for a department
    nothing,  // no text that anybody could read
};
inbound_kind kind_of(const gateways::inbound_sms& m);

// So long people are taken to answer the last SMS that they got.
inline constexpr std::chrono::hours answers_within{72};
// The department that alone has sent SMS of late, as far as campaigns tell; "": none has, or several have.
std::string only_sender_of_sms(const std::vector<campaign>& campaigns, wall_time now);

class inbound_intake {
  public:
    // Department that a number of ours belongs to, by its extension; "": not known. `to` as in inbound_sms.
    using department_of_number = std::function<std::string(std::string_view to)>;

    // References must outlive it.
    inbound_intake(io::redis& redis, io::event_log& log, store::consents& consents,
                   store::campaigns& campaigns, const crypto::sealer& sealer, const clock& time, int shards,
                   department_of_number of_number = {});

    // True: all are durable and refusals in force. False: not all of them; the gateway sends them again, and
    // to hear one twice changes nothing.
    asio::awaitable<bool> accept(std::vector<gateways::inbound_sms> messages);

  private:
    asio::awaitable<result<void>> accept_one(gateways::inbound_sms m);
    asio::awaitable<result<void>> opt_out(gateways::inbound_sms m);
    asio::awaitable<result<void>> keep(gateways::inbound_sms m);
    asio::awaitable<result<std::string>> department_of(std::string to);

    store::campaigns& campaigns_;
    const clock& time_;
    department_of_number of_number_;
    consent_log changes_;
    store::number_digests digests_;
    store::feedback feedback_;
    store::acknowledgements acknowledgements_;
    std::string only_sender_; // as it was at looked_
    std::optional<steady_time> looked_;
};

} // namespace zhida
