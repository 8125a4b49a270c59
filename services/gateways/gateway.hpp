// What the dispatcher knows of a gateway, whatever protocol it speaks.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace zhida::gateways {

namespace asio = boost::asio;

enum class send_outcome {
    accepted, // the gateway took it; message_ids say how its receipts will name it
    rejected, // it never will: fail this recipient with `code`
    retry,    // it surely did not take it; try again after retry_after
    unknown,  // sent, nobody confirmed
    stopped,  // it surely did not take it, and will take nothing until somebody acts (credentials, quota)
};

struct send_result {
    send_outcome outcome = send_outcome::unknown;
    std::vector<std::string> message_ids; // none, or one a part, "" where the gateway gave none; opaque
    std::string code;                     // the gateway's own, e.g. "cmpp:13", "wechat:43101"
    std::string detail;                   // for operators
    milliseconds retry_after{0};
    // What the rejection says of the recipient: "" | "bad_number" | "refused" (unsubscribed) |
    // "not_following" | "content"
    std::string recipient_fault;
    // With `retry`: it may have been taken all the same, so that only a gateway which drops repetitions may
    // get it again, and only as long as it does.
    bool in_doubt = false;
};

struct receipt {
    std::string gateway;    // "sms", "wechat"
    std::string message_id; // as in send_result
    std::string phone;      // as the gateway wrote it, without +86; may be empty
    std::string status;     // raw: DELIVRD, UNDELIV, success ...
    enum class meaning { delivered, failed, intermediate } means = meaning::failed;
    wall_time at{};
};

// Makes receipts durable; false: not all of them are, so acknowledge none (the gateway sends them again, and
// to hear one twice changes nothing).
using receipt_sink = std::function<asio::awaitable<bool>(std::vector<receipt>)>;

// Makes durable that these numbers want no message any more; false: as for receipts.
using opt_out_sink = std::function<asio::awaitable<bool>(std::vector<std::string> phones)>;

struct gateway_status {
    std::string name;     // "sms", "wechat"
    std::string protocol; // "CMPP 3.0", "WeChat"
    std::string state;    // connected | connecting | down | stopped | circuit_open
    std::string detail;   // last error, in words
    std::int64_t sent = 0, accepted = 0, rejected = 0, retried = 0, unknown = 0, receipts = 0, orphans = 0;
    std::int64_t inbound = 0, opt_outs = 0; // what people wrote back; of that: that they want no more
    std::int64_t in_flight = 0, window = 0;
    std::int64_t since_ms = 0;      // when the state began, milliseconds since 1970
    std::string circuit = "closed"; // closed | open | half_open: services/gateways/circuit.hpp
};
json to_json(const gateway_status&);

} // namespace zhida::gateways
