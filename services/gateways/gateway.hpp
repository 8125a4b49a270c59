// What the dispatcher knows of a gateway, whatever protocol it speaks.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/json.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
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
    // With `rejected`: not for what the message or its recipient is. Another gateway may take it (CMPP Result
    // 9: this one does not serve the number, which may have moved to another network).
    bool reroute = false;
    // With `accepted`: the last that is heard of it (WeCom tells at once whom it cannot reach): it has
    // arrived.
    bool delivered = false;
};

// Digits without 86, +86 or 0086 in front of a mainland mobile number.
std::string plain_phone(std::string_view phone);

struct receipt {
    std::string gateway;    // its name: "sms", "wechat", "miniprogram", "wecom", that of sms_gateway.NAME
    std::string message_id; // as in send_result
    std::string phone;      // as the gateway wrote it, without +86; may be empty
    std::string status;     // raw: DELIVRD, UNDELIV, success ...
    enum class meaning { delivered, failed, intermediate } means = meaning::failed;
    wall_time at{};
    std::string recipient_fault{}; // of one that failed, as in send_result
    bool pushed = false;           // to the portal, past the gateway's client
};

// A gateway's message id among those of all gateways: itself of the one that is named "sms", whose ids were
// stored before there were several, else NAME/id.
std::string scoped_message_id(std::string_view gateway, std::string_view id);
// What stands before the id there: "" or "NAME/".
std::string message_id_scope(std::string_view gateway);

// Makes receipts durable; false: not all of them are, so acknowledge none (the gateway sends them again, and
// to hear one twice changes nothing).
using receipt_sink = std::function<asio::awaitable<bool>(std::vector<receipt>)>;

// What somebody wrote back to one of our numbers (MO).
struct inbound_sms {
    std::string gateway; // its name
    std::string phone;   // of the writer, without +86
    std::string to;      // the number written to: src_id, perhaps with an extension
    std::string text;    // UTF-8, of all parts; what is no text is U+FFFD
    wall_time at{};
    std::string id{}; // what tells it from another of the same words; "": the gateway gave nothing
};
// Makes them durable; false: as for receipts.
using inbound_sink = std::function<asio::awaitable<bool>(std::vector<inbound_sms>)>;

// Of one process; services/portal/gateway_sum.hpp adds those of several up.
struct gateway_status {
    std::string name;     // as in receipt
    std::string protocol; // "CMPP 3.0", "SMPP 3.4", "Aliyun", "Tencent", "WeChat"
    std::string state;    // connected | connecting | down | stopped | circuit_open
    std::string detail;   // last error, in words
    std::int64_t sent = 0, accepted = 0, rejected = 0, retried = 0, unknown = 0, receipts = 0, orphans = 0;
    std::int64_t inbound = 0;                  // what people wrote back
    std::map<std::string, std::int64_t> codes; // the gateway's own, other than "taken": how often
    // Parts a second that this process may send; 0: no limit of ours, -1: none, as no shard is its own.
    std::int64_t rate_per_s = 0;
    std::int64_t connections = 0; // up now
    std::int64_t weight = 1;      // among the gateways of its channel
    double health = 1;            // by how much its weight counts, 0 to 1
    std::int64_t receipt_ms = -1; // how long receipts take, typically; -1: not known
    std::int64_t in_flight = 0, window = 0;
    std::int64_t since_ms = 0;      // when the state began, milliseconds since 1970
    std::string circuit = "closed"; // closed | open | half_open: services/gateways/circuit.hpp
};
json to_json(const gateway_status&);

} // namespace zhida::gateways
