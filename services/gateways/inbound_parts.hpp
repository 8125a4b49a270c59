// What somebody wrote in several short messages, put together again. Parts come in any order, over any
// connection, repeated, each in a format of its own, and their reference (8 or 16 bits) comes round again.
// Pure. Source: 3GPP TS 23.040 §9.2.3.24.1 and .8 (user data header, elements 00 and 08).
#pragma once

#include "services/gateways/gateway.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zhida::gateways::wire {

// The frame that a report or an inbound message came in: what its confirmation repeats.
struct origin {
    std::uint32_t sequence = 0;
    std::uint64_t id = 0; // CMPP: the DELIVER's own Msg_Id
};

// Who confirms it: the session that it came in by.
class confirmer {
  public:
    virtual ~confirmer() = default;
    virtual void confirm(const origin& from) = 0;
};
struct delivery {
    std::weak_ptr<confirmer> by;
    origin at;
};

struct inbound_part {
    std::string phone, to;   // as in inbound_sms
    std::string content;     // without its header
    std::uint8_t format = 0; // as of inbound_utf8()
    std::uint16_t ref = 0;
    std::uint8_t total = 1, number = 1; // number: 1 to total
};
// Takes the header off p.content and the place among other parts out of it; a header that says nonsense about
// the place is taken off all the same.
void take_header(inbound_part& p);

class inbound_parts {
  public:
    struct whole {
        inbound_sms text;
        std::vector<delivery> from; // to be confirmed when it is durable
    };
    static constexpr milliseconds patience{60000};     // then what there is is given out as it is
    static constexpr milliseconds confirm_after{5000}; // a part; gateways repeat what waits longer
    static constexpr std::size_t most = 4096; // deliveries kept; the oldest text is given out for more

    explicit inbound_parts(std::string gateway) : gateway_(std::move(gateway)) {}

    // What is whole by this part: it alone where it is the only one, nothing where others are missing.
    std::vector<whole> add(inbound_part p, delivery from, wall_time at, steady_time now);
    // Texts that waited too long for their rest.
    std::vector<whole> overdue(steady_time now);
    // Parts that waited so long for others that they must be confirmed though their text is not durable.
    std::vector<delivery> unconfirmed(steady_time now);
    // At the end: texts with confirmed parts as they are. The gateway repeats the parts of all others.
    std::vector<whole> confirmed();
    bool empty() const noexcept { return open_.empty(); }

  private:
    struct open_text {
        std::string phone, to;
        std::uint16_t ref;
        std::vector<std::optional<inbound_part>> parts; // total of them
        std::size_t there = 0;
        std::vector<delivery> from;
        wall_time at;
        steady_time since;
        bool confirmed = false; // some part is
    };
    whole close(std::size_t which);

    std::string gateway_;
    std::vector<open_text> open_; // by age
    std::size_t deliveries_ = 0;
};

} // namespace zhida::gateways::wire
