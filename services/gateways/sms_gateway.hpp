// One account at an SMS gateway, whatever protocol it speaks.
#pragma once

#include "services/gateways/gateway.hpp"
#include "services/gateways/sms_text.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zhida::gateways {

// A text as every gateway needs it, made once for as many recipients as it has.
struct sms_body {
    std::string text; // UTF-8 with 【signature】 and opt-out words: what is read and billed
    result<std::vector<sms_part>>
        parts;             // of `text`, for gateways that carry parts; a failure: it cannot be sent
    std::string extension; // digits behind the account's src_id; may be empty
    // For gateways that put the text together themselves:
    std::string signature;                                      // without its brackets
    std::map<std::string, std::string> template_ids;            // protocol ("aliyun") -> the vendor's id
    std::vector<std::pair<std::string, std::string>> variables; // of the template, in its order
};
// Of a text that has no template.
inline sms_body plain_body(std::string text) {
    sms_body b{std::move(text), std::vector<sms_part>(), "", "", {}, {}};
    b.parts = segment_sms(b.text, 0);
    return b;
}

// One recipient's copy of it.
struct sms_copy {
    std::string phone; // with or without +86
    std::shared_ptr<const sms_body> body;
};

// What an account would let go at once.
struct headroom {
    std::size_t parts = SIZE_MAX;
    milliseconds wait{0}; // where it is none by its rate or flow control: until it is some
};

// Used from the executor's thread alone.
class sms_gateway {
  public:
    virtual ~sms_gateway() = default;

    // Keeps its connections up until stop(); returns when all have ended.
    virtual asio::awaitable<void> run() = 0;
    // New messages are refused (retry); what is under way is awaited up to `drain`.
    virtual void stop(milliseconds drain) = 0;
    // Side by side; results in their order, when each has one. accepted: message_ids has one id a part (or
    // one in all), as receipts will name it. unknown: it may have been taken. retry: it surely was not.
    // stopped: the account takes nothing until somebody acts. rejected with code "local:...": never left this
    // machine.
    virtual asio::awaitable<std::vector<send_result>> send_all(std::vector<sms_copy> messages) = 0;
    virtual gateway_status status() const = 0;
    // Messages may be given to it now.
    virtual bool ready() const { return status().state == "connected"; }
    // What is given to it beyond this waits here, and cannot be called back.
    virtual headroom free() const = 0;
    // How much of the account's rate is this process': its shards of all.
    virtual void share(std::size_t mine, std::size_t of) = 0;
};

} // namespace zhida::gateways
